// Linear programs in exact arithmetic.
//
//   maximize  c.x   subject to   A x <= b,  x >= 0        A [m, n], b [m] >= 0, c [n], integers
//
// by the simplex method from x = 0, which b >= 0 makes feasible. The tableau is kept in integers over
// one common denominator, the last pivot: what a pivot leaves are minors of [A b; c 0], so that the
// division by the pivot before is exact (Edmonds 1967; Bareiss, Math. Comp. 22, 1968). Bland's rule
// chooses pivots and cannot cycle (Math. Oper. Res. 2, 1977). The optimum is reported with the
// multipliers y of the constraints: A^T y >= c, y >= 0, b.y = c.x, which prove it.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <boost/multiprecision/cpp_int.hpp>
#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Whole and rational numbers of any size.
using integer = boost::multiprecision::cpp_int;
using rational = boost::multiprecision::cpp_rational;

struct exact_program {
  std::vector<std::vector<integer>> A;  // [m, n]
  std::vector<integer> b;               // [m], not negative
  std::vector<integer> c;               // [n]
};

struct exact_optimum {
  rational value;
  std::vector<rational> x;            // [n]
  std::vector<rational> multipliers;  // [m]
};

namespace detail {

/// Rows 0, ..., m-1 are the constraints, row m is -c; columns are x, the slacks and the right side.
class integer_tableau {
 public:
  explicit integer_tableau(const exact_program& p) : m_(p.b.size()), n_(p.c.size()) {
    rows_.assign(m_ + 1, std::vector<integer>(n_ + m_ + 1));
    basis_.resize(m_);
    for (std::size_t i = 0; i < m_; ++i) {
      for (std::size_t j = 0; j < n_; ++j) rows_[i][j] = p.A[i][j];
      rows_[i][n_ + i] = 1;
      rows_[i].back() = p.b[i];
      basis_[i] = n_ + i;
    }
    for (std::size_t j = 0; j < n_; ++j) rows_[m_][j] = -p.c[j];
  }

  /// False when the objective has no bound.
  bool solve() {
    for (auto entering = falling(); entering < n_ + m_; entering = falling()) {
      const std::size_t leaving = tightest(entering);
      if (leaving == m_) return false;
      pivot(leaving, entering);
    }
    return true;
  }

  [[nodiscard]] exact_optimum optimum() const {
    exact_optimum found{over(rows_[m_].back()), std::vector<rational>(n_),
                        std::vector<rational>(m_)};
    for (std::size_t i = 0; i < m_; ++i) {
      if (basis_[i] < n_) found.x[basis_[i]] = over(rows_[i].back());
      found.multipliers[i] = over(rows_[m_][n_ + i]);
    }
    return found;
  }

 private:
  [[nodiscard]] rational over(const integer& numerator) const {
    return rational(numerator, denominator_);
  }

  // The first column along which the objective grows.
  [[nodiscard]] std::size_t falling() const {
    std::size_t j = 0;
    while (j < n_ + m_ && rows_[m_][j] >= 0) ++j;
    return j;
  }

  // The constraint that is met first; among equals, that of the first variable. m when there is none.
  [[nodiscard]] std::size_t tightest(std::size_t column) const {
    std::size_t best = m_;
    for (std::size_t i = 0; i < m_; ++i) {
      if (rows_[i][column] <= 0) continue;
      if (best < m_) {
        const integer here = rows_[i].back() * rows_[best][column];
        const integer there = rows_[best].back() * rows_[i][column];
        if (here > there || (here == there && basis_[i] > basis_[best])) continue;
      }
      best = i;
    }
    return best;
  }

  void pivot(std::size_t r, std::size_t s) {
    const integer p = rows_[r][s];
    for (std::size_t i = 0; i <= m_; ++i) {
      if (i == r) continue;
      const integer factor = rows_[i][s];
      for (std::size_t j = 0; j < rows_[i].size(); ++j) {
        integer& a = rows_[i][j];
        if (a != 0) a *= p;
        if (factor != 0 && rows_[r][j] != 0) a -= factor * rows_[r][j];
        if (a != 0) a /= denominator_;
      }
    }
    denominator_ = p;
    basis_[r] = s;
  }

  std::size_t m_, n_;
  std::vector<std::vector<integer>> rows_;  // over denominator_, which stays positive
  std::vector<std::size_t> basis_;
  integer denominator_ = 1;
};

inline void require_program(const exact_program& p) {
  bool fits = p.A.size() == p.b.size();
  for (const auto& row : p.A) fits = fits && row.size() == p.c.size();
  if (!fits) {
    throw shape_error(text("maximize: ", p.A.size(), " rows of A and ", p.b.size(),
                           " numbers of b, ", p.c.size(), " of c; rows of A must be as long as c"));
  }
  for (std::size_t i = 0; i < p.b.size(); ++i) {
    if (p.b[i] < 0) throw argument_error(text("maximize: b[", i, "] is negative"));
  }
}

}  // namespace detail

/// The optimum; nothing when the objective has no bound. Throws shape_error when sizes do not fit, and
/// argument_error when a b is negative.
inline std::optional<exact_optimum> maximize(const exact_program& program) {
  detail::require_program(program);
  detail::integer_tableau tableau(program);
  if (!tableau.solve()) return std::nullopt;
  return tableau.optimum();
}

}  // namespace tutelage
