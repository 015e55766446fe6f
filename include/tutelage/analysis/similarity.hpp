// Similarity of a teacher's and a student's layer as representations: of their activations over the
// same samples, X [N, m] and Y [N, n], each column centered.
//
//   CCA    canonical correlations: the singular values of U_X^T U_Y, U orthonormal bases of the
//          columns' spans; as many as the smaller of the two ranks
//   SVCCA  the same after keeping, of each side, the fewest principal components that explain a
//          share of the variance (Raghu et al., arXiv:1706.05806)
//   CKA    |X^T Y|_F^2 / (|X^T X|_F |Y^T Y|_F), linear (Kornblith et al., arXiv:1905.00414)
//
// arXiv:1909.13458, Section 4, explains what they see in students that specialized: nodes of one
// co-linear group span one direction together, nodes whose fan-out vanished are suppressed. CCA and
// CKA do not change under orthogonal maps and scaling of either side, CCA not under any invertible
// map that leaves the columns farther apart than the activations' own rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/core/finite.hpp>
#include <tutelage/core/product.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Activations as columns of mean 0. A column of equal values becomes exactly 0.
struct centered_columns {
  matrix<double> values;
  // The Frobenius norm of 16 epsilon of the activations, with their means: a singular value that
  // rounding makes of 0 is no larger.
  double rounding = 0;
};

// In units of a power of two each: `own` ones make the norm of every column, with its mean, about 1,
// and a `common` one the largest deviation of all. No square overflows, and those that vanish do not
// matter.
enum class column_units { common, own };

template <real_scalar T>
centered_columns centered(const char* function, matrix_view<const T> f, column_units units) {
  if (f.rows() == 0 || f.cols() == 0) {
    throw shape_error(text(function, ": activations are ", shape_text(f.rows(), f.cols()),
                           ", expected at least 1 each"));
  }
  centered_columns centered{make_matrix<double>(f.rows(), f.cols())};
  auto& result = centered.values;
  for (std::size_t i = 0; i < f.rows(); ++i) {
    for (std::size_t k = 0; k < f.cols(); ++k) result(i, k) = static_cast<double>(f(i, k));
  }
  require_finite(function, "activations", matrix_view<const double>(result));
  // Of each column first, then of all.
  constexpr int none = std::numeric_limits<int>::min();
  std::vector<int> unit(f.cols(), none);
  std::vector<double> norm(f.cols());  // in these units
  int largest_unit = none;
  for (std::size_t k = 0; k < f.cols(); ++k) {
    double largest = 0, mean = 0, square = 0;
    for (std::size_t i = 0; i < f.rows(); ++i) largest = std::max(largest, std::abs(result(i, k)));
    if (largest == 0) continue;
    const int of_column = std::ilogb(largest) + 1;
    const double origin = std::ldexp(result(0, k), -of_column);
    for (std::size_t i = 0; i < f.rows(); ++i) {
      const double value = std::ldexp(result(i, k), -of_column);
      square += value * value;
      result(i, k) = value - origin;
      mean += result(i, k);
    }
    mean /= static_cast<double>(f.rows());
    double deviation = 0;
    for (std::size_t i = 0; i < f.rows(); ++i) {
      result(i, k) -= mean;
      deviation = std::max(deviation, std::abs(result(i, k)));
    }
    if (deviation == 0) continue;
    unit[k] = of_column;
    norm[k] = std::sqrt(square);
    largest_unit = std::max(largest_unit, of_column + std::ilogb(deviation));
  }
  double square = 0;
  for (std::size_t k = 0; k < f.cols(); ++k) {
    if (unit[k] == none) continue;
    const int exponent = units == column_units::own ? -std::ilogb(norm[k]) : unit[k] - largest_unit;
    for (std::size_t i = 0; i < f.rows(); ++i) {
      result(i, k) = std::ldexp(result(i, k), exponent);
    }
    square += std::ldexp(norm[k], exponent) * std::ldexp(norm[k], exponent);
  }
  constexpr double unit_of_rounding =
      std::max(std::numeric_limits<double>::epsilon(),
               static_cast<double>(std::numeric_limits<T>::epsilon()));
  centered.rounding = 16 * unit_of_rounding * std::sqrt(square);
  return centered;
}

template <real_scalar T>
void require_pairs(const char* function, matrix_view<const T> x, matrix_view<const T> y) {
  if (x.rows() != y.rows()) {
    throw shape_error(
        text(function, ": ", x.rows(), " and ", y.rows(), " samples, expected equally many"));
  }
}

inline double frobenius_square(const matrix<double>& A) {
  double sum = 0;
  for (const double a : A) sum += a * a;
  return sum;
}

// The first `count` columns.
inline matrix<double> leading_columns(const matrix<double>& A, std::size_t count) {
  auto result = make_matrix<double>(A.shape(0), count);
  for (std::size_t i = 0; i < A.shape(0); ++i) {
    for (std::size_t k = 0; k < count; ++k) result(i, k) = A(i, k);
  }
  return result;
}

// An orthonormal basis of the fewest principal components whose squares make up `share` of all, at
// most as many as the numerical rank. All of them span what the columns do, in whatever units.
template <real_scalar T>
matrix<double> principal_basis(const char* function, matrix_view<const T> f, double share) {
  const auto [X, rounding] =
      centered(function, f, share == 1 ? column_units::own : column_units::common);
  const auto decomposition = svd(matrix_view(X));
  const auto& s = decomposition.s;
  const double none = rounding + s[0] * std::numeric_limits<double>::epsilon() *
                                     static_cast<double>(std::max(X.shape(0), X.shape(1)));
  double total = 0, kept = 0;
  for (const double value : s) total += value * value;
  std::size_t count = 0;
  while (count < s.size() && s[count] > none && (share == 1 || kept < share * total)) {
    kept += s[count] * s[count];
    ++count;
  }
  return leading_columns(decomposition.U, count);
}

}  // namespace detail

/// SVCCA: the canonical correlations of the principal components that explain `share` of each
/// side's variance, largest first, in [0, 1]; none when a side never changes. Throws shape_error
/// for no samples or different numbers of them, argument_error unless share is in (0, 1] and all
/// activations are finite.
template <real_scalar T>
std::vector<double> svcca(matrix_view<const T> x, matrix_view<const T> y, double share = 0.99) {
  if (!(share > 0 && share <= 1)) {
    throw argument_error(detail::text("svcca: share is ", share, ", expected one in (0, 1]"));
  }
  detail::require_pairs("svcca", x, y);
  const auto U = detail::principal_basis("svcca", x, share);
  const auto V = detail::principal_basis("svcca", y, share);
  if (U.shape(1) == 0 || V.shape(1) == 0) return {};
  auto product = make_matrix<double>(U.shape(1), V.shape(1));
  multiply(transposed(U), V, product);
  auto rho = singular_values(matrix_view(product));
  for (double& r : rho) r = std::min(r, 1.0);
  return rho;
}

/// CCA: all canonical correlations, largest first. Throws as svcca() does.
template <real_scalar T>
std::vector<double> cca(matrix_view<const T> x, matrix_view<const T> y) {
  return svcca(x, y, 1);
}

/// The mean of correlations; 0 of none.
inline double mean_correlation(const std::vector<double>& rho) {
  double sum = 0;
  for (const double r : rho) sum += r;
  return rho.empty() ? 0 : sum / static_cast<double>(rho.size());
}

/// Linear CKA, in [0, 1]; 0 when a side never changes. Throws as svcca() does.
template <real_scalar T>
double linear_cka(matrix_view<const T> x, matrix_view<const T> y) {
  detail::require_pairs("linear_cka", x, y);
  constexpr auto common = detail::column_units::common;
  const auto X = detail::centered("linear_cka", x, common).values;
  const auto Y = detail::centered("linear_cka", y, common).values;
  const auto square = [](const matrix<double>& A, const matrix<double>& B) {
    auto product = make_matrix<double>(A.shape(1), B.shape(1));
    multiply(transposed(A), B, product);
    return detail::frobenius_square(product);
  };
  const double norms = std::sqrt(square(X, X)) * std::sqrt(square(Y, Y));  // 0 or 1 at least
  return norms > 0 ? std::min(1.0, square(X, Y) / norms) : 0.0;
}

template <class T>
std::vector<double> svcca(const matrix<T>& x, const matrix<T>& y, double share = 0.99) {
  return svcca(matrix_view<const T>(x), matrix_view<const T>(y), share);
}
template <class T>
std::vector<double> cca(const matrix<T>& x, const matrix<T>& y) {
  return cca(matrix_view<const T>(x), matrix_view<const T>(y));
}
template <class T>
double linear_cka(const matrix<T>& x, const matrix<T>& y) {
  return linear_cka(matrix_view<const T>(x), matrix_view<const T>(y));
}

}  // namespace tutelage
