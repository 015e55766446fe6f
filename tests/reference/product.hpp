// Matrix products as three loops over the definition.
#pragma once

#include <cmath>
#include <cstddef>
#include <tutelage/core/matrix.hpp>

namespace reference {

using namespace tutelage;

template <class T>
struct product {
  matrix<T> C;              // alpha A B + beta C
  matrix<real_t<T>> gauge;  // |alpha| |A| |B| + |beta| |C|
};

template <class T>
product<T> multiply(const matrix<T>& A, const matrix<T>& B, const matrix<T>& C, T alpha, T beta) {
  const std::size_t m = A.shape(0), k = A.shape(1), n = B.shape(1);
  product<T> result{make_matrix<T>(m, n), make_matrix<real_t<T>>(m, n)};
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      T sum = 0;
      real_t<T> absolute = 0;
      for (std::size_t l = 0; l < k; ++l) {
        sum += A(i, l) * B(l, j);
        absolute += std::abs(A(i, l)) * std::abs(B(l, j));
      }
      result.C(i, j) = alpha * sum + beta * C(i, j);
      result.gauge(i, j) = std::abs(alpha) * absolute + std::abs(beta) * std::abs(C(i, j));
    }
  }
  return result;
}

}  // namespace reference
