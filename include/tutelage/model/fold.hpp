// A network in evaluation mode as one of dense layers, f = gate(W^T [x; 1]) each, for all that asks
// for weights, bias and gate: teachers, analyses, theory, the gradient rule's expectations.
//
//   below a gate      what is linear from the gate before it up: dense and conv2d layers, batch_norm
//                     with its running statistics, average_pool, flatten
//   folded            W = its linear part at e_1, ..., e_n, a row each;  b = its value at 0
//
// So batch normalization before a gate goes into the layer below it, after a gate into the layer
// above. A linear layer directly above another stays one of its own. Padding costs no exactness:
// W is a matrix with a bias for every position, so normalization below zero padding folds too, which
// it could not into a convolution's filters. max_pool and residual have no such form and are refused
// by the compiler; so is a layer that it does not know.
#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>

#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/flatten.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pool.hpp>
#include <tutelage/model/residual.hpp>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

/// Numbers that a folded layer has at most: 128 MB of double.
inline constexpr std::size_t fold_limit = std::size_t{1} << 24;

namespace detail {

// ---- What becomes of each layer: without its gate, and without its value at 0 --------------------

enum class fold_kind { weights, linear, gate, maximum, block, unknown };

template <class L>
inline constexpr fold_kind fold_kind_of = fold_kind::unknown;
template <class T, std::size_t In, std::size_t Out, class Gate, class Bias>
inline constexpr fold_kind fold_kind_of<dense<T, In, Out, Gate, Bias>> = fold_kind::weights;
template <class T, auto Shape, class Gate, class Bias>
inline constexpr fold_kind fold_kind_of<conv2d<T, Shape, Gate, Bias>> = fold_kind::weights;
template <class T, std::size_t N, class Image>
inline constexpr fold_kind fold_kind_of<batch_norm<T, N, Image>> = fold_kind::linear;
template <class T>
inline constexpr fold_kind fold_kind_of<average_pool<T, image_shape>> = fold_kind::linear;
template <class T, std::size_t N>
inline constexpr fold_kind fold_kind_of<flatten<T, N>> = fold_kind::linear;
template <class Gate, class T, std::size_t N, class Image>
inline constexpr fold_kind fold_kind_of<gated<Gate, T, N, Image>> = fold_kind::gate;
template <class T>
inline constexpr fold_kind fold_kind_of<max_pool<T, image_shape>> = fold_kind::maximum;
template <class... L>
inline constexpr fold_kind fold_kind_of<residual<L...>> = fold_kind::block;

// W, or W without its bias row where `to` has none.
template <class From, class To>
To with_weights_of(const From& from, To to) {
  copy(from.weights().middle_rows(0, to.weights().rows()), matrix_view(to.weights()));
  return to;
}

template <class T, std::size_t In, std::size_t Out, class Gate, class Bias>
auto without_gate(const dense<T, In, Out, Gate, Bias>& l) {
  return with_weights_of(l, dense<T, In, Out, identity, Bias>(l.in_width(), l.out_width()));
}
template <class T, std::size_t In, std::size_t Out, class Gate, class Bias>
auto without_offset(const dense<T, In, Out, Gate, Bias>& l) {
  return with_weights_of(l, dense<T, In, Out, identity, no_bias>(l.in_width(), l.out_width()));
}
template <class T, auto Shape, class Gate, class Bias>
auto without_gate(const conv2d<T, Shape, Gate, Bias>& l) {
  return with_weights_of(l, conv2d<T, Shape, identity, Bias>(l.in_image(), l.settings()));
}
template <class T, auto Shape, class Gate, class Bias>
auto without_offset(const conv2d<T, Shape, Gate, Bias>& l) {
  return with_weights_of(l, conv2d<T, Shape, identity, no_bias>(l.in_image(), l.settings()));
}
template <class L>
L without_gate(const L& l) {
  return l;
}
template <class L>
L without_offset(const L& l) {
  return l;
}
template <class T, std::size_t N, class Image>
auto without_offset(batch_norm<T, N, Image> l) {
  std::fill(l.beta().begin(), l.beta().end(), T(0));
  std::fill(l.running_mean().begin(), l.running_mean().end(), T(0));
  return l;
}

template <class L>
constexpr void check_foldable() {
  constexpr fold_kind kind = fold_kind_of<L>;
  static_assert(kind != fold_kind::maximum,
                "fold: max_pool is no linear map, nor a gate; see check_foldable<layer>");
  static_assert(kind != fold_kind::block,
                "fold: a residual block adds what passed a gate to what did not, which no stack of "
                "dense layers does; see check_foldable<layer>");
  static_assert(kind != fold_kind::unknown,
                "fold: what this layer is in evaluation is not known; see check_foldable<layer>");
}

// ---- Folding -------------------------------------------------------------------------------------

// Layers first, ..., last of a network, and `gate` above them, as one dense layer.
template <class Gate, class... Layers>
auto fold_segment(const Gate& gate, std::size_t first, std::size_t last, std::size_t most,
                  const Layers&... layers) {
  const network affine(without_gate(layers)...);
  const network linear(without_offset(layers)...);
  using affine_type = std::remove_const_t<decltype(affine)>;
  using T = typename affine_type::value_type;
  const std::size_t in = affine.in_width(), out = affine.out_width();
  if (in + 1 > most / out) {
    throw argument_error(text("fold: layers ", first, " to ", last, " make a dense layer of ",
                              shape_text(in + 1, out), " numbers, at most ", most, " are allowed"));
  }
  dense<T, affine_type::in_extent, affine_type::out_extent, Gate> result(in, out, gate);
  const matrix_view<T> W(result.weights());
  copy(matrix_view(affine(make_matrix<T>(1, in))), W.middle_rows(in, 1));
  constexpr std::size_t chunk = 256;
  activations<std::remove_const_t<decltype(linear)>> kept;
  for (std::size_t begin = 0; begin < in; begin += chunk) {
    const std::size_t count = std::min(chunk, in - begin);
    auto unit = make_matrix<T>(count, in);
    for (std::size_t i = 0; i < count; ++i) unit(i, begin + i) = T(1);
    copy(linear.forward(unit, kept), W.middle_rows(begin, count));
  }
  return result;
}

template <class... L>
inline constexpr bool have_weights = ((fold_kind_of<L> == fold_kind::weights) || ...);

// Goes up from layer l with the layers since the last gate, which begin at `first`, and the dense
// layers made so far.
template <std::size_t l, class Network, class... Since, class... Done>
auto fold_from(const Network& net, std::size_t first, std::size_t most,
               std::tuple<const Since&...> since, std::tuple<Done...> done) {
  const auto make = [&](const auto& gate, std::size_t last, const auto&... also) {
    return std::tuple_cat(
        std::move(done),
        std::make_tuple(std::apply(
            [&](const auto&... layers) {
              if constexpr (sizeof...(layers) + sizeof...(also) == 0) {
                // A gate on a gate, or on the input.
                const auto& layer = net.template layer<(l > Network::depth ? 1 : l)>();
                return fold_segment(gate, first, last, most,
                                    flatten<typename Network::value_type>(layer.in_width()));
              } else {
                return fold_segment(gate, first, last, most, layers..., also...);
              }
            },
            since)));
  };
  if constexpr (l > Network::depth) {
    if constexpr (sizeof...(Since) == 0) {
      return done;
    } else {
      return make(identity(), l - 1);
    }
  } else {
    const auto& layer = net.template layer<l>();
    using layer_type = typename Network::template layer_type<l>;
    check_foldable<layer_type>();
    constexpr fold_kind kind = fold_kind_of<layer_type>;
    const std::tuple<> none;
    if constexpr (kind == fold_kind::gate) {
      return fold_from<l + 1>(net, l + 1, most, none, make(layer.gate(), l));
    } else if constexpr (kind == fold_kind::weights && have_weights<Since...>) {
      return fold_from<l>(net, l, most, none, make(identity(), l - 1));
    } else if constexpr (kind == fold_kind::weights &&
                         !std::same_as<typename gate_of<layer_type>::type, identity>) {
      return fold_from<l + 1>(net, l + 1, most, none, make(layer.gate(), l, layer));
    } else {
      return fold_from<l + 1>(net, first, most, std::tuple_cat(since, std::tie(layer)), done);
    }
  }
}

}  // namespace detail

/// The same function of inputs, to rounding, as `net` in evaluation; depths may differ. Throws
/// argument_error where a layer would have more than `most` numbers.
template <class... Layers>
auto fold(const network<Layers...>& net, std::size_t most = fold_limit) {
  return std::apply([](auto&&... layers) { return network(std::move(layers)...); },
                    detail::fold_from<1>(net, 1, most, std::tuple<>(), std::tuple<>()));
}

}  // namespace tutelage
