#include <cmath>
#include <span>
#include <tutelage/theory/flow.hpp>
#include <tutelage/theory/online.hpp>
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

TEST_CASE("without error there is no noise") {
  const auto teacher = random_network<any_width<>>({6, 2, 3}, 5);
  online_dynamics<double> dynamics(order_dynamics<double>(teacher, teacher), 6, {.rate = 0.1});
  const auto S = order_parameters(teacher, teacher);
  auto N = make_matrix<double>(2, 2);
  dynamics.noise(S, matrix_view(N));
  for (const double x : N) CHECK(close_to(x, 0, 1e-11));
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
