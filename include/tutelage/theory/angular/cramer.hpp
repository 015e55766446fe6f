// Cramer's determinants: det M, and det M_i for every i, from one factorization.
//
//   M    [m, m]       M_i = M with column i replaced by b       det M_i = det M (M^-1 b)_i
//   b    [m]
//
// P M Q = L U with complete pivoting and y = L^-1 P b. The last pivot u is never divided by:
// X = u U^-1 y is found from X_m = y_m upwards, and det M_i = +-(product of the other pivots) X_i.
// So all det M_i are exact up to round-off where M is singular too, and are 0 where its rank is
// m - 2 or less. All determinants share a power of two, so that none overflows or vanishes.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <tutelage/core/matrix.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Factors one system after another; allocates only when m grows.
template <real_scalar T>
class cramer_determinants {
 public:
  /// Reads M [m, m] and b [m]. Throws shape_error when they do not fit, argument_error when a
  /// number is not finite.
  void compute(matrix_view<const T> M, std::span<const T> b) {
    const std::size_t m = b.size();
    detail::require_shape("cramer_determinants", "M", M, m, m);
    const auto a = system_.reshape(m, m + 1);
    const int scale = largest_exponent(M, b);
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = 0; j < m; ++j) a(i, j) = std::scalbn(M(i, j), -scale);
      a(i, m) = std::scalbn(b[i], -scale);
    }
    columns_.resize(m);
    for (std::size_t j = 0; j < m; ++j) columns_[j] = j;
    replaced_.assign(m, T(0));
    mantissa_ = 1;
    exponent_ = static_cast<long>(m) * scale;
    last_pivot_ = 1;
    for (std::size_t k = 0; k < m; ++k) {
      bring_largest_to(k);
      if (k + 1 == m) break;
      const T pivot = a(k, k);
      if (pivot == 0) {
        last_pivot_ = 0;
        return;
      }
      scale_by(pivot);
      for (std::size_t i = k + 1; i < m; ++i) {
        const T factor = a(i, k) / pivot;
        for (std::size_t j = k + 1; j <= m; ++j) a(i, j) -= factor * a(k, j);
      }
    }
    if (m == 0) return;
    last_pivot_ = a(m - 1, m - 1);
    substitute();
  }

  [[nodiscard]] std::size_t size() const noexcept { return replaced_.size(); }

  /// det M = det() times 2^exponent().
  [[nodiscard]] T det() const noexcept { return mantissa_ * last_pivot_; }

  /// [m]: det M_i = replaced()[i] times 2^exponent().
  [[nodiscard]] std::span<const T> replaced() const noexcept { return replaced_; }

  [[nodiscard]] long exponent() const noexcept { return exponent_; }

  /// The least det M_i as a plain number; infinite, or 0, where it does not fit. Infinite for m =
  /// 0.
  [[nodiscard]] T min_replaced() const noexcept {
    T least = std::numeric_limits<T>::infinity();
    for (const T x : replaced_) least = std::min(least, x);
    return std::scalbln(least, exponent_);
  }

 private:
  // Of the largest number; 0 where all are 0.
  static int largest_exponent(matrix_view<const T> M, std::span<const T> b) {
    T largest = 0;
    const auto see = [&](T x) {
      if (!std::isfinite(x)) throw argument_error("cramer_determinants: a number is not finite");
      largest = std::max(largest, std::abs(x));
    };
    for (std::size_t i = 0; i < b.size(); ++i) {
      for (const T x : M.row(i)) see(x);
      see(b[i]);
    }
    return largest == 0 ? 0 : std::ilogb(largest);
  }

  // Exchanges rows and columns from k on, so that the largest number of the rest of M is at (k, k).
  void bring_largest_to(std::size_t k) {
    const auto a = system_.view();
    const std::size_t m = columns_.size();
    std::size_t row = k, column = k;
    for (std::size_t i = k; i < m; ++i) {
      for (std::size_t j = k; j < m; ++j) {
        if (std::abs(a(i, j)) > std::abs(a(row, column))) {
          row = i;
          column = j;
        }
      }
    }
    if (row != k) {
      std::swap_ranges(a.row(k).begin(), a.row(k).end(), a.row(row).begin());
      mantissa_ = -mantissa_;
    }
    if (column != k) {
      for (std::size_t i = 0; i < m; ++i) std::swap(a(i, k), a(i, column));
      std::swap(columns_[k], columns_[column]);
      mantissa_ = -mantissa_;
    }
  }

  void scale_by(T pivot) {
    int shift = 0;
    mantissa_ = std::frexp(mantissa_ * pivot, &shift);
    exponent_ += shift;
  }

  void substitute() {
    const auto a = system_.view();
    const std::size_t m = columns_.size();
    for (std::size_t i = m; i-- > 0;) {
      T sum = i + 1 == m ? a(i, m) : last_pivot_ * a(i, m);
      for (std::size_t j = i + 1; j < m; ++j) sum -= a(i, j) * replaced_[columns_[j]];
      replaced_[columns_[i]] = i + 1 == m ? sum : sum / a(i, i);
    }
    for (T& x : replaced_) x *= mantissa_;
  }

  workspace<T> system_;               // [m, m+1], [M b] in the order of the pivots
  std::vector<std::size_t> columns_;  // of M, in this order
  std::vector<T> replaced_;
  T mantissa_ = 1;  // of the product of all pivots but the last, with the sign of the exchanges
  long exponent_ = 0;
  T last_pivot_ = 1;
};

}  // namespace tutelage
