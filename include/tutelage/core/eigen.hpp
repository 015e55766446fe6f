// Eigenvalues and eigenvectors of symmetric matrices, by LAPACK.
#pragma once

#include <concepts>
#include <cstddef>
#include <limits>

#include <tutelage/core/product.hpp>
#include <vector>
#include <xflens/cxxlapack/cxxlapack.cxx>

namespace tutelage {

template <class T>
struct eigen_system {
  std::vector<T> values;  // ascending
  matrix<T> vectors;      // row i is the unit eigenvector of values[i]
};

/// Of a symmetric matrix, [n, n]; only one triangle is read. Throws shape_error unless it is
/// square, argument_error when it is not finite.
template <class T>
  requires(std::same_as<T, float> || std::same_as<T, double>)
eigen_system<T> symmetric_eigen(matrix_view<const T> A) {
  detail::require_shape("symmetric_eigen", "the matrix", A, A.rows(), A.rows());
  const std::size_t n = A.rows();
  eigen_system<T> result{std::vector<T>(n), to_matrix(A)};
  if (n == 0) return result;
  for (const T& x : result.vectors) {
    if (!is_finite(x)) throw argument_error("symmetric_eigen: the matrix is not finite");
  }
  if (n > static_cast<std::size_t>(std::numeric_limits<int>::max()) / n) {
    throw shape_error(detail::text("symmetric_eigen: extent ", n, " is too large for LAPACK"));
  }
  const int size = static_cast<int>(n);
  const auto solve = [&](T* work, int work_size, int* whole, int whole_size) {
    // LAPACK's columns are our rows.
    return cxxlapack::syevd<int>('V', 'L', size, result.vectors.data(), size, result.values.data(),
                                 work, work_size, whole, whole_size);
  };
  T best_work = 0;
  int best_whole = 0;
  int failed = solve(&best_work, -1, &best_whole, -1);
  if (failed == 0) {
    std::vector<T> work(static_cast<std::size_t>(best_work));
    std::vector<int> whole(static_cast<std::size_t>(best_whole));
    failed = solve(work.data(), static_cast<int>(work.size()), whole.data(), best_whole);
  }
  if (failed != 0) throw argument_error("symmetric_eigen: LAPACK's iteration did not converge");
  return result;
}

}  // namespace tutelage
