// A fully connected layer: a = W^T [x; 1], f = z(a) a, one sample a row.
//
//   x   [N, In]        inputs
//   W   [In+1, Out]    weights; the bias is the last row ([In, Out] without bias)
//   f   [N, Out]       outputs
//   g   [N, Out]       negative gradient of the loss with respect to a, one row a sample
//   dW  as W           (1/N) [x; 1]^T g, the direction in which the loss falls
//
// What a layer must offer: model/layer.hpp.
#pragma once

#include <concepts>
#include <cstddef>

#include <tutelage/core/extents.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/fused.hpp>
#include <tutelage/model/gate.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

struct with_bias {
  static constexpr std::size_t rows = 1;
};
struct no_bias {
  static constexpr std::size_t rows = 0;
};

/// `In` and `Out` are numbers or `dynamic`; `Bias` is with_bias or no_bias. Linear where no gate is
/// named. A layer that was moved from has its widths and no weights: it can be assigned to, and what
/// needs its weights throws argument_error.
template <scalar T, std::size_t In = dynamic, std::size_t Out = dynamic, gate<T> Gate = identity,
          class Bias = with_bias>
class dense {
  static_assert(In > 0 && Out > 0, "dense: widths are at least 1");

 public:
  using value_type = T;
  using gate_type = Gate;
  static constexpr std::size_t in_extent = In;
  static constexpr std::size_t out_extent = Out;
  static constexpr std::size_t parameters = 1;
  static constexpr std::size_t weight_extent = In == dynamic ? dynamic : In + Bias::rows;

  using weights_view = matrix_view<T, weight_extent, Out>;
  using const_weights_view = matrix_view<const T, weight_extent, Out>;

  /// The same layer with another scalar.
  template <scalar U>
  using rebind = dense<U, In, Out, Gate, Bias>;

  /// What a forward pass keeps: its output, which is all that backward needs.
  struct tape {
    workspace<T> f;  // [N, Out]
  };

  dense() requires(In != dynamic && Out != dynamic) : dense(In, Out) {}

  /// All weights are zero. Throws shape_error when a width is 0, no number or differs from a static
  /// one.
  dense(std::size_t in, std::size_t out, Gate gate = {})
      : in_(in), out_(out), gate_(gate), storage_(make_storage(in, out)) {}

  [[nodiscard]] std::size_t in_width() const noexcept { return in_.size(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return out_.size(); }
  [[nodiscard]] static constexpr bool has_bias() noexcept { return Bias::rows == 1; }
  [[nodiscard]] const Gate& gate() const noexcept { return gate_; }

  /// W with its bias row, [In+1, Out].
  [[nodiscard]] weights_view weights() {
    return {stored(*this).data(), in_width() + Bias::rows, out_width(), stride()};
  }
  [[nodiscard]] const_weights_view weights() const {
    return {stored(*this).data(), in_width() + Bias::rows, out_width(), stride()};
  }

  /// W without its bias row, [In, Out].
  [[nodiscard]] matrix_view<T, In, Out> linear_weights() {
    return {stored(*this).data(), in_width(), out_width(), stride()};
  }
  [[nodiscard]] matrix_view<const T, In, Out> linear_weights() const {
    return {stored(*this).data(), in_width(), out_width(), stride()};
  }

  /// The bias row, [Out].
  [[nodiscard]] std::span<T> bias() requires(Bias::rows == 1) { return weights().row(in_width()); }
  [[nodiscard]] std::span<const T> bias() const requires(Bias::rows == 1) {
    return weights().row(in_width());
  }

  /// f from x; kept in `kept` and returned. Throws shape_error unless x is [N, In].
  matrix_view<T, dynamic, Out> forward(matrix_view<const T, dynamic, In> x, tape& kept) const {
    return forward_any(x, kept);
  }
  matrix_view<T, dynamic, Out> forward(scattered_rows<T, In> x, tape& kept) const {
    return forward_any(x, kept);
  }

  /// Turns the gradient with respect to f into the one with respect to a, in place: g = D g. For
  /// the top layer; below it, backward_input of the layer above does this.
  void backward_output(const tape& kept, matrix_view<T, dynamic, Out> g) const {
    if constexpr (!std::same_as<Gate, identity>) {
      const auto f = kept.f.view();
      for (std::size_t i = 0; i < g.rows(); ++i) {
        for (std::size_t k = 0; k < g.cols(); ++k) g(i, k) *= gate_.factor(f(i, k));
      }
    }
  }

  /// The gradient with respect to the pre-activations of the layer below, whose outputs x are this
  /// layer's inputs: g_below = factor(x) o (g W^T without the bias row), [N, In]. Throws
  /// shape_error when the three do not fit.
  template <class GateBelow>
  void backward_input(matrix_view<const T, dynamic, Out> g, const GateBelow& gate_below,
                      matrix_view<const T, dynamic, In> x,
                      matrix_view<T, dynamic, In> g_below) const {
    detail::require_shape("backward_input", "g", g, x.rows(), out_width());
    detail::require_shape("backward_input", "x", x, x.rows(), in_width());
    detail::require_shape("backward_input", "g_below", g_below, x.rows(), in_width());
    detail::multiply_transposed_gated(g, linear_weights(), gate_below, x, g_below);
  }

  /// The gradient with respect to x, g_below = g W^T without the bias row.
  void backward_input(matrix_view<const T, dynamic, In> x, const tape& /*kept*/,
                      matrix_view<const T, dynamic, Out> g,
                      matrix_view<T, dynamic, In> g_below) const {
    backward_input(g, identity{}, x, g_below);
  }

  /// For sample i: from [V r] [C, Out+1] to [V D W~^T, r + V D b] [C, In+1]; V becomes V D.
  void pull(const tape& kept, std::size_t i, matrix_view<T> V, matrix_view<T> below) const
      requires(piecewise_linear_gate<Gate>) {
    const std::size_t n = out_width();
    detail::require_shape("pull", "V", V, V.rows(), n + 1);
    detail::require_shape("pull", "below", below, V.rows(), in_width() + 1);
    const auto f = kept.f.view();
    for (std::size_t c = 0; c < V.rows(); ++c) {
      for (std::size_t k = 0; k < n; ++k) V(c, k) *= gate_.factor(f(i, k));
    }
    const matrix_view<const T> gated(V.data(), V.rows(), n, V.stride());
    multiply(gated, transposed(matrix_view<const T>(linear_weights())),
             matrix_view<T>(below.data(), below.rows(), in_width(), below.stride()));
    for (std::size_t c = 0; c < V.rows(); ++c) {
      T sum = V(c, n);
      if constexpr (has_bias()) {
        for (std::size_t k = 0; k < n; ++k) sum += V(c, k) * bias()[k];
      }
      below(c, in_width()) = sum;
    }
  }

  /// Calls visit(rows, cols, descent) for W: descent(dW, alpha, beta) is backward_weights below with
  /// alpha / N.
  template <class X, class Visit>
  void backward_weights(const X& x, const tape& /*kept*/,
                        const matrix_view<const T, dynamic, Out>& g, Visit&& visit) const {
    detail::require_shape("backward_weights", "x", x, x.rows(), in_width());
    detail::require_shape("backward_weights", "g", g, x.rows(), out_width());
    if (x.rows() == 0) throw shape_error("backward_weights: the batch is empty");
    visit(in_width() + Bias::rows, out_width(), [&](const matrix_view<T>& dW, T alpha, T beta) {
      backward_weights(x, g, weights_view(dW), alpha / static_cast<real_t<T>>(x.rows()), beta);
    });
  }

  /// Calls visit(W).
  template <class Visit>
  void for_each_parameter(Visit&& visit) {
    visit(matrix_view<T>(weights()));
  }

  /// Calls visit(block) for prefix + "weight", [Out, In] in files, and prefix + "bias".
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) {
    show_blocks<T>(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) const {
    show_blocks<const T>(*this, prefix, visit);
  }

  /// dW = alpha [x; 1]^T g + beta dW. With alpha = 1/N and beta = 0 this is the descent direction;
  /// dW may be the layer's own weights.
  static void backward_weights(matrix_view<const T, dynamic, In> x,
                               matrix_view<const T, dynamic, Out> g, weights_view dW, T alpha,
                               T beta) {
    backward_weights_any(x, g, dW, alpha, beta);
  }
  static void backward_weights(scattered_rows<T, In> x, matrix_view<const T, dynamic, Out> g,
                               weights_view dW, T alpha, T beta) {
    backward_weights_any(x, g, dW, alpha, beta);
  }

 private:
  template <class U, class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, Visit& visit) {
    visit(block<U>{
        prefix + "weight", {self.out_width(), self.in_width()}, self.linear_weights(), true});
    if constexpr (has_bias()) {
      visit(block<U>{prefix + "bias",
                     {self.out_width()},
                     matrix_view<U>(self.weights()).middle_rows(self.in_width(), 1)});
    }
  }

  static matrix<T> make_storage(std::size_t in, std::size_t out) {
    if (in == 0 || out == 0 || in == dynamic || out == dynamic) {
      throw shape_error(
          detail::text("dense: ", shape_text(in, out), ", expected numbers of at least 1"));
    }
    return make_matrix<T>(in + Bias::rows, padded<T>(out));
  }

  template <class Self>
  static auto& stored(Self& self) {
    if (self.storage_.numbers.size() == 0) {
      throw argument_error("dense: the weights were moved to another layer");
    }
    return self.storage_.numbers;
  }
  [[nodiscard]] std::size_t stride() const noexcept { return storage_.numbers.shape(1); }

  template <class X>
  matrix_view<T, dynamic, Out> forward_any(const X& x, tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    const matrix_view<T, dynamic, Out> f(kept.f.reshape(x.rows(), out_width()));
    std::span<const T> b;
    if constexpr (has_bias()) b = bias();
    detail::multiply_activate(x, linear_weights(), b, gate_, f);
    return f;
  }

  template <class X>
  static void backward_weights_any(const X& x, const matrix_view<const T, dynamic, Out>& g,
                                   const weights_view& dW, T alpha, T beta) {
    multiply(transposed(x), g, matrix_view<T, In, Out>(dW.data(), x.cols(), g.cols(), dW.stride()),
             alpha, beta);
    if constexpr (has_bias()) detail::add_row_sum(g, alpha, beta, dW.row(x.cols()).data());
  }

  [[no_unique_address]] extent<In> in_;
  [[no_unique_address]] extent<Out> out_;
  [[no_unique_address]] Gate gate_;
  detail::owned_matrix<T> storage_;  // [In+1, padded Out]; the padding is never read
};

template <class T, std::size_t In, std::size_t Out, class Gate, class Bias>
inline constexpr bool is_dense<dense<T, In, Out, Gate, Bias>> = true;

}  // namespace tutelage
