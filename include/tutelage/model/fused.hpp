// The products of a layer with what follows them, done while results are still in registers:
//
//   forward    F = activate(1 b^T + X W)    X [N, In], W [In, Out], b [Out]
//   backward   H = factor(Fb) o (G W^T)     G [N, Out], Fb [N, In] the activations below
//   bias       b = alpha 1^T G + beta b
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

#include <tutelage/core/product.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Sums begin with a row of numbers, or with 0 when there is none.
template <class T>
struct start_with_bias {
  const T* bias;
  template <class Piece>
  [[gnu::always_inline]] simd<T> operator()(std::size_t j, const Piece& piece) const {
    return bias == nullptr ? simd<T>(T(0)) : piece.load(bias + j);
  }
};

/// F = activate(sum).
template <class T, class Gate>
struct store_activated {
  rows_of<T> f;
  Gate gate;
  template <class Piece>
  [[gnu::always_inline]] void operator()(std::size_t i, std::size_t j, const simd<T>& sum,
                                         const Piece& piece) const {
    piece.store(f.at(i, j), gate.activate(sum));
  }
};

/// H = factor(Fb) sum.
template <class T, class Gate>
struct store_gated {
  rows_of<T> h;
  rows_of<const T> f_below;
  Gate gate;
  template <class Piece>
  [[gnu::always_inline]] void operator()(std::size_t i, std::size_t j, const simd<T>& sum,
                                         const Piece& piece) const {
    piece.store(h.at(i, j), gate.factor(piece.load(f_below.at(i, j))) * sum);
  }
};

/// A layer's inputs as a left operand.
template <class T, std::size_t R, std::size_t C>
streamed_left<std::remove_const_t<T>> layer_input(const matrix_view<T, R, C>& X) {
  return {X.data(), X.stride()};
}
template <class T, std::size_t C>
scattered_left<T> layer_input(const scattered_rows<T, C>& X) {
  return left_of(X);
}

/// F = activate(b + X W), b empty for none; X a matrix_view or scattered_rows. Shapes are the
/// caller's care.
template <class X_view, class T, std::size_t In, std::size_t Out, class Gate>
void multiply_activate(const X_view& X, const matrix_view<const T, In, Out>& W,
                       std::span<const T> b, const Gate& gate,
                       const matrix_view<T, dynamic, Out>& F) {
  if constexpr (simd_scalar<T> && takes_vectors<Gate>) {
    if (tiles_are_faster<T>(X.rows(), X.cols(), W.cols())) {
      multiply_tiled<Out>(
          operands{layer_input(X), strided_right<T>{W.data(), W.stride()}, X.cols()}, X.rows(),
          W.cols(), start_with_bias<T>{b.data()}, store_activated<T, Gate>{rows_of<T>(F), gate});
      return;
    }
  }
  if (!b.empty()) {
    for (std::size_t i = 0; i < F.rows(); ++i) std::copy_n(b.data(), F.cols(), F.row(i).data());
  }
  multiply(X, W, F, T(1), b.empty() ? T(0) : T(1));
  for (std::size_t i = 0; i < F.rows(); ++i) {
    for (T& f : F.row(i)) f = gate.activate(f);
  }
}

/// b = alpha (sum of the rows of G) + beta b, which does not read the old b when beta is 0.
template <class T, std::size_t Out>
void add_row_sum(const matrix_view<const T, dynamic, Out>& G, T alpha, T beta, T* b) {
  if constexpr (simd_scalar<T>) {
    const auto vector = [&](std::size_t j, const auto& piece) {
      simd<T> sum(T(0));
      for (std::size_t i = 0; i < G.rows(); ++i) sum += piece.load(G.data() + i * G.stride() + j);
      sum *= simd<T>(alpha);
      piece.store(b + j,
                  beta == T(0) ? sum : multiply_add<T>(simd<T>(beta), piece.load(b + j), sum));
    };
    const std::size_t whole = G.cols() / lanes<T> * lanes<T>;
    const partial<T> rest(G.cols() - whole);
    for (std::size_t j = 0; j < whole; j += lanes<T>) vector(j, row_piece<T, false>(rest));
    if (whole < G.cols()) vector(whole, row_piece<T, true>(rest));
  } else {
    for (std::size_t k = 0; k < G.cols(); ++k) {
      T sum(0);
      for (std::size_t i = 0; i < G.rows(); ++i) sum += G(i, k);
      b[k] = beta == T(0) ? alpha * sum : alpha * sum + beta * b[k];
    }
  }
}

/// H = factor(Fb) o (G W^T). Shapes are the caller's care.
template <class T, std::size_t In, std::size_t Out, class Gate>
void multiply_transposed_gated(const matrix_view<const T, dynamic, Out>& G,
                               const matrix_view<const T, In, Out>& W, const Gate& gate,
                               const matrix_view<const T, dynamic, In>& Fb,
                               const matrix_view<T, dynamic, In>& H) {
  if constexpr (simd_scalar<T> && takes_vectors<Gate>) {
    if (transposed_tiles_are_faster<T>(G.rows(), G.cols(), W.rows())) {
      transposed_product(rows_of<const T>(G), rows_of<const T>(W), G.rows(), W.rows(), G.cols(),
                         store_gated<T, Gate>{rows_of<T>(H), rows_of<const T>(Fb), gate});
      return;
    }
  }
  multiply(G, transposed(W), H);
  for (std::size_t i = 0; i < H.rows(); ++i) {
    for (std::size_t k = 0; k < H.cols(); ++k) H(i, k) *= gate.factor(Fb(i, k));
  }
}

}  // namespace tutelage
