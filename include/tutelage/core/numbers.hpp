// Numbers 1, ..., N as arguments that the compiler knows: for what is done to each layer of a network.
//
//   for_each_number<L>([&](auto l) { use(net.template layer<l>()); });
//   with_numbers<L>([&](auto... l) { return network(changed(net.template layer<l>())...); });
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
template <class F, std::size_t... I>
constexpr auto call_with_numbers(F& f, std::index_sequence<I...> /*from 0*/) {
  return f(std::integral_constant<std::size_t, I + 1>{}...);
}
}  // namespace detail

/// What f returns for l = 1, ..., N together, each a std::integral_constant.
template <std::size_t N, class F>
constexpr auto with_numbers(F&& f) {
  return detail::call_with_numbers(f, std::make_index_sequence<N>{});
}

/// Calls f(l) for l = 1, ..., N in this order, l being a std::integral_constant.
template <std::size_t N, class F>
constexpr void for_each_number(F&& f) {
  with_numbers<N>([&](auto... l) { (f(l), ...); });
}

}  // namespace tutelage
