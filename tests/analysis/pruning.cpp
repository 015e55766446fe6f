#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include <tutelage/analysis/pruning.hpp>

#include "support/close_to.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/split_student.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using list = std::vector<std::size_t>;

// Differences of outputs, in epsilons of everything that is added to an output.
template <class A, class B>
comparison same_function(const A& a, const B& b, const matrix<double>& x) {
  comparison result;
  const auto f = a(x), g = b(x);
  const auto weights = weights_of(a);
  const auto gauge = output_gauge(weights, widen(x));
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    for (std::size_t c = 0; c < f.shape(1); ++c) {
      result.add(std::abs(f(i, c) - g(i, c)),
                 output_roundings(weights) * epsilon<double> * static_cast<double>(gauge(i, c)),
                 detail::text("(", i, ", ", c, ")"), g(i, c), f(i, c));
    }
  }
  return result;
}

}  // namespace

TEST_CASE("merging gives the teacher back, up to scale and order") {
  for (const std::size_t split : {1U, 2U, 4U}) {
    const auto s = make_split_student(7, 4, split, 3, split);
    stream random = random_stream(split);
    const auto x = random_matrix<double>(100, 7, random);
    const auto merged = merge_colinear<1>(s.student, 16 * epsilon<double>);
    CHECK(merged.widths()[1] == 5);  // and one null group
    CHECK(same_function(s.student, merged, x));
    const auto pruned = drop_weak<1>(merged, x, 16 * epsilon<double>);
    REQUIRE(pruned.widths()[1] == 4);
    CHECK(same_function(s.student, pruned, x));
    const auto change = output_change(s.student, pruned, x);
    CHECK(change.relative() <= 1e-13);
    CHECK(change.deviation > 0.1);
    const auto partition =
        colinear_groups(s.teacher.layer<1>(), pruned.layer<1>(), 16 * epsilon<double>);
    REQUIRE(partition.groups.size() == 4);
    const auto norms = fan_in_norms(pruned.layer<1>());
    for (std::size_t j = 0; j < 4; ++j) {
      REQUIRE(partition.groups[j].teachers == list{j});
      REQUIRE(partition.groups[j].students.size() == 1);
      const std::size_t k = partition.groups[j].students[0];
      for (std::size_t c = 0; c < 3; ++c) {
        const double expected = s.teacher.layer<2>().weights()(j, c);
        CHECK(close_to(pruned.layer<2>().weights()(k, c) * norms[k], expected,
                       64 * epsilon<double> * std::abs(expected)));
      }
    }
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(close_to(pruned.layer<2>().bias()[c], s.teacher.layer<2>().bias()[c],
                     16 * epsilon<double> * static_cast<double>(c + 4)));
    }
  }
}

TEST_CASE("a network without co-linear nodes is not changed by a bit") {
  mlp<double, leaky_relu<>, 5, 8, 6, 2> net;
  stream random = random_stream(1);
  randomize(net, random);
  const auto same = merge_colinear<1>(merge_colinear<2>(net, 1e-9), 1e-9);
  CHECK(same.widths() == net.widths());
  CHECK(weights_of(same) == weights_of(net));
  CHECK(weights_of(drop_weak<2>(net, random_matrix<double>(200, 5, random), 0)) == weights_of(net));
  CHECK(output_change(net, same, random_matrix<double>(20, 5, random)).largest == 0);
}

TEST_CASE("hidden layers above the lowest, leaky gates, and constants without a bias above") {
  using net_type = network<dense<double, 4, 6, leaky_relu<>>, dense<double, 6, 7, leaky_relu<>>,
                           dense<double, 7, 3, identity, no_bias>>;
  net_type net;
  stream random = random_stream(2);
  randomize(net, random);
  auto W = net.layer<2>().weights();
  for (std::size_t i = 0; i < 7; ++i) {
    W(i, 3) = 3 * W(i, 1);
    W(i, 5) = W(i, 1) / 7;
    W(i, 4) = i < 6 ? 0 : -2;  // a constant
  }
  const auto x = random_matrix<double>(300, 4, random);
  const auto merged = merge_colinear<2>(net, 16 * epsilon<double>);
  CHECK(merged.widths()[2] == 5);  // the layer above has no bias: the constant stays
  CHECK(same_function(net, merged, x));

  auto below = net;
  for (std::size_t i = 0; i < 5; ++i) below.layer<1>().weights()(i, 2) = i < 4 ? 0 : -3;
  const auto folded = merge_colinear<1>(below, 0);
  CHECK(folded.widths()[1] == 5);
  CHECK(same_function(below, folded, x));
}

TEST_CASE("nodes without fan-out are merged away, however large") {
  mlp<double, relu, 1, 3, 1> net;
  net.layer<1>().weights()(0, 0) = 1e-300;
  net.layer<1>().weights()(0, 1) = 1e300;  // in units of the first, infinite
  net.layer<1>().weights()(0, 2) = -1;
  net.layer<2>().weights()(2, 0) = 3;
  const auto merged = merge_colinear<1>(net, 0);
  CHECK(merged.widths()[1] == 2);
  CHECK(merged.layer<2>().weights()(0, 0) == 0);
  CHECK(merged.layer<2>().weights()(1, 0) == 3);
}

TEST_CASE("nodes are told apart by their strengths, however large or small their factors") {
  const auto line = [](std::initializer_list<std::array<double, 3>> nodes) {  // w, b, v
    mlp<double, relu, dynamic, dynamic, dynamic> net({1, nodes.size(), 1});
    std::size_t k = 0;
    for (const auto& [w, b, v] : nodes) {
      net.layer<1>().weights()(0, k) = w;
      net.layer<1>().bias()[k] = b;
      net.layer<2>().weights()(k++, 0) = v;
    }
    return net;
  };
  auto x = make_matrix<double>(2, 1);
  x(0, 0) = 1;
  x(1, 0) = -1;
  const auto one = line({{1e170, 0, 1e-170}, {1, 0, 1}});
  CHECK(close_to(merge_colinear<1>(one, 0)(x)(0, 0), 2, 4 * epsilon<double>));
  CHECK(close_to(drop_weak<1>(one, x, 0)(x)(0, 0), 2, 4 * epsilon<double>));
  CHECK(drop_weak<1>(one, x, 0.5).widths()[1] == 2);
  // Both products vanish or overflow in double.
  const auto small = line({{1e-170, 0, 5e-170}, {1e-170, 0, 1e-170}, {1e-200, 0, 1e-150}});
  CHECK(close_to(merge_colinear<1>(small, 0).layer<2>().weights()(0, 0), 6e-170, 1e-179));
  CHECK(drop_weak<1>(small, x, 0).widths()[1] == 3);
  CHECK(drop_weak<1>(small, x, 0.1).widths()[1] == 2);
  const auto large = line({{1e160, 0, 1e160}, {1, 0, 1}, {1, -5, 3}});
  CHECK(drop_weak<1>(large, x, 0).widths()[1] == 2);  // the last is never active
  CHECK(drop_weak<1>(large, x, 1e-200).widths()[1] == 1);
  // Of norms whose ratio overflows.
  const auto far = line({{1e-160, 0, 1e165}, {1e160, 0, 1e-155}});
  const auto merged = merge_colinear<1>(far, 0);
  CHECK(merged.widths()[1] == 1);
  CHECK(close_to(merged(x)(0, 0), 2e5, 1e-10));
  // Constants that leave the range in the bias above.
  CHECK(message_of<argument_error>([&] {
          merge_colinear<1>(line({{0, 1e200, 1e200}, {1, 0, 1}}), 0);
        }) == "merge_colinear: weight 2 of node 0 is not a finite number");
}

TEST_CASE("fan-outs that are not finite are refused") {
  mlp<double, relu, 1, 2, 1> net;
  for (std::size_t k = 0; k < 2; ++k) net.layer<1>().weights()(0, k) = static_cast<double>(k) + 1;
  auto x = make_matrix<double>(2, 1);
  x(0, 0) = 1;
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    net.layer<2>().weights()(1, 0) = wrong;
    CHECK_THROWS_AS(merge_colinear<1>(net, 0), argument_error);
    CHECK_THROWS_AS(drop_weak<1>(net, x, 0), argument_error);
    CHECK_THROWS_AS(node_strengths<1>(net), argument_error);
    CHECK(message_of<argument_error>([&] { strongest_nodes(net, std::vector<double>{0.5}); }) ==
          "strongest_nodes: weight 1 of node 0 is not a finite number");
  }
}

TEST_CASE("a layer of constants keeps one silent node") {
  mlp<double, relu, 2, 3, 2> net;
  net.layer<1>().bias()[1] = 2;
  for (std::size_t c = 0; c < 2; ++c) {
    net.layer<2>().weights()(0, c) = 9;
    net.layer<2>().weights()(1, c) = static_cast<double>(c) + 1;
  }
  stream random = random_stream(3);
  const auto x = random_matrix<double>(5, 2, random);
  const auto merged = merge_colinear<1>(net, 0);
  CHECK(merged.widths()[1] == 1);
  const auto change = output_change(net, merged, x);
  CHECK(change.largest == 0);
  CHECK(change.deviation == 0);
  CHECK(change.relative() == 0);
  CHECK(drop_weak<1>(net, x, 0).widths()[1] == 1);
  CHECK(output_change(net, drop_weak<1>(net, x, 0), x).largest == 0);
}

TEST_CASE("kept nodes") {
  mlp<float, relu, 3, 5, 4, 2> net;
  stream random = random_stream(4);
  randomize(net, random);
  kept_nodes<decltype(net)> kept{list{0, 3, 4}, list{1, 2}};
  const auto small = keep_nodes(net, kept);
  CHECK(small.widths() == std::array<std::size_t, 4>{3, 3, 2, 2});
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t k = 0; k < 2; ++k) {
      const std::size_t row = i < 3 ? kept[0][i] : 5;
      CHECK(small.layer<2>().weights()(i, k) == net.layer<2>().weights()(row, kept[1][k]));
    }
  }
  // Switched off is left out.
  auto masked = net;
  mask_nodes(masked, kept);
  const auto x = random_matrix<float>(50, 3, random);
  const auto change = output_change(masked, small, x);
  const auto gauge = output_gauge(weights_of(small), widen(x));
  CHECK(change.largest <= output_roundings(weights_of(masked)) *
                              static_cast<double>(epsilon<float>) *
                              static_cast<double>(*std::max_element(gauge.begin(), gauge.end())));
  std::size_t zeros = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      const bool off = k == 0 || k == 3 || i == 1 || i == 2;
      CHECK((masked.layer<2>().weights()(i, k) == 0) == off);
      zeros += off;
    }
  }
  CHECK(zeros == 16);
  for (const auto& wrong : {list{}, list{0, 0}, list{2, 1}, list{5}}) {
    kept[0] = wrong;
    CHECK(message_of<argument_error>([&] { keep_nodes(net, kept); }) ==
          "keep_nodes: layer 1 has 5 nodes, expected at least 1 of them in increasing order");
  }
}

TEST_CASE("structured pruning keeps the largest fan-outs, in the given shares") {
  mlp<double, relu, 2, 6, 4, 1> net;
  const double fan_out[] = {3, 1, 5, 1, 4, 2};
  for (std::size_t k = 0; k < 6; ++k) net.layer<2>().weights()(k, 0) = fan_out[k];
  for (std::size_t k = 0; k < 4; ++k) net.layer<3>().weights()(k, 0) = -static_cast<double>(k);
  const auto stay = [&](double lower, double upper) {
    return strongest_nodes(net, std::vector<double>{lower, upper});
  };
  CHECK(stay(0, 0) == all_nodes(net));
  CHECK(stay(0.5, 0.25) == kept_nodes<decltype(net)>{list{0, 2, 4}, list{1, 2, 3}});
  CHECK(stay(0.17, 0.6) == kept_nodes<decltype(net)>{list{0, 1, 2, 4, 5}, list{2, 3}});
  CHECK(stay(0.6, 0.4) == kept_nodes<decltype(net)>{list{2, 4}, list{2, 3}});  // 3.6 and 1.6
  CHECK(stay(0.4, 0.1) == kept_nodes<decltype(net)>{list{0, 2, 4, 5}, list{0, 1, 2, 3}});
  CHECK(stay(1, 1) == kept_nodes<decltype(net)>{list{2}, list{3}});
  for (std::size_t k = 0; k < 6; ++k) net.layer<2>().weights()(k, 0) = 1e-170 * fan_out[k];
  for (std::size_t k = 0; k < 4; ++k) net.layer<3>().weights()(k, 0) *= 1e170;
  CHECK(stay(0.5, 0.25) == kept_nodes<decltype(net)>{list{0, 2, 4}, list{1, 2, 3}});
  for (const double wrong : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(stay(wrong, 0), argument_error);
  }
  CHECK(message_of<argument_error>([&] { strongest_nodes(net, std::vector<double>{0}); }) ==
        "strongest_nodes: 1 ratios, expected 2 numbers in [0, 1]");
}

TEST_CASE("strengths and weak nodes") {
  mlp<double, relu, 2, 3, 2> net;
  net.layer<1>().weights()(0, 0) = 3;
  net.layer<1>().weights()(1, 0) = 4;
  net.layer<1>().weights()(0, 1) = 2;
  net.layer<2>().weights()(0, 1) = 2;
  net.layer<2>().weights()(1, 0) = 0.5;
  net.layer<2>().weights()(2, 0) = 8;  // has no weights below
  CHECK(node_strengths<1>(net) == std::vector<long double>{10, 1, 0});
  // On these inputs f_0 is in [0, 20], f_1 in [0, 2], f_2 always 0.
  auto x = make_matrix<double>(2, 2);
  x(0, 0) = 4;
  x(0, 1) = 2;
  x(1, 0) = 1;
  x(1, 1) = -1;
  const auto effects = node_effects<1>(net, x);
  CHECK(effects[0].middle == 10);
  CHECK(effects[0].half_range == 10);
  CHECK(effects[0].strength == 20);
  CHECK(effects[1].middle == 5);  // 2 and 8
  CHECK(effects[1].strength == 1.5);
  CHECK(effects[2].strength == 0);
  CHECK(drop_weak<1>(net, x, 0.074).widths()[1] == 2);
  const auto dropped = drop_weak<1>(net, x, 0.076);
  CHECK(dropped.widths()[1] == 1);
  CHECK(output_change(net, dropped, x).largest == 1.5);
  CHECK(drop_weak<1>(net, x, 1).widths()[1] == 1);
  CHECK_THROWS_AS(drop_weak<1>(net, x, -1), argument_error);
  CHECK_THROWS_AS(drop_weak<1>(net, make_matrix<double>(0, 2), 0), shape_error);
}

TEST_CASE("dropped nodes leave what is constant of them in the bias above") {
  mlp<double, relu, 2, 3, 1> net;
  net.layer<1>().weights()(0, 0) = 1;
  net.layer<1>().bias()[1] = 2;  // a constant
  net.layer<1>().weights()(1, 2) = 1e-9;
  net.layer<1>().bias()[2] = 2;  // nearly one
  for (std::size_t k = 0; k < 3; ++k) net.layer<2>().weights()(k, 0) = 1;
  stream random = random_stream(6);
  const auto x = random_matrix<double>(100, 2, random);
  const auto exact = drop_weak<1>(net, x, 0);
  CHECK(exact.widths()[1] == 2);
  CHECK(output_change(net, exact, x).largest <= 8 * epsilon<double>);
  const auto near = drop_weak<1>(net, x, 1e-6);
  CHECK(near.widths()[1] == 1);
  CHECK(output_change(net, near, x).largest <=
        node_effects<1>(net, x)[2].strength + 16 * epsilon<double>);
  // Nothing takes a constant where there is no bias above: it stays.
  network<dense<double, 1, 2, relu>, dense<double, 2, 1, identity, no_bias>> bare;
  bare.layer<1>().weights()(0, 0) = 1;
  bare.layer<1>().bias()[1] = 2;
  bare.layer<2>().weights()(0, 0) = bare.layer<2>().weights()(1, 0) = 1;
  const auto y = random_matrix<double>(100, 1, random);
  CHECK(drop_weak<1>(bare, y, 0).widths()[1] == 2);
  CHECK(output_change(bare, drop_weak<1>(bare, y, 0), y).largest == 0);
}

TEST_CASE("strengths of any weights are numbers above 0") {
  for (const double s : {1e-200, 1e200}) {
    any_mlp net({1, 1, 1});
    net.layer<1>().weights()(0, 0) = net.layer<2>().weights()(0, 0) = s;
    const long double strength = node_strengths<1>(net)[0];
    CHECK(close_to(static_cast<double>(strength / s), s, 1e-15 * s));
  }
}

TEST_CASE("changes of outputs, by hand and by two passes") {
  mlp<double, relu, 3, 4, 2> a, b;
  stream random = random_stream(5);
  randomize(a, random);
  randomize(b, random);
  const std::size_t N = 600;
  const auto x = random_matrix<double>(N, 3, random);
  const auto f = a(x), g = b(x);
  long double square = 0, variance = 0, mean[2] = {0, 0};
  double largest = 0;
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t c = 0; c < 2; ++c) {
      mean[c] += f(i, c) / static_cast<long double>(N);
      square += std::pow(f(i, c) - g(i, c), 2);
      largest = std::max(largest, std::abs(f(i, c) - g(i, c)));
    }
  }
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t c = 0; c < 2; ++c) variance += std::pow(f(i, c) - mean[c], 2);
  }
  const auto change = output_change(a, b, x);
  const double unit = 2 * static_cast<double>(N) * epsilon<double>;
  CHECK(close_to(change.largest, largest, unit * largest));
  const auto rms = static_cast<double>(std::sqrt(square / (2 * N)));
  CHECK(close_to(change.rms, rms, unit * rms));
  const auto deviation = static_cast<double>(std::sqrt(variance / (2 * N)));
  CHECK(close_to(change.deviation, deviation, 10 * unit * deviation));
  CHECK(close_to(change.relative(), rms / deviation, 20 * unit));

  // In any units.
  for (const double scale : {1e-300, 1e-170, 1e170, 1e300}) {
    auto a_scaled = a, b_scaled = b;
    for (std::size_t i = 0; i < 5; ++i) {
      for (double& w : a_scaled.layer<2>().weights().row(i)) w *= scale;
      for (double& w : b_scaled.layer<2>().weights().row(i)) w *= scale;
    }
    const auto scaled = output_change(a_scaled, b_scaled, x);
    CHECK(close_to(scaled.rms, rms * scale, unit * rms * scale));
    CHECK(close_to(scaled.deviation, deviation * scale, 10 * unit * deviation * scale));
    CHECK(close_to(scaled.relative(), rms / deviation, 20 * unit));
  }

  mlp<double, relu, 3, 1, 2> constant;
  CHECK(output_change(constant, a, x).relative() == std::numeric_limits<double>::infinity());
  const auto none = make_matrix<double>(0, 3);
  CHECK_THROWS_AS(output_change(a, b, none), shape_error);
  CHECK_THROWS_AS(output_change(a, mlp<double, relu, 3, 4, dynamic>({3, 4, 1}), x), shape_error);
  auto wrong = x;
  wrong(7, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(output_change(a, b, wrong), argument_error);
}
