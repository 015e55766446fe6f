// Layers and networks with run-time widths in place of static ones.
#pragma once

#include <cstddef>

#include <tutelage/model/network.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
template <class L>
struct with_dynamic_widths;
template <class T, std::size_t In, std::size_t Out, class Gate, class Bias>
struct with_dynamic_widths<dense<T, In, Out, Gate, Bias>> {
  using type = dense<T, dynamic, dynamic, Gate, Bias>;
};
template <class... Layers>
struct with_dynamic_widths<network<Layers...>> {
  using type = network<typename with_dynamic_widths<Layers>::type...>;
};
}  // namespace detail

/// The same dense layer with run-time widths.
template <class L>
using dynamic_layer = typename detail::with_dynamic_widths<L>::type;

/// A network of such layers.
template <class Network>
using dynamic_network = typename detail::with_dynamic_widths<Network>::type;

}  // namespace tutelage
