// What is known and conjectured of functions of angular distance, checked.
//
//   angular distance       every M is positive semidefinite (Definition 5.2, Proposition 5.4)
//   decreasing             f(s) > f(t) for s < t                                  (Lemma 4.2)
//   log-concave            f(s) f(t) > f(s + t) f(0) for s, t, s + t in (0, pi)   (Lemma 4.3)
//   positive definite      M is, where no two directions are opposite             (Definition 5.7)
//
// ("Analysis of alignment phenomenon in simple teacher-student networks with finite width"; M: see
// angular_distance.hpp.) Conjecture 5.8 says that the first three imply the fourth. It does not
// hold: f = cos has all three and its M have rank 2. The paper does not need it: the M of
// arc_cosine<0> and arc_cosine<1> are the second moments of gates and of nodes, which are linearly
// dependent only among opposite directions. So det M = 0 for distinct directions only with two
// opposite pairs for arc_cosine<0>, three for arc_cosine<1>.
//
// Conjecture 5.5, that min_i det M_i is never above 0 for three or more directions (cramer.hpp),
// follows from none of the four, nor from all of them together:
//
//   f = 1.2 + cos t + .01 (cos 2t + cos 3t + cos 4t) + .07 cos 5t + .001 / (1.25 - cos t)
//
// meets all four and has det M_i = .3046, .3202, .4855 at theta = (0.5, 0.95, 5.44). If it holds
// for arc_cosine<1>, it is by more than these properties.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

#include <tutelage/core/finite.hpp>
#include <tutelage/theory/angular/angular_distance.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

enum class definiteness {
  positive,      // every eigenvalue lies above round-off
  semidefinite,  // none lies below it
  indefinite     // one lies below it
};

namespace detail {
/// Does M + shift I have a Cholesky factor?
template <real_scalar T>
bool has_cholesky_factor(matrix<T> M, T shift) {
  const std::size_t m = M.shape(0);
  for (std::size_t k = 0; k < m; ++k) {
    T pivot = M(k, k) + shift;
    for (std::size_t j = 0; j < k; ++j) pivot -= M(k, j) * M(k, j);
    if (!(pivot > 0)) return false;
    pivot = std::sqrt(pivot);
    for (std::size_t i = k + 1; i < m; ++i) {
      T sum = M(i, k);
      for (std::size_t j = 0; j < k; ++j) sum -= M(i, j) * M(k, j);
      M(i, k) = sum / pivot;
    }
    M(k, k) = pivot;
  }
  return true;
}
}  // namespace detail

/// Of a symmetric matrix [m, m]. Round-off is taken for 2 m (m + 4) epsilon times the largest
/// diagonal number: what the factorization and the entries contribute. Throws shape_error when M is
/// not square and argument_error for a number that is not finite.
template <real_scalar T>
definiteness definiteness_of(const matrix<T>& M) {
  const std::size_t m = M.shape(0);
  detail::require_shape("definiteness_of", "M", matrix_view<const T>(M), m, m);
  detail::require_finite("definiteness_of", "M", matrix_view<const T>(M));
  T largest = 0;
  for (const T number : M) largest = std::max(largest, std::abs(number));
  if (largest == 0) return m == 0 ? definiteness::positive : definiteness::semidefinite;
  matrix<T> scaled = M;  // by a power of two, so that no square underflows or overflows
  for (T& number : scaled) number = std::ldexp(number, -std::ilogb(largest));
  T diagonal = 0;
  for (std::size_t i = 0; i < m; ++i) diagonal = std::max(diagonal, std::abs(scaled(i, i)));
  const T round_off =
      static_cast<T>(2 * m * (m + 4)) * std::numeric_limits<T>::epsilon() * diagonal;
  if (detail::has_cholesky_factor(scaled, -round_off)) return definiteness::positive;
  return detail::has_cholesky_factor(scaled, round_off) ? definiteness::semidefinite
                                                        : definiteness::indefinite;
}

/// The smallest number of a condition over a grid, and the angles where it is taken.
template <real_scalar T>
struct condition_margin {
  T value = std::numeric_limits<T>::infinity();
  T s = 0, t = 0;

  /// Above 0 by more than round-off of f(0)?
  [[nodiscard]] bool holds() const { return value > 8 * std::numeric_limits<T>::epsilon(); }
};

namespace detail {
/// f(t) / f(0).
template <real_scalar T, class F>
class relative_to_first {
 public:
  /// Throws argument_error for fewer than 3 steps, and unless f(0) is a positive number.
  relative_to_first(const char* function, const F& f, std::size_t n)
      : function_(function), f_(f), first_(f(T(0))) {
    if (n < 3 || !(first_ > 0) || !std::isfinite(first_)) {
      throw argument_error(text(function, ": ", n, " steps and f(0) = ", first_,
                                ", expected at least 3 and a positive number"));
    }
  }
  /// Throws argument_error where f is not finite.
  [[nodiscard]] T operator()(T t) const {
    const T value = f_(t) / first_;
    if (!std::isfinite(value)) {
      throw argument_error(
          text(function_, ": f(", t, ") is ", f_(t), ", expected a finite number"));
    }
    return value;
  }

 private:
  const char* function_;
  const F& f_;
  T first_;
};
}  // namespace detail

// Those below throw argument_error for fewer than 3 steps, unless f(0) is a positive number, and where
// f is not finite.

/// Lemma 4.2: the least (f(s) - f(t)) / f(0) of neighbors s < t on a grid of n steps over [0, pi].
template <real_scalar T, angular_function<T> F>
condition_margin<T> decreasing_margin(const F& f, std::size_t n) {
  const detail::relative_to_first<T, F> relative("decreasing_margin", f, n);
  condition_margin<T> least;
  const T step = std::numbers::pi_v<T> / static_cast<T>(n);
  for (std::size_t k = 0; k < n; ++k) {
    const T s = static_cast<T>(k) * step, t = k + 1 == n ? std::numbers::pi_v<T> : s + step;
    const T value = relative(s) - relative(t);
    if (value < least.value) least = {value, s, t};
  }
  return least;
}

/// Lemma 4.3: the least f(s) f(t) / f(0)^2 - f(s + t) / f(0) for s, t, s + t inside (0, pi) on a
/// grid of n steps.
template <real_scalar T, angular_function<T> F>
condition_margin<T> log_concave_margin(const F& f, std::size_t n) {
  const detail::relative_to_first<T, F> relative("log_concave_margin", f, n);
  std::vector<T> values(n);
  const T step = std::numbers::pi_v<T> / static_cast<T>(n);
  for (std::size_t k = 0; k < n; ++k) values[k] = relative(static_cast<T>(k) * step);
  condition_margin<T> least;
  for (std::size_t i = 1; i < n; ++i) {
    for (std::size_t j = i; i + j < n; ++j) {
      const T value = values[i] * values[j] - values[i + j];
      if (value < least.value) {
        least = {value, static_cast<T>(i) * step, static_cast<T>(j) * step};
      }
    }
  }
  return least;
}

/// Definition 5.2 on n equally spaced directions: the least eigenvalue of their M, divided by n
/// f(0). It is sum_j f(d_j) cos(2 pi j k / n) with distances d_j from the first direction, a
/// discrete cosine coefficient of f; `s` is k. An angular-distance function has none below 0.
template <real_scalar T, angular_function<T> F>
condition_margin<T> least_cosine_coefficient(const F& f, std::size_t n) {
  const detail::relative_to_first<T, F> relative("least_cosine_coefficient", f, n);
  std::vector<T> values(n), cosines(n);
  const T step = 2 * std::numbers::pi_v<T> / static_cast<T>(n);
  for (std::size_t j = 0; j < n; ++j) {
    const T t = std::min(static_cast<T>(std::min(j, n - j)) * step, std::numbers::pi_v<T>);
    values[j] = relative(t);
    cosines[j] = std::cos(step * static_cast<T>(j));
  }
  condition_margin<T> least;
  for (std::size_t k = 0; 2 * k <= n; ++k) {
    T sum = 0;
    for (std::size_t j = 0; j < n; ++j) sum += values[j] * cosines[j * k % n];
    sum /= static_cast<T>(n);
    if (sum < least.value) least = {sum, static_cast<T>(k), T(0)};
  }
  return least;
}

/// The three conditions of Conjecture 5.8.
template <real_scalar T>
struct angular_conditions {
  condition_margin<T> decreasing, log_concave, cosine_coefficient;

  [[nodiscard]] bool is_angular_distance() const {
    return cosine_coefficient.value > -16 * std::numeric_limits<T>::epsilon();
  }
  [[nodiscard]] bool hold() const {
    return is_angular_distance() && decreasing.holds() && log_concave.holds();
  }
};

template <real_scalar T, angular_function<T> F>
angular_conditions<T> check_angular_conditions(const F& f, std::size_t n) {
  return {decreasing_margin<T>(f, n), log_concave_margin<T>(f, n),
          least_cosine_coefficient<T>(f, n)};
}

}  // namespace tutelage
