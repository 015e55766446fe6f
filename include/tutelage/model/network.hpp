// Networks: layers 1, ..., L from the input up, numbered as in the papers; f_0 is the input.
//
// A network is its weights and nothing else; a teacher is a network that stays const. The outputs
// of a forward pass live in `activations`, what a student needs to learn lives in `gradients`. So
// any number of threads can run one network, each with activations of its own.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>

#include <tutelage/core/numbers.hpp>
#include <tutelage/model/dense.hpp>
#include <tutelage/model/part.hpp>
#include <tutelage/model/passes.hpp>
#include <type_traits>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// The numbers are this function's arguments, so that compilers print them below the sentence.
template <std::size_t Layer, std::size_t Takes, std::size_t LayerBelow, std::size_t Gives>
constexpr void check_neighbours() {
  static_assert(may_be_equal<Takes, Gives>,
                "network: a layer does not take what the layer below gives; see "
                "check_neighbours<layer, takes inputs, layer below, gives outputs>");
}

template <std::size_t Layer, std::size_t Layers>
constexpr std::size_t check_layer() {
  constexpr bool exists = 1 <= Layer && Layer <= Layers;
  static_assert(exists,
                "network: there is no such layer; see check_layer<layer, layers there are>");
  return exists ? Layer : 1;
}

template <class list, std::size_t... I>
constexpr void check_all_neighbours(std::index_sequence<I...>) {
  (check_neighbours<I + 2, std::tuple_element_t<I + 1, list>::in_extent, I + 1,
                    std::tuple_element_t<I, list>::out_extent>(),
   ...);
}

// The gate of a layer; identity where it has none.
template <class L>
struct gate_of {
  using type = identity;
};
template <gated_layer L>
struct gate_of<L> {
  using type = typename L::gate_type;
};

// Modules that a layer makes up in PyTorch's nn.Sequential: weights and a gate are two.
template <class L>
inline constexpr std::size_t sequential_modules =
    L::parameters > 0 && !std::same_as<typename gate_of<L>::type, identity> ? 2 : 1;

// Layer i+1 of a network of these widths.
template <class L, std::size_t W>
L make_layer(const std::array<std::size_t, W>& widths, std::size_t i,
             const typename L::gate_type& gate) {
  const auto check = [](std::size_t number, std::size_t got, std::size_t expected) {
    if (expected != dynamic && got != expected) {
      throw shape_error(
          text("network: width ", number, " is ", width_text(got), ", expected ", expected));
    }
  };
  check(i, widths[i], L::in_extent);
  check(i + 1, widths[i + 1], L::out_extent);
  return L(widths[i], widths[i + 1], gate);
}

}  // namespace detail

/// Layers one above the other, given as layers and parts; layer_type<l> is what each of them became.
template <class... Layers>
  requires(sizeof...(Layers) > 0)
class network {
  using tuple = decltype(detail::stacked(std::declval<Layers>()...));
  using indices = std::index_sequence_for<Layers...>;
  static constexpr bool all_static = (std::default_initializable<Layers> && ...);

 public:
  using list = detail::layer_list<tuple>;
  using value_type = typename std::tuple_element_t<0, tuple>::value_type;
  static_assert(list::same_scalar, "network: all layers have one scalar type");

  /// L, the number of layers.
  static constexpr std::size_t depth = sizeof...(Layers);
  static constexpr std::size_t in_extent = std::tuple_element_t<0, tuple>::in_extent;
  static constexpr std::size_t out_extent = std::tuple_element_t<depth - 1, tuple>::out_extent;

  /// The type of layer l, 1 <= l <= depth.
  template <std::size_t l>
  using layer_type = std::tuple_element_t<detail::check_layer<l, depth>() - 1, tuple>;

  /// The same network with another scalar; network_cast converts the weights.
  template <scalar U>
  using rebind = typename list::template rebind<network, U>;

  /// All weights zero.
  network() requires(all_static) : layers_(detail::stacked(Layers()...)) { check_neighbours(); }

  /// From layers and parts. Throws shape_error when neighbours do not fit.
  explicit network(Layers... layers) : layers_(detail::stacked(std::move(layers)...)) {
    check_neighbours();
    require_neighbours();
  }

  /// Parameter matrices of all layers, and those below layer l.
  static constexpr std::size_t parameters = list::parameters;
  template <std::size_t l>
  static constexpr std::size_t parameters_below = list::parameters_below(l);

  /// From widths n_0, ..., n_L, all weights zero; `gate` is the hidden layers' and only matters
  /// where a gate holds a number. Throws shape_error for a width of 0 or one that differs from a
  /// static one.
  template <class Gate = typename detail::gate_of<layer_type<1>>::type>
  explicit network(const std::array<std::size_t, depth + 1>& widths, const Gate& gate = {})
      : network(widths, gate, indices{}) {}

  [[nodiscard]] std::size_t in_width() const noexcept { return layer<1>().in_width(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return layer<depth>().out_width(); }

  /// n_0, ..., n_L.
  [[nodiscard]] std::array<std::size_t, depth + 1> widths() const noexcept {
    return std::apply(
        [this](const auto&... l) {
          return std::array<std::size_t, depth + 1>{in_width(), l.out_width()...};
        },
        layers_);
  }

  template <std::size_t l>
  [[nodiscard]] layer_type<l>& layer() noexcept {
    return std::get<detail::check_layer<l, depth>() - 1>(layers_);
  }
  template <std::size_t l>
  [[nodiscard]] const layer_type<l>& layer() const noexcept {
    return std::get<detail::check_layer<l, depth>() - 1>(layers_);
  }

  /// Calls visit(W) for all parameter matrices, lowest layer first.
  template <class Visit>
  void for_each_parameter(Visit&& visit) {
    for_each_layer([&](auto& l, std::size_t) { l.for_each_parameter(visit); });
  }

  /// Calls visit(layer 1, 1), ..., visit(layer L, L).
  template <class Visit>
  void for_each_layer(Visit&& visit) {
    for_each_number<depth>([&](auto l) { visit(layer<l>(), std::size_t{l}); });
  }
  template <class Visit>
  void for_each_layer(Visit&& visit) const {
    for_each_number<depth>([&](auto l) { visit(layer<l>(), std::size_t{l}); });
  }

  /// f_L for inputs x [N, n_0]; all f_l stay in `kept`. Allocates only when N is larger than
  /// before. Throws shape_error when x has another width.
  matrix_view<const value_type, dynamic, out_extent> forward(matrix_view<const value_type> x,
                                                             activations<network>& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    return forward_from<1>(matrix_view<const value_type, dynamic, in_extent>(x), kept);
  }

  /// The same while the network learns: batch normalization uses the batch's statistics.
  matrix_view<const value_type, dynamic, out_extent> forward(training mode,
                                                             matrix_view<const value_type> x,
                                                             activations<network>& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    return forward_from<1>(matrix_view<const value_type, dynamic, in_extent>(x), kept, mode);
  }
  matrix_view<const value_type, dynamic, out_extent> forward(training mode,
                                                             scattered_rows<value_type> x,
                                                             activations<network>& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    return forward_from<1>(scattered_rows<value_type, in_extent>(x), kept, mode);
  }

  /// The same for inputs that lie anywhere, where layer 1 can read them so.
  matrix_view<const value_type, dynamic, out_extent> forward(scattered_rows<value_type> x,
                                                             activations<network>& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    return forward_from<1>(scattered_rows<value_type, in_extent>(x), kept);
  }

  /// The outputs for inputs x [N, n_0], as a matrix of its own.
  matrix<value_type> operator()(matrix_view<const value_type> x) const {
    activations<network> kept;
    return to_matrix(forward(x, kept));
  }

  /// Backpropagation after forward(x, kept). `grad_out` [N, n_L] is the negative gradient of the
  /// samples' losses with respect to the outputs, f*_L - f_L for the squared error; it may lie
  /// where g.reshape<L>(N, n_L) has made room. Computes g_l for l = L, ..., lowest and calls
  /// sink(l, f_{l-1}, g_l) for each, l being a std::integral_constant, once the layers below no
  /// longer need layer l's weights: a sink may change them. Throws shape_error when x or grad_out
  /// do not fit what was kept.
  template <class Sink>
  void backward(matrix_view<const value_type> x, const activations<network>& kept,
                matrix_view<const value_type> grad_out, gradients<network>& g, Sink&& sink,
                std::size_t lowest = 1) const {
    require_kept(x, kept, grad_out);
    backward_all(matrix_view<const value_type, dynamic, in_extent>(x), kept, grad_out, g, sink,
                 lowest);
  }

  /// The same for inputs that lie anywhere.
  template <class Sink>
  void backward(scattered_rows<value_type> x, const activations<network>& kept,
                matrix_view<const value_type> grad_out, gradients<network>& g, Sink&& sink,
                std::size_t lowest = 1) const {
    require_kept(x, kept, grad_out);
    backward_all(scattered_rows<value_type, in_extent>(x), kept, grad_out, g, sink, lowest);
  }

  /// g_L, ..., g_1 and nothing else: for a block of layers whose input gradient and parameters have
  /// their turn later.
  void backward_nodes(const activations<network>& kept, matrix_view<const value_type> grad_out,
                      gradients<network>& g) const {
    detail::require_shape("backward_nodes", "grad_out", grad_out, kept.batch(), out_width());
    const auto top = g.template reshape<depth>(grad_out.rows(), out_width());
    copy(grad_out, top);
    layer<depth>().backward_output(kept.template tape<depth>(), top);
    for_each_number<depth - 1>([&](auto down) { descend<depth + 1 - down>(kept, g); });
  }

  /// Backpropagation that leaves g.g(l) and the batch means g.dW(l) = (1/N) [f_{l-1}; 1]^T g_l.
  void backward(matrix_view<const value_type> x, const activations<network>& kept,
                matrix_view<const value_type> grad_out, gradients<network>& g) const {
    backward(x, kept, grad_out, g, [&](auto l, const auto& f_below, const auto& g_l) {
      std::size_t i = parameters_below<l>;
      layer<l>().backward_weights(f_below, kept.template tape<l>(), g_l,
                                  [&](std::size_t rows, std::size_t cols, const auto& descent) {
                                    descent(g.reshape_parameter(i++, rows, cols), value_type(1),
                                            value_type(0));
                                  });
    });
  }

 private:
  template <class Gate, std::size_t... I>
  network(const std::array<std::size_t, depth + 1>& widths, const Gate& gate,
          std::index_sequence<I...>)
      : layers_{detail::make_layer<Layers>(widths, I, gate_for<Layers>(gate))...} {  // in order
    check_neighbours();
  }

  template <class L, class Gate>
  static typename L::gate_type gate_for(const Gate& gate) {
    if constexpr (std::same_as<typename L::gate_type, Gate>) {
      return gate;
    } else {
      return {};
    }
  }

  static constexpr void check_neighbours() {
    detail::check_all_neighbours<tuple>(std::make_index_sequence<depth - 1>{});
  }

  void require_neighbours() const {
    std::size_t gives = in_width();
    for_each_layer([&](const auto& l, std::size_t number) {
      if (l.in_width() != gives) {
        throw shape_error(detail::text("network: layer ", number, " takes ", l.in_width(),
                                       " inputs, layer ", number - 1, " gives ", gives));
      }
      gives = l.out_width();
    });
  }

  template <class X>
  void require_kept(const X& x, const activations<network>& kept,
                    const matrix_view<const value_type>& grad_out) const {
    detail::require_shape("backward", "x", x, kept.batch(), in_width());
    detail::require_shape("backward", "grad_out", grad_out, kept.batch(), out_width());
    if (x.rows() == 0) throw shape_error("backward: the batch is empty");
  }

  // What lies below layer l as it takes it: neighbours fit, but one may know a width that the other
  // does not.
  template <std::size_t l, class F>
  static auto inputs_of(const F& f) {
    return matrix_view<const value_type, dynamic, layer_type<l>::in_extent>(
        matrix_view<const value_type>(f));
  }

  template <std::size_t l, class X, class... Mode>
  auto forward_from(const X& x, activations<network>& kept, Mode... mode) const {
    const auto f = [&] {
      if constexpr (moded_layer<layer_type<l>>) {
        return layer<l>().forward(mode..., x, kept.template tape<l>());
      } else {
        return layer<l>().forward(x, kept.template tape<l>());
      }
    }();
    if constexpr (l == depth) {
      return matrix_view<const value_type, dynamic, out_extent>(f);
    } else {
      return forward_from<l + 1>(inputs_of<l + 1>(f), kept, mode...);
    }
  }

  // Layer l passes gradients down through the gate of the layer below, in one pass over them.
  template <std::size_t l>
  static constexpr bool gates_below =
      requires(const layer_type<l> upper, const layer_type<l - 1> lower,
               matrix_view<const value_type, dynamic, layer_type<l>::out_extent> g,
               matrix_view<const value_type, dynamic, layer_type<l>::in_extent> x,
               matrix_view<value_type, dynamic, layer_type<l>::in_extent> below) {
    requires gated_layer<layer_type<l - 1>>;
    upper.backward_input(g, lower.gate(), x, below);
  };

  // g_{l-1} from g_l.
  template <std::size_t l>
  void descend(const activations<network>& kept, gradients<network>& g) const {
    const auto g_l = g.template g<l>();
    const auto f_below = inputs_of<l>(kept.template f<l - 1>());
    const auto g_below = g.template reshape<l - 1>(g_l.rows(), layer<l>().in_width());
    const matrix_view<value_type, dynamic, layer_type<l>::in_extent> below{
        matrix_view<value_type>(g_below)};
    if constexpr (gates_below<l>) {
      layer<l>().backward_input(g_l, layer<l - 1>().gate(), f_below, below);
    } else {
      layer<l>().backward_input(f_below, kept.template tape<l>(), g_l, below);
      layer<l - 1>().backward_output(kept.template tape<l - 1>(), g_below);
    }
  }

  template <class X, class Sink>
  void backward_all(const X& x, const activations<network>& kept,
                    const matrix_view<const value_type>& grad_out, gradients<network>& g,
                    Sink& sink, std::size_t lowest) const {
    const auto top = g.template reshape<depth>(x.rows(), out_width());
    if (grad_out.data() != top.data()) copy(grad_out, top);
    layer<depth>().backward_output(kept.template tape<depth>(), top);
    backward_from<depth>(x, kept, g, sink, lowest);
  }

  template <std::size_t l, class X, class Sink>
  void backward_from(const X& x, const activations<network>& kept, gradients<network>& g,
                     Sink& sink, std::size_t lowest) const {
    if (l < lowest) return;
    const auto g_l = g.template g<l>();
    if constexpr (l == 1) {
      sink(std::integral_constant<std::size_t, l>{}, x, g_l);
    } else {
      if (l > lowest) descend<l>(kept, g);
      sink(std::integral_constant<std::size_t, l>{}, inputs_of<l>(kept.template f<l - 1>()), g_l);
      backward_from<l - 1>(x, kept, g, sink, lowest);
    }
  }

  tuple layers_;
};

namespace detail {
template <class T, class Gate, std::size_t... Widths>
struct mlp_layers {
  static_assert(sizeof...(Widths) >= 2, "mlp: at least an input and an output width");
  static constexpr std::size_t depth = sizeof...(Widths) - 1;
  static constexpr std::array<std::size_t, depth + 1> widths{Widths...};

  template <std::size_t I>
  using layer =
      dense<T, widths[I], widths[I + 1], std::conditional_t<I + 1 == depth, identity, Gate>>;

  template <std::size_t... I>
  static auto make(std::index_sequence<I...>) -> network<layer<I>...>;
  using type = decltype(make(std::make_index_sequence<depth>{}));
};
}  // namespace detail

/// A multilayer perceptron of the given widths, from input to output, each a number or `dynamic`:
/// dense layers with bias, gated by Gate below the top, linear at the top.
template <class T, class Gate, std::size_t... Widths>
using mlp = typename detail::mlp_layers<T, Gate, Widths...>::type;

namespace detail {
template <class>
inline constexpr bool is_network = false;
template <class... L>
inline constexpr bool is_network<network<L...>> = true;

template <class Network>
inline constexpr bool all_piecewise_linear = false;
template <class... L>
inline constexpr bool all_piecewise_linear<network<L...>> = (piecewise_linear_layer<L> && ...);
}  // namespace detail

/// Satisfied by networks of dense layers with piecewise linear gates: all that V, A, B, regions and
/// boundaries are defined for.
template <class N>
concept piecewise_linear_network = detail::all_piecewise_linear<N>;

/// Satisfied by networks of layers that pull V down for each sample: all that the gradient rule is
/// defined for.
template <class N>
concept samplewise_network = detail::is_network<N> && N::list::samplewise;

}  // namespace tutelage
