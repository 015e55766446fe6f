// Decompositions of small dense matrices, by LAPACK: the only door to it.
//
//   A = U diag(s) V^T      singular values, [r], largest first, r = min(rows, cols);
//                          U [rows, r] and V^T [r, cols] with orthonormal columns and rows
//   A = Q diag(e) Q^T      of a symmetric A: eigenvalues, [n], smallest first; Q [n, n], one
//                          eigenvector a column
//
// All are in double, and copy what they are given. LAPACK's matrices have columns one after the
// other: it takes A for A^T, whose singular vectors are A's with U and V exchanged.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/matrix.hpp>

#include <xflens/cxxlapack/netlib/netlib.h>  // declarations only: all of cxxlapack is 67,000 lines

#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct singular_value_decomposition {
  matrix<double> U;       // [rows, r]
  std::vector<double> s;  // [r], largest first
  matrix<double> Vt;      // [r, cols]
};

struct eigen_decomposition {
  std::vector<double> values;  // [n], smallest first
  matrix<double> vectors;      // [n, n], columns
};

namespace detail {

// LAPACK may not return from a NaN.
inline void require_finite(const char* function, matrix_view<const double> A) {
  require_finite(function, "the matrix", A);
}

inline int lapack_index(const char* function, std::size_t n) {
  if (n > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw shape_error(text(function, ": extent ", n, " is too large for LAPACK"));
  }
  return static_cast<int>(n);
}

inline void require_convergence(const char* function, int info) {
  if (info != 0) throw argument_error(text(function, ": LAPACK did not converge, info ", info));
}

// A [m, n] in LAPACK's order. Returns what LAPACK says of the outcome, 0 for success.
inline int gesdd(char job, int m, int n, double* A, double* s, double* U, int ldu, double* Vt,
                 int ldvt, double* work, int size, int* iwork) {
  int info = 0;
  cxxlapack::LAPACK_IMPL(dgesdd)(&job, &m, &n, A, &m, s, U, &ldu, Vt, &ldvt, work, &size, iwork,
                                 &info);
  return info;
}

// Calls routine(work, size) twice: for the size it wants, then with so much.
template <class Routine>
void with_work(const char* function, const Routine& routine) {
  double wanted = 0;
  require_convergence(function, routine(&wanted, -1));
  std::vector<double> work(static_cast<std::size_t>(wanted));
  require_convergence(function, routine(work.data(), static_cast<int>(work.size())));
}

}  // namespace detail

/// The thin singular value decomposition of A; of a matrix without elements, empty. Throws
/// argument_error when an element is not finite.
inline singular_value_decomposition svd(matrix_view<const double> A) {
  detail::require_finite("svd", A);
  const std::size_t rows = A.rows(), cols = A.cols(), r = std::min(rows, cols);
  singular_value_decomposition result{make_matrix<double>(rows, r), std::vector<double>(r),
                                      make_matrix<double>(r, cols)};
  if (r == 0) return result;
  const int m = detail::lapack_index("svd", cols), n = detail::lapack_index("svd", rows);
  const int k = static_cast<int>(r);
  auto copied = to_matrix(A);
  std::vector<int> iwork(8 * r);
  detail::with_work("svd", [&](double* work, int size) {
    return detail::gesdd('S', m, n, copied.data(), result.s.data(), result.Vt.data(), m,
                         result.U.data(), k, work, size, iwork.data());
  });
  return result;
}

/// Singular values only, largest first.
inline std::vector<double> singular_values(matrix_view<const double> A) {
  detail::require_finite("singular_values", A);
  const std::size_t r = std::min(A.rows(), A.cols());
  std::vector<double> s(r);
  if (r == 0) return s;
  const int m = detail::lapack_index("singular_values", A.cols());
  const int n = detail::lapack_index("singular_values", A.rows());
  auto copied = to_matrix(A);
  std::vector<int> iwork(8 * r);
  detail::with_work("singular_values", [&](double* work, int size) {
    return detail::gesdd('N', m, n, copied.data(), s.data(), nullptr, 1, nullptr, 1, work, size,
                         iwork.data());
  });
  return s;
}

/// How many singular values exceed `tolerance` times the largest; by default max(rows, cols)
/// epsilon, what rounding makes of 0. Throws argument_error for an element that is not finite.
inline std::size_t numerical_rank(matrix_view<const double> A, double tolerance) {
  const auto s = singular_values(A);
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [&](double value) { return value > tolerance * s[0]; }));
}

inline std::size_t numerical_rank(matrix_view<const double> A) {
  return numerical_rank(A, static_cast<double>(std::max(A.rows(), A.cols())) *
                               std::numeric_limits<double>::epsilon());
}

/// Eigenvalues and eigenvectors of a symmetric matrix; its upper triangle is read. Throws
/// shape_error unless it is square, argument_error when an element is not finite.
inline eigen_decomposition symmetric_eigen(matrix_view<const double> A) {
  detail::require_shape("symmetric_eigen", "the matrix", A, A.rows(), A.rows());
  detail::require_finite("symmetric_eigen", A);
  const std::size_t n = A.rows();
  eigen_decomposition result{std::vector<double>(n), make_matrix<double>(n, n)};
  if (n == 0) return result;
  auto copied = to_matrix(A);
  const int order = detail::lapack_index("symmetric_eigen", n);
  detail::with_work("symmetric_eigen", [&](double* work, int size) {
    int info = 0;
    cxxlapack::LAPACK_IMPL(dsyev)("V", "L", &order, copied.data(), &order, result.values.data(),
                                  work, &size, &info);
    return info;
  });
  // LAPACK's columns are our rows.
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) result.vectors(i, k) = copied(k, i);
  }
  return result;
}

}  // namespace tutelage
