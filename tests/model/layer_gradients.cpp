// Backpropagation of 2,000 random stacks of layers, in both modes, judged by complex steps.
#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/flatten.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/pool.hpp>
#include <tutelage/model/residual.hpp>

#include "support/layer_stack.hpp"

namespace {

using namespace test;

template <class Gate = identity, class Bias = with_bias>
using full = dense<double, dynamic, dynamic, Gate, Bias>;

std::size_t between(stream& random, std::size_t least, std::size_t most) {
  return least + random.below(static_cast<std::uint32_t>(most - least + 1));
}

// One random batch, both modes; running statistics are first moved from where they start.
template <class Network>
void check(Network net, stream& random) {
  randomize_parameters(net, random);
  const std::size_t N = between(random, 3, 7);
  const auto x = random_matrix<double>(N, net.in_width(), random);
  const auto y = random_matrix<double>(N, net.out_width(), random);
  activations<Network> kept;
  net.forward(training{}, x, kept);
  for_each_number<Network::depth>([&](auto l) {
    if constexpr (moded_layer<typename Network::template layer_type<l>>) {
      net.template layer<l>().track(kept.template tape<l>());
    }
  });
  // In epsilons; the worst found is 227. Batches of 3 can have a variance near 0, by whose inverse
  // rounding grows.
  CHECK(worst_gradient(net, x, y, 2, random) < 2000);
  CHECK(worst_gradient(net, x, y, 2, random, training{}) < 2000);
}

}  // namespace

TEST_CASE("gradients of stacks of nodes by complex step: both orders, residuals, nested") {
  stream random = random_stream(1);
  for (int repeat = 0; repeat < 400; ++repeat) {
    CAPTURE(repeat);
    const std::size_t d = between(random, 1, 5), n = between(random, 1, 6);
    const std::size_t C = between(random, 1, 3);
    check(
        network(full<identity, no_bias>(d, n), batch_norm<double>(n), gated<relu>(), full<>(n, C)),
        random);
    check(network(full<relu>(d, n), batch_norm<double>(n), full<leaky_relu<>>(n, C)), random);
    check(
        network(full<>(d, n), residual(batch_norm<double>(n), gated<leaky_relu<>>(), full<>(n, n)),
                residual(full<relu>(n, n + 1), residual(full<relu>(n + 1, n + 1)),
                         batch_norm<double>(n + 1), full<>(n + 1, n)),
                gated<relu>(), full<>(n, C)),
        random);
  }
}

TEST_CASE(
    "gradients of stacks of images by complex step: convolutions, pools, channels, residuals") {
  stream random = random_stream(2);
  for (int repeat = 0; repeat < 420; ++repeat) {
    CAPTURE(repeat);
    const std::size_t groups = between(random, 1, 2), filters = groups * between(random, 1, 2);
    const image_shape in{groups, between(random, 4, 6), between(random, 4, 6)};
    const sides stride(between(random, 1, 2), between(random, 1, 2));
    const pool_settings any{between(random, 1, 3), between(random, 1, 3), 0};
    const pool_settings padded{3, between(random, 1, 2), 1}, same{3, 1, 1};
    const conv2d<double> lower(in, {.filters = filters,
                                    .size = sides(between(random, 1, 3), between(random, 1, 3)),
                                    .stride = stride,
                                    .padding = between(random, 1, 2),
                                    .groups = groups});
    const conv2d<double, dynamic, leaky_relu<>> upper(
        lower.out_image(), {.filters = filters, .size = 3, .padding = 1});
    const auto out = average_pool<double>(padded).over(lower).out_width();
    check(
        network(lower, batch_norm<double>(filters), gated<relu>(),
                residual(batch_norm<double>(filters), gated<relu>(), upper, max_pool<double>(same)),
                upper, average_pool<double>(padded), batch_norm<double>(filters), flatten(),
                full<>(out, 2)),
        random);
    if (any.size > lower.out_image().height || any.size > lower.out_image().width) continue;
    const auto rest = max_pool<double>(any).over(lower).out_width();
    check(network(lower, gated<relu>(), max_pool<double>(any), batch_norm<double>(filters),
                  flatten(), full<relu>(rest, 3), full<>(3, 2)),
          random);
  }
}
