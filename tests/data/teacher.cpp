#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/data/teacher.hpp>
#include <tutelage/train/evaluate.hpp>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

constexpr std::array<std::size_t, 4> deep_widths{6, 9, 7, 3};
template <class T>
using static_net = mlp<T, relu, 6, 9, 7, 3>;
template <class T>
using dynamic_net = mlp<T, relu, dynamic, dynamic, dynamic, dynamic>;
template <class T>
using mixed_net = mlp<T, relu, 6, dynamic, 7, dynamic>;

using wide = matrix<long double>;

template <class Network, class Bias>
Network make_teacher(const Bias& bias, double polarity = 0, std::uint64_t seed = 1) {
  Network teacher(deep_widths);
  construct_teacher(teacher, {.polarity = polarity, .seed = seed}, bias);
  return teacher;
}

template <class Network, class Bias>
std::vector<wide> construct(const Bias& bias, double polarity = 0, std::uint64_t seed = 1) {
  return weights_of(make_teacher<Network>(bias, polarity, seed));
}

// f_0, ..., f_L of the library's own forward passes.
template <class Network, class T>
std::vector<wide> activations_of(const Network& net, const matrix<T>& inputs) {
  std::vector<wide> result{widen(inputs)};
  for (std::size_t l = 1; l <= Network::depth; ++l) {
    result.push_back(make_matrix<long double>(inputs.shape(0), net.widths()[l]));
  }
  for_each_forward(net, inputs, [&](const auto&, std::size_t first, const auto& kept) {
    for (std::size_t l = 1; l <= Network::depth; ++l) {
      const auto f = kept.f(l);
      for (std::size_t i = 0; i < f.rows(); ++i) {
        std::copy_n(f.row(i).data(), f.cols(), matrix_view(result[l]).row(first + i).data());
      }
    }
  });
  return result;
}

std::vector<long double> column(const wide& W, std::size_t rows, std::size_t k) {
  std::vector<long double> result(rows);
  for (std::size_t i = 0; i < rows; ++i) result[i] = W(i, k);
  return result;
}

long double dot(const std::vector<long double>& u, const std::vector<long double>& v) {
  long double sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i) sum += u[i] * v[i];
  return sum;
}

long double norm(const std::vector<long double>& u) { return std::sqrt(dot(u, u)); }

// Is `u`, times one positive factor, made of entries of the list?
bool is_from_list(const std::vector<long double>& u, const std::vector<double>& values,
                  long double tolerance) {
  const auto leading = std::ranges::find_if(u, [](long double x) { return x != 0; });
  if (leading == u.end()) return false;
  return std::ranges::any_of(values, [&](double v) {
    const long double factor = v / *leading;
    return factor > 0 && std::ranges::all_of(u, [&](long double x) {
             return std::ranges::any_of(
                 values, [&](double entry) { return std::abs(x * factor - entry) <= tolerance; });
           });
  });
}

// A node's pre-activations without bias over activations f below, and the largest sum of absolute
// values of their terms.
struct linear_part {
  std::vector<long double> a;
  double gauge = 0;

  linear_part(const wide& f, const wide& W, std::size_t k) {
    for (std::size_t i = 0; i < f.shape(0); ++i) {
      long double sum = 0, absolute = 0;
      for (std::size_t j = 0; j < f.shape(1); ++j) {
        sum += f(i, j) * W(j, k);
        absolute += std::abs(f(i, j) * W(j, k));
      }
      a.push_back(sum);
      gauge = std::max(gauge, static_cast<double>(absolute));
    }
  }
};

void check_columns(const std::vector<wide>& weights, double eps) {
  const teacher_settings settings;
  for (std::size_t l = 0; l < weights.size(); ++l) {
    const bool hidden = l + 1 < weights.size();
    const wide& W = weights[l];
    const std::size_t rows = W.shape(0) - 1;
    const auto d = static_cast<double>(rows);
    for (std::size_t k = 0; k < W.shape(1); ++k) {
      const auto u = column(W, rows, k);
      REQUIRE(norm(u) > 0);
      if (hidden) {
        // Squares are added and rounded d times, the root and the quotients once.
        CHECK(close_to(static_cast<double>(norm(u)), 1, (d / 2 + 2) * eps));
        CHECK(is_from_list(u, settings.values, 4 * eps));
      } else {
        for (const long double w : u) CHECK(std::ranges::count(settings.values, w) == 1);
      }
      for (std::size_t j = 0; j < k; ++j) {
        const auto v = column(W, rows, j);
        CHECK(u != v);
        if (!hidden) continue;
        // Multiples of 1/4 of norm at most sqrt(d)/2: when they are not parallel, the squared sine
        // of their angle is a positive integer over at most (4 d)^2.
        const long double cosine = dot(u, v);
        if (cosine > 0) CHECK(1 - cosine * cosine > 0.5 / (16 * d * d));
      }
    }
  }
}

}  // namespace

TEST_CASE("columns of a teacher") {
  CHECK(teacher_settings{}.values == std::vector<double>{-0.5, -0.25, 0, 0.25, 0.5});
  CHECK(teacher_settings{}.polarity == 0);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    check_columns(construct<static_net<double>>(constant_bias{}, 0, seed), epsilon<double>);
    check_columns(construct<dynamic_net<float>>(constant_bias{}, 0, seed), epsilon<float>);
    check_columns(construct<static_net<long double>>(constant_bias{}, 0, seed),
                  static_cast<double>(epsilon<long double>));
  }
}

TEST_CASE("entries are drawn from the list, each as likely as the others") {
  const std::vector<double> values{-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1};
  mlp<double, relu, 4, 100, 100> teacher;
  construct_teacher(teacher, {.values = values, .seed = 5}, constant_bias{});
  std::vector<double> count(values.size());
  const auto W = teacher.layer<2>().linear_weights();
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (const double w : W.row(i)) {
      const auto place = std::ranges::find(values, w);
      REQUIRE(place != values.end());
      count[static_cast<std::size_t>(place - values.begin())] += 1;
    }
  }
  const double expected = 100.0 * 100.0 / static_cast<double>(values.size());
  double chi_square = 0;
  for (const double c : count) chi_square += (c - expected) * (c - expected) / expected;
  CHECK(chi_square < 31.8);  // exceeded with probability 1e-4 at 8 degrees of freedom
}

TEST_CASE("all columns that there are, and no more") {
  const auto construct_with = [](const std::array<std::size_t, 3>& widths,
                                 const std::vector<double>& values) {
    mlp<double, relu, dynamic, dynamic, dynamic> teacher(widths);
    construct_teacher(teacher, {.values = values, .seed = 1}, constant_bias{});
    return teacher;
  };
  const std::vector<double> five{-0.5, -0.25, 0, 0.25, 0.5};
  // Two of five values have 16 directions: 4 along the axes, 4 along the diagonals, 8 of slope 2.
  const auto full = construct_with({2, 16, 1}, five);
  const auto W = full.layer<1>().linear_weights();
  for (std::size_t k = 0; k < 16; ++k) {
    for (std::size_t j = 0; j < k; ++j) {
      CHECK(W(0, j) * W(0, k) + W(1, j) * W(1, k) < 0.99);  // cosine
    }
  }
  const auto refused = [&](const std::array<std::size_t, 3>& widths,
                           const std::vector<double>& values) {
    return message_of<argument_error>([&] { construct_with(widths, values); });
  };
  CHECK(refused({2, 17, 1}, five) ==
        "construct_teacher: layer 1 needs 17 distinct columns of 2 entries, the list of 5 values "
        "gives 16");
  // Columns of the top layer are not scaled: multiples are distinct there.
  CHECK(construct_with({2, 2, 24}, five).out_width() == 24);
  CHECK(refused({2, 2, 25}, five) ==
        "construct_teacher: layer 2 needs 25 distinct columns of 2 entries, the list of 5 values "
        "gives 24");
  CHECK(construct_with({2, 1, 4}, five).out_width() == 4);
  CHECK(refused({2, 1, 5}, five) ==
        "construct_teacher: layer 2 needs 5 distinct columns of 1 entries, the list of 5 values "
        "gives 4");
  CHECK(refused({3, 1, 1}, {0}) ==
        "construct_teacher: layer 1 needs 1 distinct columns of 3 entries, the list of 1 values "
        "gives 0");
  // Opposite directions are two; multiples of one direction are one.
  CHECK(construct_with({1, 2, 1}, {-1, 1}).widths()[1] == 2);
  CHECK(construct_with({2, 3, 1}, {1, 2}).widths()[1] == 3);
  CHECK(refused({2, 4, 1}, {1, 2}) ==
        "construct_teacher: layer 1 needs 4 distinct columns of 2 entries, the list of 2 values "
        "gives 3");
  CHECK(refused({1, 2, 1}, {0.1, 0.3, 0.7}) ==
        "construct_teacher: layer 1 needs 2 distinct columns of 1 entries, the list of 3 values "
        "gives 1");
}

TEST_CASE("settings that mean nothing") {
  mlp<double, relu, 3, 2, 1> teacher;
  const auto refused = [&](const teacher_settings& settings) {
    return message_of<argument_error>(
        [&] { construct_teacher(teacher, settings, constant_bias{}); });
  };
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string list = "construct_teacher: values must be a list of finite numbers, not empty";
  const std::string polarity = "construct_teacher: the polarity is not a finite number";
  CHECK(refused({.values = {}}) == list);
  CHECK(refused({.values = {1, inf}}) == list);
  CHECK(refused({.values = {nan}}) == list);
  CHECK(refused({.polarity = nan}) == polarity);
  CHECK(refused({.polarity = -inf}) == polarity);
  CHECK(message_of<argument_error>([&] {
          construct_teacher(teacher, {.seed = 1}, uniform_bias{-1});
        }) == "stream::fill_uniform: [1, -1), expected finite ends in order");
}

TEST_CASE_TEMPLATE("polarity divides row j by (j+1)^p, above the first layer only", T, float,
                   double) {
  const auto plain = construct<static_net<T>>(constant_bias{-0.1});
  for (const double p : {0.5, 1.0, 1.5, 2.0, -1.0}) {
    const auto weak = construct<static_net<T>>(constant_bias{-0.1}, p);
    CHECK(weak[0] == plain[0]);
    const auto strength = [&](std::size_t j) {
      return std::pow(static_cast<long double>(j + 1), -static_cast<long double>(p));
    };
    const auto compare = [](comparison& result, long double actual, long double expected,
                            double epsilons, std::size_t j) {
      result.add(static_cast<double>(std::abs(actual - expected)),
                 epsilons * (epsilon<double> + static_cast<double>(epsilon<T>)) *
                     static_cast<double>(std::abs(expected)),
                 detail::text("row ", j), static_cast<double>(actual),
                 static_cast<double>(expected));
    };
    // The top layer: divided and nothing else. The power is rounded to double and to T, the product
    // to T; powers of two are exact.
    comparison top;
    for (std::size_t j = 0; j < 7; ++j) {
      const bool exact = (j == 0 || j == 1 || j == 3) && p == std::round(p);
      for (std::size_t k = 0; k < 3; ++k) {
        compare(top, weak[2](j, k), plain[2](j, k) * strength(j), exact ? 0 : 2, j);
      }
    }
    CHECK(top);
    // A hidden layer: divided, then scaled to unit norm.
    comparison hidden;
    for (std::size_t k = 0; k < 7; ++k) {
      auto expected = column(plain[1], 9, k);
      for (std::size_t j = 0; j < 9; ++j) expected[j] *= strength(j);
      const long double length = norm(expected);
      for (std::size_t j = 0; j < 9; ++j) {
        compare(hidden, weak[1](j, k), expected[j] / length, 10, j);
      }
    }
    CHECK(hidden);
  }
}

TEST_CASE("constant biases are the same number in every layer, of every strength") {
  const auto check = [](const std::vector<wide>& weights, long double value) {
    for (const wide& W : weights) {
      CHECK(std::ranges::all_of(matrix_view(W).row(W.shape(0) - 1),
                                [&](long double b) { return b == value; }));
    }
  };
  for (const double value : {0.0, -0.1, 3.0}) {
    for (const double p : {0.0, 1.5}) {
      check(construct<static_net<float>>(constant_bias{value}, p), static_cast<float>(value));
      check(construct<dynamic_net<float>>(constant_bias{value}, p), static_cast<float>(value));
      check(construct<static_net<long double>>(constant_bias{value}, p), value);
    }
  }
}

TEST_CASE("uniform biases are scaled with their columns") {
  // Entries of 1 and -1: every column's norm was sqrt(16) = 4.
  mlp<double, relu, 16, 400, 400> teacher;
  construct_teacher(teacher, {.values = {-1, 1}, .seed = 3}, uniform_bias{0.75});
  const auto check = [](const auto& bias, double half_width) {
    double sum = 0, squares = 0;
    for (const double b : bias) {
      CHECK(std::abs(b) <= half_width);
      sum += b;
      squares += b * b;
    }
    const auto n = static_cast<double>(bias.size());
    const double square = half_width * half_width;
    CHECK(close_to(sum / n, 0, 4 * std::sqrt(square / 3 / n)));
    CHECK(close_to(squares / n, square / 3, 4 * std::sqrt(square * square * 4 / 45 / n)));
  };
  CHECK(std::ranges::all_of(teacher.layer<1>().linear_weights().row(0),
                            [](double w) { return std::abs(w) == 0.25; }));
  check(teacher.layer<1>().bias(), 0.75 / 4);
  check(teacher.layer<2>().bias(), 0.75);
  CHECK(uniform_bias{}.half_width == 0.5);
}

namespace {

// A tuned teacher and what it makes of the sample.
struct tuned_teacher {
  std::vector<wide> weights, untuned, f;
  double eps = 0;

  [[nodiscard]] std::size_t active(std::size_t l, std::size_t k) const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < f[l].shape(0); ++i) count += f[l](i, k) > 0;
    return count;
  }
};

// Weights, biases and inputs are whole numbers, so that no sum is rounded.
template <class T>
tuned_teacher tune_whole_numbers(std::size_t N) {
  stream random = random_stream(N);
  const auto whole = [&](std::uint64_t bound) {
    return static_cast<T>(random.below(2 * bound + 1)) - static_cast<T>(bound);
  };
  mlp<T, relu, 5, 8, 6, 3> teacher;
  teacher.for_each_layer([&](auto& l, std::size_t) {
    for (std::size_t i = 0; i < l.in_width(); ++i) {
      for (T& w : l.weights().row(i)) w = whole(3);
    }
    for (T& bias : l.bias()) bias = 1000;  // what was there before does not matter
  });
  auto x = make_matrix<T>(N, 5);
  std::ranges::generate(x, [&] { return whole(1000); });
  tune_biases(teacher, x);
  return {weights_of(teacher), {}, activations_of(teacher, x), 0};
}

void check_halves(const tuned_teacher& t) {
  const std::size_t N = t.f[0].shape(0);
  std::size_t halves = 0;
  for (std::size_t l = 1; l <= 2; ++l) {
    const wide& W = t.weights[l - 1];
    for (std::size_t k = 0; k < W.shape(1); ++k) {
      auto sorted = linear_part(t.f[l - 1], W, k).a;
      std::ranges::sort(sorted);
      const long double median = sorted[(N - 1) / 2];
      CHECK(W(W.shape(0) - 1, k) == -median);
      CHECK(t.active(l, k) == static_cast<std::size_t>(std::ranges::count_if(
                                  sorted, [&](long double value) { return value > median; })));
      // Half of the samples, of an odd number the smaller half.
      if (N == 1 || sorted[(N - 1) / 2] < sorted[(N + 1) / 2]) {
        CHECK(t.active(l, k) == N / 2);
        ++halves;
      }
    }
  }
  CHECK(halves >= 7);  // of 14 nodes: few have two samples of the same median value
}

template <class Network>
tuned_teacher tune_random(std::size_t N) {
  using T = typename Network::value_type;
  const auto inputs = draw_inputs<T>(gaussian_inputs{10}, N, 6, 4, purpose::evaluation);
  const auto teacher = make_teacher<Network>(tuned_bias{inputs}, 1);
  return {weights_of(teacher), construct<Network>(constant_bias{}, 1),
          activations_of(teacher, inputs), static_cast<double>(epsilon<T>)};
}

void check_tuned(const tuned_teacher& t) {
  const std::size_t N = t.f[0].shape(0);
  const auto samples = static_cast<long double>(N);
  for (std::size_t l = 1; l <= 3; ++l) {
    const wide& W = t.weights[l - 1];
    const std::size_t in = W.shape(0) - 1;
    for (std::size_t k = 0; k < W.shape(1); ++k) {
      const linear_part part(t.f[l - 1], W, k);
      const long double bias = W(in, k);
      const double rounding = static_cast<double>(in + 2) * t.eps * part.gauge;
      const auto before = column(t.untuned[l - 1], in, k), after = column(W, in, k);
      if (l < 3) {
        CHECK(after == before);
        auto sorted = part.a;
        std::ranges::sort(sorted);
        CHECK(close_to(static_cast<double>(bias), static_cast<double>(-sorted[(N - 1) / 2]),
                       rounding));
        // The median sample itself may be rounded to either side of its boundary.
        CHECK(t.active(l, k) >= N / 2);
        CHECK(t.active(l, k) <= N / 2 + 1);
        continue;
      }
      long double mean = 0, variance = 0;
      for (const long double value : part.a) mean += (value + bias) / samples;
      for (const long double value : part.a) {
        variance += (value + bias - mean) * (value + bias - mean) / samples;
      }
      CHECK(close_to(static_cast<double>(mean), 0, rounding));
      CHECK(close_to(static_cast<double>(variance), 1, 4 * rounding));
      // All weights of an output are scaled alike, by a positive number.
      const long double ratio = norm(after) / norm(before);
      comparison result;
      for (std::size_t j = 0; j < in; ++j) {
        const auto expected = static_cast<double>(before[j] * ratio);
        result.add(std::abs(static_cast<double>(after[j]) - expected),
                   2 * (t.eps + epsilon<double>)*std::abs(expected), "weight",
                   static_cast<double>(after[j]), expected);
      }
      CHECK(result);
    }
  }
}

}  // namespace

TEST_CASE("tuned biases: exactly half of the sample activates each node") {
  for (const std::size_t N : {1U, 2U, 3U, 255U, 256U, 257U, 600U, 1000U}) {
    check_halves(tune_whole_numbers<float>(N));
    check_halves(tune_whole_numbers<double>(N));
  }
}

TEST_CASE("tuned teachers: medians below, mean 0 and variance 1 at the top") {
  for (const std::size_t N : {255U, 256U, 1000U}) {
    check_tuned(tune_random<static_net<double>>(N));
    check_tuned(tune_random<dynamic_net<float>>(N));
  }
  check_tuned(tune_random<static_net<long double>>(300));
}

TEST_CASE("tuning forgets the biases of before, and takes any source of rows") {
  const auto inputs = draw_inputs<double>(gaussian_inputs{}, 300, 6, 1);
  const auto expected = construct<static_net<double>>(tuned_bias{inputs});
  auto teacher = make_teacher<static_net<double>>(constant_bias{5});
  tune_biases(teacher, inputs);
  CHECK(weights_of(teacher) == expected);
  framed<double> padded(inputs, 3, 0);
  CHECK(construct<static_net<double>>(tuned_bias{padded.view()}) == expected);
}

TEST_CASE_TEMPLATE("outputs that are constant over the sample are only shifted", T, float, double) {
  // Of one sample, of equal samples in one chunk and in several, whose rows may round differently.
  for (const std::size_t N : {1U, 2U, 3U, 7U, 255U, 257U, 1000U}) {
    auto inputs = make_matrix<T>(N, 6);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j < 6; ++j) inputs(i, j) = T(0.1) * static_cast<T>(j + 1);
    }
    mlp<T, relu, dynamic, dynamic> linear({6, 30});
    construct_teacher(linear, {.seed = 2}, constant_bias{});
    const wide before = weights_of(linear)[0];
    tune_biases(linear, inputs);
    const wide W = weights_of(linear)[0];
    const wide f = activations_of(linear, inputs)[1];
    for (std::size_t k = 0; k < 30; ++k) {
      CHECK(column(W, 6, k) == column(before, 6, k));
      CHECK(
          close_to(static_cast<double>(f(N - 1, k)), 0,
                   10 * static_cast<double>(epsilon<T>) * linear_part(widen(inputs), W, k).gauge));
    }
  }
}

TEST_CASE_TEMPLATE("outputs that only rounding makes different are constant", T, float, double) {
  // t + (0.1 - t), rounded twice.
  auto inputs = draw_inputs<T>(gaussian_inputs{}, 300, 2, 1);
  for (std::size_t i = 0; i < 300; ++i) inputs(i, 1) = T(0.1) - inputs(i, 0);
  mlp<T, relu, dynamic, dynamic> net({2, 2});
  net.template layer<1>().weights()(0, 0) = net.template layer<1>().weights()(1, 0) = 1;
  net.template layer<1>().weights()(0, 1) = 1;  // its output is t itself
  const auto f = outputs(net, inputs);
  std::size_t differ = 0;
  for (std::size_t i = 0; i < 300; ++i) differ += f(i, 0) != f(0, 0);
  CHECK(differ > 0);
  tune_biases(net, inputs);
  CHECK(net.template layer<1>().weights()(0, 0) == 1);
  CHECK(net.template layer<1>().weights()(1, 0) == 1);
  CHECK(close_to(static_cast<double>(net.template layer<1>().bias()[0]), -0.1,
                 8 * static_cast<double>(epsilon<T>)));
  CHECK(net.template layer<1>().weights()(0, 1) != 1);
}

TEST_CASE("one output is constant because its node is dead, the other is not") {
  mlp<double, relu, 1, 2, 2> net;
  net.layer<1>().weights()(0, 1) = 1;
  net.layer<2>().weights()(0, 0) = 3;
  net.layer<2>().weights()(1, 1) = 3;
  tune_biases(net, draw_inputs<double>(gaussian_inputs{}, 100, 1, 1));
  CHECK(net.layer<2>().weights()(0, 0) == 3);
  CHECK(net.layer<2>().bias()[0] == 0);
  CHECK(net.layer<2>().weights()(1, 1) != 3);
}

TEST_CASE("tuning without inputs, or with others") {
  const auto none = make_matrix<double>(0, 6);
  const auto narrow = make_matrix<double>(16, 5);
  CHECK(message_of<shape_error>([&] { construct<static_net<double>>(tuned_bias{none}); }) ==
        "tune_biases: no inputs, expected at least 1");
  CHECK(message_of<shape_error>([&] { construct<dynamic_net<double>>(tuned_bias{narrow}); }) ==
        "forward: x is (16x5), expected (16x6)");
  CHECK(message_of<shape_error>([&] { construct<static_net<double>>(tuned_bias{narrow}); }) ==
        "forward: x is (16x5), expected (16x6)");
}

TEST_CASE("tuning over inputs that are no numbers") {
  auto inputs = draw_inputs<double>(gaussian_inputs{}, 600, 6, 1);
  inputs(599, 5) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { construct<static_net<double>>(tuned_bias{inputs}); }) ==
        "tune_biases: x has nan at row 599, column 5, expected finite numbers");
}

TEST_CASE("same seed, same teacher, whatever the extents") {
  const auto inputs = draw_inputs<double>(gaussian_inputs{10}, 300, 6, 1);
  const auto inputs_float = draw_inputs<float>(gaussian_inputs{10}, 300, 6, 1);
  for (const double p : {0.0, 1.0}) {
    const auto uniform = construct<static_net<double>>(uniform_bias{}, p);
    CHECK(construct<static_net<double>>(uniform_bias{}, p) == uniform);
    CHECK(construct<dynamic_net<double>>(uniform_bias{}, p) == uniform);
    CHECK(construct<mixed_net<double>>(uniform_bias{}, p) == uniform);
    CHECK(construct<static_net<double>>(uniform_bias{}, p, 2) != uniform);
    CHECK(construct<static_net<double>>(uniform_bias{}, p + 0.5) != uniform);
    CHECK(construct<dynamic_net<double>>(tuned_bias{inputs}, p) ==
          construct<static_net<double>>(tuned_bias{inputs}, p));
    CHECK(construct<dynamic_net<float>>(tuned_bias{inputs_float}, p) ==
          construct<static_net<float>>(tuned_bias{inputs_float}, p));
  }
}

TEST_CASE("construct_teacher for layers without bias") {
  network<dense<double, 5, 4, relu, no_bias>, dense<double, 4, 3, identity, no_bias>> bare;
  construct_teacher(bare, {.seed = 11}, no_bias{});
  mlp<double, relu, 5, 4, 3> whole;
  construct_teacher(whole, {.seed = 11}, constant_bias{});
  CHECK(to_matrix(bare.layer<1>().weights()) == to_matrix(whole.layer<1>().linear_weights()));
  CHECK(to_matrix(bare.layer<2>().weights()) == to_matrix(whole.layer<2>().linear_weights()));
}

TEST_CASE("construct_teacher with a bias that is no number") {
  mlp<double, relu, 5, 4, 3> teacher;
  CHECK(message_of<argument_error>([&] {
          construct_teacher(teacher, {}, constant_bias{std::nan("")});
        }) == "construct_teacher: the bias is not a finite number");
}
