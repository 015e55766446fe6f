// Can students of one teacher node stand still at given directions?
//
// Two-layer ReLU networks in the plane, all fan-out weights 1, inputs N(0, I): the teacher is one
// node of length 1 and direction 0, student i has length rho_i > 0 and direction theta_i. The
// gradient with respect to student i vanishes when its parts along and across theta_i do:
//
//   sum_j f(theta_ij) rho_j = f(theta_i0)                        f(t) = (pi - t) cos t + sin t
//   sum_j (pi - theta_ij) sin(theta_j - theta_i) rho_j = -(pi - theta_i0) sin(theta_i)
//
// The first is M rho = b, so rho_i = det M_i / det M; "Analysis of alignment phenomenon in simple
// teacher-student networks with finite width", Theorem 5.1, concludes from one det M_i <= 0 that
// there is no critical point. Here M^-1 b comes with a bound of its error: with R an approximate
// inverse, ||I - R M|| <= beta < 1 proves M regular, and
//
//   |M^-1 b - rho| <= |R (b - M rho)| + beta / (1 - beta) max |R (b - M rho)|
//
// in which every rounding, that of f and of pi among them, is counted. M is a matrix of second
// moments, so positive definite once it is regular.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <tutelage/theory/angular/angular_distance.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

enum class direction_verdict {
  none_of_length,  // a student would need a length below 0: Theorem 5.1's determinant condition
  none_across,     // a gradient across a student's direction remains, whatever the lengths' signs
  possible,        // nothing excludes it to the last digit computed
  undecided        // the sign of a length, or M's regularity, is lost in round-off
};

/// The verdict on a set of directions, with its reasons.
template <real_scalar T>
struct critical_directions {
  direction_verdict verdict = direction_verdict::undecided;
  std::size_t witness = 0;   // the student whose length or gradient excludes a critical point
  std::vector<T> rho;        // [m], M^-1 b = det M_i / det M
  std::vector<T> rho_error;  // [m], bound of its error; infinite when M may be singular: then rho
                             // may be 0 for all that is known
  std::vector<T> across;     // [m], negative gradient across each direction, times 2 pi
  std::vector<T> across_error;  // [m], bound of its error
  T condition = 0;              // ||M|| ||M^-1||, in the maximum norm, to the digits of rho
};

namespace detail {

// An approximate inverse by Gauss and Jordan with partial pivoting; false when a pivot is 0.
template <real_scalar T>
bool invert(matrix<T> A, matrix<T>& R) {
  const std::size_t m = A.shape(0);
  R = make_matrix<T>(m, m);
  for (std::size_t i = 0; i < m; ++i) R(i, i) = 1;
  for (std::size_t k = 0; k < m; ++k) {
    std::size_t row = k;
    for (std::size_t i = k + 1; i < m; ++i) {
      if (std::abs(A(i, k)) > std::abs(A(row, k))) row = i;
    }
    if (A(row, k) == 0) return false;
    for (std::size_t j = 0; j < m; ++j) {
      std::swap(A(k, j), A(row, j));
      std::swap(R(k, j), R(row, j));
    }
    const T pivot = A(k, k);
    for (std::size_t j = 0; j < m; ++j) {
      A(k, j) /= pivot;
      R(k, j) /= pivot;
    }
    for (std::size_t i = 0; i < m; ++i) {
      const T factor = A(i, k);
      if (i == k || factor == 0) continue;
      for (std::size_t j = 0; j < m; ++j) {
        A(i, j) -= factor * A(k, j);
        R(i, j) -= factor * R(k, j);
      }
    }
  }
  return true;
}

// rho = M^-1 b with its error and M's condition, when entries of M and b are off by up to `entry`.
// Leaves the errors infinite when M cannot be proved regular.
template <real_scalar T>
void solve_with_bound(const matrix<T>& M, const std::vector<T>& b, T entry,
                      critical_directions<T>& out) {
  const std::size_t m = b.size();
  const T unit = static_cast<T>(m + 4) * std::numeric_limits<T>::epsilon();
  out.rho.assign(m, T(0));
  out.rho_error.assign(m, std::numeric_limits<T>::infinity());
  out.condition = std::numeric_limits<T>::infinity();
  matrix<T> R;
  if (!invert(M, R) || !std::all_of(R.begin(), R.end(), [](T x) { return std::isfinite(x); })) {
    return;
  }
  T beta = 0, norm = 0, inverse_norm = 0;
  for (std::size_t i = 0; i < m; ++i) {
    T sum = 0, row = 0, inverse_row = 0;
    for (std::size_t j = 0; j < m; ++j) {
      T product = i == j ? T(-1) : T(0), absolute = 1;
      for (std::size_t k = 0; k < m; ++k) {
        product += R(i, k) * M(k, j);
        absolute += std::abs(R(i, k)) * (std::abs(M(k, j)) * unit + entry);
      }
      sum += std::abs(product) + absolute - 1 + unit;
      row += std::abs(M(i, j));
      inverse_row += std::abs(R(i, j));
    }
    if (!std::isfinite(sum)) return;
    beta = std::max(beta, sum);
    norm = std::max(norm, row);
    inverse_norm = std::max(inverse_norm, inverse_row);
  }
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t k = 0; k < m; ++k) out.rho[i] += R(i, k) * b[k];
  }
  std::vector<T> residual(m), residual_error(m), step(m), bound(m);
  const auto find_residual = [&] {
    for (std::size_t i = 0; i < m; ++i) {
      residual[i] = b[i];
      residual_error[i] = unit * std::abs(b[i]) + entry;
      for (std::size_t j = 0; j < m; ++j) {
        residual[i] -= M(i, j) * out.rho[j];
        residual_error[i] += (unit * std::abs(M(i, j)) + entry) * std::abs(out.rho[j]);
      }
    }
  };
  find_residual();
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t k = 0; k < m; ++k) out.rho[i] += R(i, k) * residual[k];
  }
  find_residual();
  beta *= 1 + unit;
  if (!std::all_of(out.rho.begin(), out.rho.end(), [](T x) { return std::isfinite(x); })) {
    out.rho.assign(m, T(0));
    return;
  }
  if (!(beta < 1)) return;
  T largest = 0;
  for (std::size_t i = 0; i < m; ++i) {
    T sum = 0;
    for (std::size_t k = 0; k < m; ++k) {
      sum += std::abs(R(i, k)) * (std::abs(residual[k]) + residual_error[k]);
    }
    bound[i] = sum * (1 + unit);
    largest = std::max(largest, bound[i]);
  }
  for (std::size_t i = 0; i < m; ++i) {
    out.rho_error[i] = (bound[i] + beta / (1 - beta) * largest) * (1 + unit);
  }
  out.condition = norm * inverse_norm;
}

}  // namespace detail

/// The verdict on students at `theta` [m], in [0, 2 pi). A direction 0 is the teacher's own, where
/// critical points are (Observation 2.1): throws argument_error for it, and for directions outside.
template <real_scalar T>
critical_directions<T> judge_critical_directions(std::span<const T> theta) {
  using std::numbers::pi_v;
  constexpr T eps = std::numeric_limits<T>::epsilon();
  for (const T x : theta) {
    if (x == 0) throw argument_error("judge_critical_directions: a direction is the teacher's, 0");
  }
  angular_matrices<T> a;
  a.compute(arc_cosine<1>{}, theta);
  // An angle is off by 2 pi eps at most; |f'| < 2; f itself is off by 8 pi eps at most.
  const T entry = 12 * pi_v<T> * eps;
  critical_directions<T> out;
  detail::solve_with_bound(a.M, a.b, entry, out);
  const std::size_t m = theta.size();
  out.across.assign(m, T(0));
  out.across_error.assign(m, T(0));
  // The same for (pi - t) sin t, whose derivative is at most pi + 1.
  const T across_entry = (2 * pi_v<T> * (pi_v<T> + 1) + 3 * pi_v<T>)*eps;
  const T unit = static_cast<T>(m + 4) * eps;
  for (std::size_t i = 0; i < m; ++i) {
    const auto pull = [&](T direction) {
      return detail::supplement(circle_distance(theta[i], direction)) *
             std::sin(direction - theta[i]);
    };
    const T teacher = pull(T(0));
    out.across[i] = teacher;
    out.across_error[i] = across_entry + unit * std::abs(teacher);
    for (std::size_t j = 0; j < m; ++j) {
      if (j == i) continue;
      const T weight = pull(theta[j]), rho = std::abs(out.rho[j]);
      out.across[i] -= weight * out.rho[j];
      out.across_error[i] += (across_entry + unit * std::abs(weight)) * rho + 2 * out.rho_error[j];
    }
  }
  const auto students_where = [&](const auto& holds) {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < m; ++i) {
      if (holds(i)) found.push_back(i);
    }
    return found;
  };
  const auto negative =
      students_where([&](std::size_t i) { return out.rho[i] < -out.rho_error[i]; });
  const auto positive =
      students_where([&](std::size_t i) { return out.rho[i] > out.rho_error[i]; });
  const auto moving =
      students_where([&](std::size_t i) { return std::abs(out.across[i]) > out.across_error[i]; });
  if (!negative.empty()) {
    out.verdict = direction_verdict::none_of_length;
    out.witness = negative.front();
  } else if (!moving.empty()) {
    out.verdict = direction_verdict::none_across;
    out.witness = moving.front();
  } else if (positive.size() == m && m > 0) {
    out.verdict = direction_verdict::possible;
  }
  return out;
}

}  // namespace tutelage
