// The closed forms of gaussian_kernel.hpp for all pairs of two sets of nodes, from their products.
//
//   P  [n, m]   P_ij = w_i.v_j, one matrix product
//   K  [n, m]   E[f(w_i.x) f(v_j.x)] = s^2 (F_ij P_ij + S_ij |w_i||v_j|)
//   F  [n, m]   c + k phi_ij
//   S  [n, m]   k sin theta_ij, phi and sin from the cosine P_ij/(|w_i||v_j|), vectors at a time
//
// Rounding of the cosine moves phi and sin by the root of epsilon near 0 and pi, but together: dK
// is k phi |w||v| d cos and the gated expectation moves by k |v| d cos. So both are within a few
// epsilon of |w||v| and |v|, at all angles; only relative to a K near 0 is gaussian_pair better.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include <tutelage/core/product.hpp>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>
#include <tutelage/theory/kernel/supplement.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Lengths of nodes and their inverses; a node that is zero has inverse 0, so that its cosines are 0
// and all that is multiplied by its length vanishes.
template <scalar T>
class node_norms {
 public:
  void resize(std::size_t n) {
    norm_.resize(n);
    inverse_.resize(n);
  }
  void set(std::size_t i, const T& square) {
    norm_[i] = std::sqrt(square);
    inverse_[i] = norm_[i] == T(0) ? T(0) : T(1) / norm_[i];
  }
  // Of the columns of W, [d, n], to places `first` on.
  void set_columns(const matrix_view<const T>& W, std::size_t first) {
    std::fill_n(norm_.data() + first, W.cols(), T(0));
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) norm_[first + k] += W(i, k) * W(i, k);
    }
    for (std::size_t k = 0; k < W.cols(); ++k) set(first + k, norm_[first + k]);
  }

  [[nodiscard]] std::size_t size() const { return norm_.size(); }
  [[nodiscard]] const T* norm() const { return norm_.data(); }
  [[nodiscard]] const T* inverse() const { return inverse_.data(); }

 private:
  std::vector<T> norm_, inverse_;
};

// One number as a piece of a row; see row_piece.
template <scalar T>
struct single {
  T load(const T* from) const { return *from; }
  void store(T* to, const T& x) const { *to = x; }
};

// Calls visit(piece, j, F, S, P) for all j < count, in vectors where the processor has them: node i
// of length `norm` against nodes j of `others`, P[j] their products. F and S are as above.
template <scalar T, class Visit>
void visit_pairs(const T* P, const T& inverse, const T* inverses, std::size_t count,
                 const gate_pair<real_t<T>>& gates, const Visit& visit) {
  const auto at = [&]<class V>(const auto& piece, std::size_t j, const V& own) {
    const V p = piece.load(P + j);
    const auto [phi, sin] = supplement_and_sine(p * own * piece.load(inverses + j));
    visit(piece, j, V(gates.linear) + V(gates.curvature) * phi, V(gates.curvature) * sin, p);
  };
  if constexpr (simd_scalar<T>) {
    const simd<T> own(inverse);
    std::size_t j = 0;
    for (; j + lanes<T> <= count; j += lanes<T>) at(row_piece<T, false>(partial<T>(1)), j, own);
    if (j < count) at(row_piece<T, true>(partial<T>(count - j)), j, own);
  } else {
    for (std::size_t j = 0; j < count; ++j) at(single<T>{}, j, inverse);
  }
}

}  // namespace detail

/// K_ij = E[f(w_i.x) f(v_j.x)] for the columns of W [d, n] and V [d, m]; K is [n, m], x ~ N(0,
/// std^2 I). Throws shape_error when they do not fit.
template <scalar T>
void gaussian_kernel_matrix(matrix_view<const T> W, std::type_identity_t<matrix_view<const T>> V,
                            gate_pair<real_t<T>> gates, real_t<T> std,
                            std::type_identity_t<matrix_view<T>> K) {
  detail::require_shape("gaussian_kernel_matrix", "V", V, W.rows(), V.cols());
  detail::require_shape("gaussian_kernel_matrix", "K", K, W.cols(), V.cols());
  detail::node_norms<T> w, v;
  w.resize(W.cols());
  w.set_columns(W, 0);
  v.resize(V.cols());
  v.set_columns(V, 0);
  multiply(transposed(W), V, K);
  for (std::size_t i = 0; i < K.rows(); ++i) {
    T* const row = K.row(i).data();
    const T norm = w.norm()[i];
    detail::visit_pairs(
        row, w.inverse()[i], v.inverse(), K.cols(), gates,
        [&]<class X>(const auto& piece, std::size_t j, const X& F, const X& S, const X& P) {
          const X norms = X(norm) * piece.load(v.norm() + j);
          piece.store(row + j, X(std * std) * (F * P + S * norms));
        });
  }
}

}  // namespace tutelage
