// A network in another scalar: a reference in long double, complex steps.
#pragma once

#include <cstddef>
#include <type_traits>

#include <tutelage/core/numbers.hpp>
#include <tutelage/model/network.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
// A layer that knows how, or else a dense one.
template <scalar U, class L>
auto layer_cast(const L& from) {
  if constexpr (requires { from.template cast<U>(); }) {
    return from.template cast<U>();
  } else {
    typename L::template rebind<U> to(from.in_width(), from.out_width(), from.gate());
    for (std::size_t i = 0; i < to.weights().rows(); ++i) {
      for (std::size_t k = 0; k < to.weights().cols(); ++k) {
        to.weights()(i, k) = static_cast<U>(from.weights()(i, k));
      }
    }
    return to;
  }
}
}  // namespace detail

/// The same weights in another scalar.
template <scalar U, class Network>
typename Network::template rebind<U> network_cast(const Network& from) {
  return with_numbers<Network::depth>([&](auto... l) {
    return typename Network::template rebind<U>(detail::layer_cast<U>(from.template layer<l>())...);
  });
}

}  // namespace tutelage
