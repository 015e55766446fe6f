#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <vector>

#include <tutelage/analysis/dynamics.hpp>
#include <tutelage/train/train.hpp>

#include "support/network_case.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Network, std::size_t l>
void check_growth(std::uint64_t seed) {
  using T = typename Network::value_type;
  stream random = random_stream(seed);
  Network student;
  randomize(student, random);
  const std::size_t N = 300;
  const auto x = random_matrix<T>(N, student.in_width(), random);
  mlp<T, relu, dynamic, dynamic, dynamic> teacher({student.in_width(), 4, student.out_width()});
  randomize(teacher, random);
  const auto y = teacher(x);
  const auto found = measure_growth<l>(teacher, student, x);
  // w_k . dw_k, by the backward pass of weights.
  const auto dW = run_passes(student, x, y).dW[l - 1];
  const network_case<T> expected(reference::plain(student), x, y);
  const auto W = student.template layer<l>().weights();
  for (std::size_t k = 0; k < W.cols(); ++k) {
    long double product = 0, gauge = 0, square = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) {
      product += static_cast<long double>(W(i, k)) * dW(i, k);
      gauge += std::abs(W(i, k)) * expected.gauges.dW[l - 1](i, k);
      square += static_cast<long double>(W(i, k)) * W(i, k);
    }
    const double unit =
        2 * expected.roundings * (static_cast<double>(epsilon<T>) + epsilon<double>);
    CHECK(close_to(static_cast<double>(found.growth[k]), static_cast<double>(product),
                   unit * static_cast<double>(gauge)));
    CHECK(close_to(static_cast<double>(found.square[k]), static_cast<double>(square),
                   16 * epsilon<double> * static_cast<double>(square)));
    CHECK(found.log_ratio_rate(k, 0) == found.log_rate(k) - found.log_rate(0));
  }
}

}  // namespace

TEST_CASE_TEMPLATE("growth is w.dw, for every hidden layer and gate", T, float, double,
                   long double) {
  check_growth<mlp<T, relu, 5, 7, 3>, 1>(1);
  check_growth<mlp<T, leaky_relu<>, 4, 6, 5, 3>, 1>(2);
  check_growth<mlp<T, leaky_relu<>, 4, 6, 5, 3>, 2>(3);
  check_growth<network<dense<T, 3, 4, relu, no_bias>, dense<T, 4, 2, identity, no_bias>>, 1>(4);
}

TEST_CASE("log ratios change at the rate of Theorem 7") {
  // A small step of gradient flow: the rate to first order in the step, so halving it halves the
  // error.
  mlp<double, relu, 4, 5, 3> student;
  stream random = random_stream(5);
  randomize(student, random);
  const auto x = random_matrix<double>(64, 4, random);
  mlp<double, relu, 4, 2, 3> teacher;
  randomize(teacher, random);
  const auto y = teacher(x);
  const auto before = measure_growth<1>(teacher, student, x);
  const auto error_of = [&](double step) {
    auto moved = student;
    trainer one(moved, mean_squared_error{}, sgd{.rate = step});
    one.freeze(2);
    one.step(x, y);
    const auto after = measure_growth<1>(teacher, moved, x);
    std::array<double, 5> errors{};
    for (std::size_t k = 1; k < 5; ++k) {
      const auto ratio = static_cast<double>(std::log(after.square[k] / after.square[0]) / 2 -
                                             std::log(before.square[k] / before.square[0]) / 2);
      errors[k] = ratio / step - before.log_ratio_rate(k, 0);
    }
    return errors;
  };
  const auto coarse = error_of(1e-4), fine = error_of(0.5e-4);
  for (std::size_t k = 1; k < 5; ++k) {
    CHECK(std::abs(coarse[k]) > 1e-8);
    CHECK(close_to(coarse[k] / fine[k], 2, 0.01));
  }
}

TEST_CASE("a node without weights does not grow") {
  mlp<double, relu, 2, 2, 1> student;
  student.layer<2>().weights()(0, 0) = 1;
  const auto x = make_matrix<double>(1, 2);
  mlp<double, relu, 2, 1, 1> teacher;
  teacher.layer<2>().bias()[0] = 5;
  const auto found = measure_growth<1>(teacher, student, x);
  CHECK(found.growth == std::vector<long double>{0, 0});
  CHECK(found.log_rate(0) == 0);
  teacher.layer<2>().bias()[0] = std::nan("");
  CHECK_THROWS_AS(measure_growth<1>(teacher, student, x), argument_error);
}

TEST_CASE("rates do not depend on how weight is shared between the layers") {
  // The outputs are max(x, 0) and 3 max(x, 0): f_k v_k.r is 2 at x = 1 and 0 at x = -1.
  for (const double w : {1e-200, 1e-170, 1.0, 1e170, 1e200}) {
    mlp<double, relu, 1, 1, 1> teacher, student;
    student.layer<1>().weights()(0, 0) = w;
    student.layer<2>().weights()(0, 0) = 1 / w;
    teacher.layer<1>().weights()(0, 0) = 1;
    teacher.layer<2>().weights()(0, 0) = 3;
    auto x = make_matrix<double>(2, 1);
    x(0, 0) = 1;
    x(1, 0) = -1;
    const auto found = measure_growth<1>(teacher, student, x);
    const long double rate = 1 / (static_cast<long double>(w) * w);
    CHECK(close_to(static_cast<double>(found.growth[0]), 1, 8 * epsilon<double>));
    CHECK(std::abs(found.square[0] * rate - 1) <= 8 * epsilon<double>);
    if (w > 1e-150) {  // beyond, the rate itself is larger than all doubles
      const auto expected = static_cast<double>(rate);
      CHECK(close_to(found.log_rate(0), expected, 8 * epsilon<double> * expected));
    }
  }
}

TEST_CASE("escape times are the integral, and grow like 1/eps") {
  const auto simpson = [](double from, double to) {
    // In t = ln u, with the pole at pi far enough away.
    const std::size_t n = 20'000;
    const long double a = std::log(static_cast<long double>(from)),
                      b = std::log(static_cast<long double>(to)),
                      h = (b - a) / static_cast<long double>(n);
    long double sum = 0;
    for (std::size_t i = 0; i <= n; ++i) {
      const long double u = std::exp(a + h * static_cast<long double>(i));
      const long double weight = i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2;
      sum += weight / std::sin(u);  // u du cancels
    }
    return static_cast<double>(sum * h / 3);
  };
  for (const double eps : {1e-6, 1e-3, 0.1, 1.0}) {
    for (const double theta0 : {0.1, 0.5, 1.5, 2.0}) {
      const double time = escape_time(eps, theta0);
      CHECK(close_to(time, simpson(eps, std::numbers::pi - theta0), 1e-10 * time));
    }
  }
  // The flow itself, by small steps of Runge and Kutta.
  double theta = std::numbers::pi - 0.2, t = 0;
  const auto slope = [](double a) { return -(std::numbers::pi - a) * std::sin(a); };
  const double step = 1e-3, theta0 = 1.0;
  while (theta > theta0) {
    const double k1 = slope(theta), k2 = slope(theta + step / 2 * k1);
    const double k3 = slope(theta + step / 2 * k2), k4 = slope(theta + step * k3);
    theta += step / 6 * (k1 + 2 * k2 + 2 * k3 + k4);
    t += step;
  }
  CHECK(close_to(escape_time(0.2, theta), t, 1e-9));
  for (const double eps : {1e-2, 1e-4, 1e-6}) {
    const double ratio = escape_time(eps, 1) / escape_time_asymptote(eps, 1);
    CHECK(ratio > 1);
    CHECK(ratio < 1 + 2 * eps);
  }
  // The rest of pi over sin 1.
  CHECK(close_to(escape_time(1, std::numbers::pi - 1), 1.2246e-16 / std::sin(1.0), 1e-20));
  for (const double wrong : {0.0, -1.0, 3.0, std::nan("")}) {
    CHECK_THROWS_AS(escape_time(wrong, 1), argument_error);
  }
  CHECK_THROWS_AS(escape_time(0.1, 0), argument_error);
}

TEST_CASE("escape times to 1e-12, near both poles and where they nearly meet") {
  // In long double, on each side of pi/2 in the logarithm of the distance to its pole.
  using real = long double;
  const real pi = std::numbers::pi_v<real>;
  const auto simpson = [](real from, real way, auto of) {
    const int n = 40'000;
    const real h = std::log1p(way / from) / n;
    real sum = 0;
    for (int i = 0; i <= n; ++i) {
      const real x = from * std::exp(h * i);
      sum += (i == 0 || i == n ? 1 : i % 2 == 1 ? 4 : 2) * of(x) * x;
    }
    return sum * h / 3;
  };
  const auto expected = [&](double eps, double theta0) {
    const auto near_start = [](real u) { return 1 / (u * std::sin(u)); };
    const auto near_end = [&](real left) { return 1 / ((pi - left) * std::sin(left)); };
    // Exact but for the last: pi's first 53 bits and what follows them.
    const real turn =
        (std::numbers::pi - static_cast<real>(eps)) - theta0 + 1.2246467991473532e-16L;
    real sum = 0;
    if (eps >= pi / 2) {
      sum = simpson(theta0, turn, near_end);
    } else if (theta0 >= pi / 2) {
      sum = simpson(eps, turn, near_start);
    } else {
      sum = simpson(eps, pi / 2 - eps, near_start) + simpson(theta0, pi / 2 - theta0, near_end);
    }
    return static_cast<double>(sum);
  };
  for (const double eps : {1e-12, 1e-6, 1e-3, 0.3, 1.0, 2.0, 3.0}) {
    for (const double theta0 : {1e-15, 1e-12, 1e-6, 1e-3, 0.1, 0.13, 1.0, 1.5, 2.0, 3.1}) {
      if (eps > std::numbers::pi - theta0) continue;
      const double time = expected(eps, theta0);
      CAPTURE(eps);
      CAPTURE(theta0);
      CHECK(close_to(escape_time(eps, theta0) / time, 1, 1e-12));
    }
  }
  // The last digits of the way.
  for (const double eps : {0.1, 1.0, 1.6, 3.0}) {
    for (const double way : {1e-3, 1e-6, 1e-9}) {
      const double theta0 = (std::numbers::pi - eps) - way;
      CAPTURE(eps);
      CAPTURE(way);
      CHECK(close_to(escape_time(eps, theta0) / expected(eps, theta0), 1, 1e-12));
    }
  }
  // Times beyond all numbers.
  CHECK(escape_time(1e-300, 1) > 1e299);
  CHECK_THROWS_AS(static_cast<void>(escape_time(1e-310, 1)), argument_error);
  CHECK(escape_time(1, 1e-300) > 1);
}

TEST_CASE("crossing times") {
  const std::vector<double> times{0, 10, 20, 30}, values{0.1, 0.5, 0.9, 0.3};
  CHECK(crossing_time(times, values, 0.1) == std::optional<double>(0));
  CHECK(close_to(*crossing_time(times, values, 0.3), 5, 32 * epsilon<double>));
  CHECK(close_to(*crossing_time(times, values, 0.9), 20, 64 * epsilon<double>));
  CHECK(crossing_time(times, values, 0.91) == std::nullopt);
  CHECK(crossing_time(times, values, std::nan("")) == std::nullopt);
  CHECK_THROWS_AS(crossing_time(times, std::vector<double>(3), 0), shape_error);
  const std::vector<double> broken{0.1, std::nan(""), 0.9, 0.3};
  CHECK(message_of<argument_error>([&] { static_cast<void>(crossing_time(times, broken, 0.8)); }) ==
        "crossing_time: point 1 is (10, nan), expected numbers");
  CHECK(crossing_time(times, broken, 0.1) == std::optional<double>(0));
  // Differences beyond the range of doubles, on either axis.
  const std::vector<double> far{-1.5e308, 1.5e308};
  CHECK(close_to(*crossing_time(std::vector<double>{0, 1}, far, 0.75e308), 0.75,
                 8 * epsilon<double>));
  CHECK(close_to(*crossing_time(far, far, 0.75e308), 0.75e308, 8 * epsilon<double> * 1e308));
}

TEST_CASE("strong first") {
  using times = std::vector<std::optional<double>>;
  const std::vector<double> strengths{4, 3, 2, 1};
  CHECK(strong_first(strengths, times{1, 2, 3, 4}) == 1);
  CHECK(strong_first(strengths, times{4, 3, 2, 1}) == -1);
  CHECK(strong_first(strengths, times{1, 2, std::nullopt, std::nullopt}) == 5.0 / 6);
  CHECK(strong_first(strengths, times{std::nullopt, 2, 3, 4}) == 0);
  CHECK(strong_first(strengths, times{1, 1, 1, 1}) == 0);
  CHECK(strong_first(std::vector<double>{1}, times{2}) == 0);
  CHECK_THROWS_AS(strong_first(strengths, times{1}), shape_error);
  CHECK(message_of<argument_error>([&] {
          static_cast<void>(strong_first(strengths, times{1, 2, std::nan(""), 4}));
        }) == "strong_first: the strength or time of teacher 2 is no number");
  CHECK_THROWS_AS(strong_first(std::vector<double>{1, std::nan("")}, times{1, 2}), argument_error);
}

TEST_CASE("the gap of a broken symmetry stands still, and the ratio grows by it") {
  // Both nodes' h fixed in sum: the difference of Eqn 68 by Euler's steps.
  const double eps = 0.01, sum = 1.4, S = 0.6;
  double gap = 0;
  for (int i = 0; i < 100'000; ++i) gap += 1e-3 * (-gap * (sum + S) + eps);
  CHECK(close_to(symmetry_breaking_rate(eps, sum, S), gap, 1e-12));
  CHECK_THROWS_AS(symmetry_breaking_rate(0.1, -1, 1), argument_error);
  CHECK_THROWS_AS(symmetry_breaking_rate(std::nan(""), 1, 1), argument_error);
}
