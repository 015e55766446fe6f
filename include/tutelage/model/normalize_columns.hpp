// Columns of unit length: the regular weights of arXiv:1909.13458, Definition 1.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <tutelage/core/matrix.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
// Divides each column by the norm of its first `rows` numbers.
template <scalar T>
void normalize_columns(const matrix_view<T>& A, std::size_t rows) {
  using std::abs;
  using std::sqrt;
  std::vector<real_t<T>> norm(A.cols(), 0);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < A.cols(); ++k) {
      const real_t<T> a = abs(A(i, k));
      norm[k] += a * a;
    }
  }
  for (auto& n : norm) n = n > 0 ? sqrt(n) : real_t<T>(1);
  for (std::size_t i = 0; i < A.rows(); ++i) {
    for (std::size_t k = 0; k < A.cols(); ++k) A(i, k) /= norm[k];
  }
}
}  // namespace detail

/// Divides each column by its norm; columns of zeros stay.
template <scalar T>
void normalize_columns(const matrix_view<T>& A) {
  detail::normalize_columns(A, A.rows());
}

/// Divides column k of the weights and its bias by |w~_k|; a node without weights stays.
template <dense_layer L>
void normalize_columns(L& l) {
  detail::normalize_columns(matrix_view<typename L::value_type>(l.weights()), l.in_width());
}

}  // namespace tutelage
