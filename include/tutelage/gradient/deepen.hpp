// A teacher for deeper students: the same function with more layers.
#pragma once

#include <concepts>
#include <cstddef>

#include <tutelage/core/numbers.hpp>
#include <tutelage/model/network.hpp>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Layer l of the deeper network.
template <std::size_t Depth, std::size_t l, class Network>
auto deepened_layer(const Network& net) {
  constexpr std::size_t L = Network::depth;
  if constexpr (l < L) {
    return net.template layer<l>();
  } else if constexpr (l == Depth) {
    return net.template layer<L>();
  } else {
    using Below = typename Network::template layer_type<L - 1>;
    constexpr std::size_t m = Below::out_extent;
    const Below& below = net.template layer<L - 1>();
    dense<typename Network::value_type, m, m, typename Below::gate_type, no_bias> unit(
        below.out_width(), below.out_width(), below.gate());
    for (std::size_t k = 0; k < below.out_width(); ++k) unit.weights()(k, k) = 1;
    return unit;
  }
}

}  // namespace detail

/// The same function with `Depth` layers: copies of the topmost hidden layer, each with the unit
/// matrix as weights, are put on top of it. For ReLU every number stays the same, since activations
/// are not negative; a linear layer copies as well. Throws argument_error for a leaky gate, which
/// would scale what is negative again at every copy.
template <std::size_t Depth, class Network>
auto deepen(const Network& net) {
  constexpr std::size_t L = Network::depth;
  static_assert(piecewise_linear_network<Network>,
                "deepen: needs dense layers with piecewise linear gates");
  static_assert(L >= 2, "deepen: the network has no hidden layer");
  static_assert(Depth >= L, "deepen: the network is deeper already");
  const double slope = net.template layer<L - 1>().gate().slope();
  if (slope != 0 && slope != 1) {
    throw argument_error(detail::text("deepen: layer ", L - 1, " is leaky with slope ", slope,
                                      "; another such layer would scale what is negative again"));
  }
  return with_numbers<Depth>(
      [&](auto... l) { return network(detail::deepened_layer<Depth, l>(net)...); });
}

}  // namespace tutelage
