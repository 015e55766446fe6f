#include <tutelage/analysis/energy_conservation.hpp>

#include <tutelage/model/flatten.hpp>
#include <tutelage/train/loss.hpp>
#include <tutelage/train/train.hpp>

#include "support/layer_stack.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Gate = identity, class Bias = with_bias>
using full = dense<double, dynamic, dynamic, Gate, Bias>;

std::size_t between(stream& random, std::size_t least, std::size_t most) {
  return least + random.below(static_cast<std::uint32_t>(most - least + 1));
}

template <class Network>
std::vector<normalized_layer> balance(const Network& net, const matrix<double>& x,
                                      const matrix<double>& y) {
  activations<Network> kept;
  gradients<Network> found;
  const matrix_view<const double> f = net.forward(training{}, x, kept);
  net.backward(x, kept, error_of<double>(y, f), found);
  return energy_balance(net, x, kept, found);
}

// eps is not small beside the variance of some nodes: its share is seen.
constexpr batch_norm_settings plain{}, large{.eps = 0.5};

template <class Network>
std::vector<std::string> check(Network net, stream& random) {
  randomize_parameters(net, random);
  const std::size_t N = between(random, 4, 9);
  const auto x = random_matrix<double>(N, net.in_width(), random);
  const auto y = random_matrix<double>(N, net.out_width(), random);
  const auto layers = balance(net, x, y);
  std::vector<std::string> names;
  for (const auto& layer : layers) {
    CAPTURE(layer.name);
    names.push_back(layer.name);
    for (const auto& node : layer.nodes) {
      const double rounding = 64 * epsilon<double>;
      CHECK(close_to(node.along, node.leak, rounding * (node.along_gauge + node.f_gauge)));
      CHECK(close_to(node.along_one, 0, rounding * node.one_gauge));
      CHECK(close_to(node.along_f, node.leak, rounding * node.f_gauge));
    }
  }
  return names;
}

using words = std::vector<std::string>;

}  // namespace

TEST_CASE(
    "weights below normalization are orthogonal to their gradient, both orders, any network") {
  stream random = random_stream(1);
  for (int repeat = 0; repeat < 100; ++repeat) {
    CAPTURE(repeat);
    const std::size_t d = between(random, 1, 5), n = between(random, 1, 6);
    const batch_norm_settings s = repeat % 2 == 0 ? plain : large;
    CHECK(check(network(full<>(d, n), batch_norm<double>(n, s), gated<relu>(),
                        full<leaky_relu<>, no_bias>(n, 4), batch_norm<double>(4, s), full<>(4, 2)),
                random) == words{"1.", "4."});
    CHECK(check(network(full<>(d, n), gated<leaky_relu<>>(), batch_norm<double>(n, s),
                        residual(full<relu>(n, 3), batch_norm<double>(3, s), full<>(3, n),
                                 batch_norm<double>(n, s)),
                        batch_norm<double>(n, s), full<>(n, 2)),
                random) == words{"2.", "3.1.", "3.3."});
  }
}

TEST_CASE("filters below normalization likewise, through pools") {
  stream random = random_stream(2);
  for (int repeat = 0; repeat < 40; ++repeat) {
    CAPTURE(repeat);
    const std::size_t k = between(random, 1, 3);
    const batch_norm_settings s = repeat % 2 == 0 ? plain : large;
    const conv2d<double> lower({2, between(random, 3, 5), between(random, 3, 5)},
                               {.filters = k, .size = 3, .padding = 1});
    const conv2d<double, dynamic, relu> upper(lower.out_image(), {.filters = 2, .size = 2});
    const std::size_t out = average_pool<double>({.size = 2, .padding = 1}).over(upper).out_width();
    CHECK(check(network(lower, batch_norm<double>(k, s), gated<relu>(), upper,
                        average_pool<double>({.size = 2, .padding = 1}), batch_norm<double>(2, s),
                        flatten(), batch_norm<double>(out, s), full<>(out, 2)),
                random) == words{"1.", "5."});
  }
}

TEST_CASE("each step of gradient descent adds rate^2 |dW|^2, and nothing but eps leaks") {
  stream random = random_stream(3);
  network net(full<>(4, 6), batch_norm<double>(6), gated<relu>(), full<relu>(6, 5),
              batch_norm<double>(5), full<>(5, 2));
  randomize_parameters(net, random);
  const auto x = random_matrix<double>(64, 4, random), y = random_matrix<double>(64, 2, random);
  const double rate = 0.1;
  trainer learning(net, mean_squared_error{}, sgd{.rate = rate});
  const auto start = balance(net, x, y);
  std::vector<double> steps(6);
  double leaked = 0;
  const int count = 200;
  for (int step = 0; step < count; ++step) {
    const auto before = balance(net, x, y);
    learning.step(x, matrix_view<const double>(y));
    const auto after = balance(net, x, y);
    for (std::size_t l = 0; l < 2; ++l) {
      for (std::size_t j = 0; j < before[l].nodes.size(); ++j) {
        const auto& node = before[l].nodes[j];
        CHECK(close_to(after[l].nodes[j].energy, node.energy_after(rate),
                       64 * epsilon<double> * node.energy));
        if (l == 0) {
          steps[j] += rate * rate * node.gradient;
          leaked = std::max(leaked, std::abs(2 * rate * node.leak));
        }
      }
    }
  }
  const auto end = balance(net, x, y);
  for (std::size_t j = 0; j < steps.size(); ++j) {
    const double change = end[0].nodes[j].energy - start[0].nodes[j].energy;
    // What is not the steps' own squares is what eps leaks, some 1e-5 of it a step.
    CHECK(std::abs(change - steps[j]) <= count * leaked);
    CHECK(std::abs(change - steps[j]) < 1e-3 * start[0].nodes[j].energy);
    CHECK(change > 0);
  }
}

TEST_CASE("energy_balance: errors") {
  const network net(full<>(3, 4), batch_norm<double>(4), full<>(4, 2));
  const auto x = make_matrix<double>(5, 3);
  activations<std::remove_const_t<decltype(net)>> kept;
  gradients<std::remove_const_t<decltype(net)>> found;
  net.forward(x, kept);
  net.backward(x, kept, make_matrix<double>(5, 2), found);
  CHECK(message_of<argument_error>([&] { energy_balance(net, x, kept, found); }) ==
        "energy_balance: the forward pass was none of training");
  CHECK(message_of<shape_error>([&] {
          energy_balance(net, make_matrix<double>(4, 3), kept, found);
        }) == "energy_balance: x is (4x3), expected (5x3)");
}
