#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <tutelage/analysis/recovery/dataset_conditions.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity();

// Samples in the band of a direction, counted one by one.
std::size_t count_band(const matrix<double>& x, const std::vector<double>& w, double b,
                       double eps) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < x.shape(0); ++i) {
    long double a = b;
    for (std::size_t u = 0; u < w.size(); ++u) a += static_cast<long double>(w[u]) * x(i, u);
    // The band's ends are samples, to rounding.
    count += std::abs(a) <= eps + 64 * epsilon<double> * (eps + std::abs(b));
  }
  return count;
}

std::vector<double> random_unit(std::size_t d, stream& random) {
  std::vector<double> w(d);
  for (double& value : w) value = random.normal();
  detail::make_unit(w, {});
  return w;
}

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

const auto no_directions = make_matrix<double>(0, 3);

}  // namespace

TEST_CASE("eta and mu of known distributions, against samples") {
  const std::size_t N = 100'000, d = 3;
  const auto check = [&](const matrix<double>& x, const population_condition& known,
                         const std::vector<std::vector<double>>& worst) {
    stream random = random_stream(1);
    double largest = 0;
    for (int repeat = 0; repeat < 30; ++repeat) {
      const auto w = repeat < static_cast<int>(worst.size())
                         ? worst[static_cast<std::size_t>(repeat)]
                         : random_unit(d, random);
      const double b = repeat % 3 == 0 ? 0 : random.normal() / 2;
      for (const double eps : {0.01, 0.05, 0.3}) {
        const double p = known.eta * eps;
        const auto in_band = static_cast<double>(count_band(x, w, b, eps)) / N;
        const double error = 4 * std::sqrt(p / N);
        CHECK(in_band <= p + error);
        if (eps == 0.05) largest = std::max(largest, in_band / p + error / p);
      }
      for (const double t : {0.5, 1.0, 3.0}) {
        std::size_t beyond = 0;
        for (std::size_t i = 0; i < N; ++i) {
          beyond += std::abs(w[0] * x(i, 0) + w[1] * x(i, 1) + w[2] * x(i, 2)) >= t;
        }
        CHECK(static_cast<double>(beyond) / N <= known.mu / (t * t));
      }
    }
    CHECK(largest >= 1);  // attained: no smaller eta would do
    // mu is the variance; that of a square is at most 2 mu^2.
    double variance = 0;
    for (std::size_t i = 0; i < N; ++i) variance += x(i, 0) * x(i, 0) / N;
    CHECK(std::abs(variance - known.mu) <= 4 * known.mu * std::sqrt(2.0 / N));
  };
  const double s = 1.7, a = 0.8;
  check(draw_inputs<double>(gaussian_inputs{s}, N, d, 1), condition_of(gaussian_inputs{s}), {});
  const double diagonal = std::sqrt(0.5);
  check(draw_inputs<double>(uniform_inputs{a}, N, d, 1), condition_of(uniform_inputs{a}, d),
        {{diagonal, diagonal, 0}});
  CHECK(condition_of(gaussian_inputs{s}).mu == s * s);
  CHECK(condition_of(uniform_inputs{a}, 1).eta == 1 / a);
}

TEST_CASE("a Gaussian slice has the Gaussian's constants") {
  const std::size_t N = 400'000, d = 3;
  const double s = 1.3;
  const auto x = draw_inputs<double>(gaussian_inputs{s}, N, d, 2);
  dense<double, 3, 1, relu> node;
  const double w[] = {1, -2, 2};
  for (std::size_t u = 0; u < 3; ++u) node.weights()(u, 0) = w[u];
  node.bias()[0] = 0.6;
  const auto in_band = slice(node, 0, 0.05, x);
  const auto n = static_cast<double>(in_band.shape(0));
  REQUIRE(n > 5000);
  const std::vector<double> normal{1.0 / 3, -2.0 / 3, 2.0 / 3};
  const auto known = condition_of(gaussian_inputs{s});
  // The eigenvalue of two directions is off by a few sampling errors of a variance.
  CHECK(std::abs(mu_bound(matrix_view(in_band), normal) - known.mu) <=
        6 * known.mu * std::sqrt(2 / n));
  const double eps = 0.2;
  const auto found = densest_band(matrix_view(in_band), eps, no_directions, {}, normal);
  CHECK(std::abs(dot(found.direction, normal)) <= 8 * epsilon<double>);
  // A maximum over many bands: some sampling errors above, and hardly below.
  const double p = known.eta * eps, error = std::sqrt(p / n) / eps;
  CHECK(found.eta_lower_bound <= known.eta + 6 * error);
  CHECK(found.eta_lower_bound >= known.eta - 3 * error);
}

TEST_CASE("slices are the samples in a band, in order") {
  stream random = random_stream(3);
  const auto x = random_matrix<float>(700, 4, random);
  dense<float, 4, 3, relu> l;
  fill_random(l.weights(), random);
  const auto found = slice(l, 1, 0.3, x);
  std::size_t row = 0;
  for (std::size_t i = 0; i < 700; ++i) {
    double a = l.weights()(4, 1), square = 0;
    for (std::size_t u = 0; u < 4; ++u) {
      a += static_cast<double>(l.weights()(u, 1)) * static_cast<double>(x(i, u));
      square += std::pow(static_cast<double>(l.weights()(u, 1)), 2);
    }
    if (std::abs(a) > 0.3 * std::sqrt(square)) continue;
    REQUIRE(row < found.shape(0));
    for (std::size_t u = 0; u < 4; ++u) CHECK(found(row, u) == static_cast<double>(x(i, u)));
    ++row;
  }
  CHECK(row == found.shape(0));
  CHECK(row > 50);
  CHECK(slice(l, 1, 0, x).shape(0) == 0);
}

TEST_CASE("mu of a data set bounds every direction's tails, and is attained by a variance") {
  stream random = random_stream(4);
  auto x = random_matrix<double>(500, 5, random);
  for (std::size_t i = 0; i < 500; ++i) x(i, 2) = 3 * x(i, 2) + x(i, 0);
  const double mu = mu_bound(matrix_view(x));
  const auto second_moment = [&](const std::vector<double>& w) {
    long double sum = 0;
    for (std::size_t i = 0; i < 500; ++i) {
      long double a = 0;
      for (std::size_t u = 0; u < 5; ++u) a += static_cast<long double>(w[u]) * x(i, u);
      sum += a * a;
    }
    return static_cast<double>(sum / 500);
  };
  // The power method.
  auto w = random_unit(5, random);
  for (int step = 0; step < 300; ++step) {
    std::vector<double> next(5);
    for (std::size_t i = 0; i < 500; ++i) {
      double a = 0;
      for (std::size_t u = 0; u < 5; ++u) a += w[u] * x(i, u);
      for (std::size_t u = 0; u < 5; ++u) next[u] += a * x(i, u);
    }
    w = next;
    detail::make_unit(w, {});
  }
  CHECK(close_to(mu, second_moment(w), 1000 * epsilon<double> * mu));
  for (int repeat = 0; repeat < 100; ++repeat) {
    CHECK(second_moment(random_unit(5, random)) <= mu);
  }
  // Perpendicular to the best direction there is less; perpendicular to another, as much at most.
  const double rest = mu_bound(matrix_view(x), w);
  CHECK(rest < mu * 0.7);
  for (int repeat = 0; repeat < 100; ++repeat) {
    auto v = random_unit(5, random);
    detail::make_unit(v, w);
    CHECK(std::abs(dot(v, w)) <= 8 * epsilon<double>);
    CHECK(second_moment(v) <= rest * (1 + 100 * epsilon<double>));
  }
}

TEST_CASE("a crowded band is found, and is what it says") {
  // A third of the samples close to one hyperplane.
  stream random = random_stream(5);
  const std::size_t N = 900, d = 3;
  auto x = random_matrix<double>(N, d, random);
  const std::vector<double> w{2.0 / 3, -1.0 / 3, 2.0 / 3};
  for (std::size_t i = 0; i < N; i += 3) {
    double a = -0.4;
    for (std::size_t u = 0; u < d; ++u) a += w[u] * x(i, u);
    for (std::size_t u = 0; u < d; ++u) x(i, u) -= (a - 0.01 * random.uniform()) * w[u];
  }
  auto directions = make_matrix<double>(2, d);
  directions(0, 0) = 1;
  for (std::size_t u = 0; u < d; ++u) directions(1, u) = -5 * w[u];
  const double eps = 0.02;
  const auto told = densest_band(matrix_view(x), eps, directions);
  CHECK(told.samples >= N / 3);
  CHECK(count_band(x, told.direction, told.bias, eps) >= told.samples);
  CHECK(close_to(told.eta_lower_bound,
                 static_cast<double>(told.samples - (d + 1)) / (eps * static_cast<double>(N)),
                 4 * epsilon<double> * told.eta_lower_bound));
  CHECK(close_to(std::abs(dot(told.direction, w)), 1, 1e-3));
  // Not told, the search comes close with patience.
  const auto searched = densest_band(matrix_view(x), eps, no_directions,
                                     {.random_directions = 200, .refinements = 600, .seed = 1});
  CHECK(searched.samples > N / 5);
  CHECK(count_band(x, searched.direction, searched.bias, eps) >= searched.samples);
  // The same seed finds the same.
  const auto again = densest_band(matrix_view(x), eps, no_directions,
                                  {.random_directions = 200, .refinements = 600, .seed = 1});
  CHECK(again.direction == searched.direction);
  CHECK(again.samples == searched.samples);
  // Perpendicular to the crowded direction, the crowd is not seen: nothing is left of w itself.
  std::vector<double> along{-5 * w[0], -5 * w[1], -5 * w[2]};
  CHECK_FALSE(detail::make_unit(along, w));
  const auto across = densest_band(matrix_view(x), eps, directions, {}, w);
  CHECK(across.samples < N / 10);
}

TEST_CASE("the fullest shift of one direction, in one dimension") {
  const double points[] = {0, 0.1, 0.2, 1, 1.05, 1.1, 1.15, 3};
  auto x = make_matrix<double>(8, 1), direction = make_matrix<double>(1, 1);
  for (std::size_t i = 0; i < 8; ++i) x(i, 0) = points[i];
  direction(0, 0) = -2;
  const auto find = [&](double eps) {
    return densest_band(matrix_view(x), eps, direction, {.random_directions = 0, .refinements = 0});
  };
  CHECK(find(0.0751).samples == 4);
  CHECK(close_to(find(0.0751).bias, 1.075, 8 * epsilon<double>));
  CHECK(find(0.0751).direction == std::vector<double>{-1});
  CHECK(close_to(find(0.0751).eta_lower_bound, 2 / (0.0751 * 8), 32 * epsilon<double>));
  CHECK(find(0.6).samples == 7);
  CHECK(find(0.001).samples == 1);
  CHECK(find(0.001).eta_lower_bound == 0);  // d+1 points lie on a hyperplane of any data set
}

TEST_CASE("degenerate input") {
  const auto none = make_matrix<double>(0, 3), one = make_matrix<double>(1, 3);
  CHECK_THROWS_AS(mu_bound(matrix_view(none)), shape_error);
  CHECK(mu_bound(matrix_view(one)) == 0);
  CHECK_THROWS_AS(mu_bound(matrix_view(one), std::vector<double>(2)), shape_error);
  CHECK_THROWS_AS(densest_band(matrix_view(none), 1, no_directions), shape_error);
  CHECK_THROWS_AS(densest_band(matrix_view(one), 1, make_matrix<double>(1, 2)), shape_error);
  for (const double eps : {0.0, -1.0, infinity, std::nan("")}) {
    CHECK_THROWS_AS(densest_band(matrix_view(one), eps, no_directions), argument_error);
  }
  const auto single = densest_band(matrix_view(one), 1, one);  // a direction without length
  CHECK(single.samples == 1);
  CHECK(single.eta_lower_bound == 0);
  auto wrong = one;
  wrong(0, 1) = std::nan("");
  CHECK_THROWS_AS(mu_bound(matrix_view(wrong)), argument_error);
  CHECK(message_of<argument_error>([&] { densest_band(matrix_view(wrong), 1, one); }) ==
        "densest_band: the matrix has nan at row 0, column 1, expected finite numbers");
  // No direction at all: nothing perpendicular in one dimension.
  const auto line = make_matrix<double>(4, 1);
  const auto nothing =
      densest_band(matrix_view(line), 1, make_matrix<double>(0, 1), {}, std::vector<double>{1});
  CHECK(nothing.samples == 0);
  CHECK(nothing.direction.empty());
  CHECK(nothing.eta_lower_bound == 0);
}
