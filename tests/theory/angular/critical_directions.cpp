#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/angular/cramer.hpp>
#include <tutelage/theory/angular/critical_directions.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

template <class T>
critical_directions<T> judge(const std::vector<T>& theta) {
  return judge_critical_directions(std::span<const T>(theta));
}

std::vector<double> random_directions(std::size_t m, stream& random) {
  std::vector<double> theta(m);
  random.fill_uniform(std::span(theta), 0, 2 * pi);
  return theta;
}

bool excluded(direction_verdict verdict) {
  return verdict == direction_verdict::none_of_length || verdict == direction_verdict::none_across;
}

}  // namespace

TEST_CASE("bounds hold: what long double says lies within them") {
  stream random = random_stream(31);
  for (std::size_t m = 1; m <= 12; ++m) {
    for (int round = 0; round < 60; ++round) {
      auto theta = random_directions(m, random);
      // Some sets are close to degenerate.
      if (m > 1 && round % 3 == 1) theta[1] = theta[0] + std::pow(10.0, -round / 12.0) * 1e-2;
      if (m > 1 && round % 3 == 1 && theta[1] >= 2 * pi) continue;
      if (m > 1 && round % 3 == 2) theta[1] = std::fmod(theta[0] + pi, 2 * pi);
      const auto near = judge(theta);
      const auto exact = judge(std::vector<long double>(theta.begin(), theta.end()));
      for (std::size_t i = 0; i < m; ++i) {
        const auto difference = [](double x, long double y) {
          return static_cast<double>(std::abs(x - y));
        };
        CHECK(difference(near.rho[i], exact.rho[i]) <= near.rho_error[i]);
        CHECK(difference(near.across[i], exact.across[i]) <= near.across_error[i]);
      }
      if (excluded(near.verdict)) CHECK(exact.verdict == near.verdict);
    }
  }
}

TEST_CASE("bounds are of use: round-off times condition, and no more than m^2 of it") {
  stream random = random_stream(32);
  for (std::size_t m = 1; m <= 9; ++m) {
    for (int round = 0; round < 60; ++round) {
      const auto result = judge(random_directions(m, random));
      const auto size = static_cast<double>(m);
      if (result.condition * size * size * 30 * epsilon < double >> 0.5) continue;
      double largest = 1;
      for (const double x : result.rho) largest = std::max(largest, std::abs(x));
      for (const double error : result.rho_error) {
        CHECK(error <= 60 * size * size * epsilon<double> * result.condition * largest);
      }
    }
  }
}

TEST_CASE("lengths are ratios of determinants") {
  stream random = random_stream(33);
  for (std::size_t m = 1; m <= 9; ++m) {
    for (int round = 0; round < 10; ++round) {
      const auto theta = random_directions(m, random);
      const auto result = judge(theta);
      angular_matrices<long double> a;
      const std::vector<long double> wide(theta.begin(), theta.end());
      a.compute(arc_cosine<1>{}, std::span<const long double>(wide));
      cramer_determinants<long double> c;
      c.compute(a.M, a.b);
      for (std::size_t i = 0; i < m; ++i) {
        CHECK(close_to(result.rho[i], static_cast<double>(c.replaced()[i] / c.det()),
                       result.rho_error[i]));
      }
    }
  }
}

TEST_CASE("the condition of M") {
  // [[pi, g], [g, pi]]: (pi + g) times (pi + g) / (pi^2 - g^2).
  for (const double apart : {2.0, 0.5, 0.01}) {
    const double g = arc_cosine<1>{}(apart), expected = (pi + g) / (pi - g);
    const auto result = judge<double>({1, 1 + apart});
    CHECK(close_to(result.condition, expected, 16 * epsilon<double> * expected * expected));
  }
}

TEST_CASE("along and across: the population gradient vanishes along, and is `across` across") {
  // -dJ/dw_i = sum_j a_j [(pi - theta_ij) w_j + |w_j| sin theta_ij w_i/|w_i|] / (2 pi), a = 1 for
  // the teacher and -1 for students (arXiv:1909.13458v1, Theorem 6).
  stream random = random_stream(34);
  for (std::size_t m = 1; m <= 5; ++m) {
    for (int round = 0; round < 20; ++round) {
      const auto theta = random_directions(m, random);
      const auto result = judge(theta);
      for (std::size_t i = 0; i < m; ++i) {
        std::array<double, 2> gradient{};
        double gauge = 0;
        const auto add = [&](double direction, double length) {
          const double d = direction - theta[i];
          const double t = std::abs(std::atan2(std::sin(d), std::cos(d)));
          const double w[2] = {std::cos(direction), std::sin(direction)};
          const double u[2] = {std::cos(theta[i]), std::sin(theta[i])};
          for (std::size_t k = 0; k < 2; ++k)
            gradient[k] += length * ((pi - t) * w[k] + std::sin(t) * u[k]);
          gauge += std::abs(length) * 2 * pi;
        };
        add(0, 1);
        for (std::size_t j = 0; j < m; ++j) add(theta[j], -result.rho[j]);
        const double along = gradient[0] * std::cos(theta[i]) + gradient[1] * std::sin(theta[i]);
        const double across = gradient[1] * std::cos(theta[i]) - gradient[0] * std::sin(theta[i]);
        const double unit = 8 * epsilon<double> * gauge;
        double off = 0;  // of the gradient, by errors of rho
        for (const double error : result.rho_error) off += 4 * error;
        CHECK(close_to(along, 0, unit + off));
        CHECK(close_to(across, result.across[i], unit));
      }
    }
  }
}

TEST_CASE("Theorem 3.1: two students never stand still but at the teacher") {
  stream random = random_stream(35);
  std::size_t by_length = 0, across = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto result = judge(random_directions(2, random));
    by_length += result.verdict == direction_verdict::none_of_length ? 1 : 0;
    across += result.verdict == direction_verdict::none_across ? 1 : 0;
  }
  CHECK(by_length + across == 2000);
  CHECK(by_length > 500);
  CHECK(across > 500);
}

TEST_CASE("Theorem 5.1: three and more students are excluded by a length") {
  stream random = random_stream(36);
  for (std::size_t m = 3; m <= 9; ++m) {
    for (int round = 0; round < 200; ++round) {
      const auto result = judge(random_directions(m, random));
      const bool decided = result.verdict != direction_verdict::undecided;
      CHECK((result.verdict == direction_verdict::none_of_length || !decided));
      if (decided) CHECK(result.rho[result.witness] < -result.rho_error[result.witness]);
    }
  }
}

TEST_CASE("what is not excluded") {
  // Almost aligned: no digit of double excludes it.
  const auto aligned = judge<double>({1e-17});
  CHECK(aligned.verdict == direction_verdict::possible);
  CHECK(close_to(aligned.rho[0], 1, 8 * epsilon<double>));
  // One student elsewhere: a gradient across remains; opposite, its length is 0.
  CHECK(judge<double>({1}).verdict == direction_verdict::none_across);
  CHECK(judge<double>({pi}).verdict == direction_verdict::undecided);
  // Two alike, and three opposite pairs: M is singular.
  for (const auto& theta : {std::vector<double>{1, 1, 2}, {1, 1 + pi, 2, 2 + pi, 0.3, 0.3 + pi}}) {
    const auto singular = judge(theta);
    CHECK(singular.verdict == direction_verdict::undecided);
    CHECK(singular.rho_error[0] == std::numeric_limits<double>::infinity());
    CHECK(singular.condition == std::numeric_limits<double>::infinity());
  }
  CHECK(judge<double>({}).verdict == direction_verdict::undecided);
}

TEST_CASE("directions that are none") {
  CHECK(message_of<argument_error>([] {
          static_cast<void>(judge<double>({1, 0}));
        }) == "judge_critical_directions: a direction is the teacher's, 0");
  CHECK(message_of<argument_error>([] {
          static_cast<void>(judge<double>({1, 7}));
        }) == "angular_matrices: a direction is 7, expected in [0, 2 pi)");
}

TEST_CASE_TEMPLATE("singular sets: lengths and bounds are numbers, or bounds infinite", T, float,
                   double) {
  stream random = random_stream(35);
  std::size_t unknown = 0;
  for (int round = 0; round < 400; ++round) {
    // Equal directions and opposite ones, exactly and by rounding.
    std::vector<T> theta(3 + random.below(6));
    for (T& x : theta) x = static_cast<T>(random.uniform() * 2 * pi * 0.999 + 1e-3);
    for (std::size_t i = 1; i < theta.size(); i += 2) {
      const std::uint64_t kind = random.below(4);
      T x = theta[random.below(i)] + (kind == 0 ? std::numbers::pi_v<T> : T(0));
      if (kind == 3) x = std::nextafter(x, T(0));
      if (x >= 2 * std::numbers::pi_v<T>) x -= 2 * std::numbers::pi_v<T>;
      if (x > 0) theta[i] = x;
    }
    const auto found = judge(theta);
    for (std::size_t i = 0; i < theta.size(); ++i) {
      CHECK(std::isfinite(found.rho[i]));
      CHECK(std::isfinite(found.across[i]));
      CHECK(found.rho_error[i] >= 0);
      CHECK(found.across_error[i] >= 0);
      unknown += std::isinf(found.rho_error[i]);
    }
    if (std::isinf(found.rho_error[0])) CHECK(found.verdict == direction_verdict::undecided);
  }
  CHECK(unknown > 100);
}
