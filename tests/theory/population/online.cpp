#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <span>
#include <tutelage/theory/population/flow.hpp>
#include <tutelage/theory/population/online.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Gate = relu>
using any_width = two_layer<double, Gate, dynamic, dynamic, dynamic>;

}  // namespace

TEST_CASE_TEMPLATE("the mean of one step, by twenty thousand steps, within 5 standard errors", Gate,
                   relu, leaky_relu<>) {
  for (const std::size_t batch : {1U, 3U}) {
    const auto teacher = random_network<any_width<Gate>>({5, 2, 2}, 1);
    const auto student = random_network<any_width<Gate>>({5, 2, 2}, 2);
    const online_settings settings{.rate = 0.5, .batch = batch};
    online_dynamics<double> dynamics(order_dynamics<double>(teacher, student, 1.25), 5, settings);
    const auto S = order_parameters(teacher, student);
    auto expected = make_matrix<double>(4, 4), sum = expected, square = expected;
    dynamics.drift(S, expected);
    constexpr int runs = 20'000;
    for (int run = 0; run < runs; ++run) {
      online_sgd simulation(teacher, student, settings, static_cast<std::uint64_t>(run), 1.25);
      simulation.step();
      const auto after = order_parameters(teacher, simulation.student());
      for (std::size_t i = 0; i < 16; ++i) {
        const double change = after.data()[i] - S.data()[i];
        sum.data()[i] += change;
        square.data()[i] += change * change;
      }
    }
    for (std::size_t i = 0; i < 16; ++i) {
      CAPTURE(i);
      const double mean = sum.data()[i] / runs;
      const double error = std::sqrt((square.data()[i] / runs - mean * mean) / runs);
      CHECK(close_to(mean, expected.data()[i], 5 * error + 1e-14));
    }
  }
}

TEST_CASE("one input, where the mean is known: each power of the rate and of the batch") {
  // w = 1 and w* = 2: a step adds eta (mean of x^2 1(x > 0)) to w. E x^2 1 = 1/2, E x^4 1 = 3/2.
  any_width<> teacher({1, 1, 1}), student({1, 1, 1});
  teacher.layer<1>().weights()(0, 0) = 2;
  student.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = student.layer<2>().weights()(0, 0) = 1;
  const auto S = order_parameters(teacher, student);
  auto change = make_matrix<double>(2, 2);
  for (const std::size_t batch : {1U, 2U, 10U}) {
    const double eta = 0.25, B = static_cast<double>(batch);
    online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), 1,
                                     {.rate = eta, .batch = batch});
    dynamics.drift(S, change);
    CHECK(close_to(change(0, 1), 2 * eta / 2, 8 * epsilon<double>));
    CHECK(close_to(change(0, 0), 2 * eta / 2 + eta * eta * (1.5 / B + 0.25 * (1 - 1 / B)),
                   8 * epsilon<double>));
    CHECK(change(1, 1) == 0);
  }
}

TEST_CASE("simulations follow the mean, with the noise term and not without") {
  // eta d = 1. Fluctuations are of order 1/sqrt(d), and their effect on the mean of order 1/d.
  const std::size_t d = 200, steps = 500;
  any_width<> teacher({d, 2, 1}), student({d, 2, 1});
  stream random = random_stream(3);
  for (std::size_t k = 0; k < 2; ++k) {
    for (std::size_t i = 0; i < d; ++i) {
      double& w_star = teacher.layer<1>().weights()(i, k);
      w_star = random.normal() / std::sqrt(static_cast<double>(d));
      // Near a teacher of its own: where students have to choose one, fluctuations grow.
      student.layer<1>().weights()(i, k) =
          0.4 * (w_star + random.normal() / std::sqrt(static_cast<double>(d)));
    }
    teacher.layer<2>().weights()(k, 0) = student.layer<2>().weights()(k, 0) = 1;
  }
  const online_settings settings{.rate = 1 / static_cast<double>(d)};
  online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), d, settings);
  const auto S = order_parameters(teacher, student);
  const auto velocity = [&](std::span<const double> x, std::span<double> dx) {
    dynamics.drift({x.data(), 4, 4, 4}, {dx.data(), 4, 4, 4});
  };
  const auto noiseless = [&](std::span<const double> x, std::span<double> dx) {
    dynamics.flow().drift({x.data(), 4, 4, 4}, {dx.data(), 4, 4, 4});
    for (double& v : dx) v *= settings.rate;
  };
  const std::vector<double> start(S.begin(), S.end());
  adaptive_flow<double, decltype(velocity)> mean(start, velocity, 1e-7);
  adaptive_flow<double, decltype(noiseless)> without(start, noiseless, 1e-7);
  mean.advance(steps);  // a step is the unit of time
  without.advance(steps);

  constexpr int runs = 25;
  std::vector<double> sum(16), square(16);
  for (int run = 0; run < runs; ++run) {
    online_sgd simulation(teacher, student, settings, static_cast<std::uint64_t>(run));
    while (simulation.steps() < steps) simulation.step();
    const auto after = order_parameters(teacher, simulation.student());
    for (std::size_t i = 0; i < 16; ++i) {
      sum[i] += after.data()[i];
      square[i] += after.data()[i] * after.data()[i];
    }
  }
  double farthest_without = 0;  // in units of the tolerance
  for (std::size_t i = 0; i < 16; ++i) {
    CAPTURE(i);
    const double average = sum[i] / runs;
    const double error = std::sqrt(std::max(0.0, square[i] / runs - average * average) / runs);
    const double tolerance = 4 * error + 1 / static_cast<double>(d);
    CHECK(close_to(average, mean.position()[i], tolerance));
    farthest_without =
        std::max(farthest_without, std::abs(average - without.position()[i]) / tolerance);
  }
  CHECK(farthest_without > 2);
}

TEST_CASE("noise near convergence: the integral over the angle, in two dimensions") {
  // N_ik = E|x|^2 = 2 times the mean over directions of f'_i f'_k r^2; between kinks r is linear.
  constexpr long double pi = std::numbers::pi_v<long double>;
  stream random = random_stream(7);
  for (const double delta : {1.0, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7}) {
    CAPTURE(delta);
    any_width<> teacher({2, 2, 1}), student({2, 2, 1});
    std::array<std::array<long double, 2>, 4> u{};  // students first
    for (std::size_t k = 0; k < 2; ++k) {
      for (std::size_t i = 0; i < 2; ++i) {
        const double w_star = random.normal();
        teacher.layer<1>().weights()(i, k) = w_star;
        student.layer<1>().weights()(i, k) = w_star + delta * random.normal();
        u[k][i] = student.layer<1>().weights()(i, k);
        u[2 + k][i] = w_star;
      }
      teacher.layer<2>().weights()(k, 0) = student.layer<2>().weights()(k, 0) = 1;
    }
    std::vector<long double> ends;
    for (const auto& v : u) {
      for (const long double turn : {pi / 2, -pi / 2}) {
        ends.push_back(std::remainder(std::atan2(v[1], v[0]) + turn, 2 * pi));
      }
    }
    std::sort(ends.begin(), ends.end());
    ends.push_back(ends.front() + 2 * pi);
    auto expected = make_matrix<double>(2, 2);
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        long double sum = 0;
        for (std::size_t e = 0; e + 1 < ends.size(); ++e) {
          const long double middle = (ends[e] + ends[e + 1]) / 2;
          const auto open = [&](std::size_t v) {
            return u[v][0] * std::cos(middle) + u[v][1] * std::sin(middle) > 0;
          };
          if (!open(i) || !open(k)) continue;
          std::array<long double, 2> r{};
          for (std::size_t v = 0; v < 2; ++v) {
            for (std::size_t c = 0; c < 2; ++c) {
              if (open(v) && open(2 + v)) {
                r[c] += u[v][c] - u[2 + v][c];
              } else if (open(v) || open(2 + v)) {
                r[c] += open(v) ? u[v][c] : -u[2 + v][c];
              }
            }
          }
          // Simpson's rule on 60 parts: the interval may be long, r^2 has frequency 2.
          const auto square = [&](long double t) {
            return std::pow(r[0] * std::cos(t) + r[1] * std::sin(t), 2);
          };
          const long double h = (ends[e + 1] - ends[e]) / 120;
          for (int s = 0; s <= 120; ++s) {
            const long double weight = s == 0 || s == 120 ? 1 : s % 2 == 1 ? 4 : 2;
            sum += weight * square(ends[e] + s * h) * h / 3;
          }
        }
        expected(i, k) = static_cast<double>(2 * sum / (2 * pi));
      }
    }
    online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), 2, {.rate = 0.1});
    const auto S = order_parameters(teacher, student);
    auto N = make_matrix<double>(2, 2);
    dynamics.noise(S, matrix_view(N));
    // S is rounded, and so are squares of distances; Simpson's rule is within h^4 of N.
    CHECK(close_to(N, expected, 4 * epsilon<double> * (S(0, 0) + S(1, 1)) + 1e-7 * N(0, 0)));
    CHECK(N(0, 0) > 0);
    CHECK(N(1, 1) > 0);
  }
}

TEST_CASE("noise near convergence, in four dimensions: draws, within 5 standard errors") {
  for (const double delta : {1e-2, 1e-4, 1e-6}) {
    CAPTURE(delta);
    const auto teacher = random_network<any_width<>>({4, 2, 1}, 11);
    auto student = teacher;
    stream random = random_stream(12);
    auto moved = make_matrix<double>(4, 2);
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        double& w = student.layer<1>().weights()(i, k);
        w += delta * random.normal();
        moved(i, k) = w - teacher.layer<1>().weights()(i, k);
      }
    }
    auto sum = make_matrix<double>(2, 2), square = sum, N = sum;
    constexpr int draws = 100'000;
    for (int draw = 0; draw < draws; ++draw) {
      std::array<double, 2> h{}, h_star{}, change{};
      for (std::size_t i = 0; i < 4; ++i) {
        const double x = random.normal();
        for (std::size_t k = 0; k < 2; ++k) {
          h[k] += student.layer<1>().weights()(i, k) * x;
          h_star[k] += teacher.layer<1>().weights()(i, k) * x;
          change[k] += moved(i, k) * x;
        }
      }
      double r = 0;
      for (std::size_t k = 0; k < 2; ++k) {
        const double f =
            h[k] > 0 && h_star[k] > 0 ? change[k] : std::max(h[k], 0.0) - std::max(h_star[k], 0.0);
        r += f * teacher.layer<2>().weights()(k, 0);
      }
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t k = 0; k < 2; ++k) {
          const double F = h[i] > 0 && h[k] > 0 ? r * r * teacher.layer<2>().weights()(i, 0) *
                                                      teacher.layer<2>().weights()(k, 0)
                                                : 0;
          sum(i, k) += F / draws;
          square(i, k) += F * F / draws;
        }
      }
    }
    online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), 4, {.rate = 0.1});
    dynamics.noise(order_parameters(teacher, student), matrix_view(N));
    for (std::size_t e = 0; e < 4; ++e) {
      const double mean = sum.data()[e];
      const double error = std::sqrt((square.data()[e] - mean * mean) / draws);
      CHECK(close_to(N.data()[e], mean, 5 * error));
    }
  }
}

TEST_CASE("noise scales with the square of all lengths, and a zero node makes none of its own") {
  auto teacher = random_network<any_width<>>({4, 2, 1}, 8),
       student = random_network<any_width<>>({4, 2, 1}, 9);
  const auto noise_of = [&] {
    online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), 4, {.rate = 0.1});
    auto N = make_matrix<double>(2, 2);
    dynamics.noise(order_parameters(teacher, student), matrix_view(N));
    return N;
  };
  const auto before = noise_of();
  for (const double scale : {0x1p-300, 0x1p300}) {
    const auto scaled = [&](double by) {
      for (auto* net : {&teacher, &student}) {
        for (std::size_t i = 0; i < 4; ++i) {
          for (double& x : net->layer<1>().weights().row(i)) x *= by;
        }
      }
    };
    scaled(scale);
    const auto after = noise_of();
    for (std::size_t e = 0; e < 4; ++e) {
      CHECK(close_to(after.data()[e] / scale / scale, before.data()[e],
                     4 * epsilon<double> * before.data()[e]));
    }
    scaled(1 / scale);
  }
  for (std::size_t i = 0; i < 4; ++i) student.layer<1>().weights()(i, 0) = 0;
  const auto N = noise_of();
  CHECK(N(0, 0) == 0);
  CHECK(N(0, 1) == 0);
  CHECK(N(1, 1) > 0);
  online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), 4, {.rate = 0.1});
  auto S = order_parameters(teacher, student);
  auto out = make_matrix<double>(2, 2);
  S(2, 2) = -1;
  CHECK(message_of<argument_error>([&] { dynamics.noise(S, matrix_view(out)); }) ==
        "online_dynamics: S(2, 2) is -1, expected the square of a length");
  S(2, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { dynamics.noise(S, matrix_view(out)); }) ==
        "online_dynamics: row 2 of S is not finite");
}

TEST_CASE("without error there is no noise") {
  const auto teacher = random_network<any_width<>>({6, 2, 3}, 5);
  online_dynamics<double> dynamics(order_dynamics<double>(teacher, teacher), 6, {.rate = 0.1});
  const auto S = order_parameters(teacher, teacher);
  auto N = make_matrix<double>(2, 2);
  dynamics.noise(S, matrix_view(N));
  for (const double x : N) CHECK(close_to(x, 0, 4 * epsilon<double>));
}

TEST_CASE("settings, and what does not fit") {
  const auto teacher = random_network<any_width<>>({6, 2, 3}, 5);
  const auto narrow = random_network<any_width<>>({5, 2, 3}, 5);
  const order_dynamics<double> flow(teacher, teacher);
  CHECK(message_of<argument_error>([&] { online_dynamics<double>(flow, 6, {.rate = 0}); }) ==
        "online_dynamics: rate 0, batch 1, expected positive numbers");
  CHECK(message_of<argument_error>([&] {
          online_sgd(teacher, teacher, {.rate = 1, .batch = 0}, 1);
        }) == "online_sgd: rate 1, batch 0, expected positive numbers");
  CHECK(message_of<shape_error>([&] { online_sgd(teacher, narrow, {}, 1); }) ==
        "online_sgd: the student maps 5 inputs to 3 outputs, the teacher 6 to 3");
}
