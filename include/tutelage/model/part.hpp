// Parts: what network and residual take beside layers.
//
// A part knows what it does and not what lies below it: gated<relu>(), flatten(),
// average_pool<float>({.size = 2}). part.over(below) is the layer that it becomes above the layer
// `below`. batch_norm<float>(16) is both: a layer of 16 nodes, and above images one of 16 channels.
#pragma once

#include <concepts>
#include <cstddef>
#include <tuple>

#include <tutelage/model/layer.hpp>
#include <type_traits>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

/// Satisfied by gated<Gate>, flatten<>, average_pool<T>, max_pool<T> and batch_norm<T>, above layers
/// that they can be put on.
template <class P, class Below>
concept part_over = layer<Below> && requires(const P part, const Below below) {
  { part.over(below) } -> layer;
};

namespace detail {

// No layer before it is put above one, or another then.
template <class P>
concept open_below = !layer<P> || requires {
  requires P::is_part;
};

template <class L>
constexpr void check_lowest() {
  static_assert(layer<L>,
                "network: the lowest layer must know what it takes; gated<relu, double>(5), not "
                "gated<relu>(); see check_lowest<layer>");
}

template <class P, class Below>
constexpr void check_part() {
  static_assert(
      layer<P>,
      "network: this is neither a layer nor a part that can be put above the layer below; "
      "see check_part<part, layer below>");
}

// The layer that a part becomes; a layer that is no part stays what it is.
template <class Part, class Below>
auto put_over(Part&& part, const Below& below) {
  if constexpr (requires { part.over(below); }) {
    return part.over(below);
  } else {
    check_part<std::remove_cvref_t<Part>, Below>();
    return std::forward<Part>(part);
  }
}

template <class... Layers>
std::tuple<Layers...> put_above(std::tuple<Layers...> layers) {
  return layers;
}
template <class... Layers, class Part, class... Parts>
auto put_above(std::tuple<Layers...> layers, Part&& part, Parts&&... parts) {
  auto next = put_over(std::forward<Part>(part), std::get<sizeof...(Layers) - 1>(layers));
  return put_above(std::tuple_cat(std::move(layers), std::make_tuple(std::move(next))),
                   std::forward<Parts>(parts)...);
}

/// The layers that a layer and the parts above it become, as a tuple.
template <class Lowest, class... Parts>
auto stacked(Lowest&& lowest, Parts&&... parts) {
  if constexpr ((open_below<std::remove_cvref_t<Parts>> || ...)) {
    check_lowest<std::remove_cvref_t<Lowest>>();
    return put_above(std::make_tuple(std::forward<Lowest>(lowest)), std::forward<Parts>(parts)...);
  } else {
    check_lowest<std::remove_cvref_t<Lowest>>();
    return std::make_tuple(std::forward<Lowest>(lowest), std::forward<Parts>(parts)...);
  }
}

// Looked up only where it is asked for: a layer of a user need not have one.
template <class U, class L>
struct rebound {
  using type = typename L::template rebind<U>;
};

/// What a network must know of its layers.
template <class Tuple>
struct layer_list;
template <class... Layers>
struct layer_list<std::tuple<Layers...>> {
  static constexpr std::size_t parameters = (Layers::parameters + ...);
  static constexpr bool same_scalar =
      (std::same_as<typename Layers::value_type,
                    typename std::tuple_element_t<0, std::tuple<Layers...>>::value_type> &&
       ...);
  static constexpr bool moded = (moded_layer<Layers> || ...);
  static constexpr bool samplewise = (samplewise_layer<Layers> && ...);

  static constexpr std::size_t parameters_below(std::size_t l) {
    std::size_t sum = 0, number = 1;
    ((sum += number++ < l ? Layers::parameters : 0), ...);
    return sum;
  }
  template <template <class...> class Of, class U>
  using rebind = Of<typename rebound<U, Layers>::type...>;
};

}  // namespace detail

}  // namespace tutelage
