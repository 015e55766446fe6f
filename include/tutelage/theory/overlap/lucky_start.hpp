// Students that begin near their teachers: the start of arXiv:1905.13405, Section 4.2 and Figure 7.
//
//   W = column_normalize([p_W W* + W_eps, W_r])       W*  [d, m], W  [d, n]
//   V = column_normalize([p_V V* + V_eps; V_r])       V*  [m, C], V  [n, C]
//
// [W_eps, W_r] and [V_eps; V_r] are standard normal with columns divided by their norms. Students
// 0,
// ..., m-1 are the u-set, the others the r-set. A larger p_W turns the u-set towards the teacher; a
// larger p_V gives its rows of V a larger share of each output.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/core/matrix.hpp>
#include <tutelage/core/random.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

struct lucky_start {
  double p_W, p_V;
};

namespace detail {
template <real_scalar T>
void normalize_columns(const matrix_view<T>& A) {
  for (std::size_t j = 0; j < A.cols(); ++j) {
    T square = 0;
    for (std::size_t i = 0; i < A.rows(); ++i) square += A(i, j) * A(i, j);
    const T norm = std::sqrt(square);
    if (norm == 0) continue;
    for (std::size_t i = 0; i < A.rows(); ++i) A(i, j) /= norm;
  }
}
}  // namespace detail

/// Fills W and V. Throws shape_error unless W has W*'s rows and at least as many columns, and V has
/// as many rows as W has columns and V*'s columns.
template <real_scalar T>
void initialize_lucky(const lucky_start& start, matrix_view<const T> W_star,
                      std::type_identity_t<matrix_view<const T>> V_star,
                      std::type_identity_t<matrix_view<T>> W,
                      std::type_identity_t<matrix_view<T>> V, stream random) {
  const std::size_t m = W_star.cols();
  detail::require_shape("initialize_lucky", "W", W, W_star.rows(), std::max(m, W.cols()));
  detail::require_shape("initialize_lucky", "V_star", V_star, m, V_star.cols());
  detail::require_shape("initialize_lucky", "V", V, W.cols(), V_star.cols());
  for (const auto* A : {&W, &V}) {
    for (std::size_t i = 0; i < A->rows(); ++i) random.fill_normal(A->row(i));
    detail::normalize_columns(*A);
  }
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t i = 0; i < W.rows(); ++i) W(i, j) += static_cast<T>(start.p_W) * W_star(i, j);
    for (std::size_t c = 0; c < V.cols(); ++c) V(j, c) += static_cast<T>(start.p_V) * V_star(j, c);
  }
  detail::normalize_columns(W);
  detail::normalize_columns(V);
}

}  // namespace tutelage
