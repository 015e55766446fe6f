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
//
// f is homogeneous: nodes are scaled by powers of two first, exactly, and K by these after, so that
// no square of a length leaves the range. K itself has to be in it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include <tutelage/core/product.hpp>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>
#include <tutelage/theory/kernel/supplement.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// x = mantissa 2^exponent with |mantissa| in [1, 2); 2^exponent and its inverse are in the range.
template <real_scalar R>
struct power_of_two {
  int exponent = 0;

  explicit power_of_two(R x) {
    if (!(x > 0)) return;
    constexpr int most = std::numeric_limits<R>::max_exponent - 2;
    exponent = std::clamp(std::ilogb(x), -most, most);
  }
  [[nodiscard]] R value() const { return std::scalbn(R(1), exponent); }
  [[nodiscard]] R inverse() const { return std::scalbn(R(1), -exponent); }
};

// Lengths of nodes and their inverses; a node that is zero has inverse 0, so that its cosines are 0
// and all that is multiplied by its length vanishes.
template <scalar T>
class node_norms {
  using R = real_t<T>;

 public:
  void resize(std::size_t n) {
    norm_.resize(n);
    inverse_.resize(n);
  }
  void set(std::size_t i, const T& square) {
    norm_[i] = std::sqrt(square);
    inverse_[i] = norm_[i] == T(0) ? T(0) : T(1) / norm_[i];
  }
  // Of the columns of W, [d, n], which are divided by powers of two first: see exponent().
  void scale_columns(const matrix_view<T>& W) {
    resize(W.cols());
    exponent_.resize(W.cols());
    factor_.assign(W.cols(), R(0));
    for (std::size_t i = 0; i < W.rows(); ++i) {
      const auto row = W.row(i);
      for (std::size_t k = 0; k < row.size(); ++k) {
        factor_[k] = std::max(factor_[k], std::abs(real_part(row[k])));
      }
    }
    for (std::size_t k = 0; k < W.cols(); ++k) {
      const power_of_two<R> power(factor_[k]);
      exponent_[k] = power.exponent;
      factor_[k] = power.inverse();
    }
    std::fill(norm_.begin(), norm_.end(), T(0));
    for (std::size_t i = 0; i < W.rows(); ++i) {
      const auto row = W.row(i);
      for (std::size_t k = 0; k < row.size(); ++k) {
        row[k] *= factor_[k];
        norm_[k] += row[k] * row[k];
      }
    }
    for (std::size_t k = 0; k < W.cols(); ++k) set(k, norm_[k]);
  }

  [[nodiscard]] std::size_t size() const { return norm_.size(); }
  [[nodiscard]] const T* norm() const { return norm_.data(); }
  [[nodiscard]] const T* inverse() const { return inverse_.data(); }
  // Column k was divided by two to this power, and multiplied by factor().
  [[nodiscard]] int exponent(std::size_t k) const { return exponent_[k]; }
  [[nodiscard]] R factor(std::size_t k) const { return factor_[k]; }

 private:
  std::vector<T> norm_, inverse_;
  std::vector<int> exponent_;
  std::vector<R> factor_;
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
  using R = real_t<T>;
  auto W_scaled = make_matrix<T>(W.rows(), W.cols()), V_scaled = make_matrix<T>(V.rows(), V.cols());
  copy(W, matrix_view<T>(W_scaled));
  copy(V, matrix_view<T>(V_scaled));
  detail::node_norms<T> w, v;
  w.scale_columns(W_scaled);
  v.scale_columns(V_scaled);
  const detail::power_of_two<R> power(std);
  const R rest = std * power.inverse();
  std::vector<T> of_v(V.cols());
  for (std::size_t j = 0; j < V.cols(); ++j) {
    of_v[j] = T(std::scalbn(R(1), v.exponent(j) + power.exponent));
  }
  multiply(transposed(W_scaled), V_scaled, K);
  for (std::size_t i = 0; i < K.rows(); ++i) {
    T* const row = K.row(i).data();
    const T norm = w.norm()[i];
    const T of_w(std::scalbn(R(1), w.exponent(i) + power.exponent));
    detail::visit_pairs(
        row, w.inverse()[i], v.inverse(), K.cols(), gates,
        [&]<class X>(const auto& piece, std::size_t j, const X& F, const X& S, const X& P) {
          const X norms = X(norm) * piece.load(v.norm() + j);
          const X K_ij = X(T(rest * rest)) * (F * P + S * norms);
          piece.store(row + j, K_ij * X(of_w) * piece.load(of_v.data() + j));
        });
  }
}

}  // namespace tutelage
