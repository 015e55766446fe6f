// What a network asks of its layers, weakest first. All work on batches, one sample a row.
//
//   layer            maps rows to rows and knows its backward pass: all that training, files,
//                    checkpoints and paths ask for. Satisfied by every layer of model/.
//   moded_layer      does otherwise while it learns, and tracks statistics. Satisfied by batch_norm,
//                    and by residual around one.
//   gated_layer      ends with a gate, which the layer above may apply as it passes gradients down.
//                    Satisfied by dense, conv2d and gated.
//   dense_layer      one weight matrix, a bias and a gate: all that teachers, analyses and theory
//                    ask for. Satisfied by dense.
//   piecewise_linear_layer   such a one whose gate is linear on both sides of 0: all that regions
//                    and expectations of the gradient rule ask for. Satisfied by dense with relu, leaky_relu, identity.
//
//   x  [N, In]   f  [N, Out]   g  [N, Out], negative gradients   dW  as W
//
// Parameters are matrices, each with its own step of the optimizer; blocks are what they are called
// in files. A layer's parameter matrices are numbered from 0; dense has one, W with its bias row.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/core/matrix.hpp>
#include <tutelage/model/gate.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The mode of a forward pass while a network learns; without it a pass is an evaluation.
struct training {};

/// A named part of a network's parameters or buffers, seen as PyTorch has it: `shape` is that of
/// the named array in row-major order. `values` [R, C] shows the numbers where they lie, R C of
/// them: in the array's order, or its transpose's when `transposed`, for weights [out, in...] that
/// lie as [in..., out].
template <class T>
struct block {
  std::string name;
  std::vector<std::size_t> shape;
  matrix_view<T> values;
  bool transposed = false;
};

namespace detail {

// A number, a row of them and a matrix as blocks of a file; const where they are.
template <class N>
block<N> number_block(std::string name, N& number) {
  return {std::move(name), {}, matrix_view<N>(&number, 1, 1, 1)};
}
template <class V>
auto row_block(std::string name, V& row) {
  using N = std::remove_pointer_t<decltype(row.data())>;
  return block<N>{std::move(name), {row.size()}, {row.data(), 1, row.size(), row.size()}};
}
template <class M>
auto matrix_block(std::string name, M& m) {
  using N = std::remove_pointer_t<decltype(m.data())>;
  return block<N>{std::move(name), {m.shape(0), m.shape(1)}, matrix_view<N>(m)};
}

// Takes whatever a layer shows.
struct any_visitor {
  template <class... Ts>
  void operator()(const Ts&...) const {}
};

template <class L>
using tape_of = typename L::tape;
template <class L>
using rows_in = matrix_view<const typename L::value_type, dynamic, L::in_extent>;
template <class L>
using rows_out = matrix_view<typename L::value_type, dynamic, L::out_extent>;

}  // namespace detail

/// forward keeps what backward needs in a tape, its output f among it. Backward goes in three steps,
/// g being changed in place: backward_output turns the gradient at the output into the one that the
/// parameters see; backward_weights calls visit(rows, cols, descent) for each parameter matrix in
/// order, and descent(dW, alpha, beta) sets dW = alpha D + beta dW, D being the direction of descent,
/// a mean over the batch, and dW any matrix of that shape, the parameters themselves included;
/// backward_input gives the gradient at x.
template <class L>
concept layer = scalar<typename L::value_type> && std::default_initializable<typename L::tape> &&
    requires(L l, const L cl, typename L::tape t, const typename L::tape ct, detail::rows_in<L> x,
             detail::rows_out<L> g,
             matrix_view<typename L::value_type, dynamic, L::in_extent> below) {
  { cl.in_width() } -> std::same_as<std::size_t>;
  { cl.out_width() } -> std::same_as<std::size_t>;
  { cl.forward(x, t) } -> std::convertible_to<detail::rows_out<L>>;
  { ct.f.view() } -> std::convertible_to<matrix_view<const typename L::value_type>>;
  cl.backward_output(t, g);
  cl.backward_input(x, t, g, below);
  cl.backward_weights(x, t, g, detail::any_visitor{});
  l.for_each_parameter(detail::any_visitor{});
  l.for_each_block(std::string(), detail::any_visitor{});
  { L::parameters } -> std::convertible_to<std::size_t>;
};

template <class L>
concept moded_layer = layer<L> &&
    requires(L l, const L cl, typename L::tape t, detail::rows_in<L> x) {
  { cl.forward(training{}, x, t) } -> std::convertible_to<detail::rows_out<L>>;
  l.track(t);
  l.for_each_buffer(std::string(), detail::any_visitor{});
};

/// pull takes [V r] [C, n_l+1] of sample i of a forward pass in evaluation, f_L = V f_l + r, and
/// leaves the same of the layer's input, [C, n_{l-1}+1], in `below`: V_{l-1} = V J and
/// r_{l-1} = r + V (f_l - J f_{l-1}), J being the layer's Jacobian at the sample. It may change V.
template <class L>
concept samplewise_layer = layer<L> &&
    requires(const L cl, const typename L::tape ct, std::size_t i,
             matrix_view<typename L::value_type> V, matrix_view<typename L::value_type> below) {
  cl.pull(ct, i, V, below);
};

template <class L>
concept gated_layer = layer<L> && requires(const L cl) {
  typename L::gate_type;
  { cl.gate() } -> std::convertible_to<typename L::gate_type>;
};

/// True of layers f = gate(W^T [x; 1]) with W = weights(). The compiler cannot see it: specialize
/// this for a layer of your own that is so.
template <class L>
inline constexpr bool is_dense = false;

template <class L>
concept dense_layer = gated_layer<L> && is_dense<L> && requires(L l, const L cl) {
  { l.weights() } -> std::same_as<typename L::weights_view>;
  cl.linear_weights();
  { L::has_bias() } -> std::same_as<bool>;
};

/// Linear on both sides of each node's boundary.
template <class L>
concept piecewise_linear_layer = dense_layer<L> && piecewise_linear_gate<typename L::gate_type>;

}  // namespace tutelage
