#include <tutelage/model/fold.hpp>

#include <concepts>

#include "support/layer_stack.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

std::size_t between(stream& random, std::size_t least, std::size_t most) {
  return least + random.below(static_cast<std::uint32_t>(most - least + 1));
}

// Statistics, too, are no longer those of the start.
template <class L>
void move_statistics(L& layer, stream& random) {
  if constexpr (requires { layer.running_var(); }) {
    for (auto& m : layer.running_mean()) m = random.normal();
    for (auto& v : layer.running_var()) v = 0.25 + std::abs(random.normal());
  }
}

// The folded network's outputs against evaluation's, and those of what it is made of.
template <class Network>
auto check(Network net, stream& random) {
  randomize_parameters(net, random);
  net.for_each_layer([&](auto& l, std::size_t) { move_statistics(l, random); });
  const auto folded = fold(net);
  static_assert(piecewise_linear_network<std::remove_const_t<decltype(folded)>>);
  const auto x = random_matrix<double>(6, net.in_width(), random);
  const auto y = net(x), z = folded(x);
  double scale = 1;
  for (const double value : y) scale = std::max(scale, std::abs(value));
  CHECK(close_to(z, y, 4000 * epsilon<double> * scale));
  return folded;
}

template <class Network>
constexpr std::size_t depth = std::remove_cvref_t<Network>::depth;

}  // namespace

TEST_CASE("fold: random stacks of nodes, both orders, are the same function") {
  stream random = random_stream(1);
  using linear = dense<double>;
  using gated_dense = dense<double, dynamic, dynamic, leaky_relu<>>;
  for (int repeat = 0; repeat < 100; ++repeat) {
    CAPTURE(repeat);
    const std::size_t d = between(random, 1, 6), n = between(random, 1, 7);
    const auto before = check(network(linear(d, n), batch_norm<double>(n), gated<relu>(),
                                      dense<double, dynamic, dynamic, identity, no_bias>(n, 3)),
                              random);
    static_assert(depth<decltype(before)> == 2);
    const auto after = check(
        network(gated_dense(d, n), batch_norm<double>(n), gated_dense(n, 4), linear(4, 2)), random);
    static_assert(depth<decltype(after)> == 3);
    // Normalization between two gates becomes a layer; linear layers stay apart; so does a top.
    const auto odd = check(
        network(batch_norm<double>(d), gated<relu>(), batch_norm<double>(d), gated<leaky_relu<>>(),
                gated<relu>(), linear(d, n), linear(n, 2), batch_norm<double>(2)),
        random);
    static_assert(depth<decltype(odd)> == 5);
  }
}

TEST_CASE("fold: random stacks of convolutions, pools and normalization, padding included") {
  stream random = random_stream(2);
  for (int repeat = 0; repeat < 60; ++repeat) {
    CAPTURE(repeat);
    const std::size_t groups = between(random, 1, 2), filters = groups * between(random, 1, 2);
    const conv2d<double> lower({groups, between(random, 3, 6), between(random, 3, 6)},
                               {.filters = filters,
                                .size = sides(between(random, 1, 3), between(random, 1, 3)),
                                .stride = between(random, 1, 2),
                                .padding = between(random, 1, 2),
                                .groups = groups});
    const conv2d<double, dynamic, relu, no_bias> upper(
        lower.out_image(), {.filters = 2, .size = 3, .padding = 1, .dilation = 1});
    const pool_settings pool{2, between(random, 1, 2), 1};
    const std::size_t n = average_pool<double>(pool).over(upper).out_width();
    const auto folded =
        check(network(lower, batch_norm<double>(filters), gated<relu>(),
                      batch_norm<double>(filters), upper, average_pool<double>(pool),
                      batch_norm<double>(2), flatten(), dense<double>(n, 3)),
              random);
    static_assert(depth<decltype(folded)> == 3);
    CHECK(folded.widths()[1] == lower.out_width());
  }
}

TEST_CASE("fold: a network of dense layers keeps its bits, widths and gates") {
  stream random = random_stream(3);
  network<dense<double, 3, 5, leaky_relu<dynamic_slope>>, dense<double, 5, 2>> net{
      dense<double, 3, 5, leaky_relu<dynamic_slope>>(3, 5, leaky_relu<dynamic_slope>(0.25)),
      dense<double, 5, 2>()};
  randomize(net, random);
  const auto folded = fold(net);
  static_assert(std::same_as<decltype(folded), const decltype(net)>);
  CHECK(to_matrix(folded.layer<1>().weights()) == to_matrix(net.layer<1>().weights()));
  CHECK(to_matrix(folded.layer<2>().weights()) == to_matrix(net.layer<2>().weights()));
  CHECK(folded.layer<1>().gate().slope() == 0.25);
}

TEST_CASE("fold: more inputs than are folded at a time") {
  stream random = random_stream(4);
  check(network(dense<double>(300, 3), batch_norm<double>(3), gated<relu>(), dense<double>(3, 2)),
        random);
}

TEST_CASE("fold: what becomes too large is said with its numbers") {
  const network net(conv2d<float>({1, 8, 8}, {.filters = 4, .size = 3}), gated<relu>(), flatten(),
                    dense<float>(144, 2));
  CHECK(message_of<argument_error>([&] { fold(net, 9000); }) ==
        "fold: layers 1 to 2 make a dense layer of (65x144) numbers, at most 9000 are allowed");
  CHECK(message_of<argument_error>([&] { fold(net, 65 * 144 - 1); }) ==
        "fold: layers 1 to 2 make a dense layer of (65x144) numbers, at most 9359 are allowed");
  CHECK(fold(net, 65 * 144).in_width() == 64);
}
