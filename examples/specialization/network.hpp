// The networks of the experiment: widths as the command line gives them.
#pragma once

#include <cstddef>
#include <utility>

#include <tutelage/model/network.hpp>

namespace examples {

inline constexpr std::size_t smallest_depth = 2, largest_depth = 8;

namespace detail {
template <class T, class Indices>
struct dynamic_mlp;
template <class T, std::size_t... I>
struct dynamic_mlp<T, std::index_sequence<I...>> {
  using type = tutelage::mlp<T, tutelage::leaky_relu<tutelage::dynamic_slope>,
                             (static_cast<void>(I), tutelage::dynamic)...>;
};
}  // namespace detail

/// An mlp of `Depth` layers with run-time widths.
template <class T, std::size_t Depth>
using run_network = typename detail::dynamic_mlp<T, std::make_index_sequence<Depth + 1>>::type;

}  // namespace examples
