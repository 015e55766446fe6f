// How weights grow and turn while a student learns (Section 5 of the first version of
// arXiv:1909.13458), under gradient flow dW_l/dt = E[[f_{l-1}; 1] g_l^T], g_l = D_l V_l^T r.
//
//   growth_k = (1/2) d|w_k|^2/dt = E[f_k v_k.r]                        Eqn 6, w_k = [w~_k; b_k]
//   d/dt ln(|w_k|/|w_i|) = growth_k/|w_k|^2 - growth_i/|w_i|^2         Theorem 7
//
// (the theorem's w_bar_k.r_k is growth_k / |w_k|^2: dw_k/dt = |w_k| r_k there.) Both hold for every
// hidden layer; v_k.r at layer l is (W~_{l+1} g_{l+1})_k.
//
// Turning towards one teacher from an angle theta, with Gaussian inputs and no bias:
// d theta/dt = -(pi - theta) sin(theta) in units of 2 pi |w_k| / (alpha |w*|): by Theorem 6,
// gradients close to the opposite direction vanish with the square of the angle to it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <span>

#include <tutelage/analysis/residuals.hpp>
#include <tutelage/core/product.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Of the nodes of one hidden layer. In long double no square of a double leaves the range.
struct weight_growth {
  std::vector<long double> growth;  // [n], (1/2) d|w_k|^2/dt
  std::vector<long double> square;  // [n], |w_k|^2 with the bias

  /// d ln|w_k|/dt; 0 for a node whose weights are 0: its growth is 0, too.
  [[nodiscard]] double log_rate(std::size_t k) const {
    return square[k] > 0 ? static_cast<double>(growth[k] / square[k]) : 0.0;
  }

  /// d/dt ln(|w_k| / |w_i|) (Theorem 7).
  [[nodiscard]] double log_ratio_rate(std::size_t k, std::size_t i) const {
    return log_rate(k) - log_rate(i);
  }
};

/// Eqn 6 for hidden layer l over inputs with the teacher's outputs. Throws shape_error when a
/// network does not take the inputs, there is none or the outputs differ, argument_error when a
/// growth is not finite.
template <std::size_t l, class Teacher, class Student, class Inputs>
weight_growth measure_growth(const Teacher& teacher, const Student& student, const Inputs& inputs) {
  static_assert(l >= 1 && l < Student::depth, "measure_growth: l is the number of a hidden layer");
  using T = typename Student::value_type;
  const std::size_t N = as_rows(inputs).rows();
  if (N == 0) throw shape_error("measure_growth: no inputs, expected at least 1");
  const auto& here = student.template layer<l>();
  const auto& above = student.template layer<l + 1>();
  const std::size_t n = here.out_width();
  weight_growth result{std::vector<long double>(n), std::vector<long double>(n)};
  gradients<Student> g;
  workspace<T> back;
  for_each_residual(teacher, student, inputs, [&](const auto& x, const auto& kept, const auto& r) {
    student.backward(
        x, kept, r, g, [](auto, const auto&, const auto&) {}, l + 1);
    // Row i is (v_k.r) for all nodes k.
    const auto v_r = back.reshape(r.rows(), n);
    multiply(g.template g<l + 1>(), transposed(above.linear_weights()), v_r);
    const auto f = kept.template f<l>();
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        result.growth[k] += static_cast<long double>(f(i, k)) * v_r(i, k);
      }
    }
  });
  const auto W = here.weights();
  for (std::size_t k = 0; k < n; ++k) {
    result.growth[k] /= static_cast<long double>(N);
    for (std::size_t i = 0; i < W.rows(); ++i) {
      result.square[k] += static_cast<long double>(W(i, k)) * W(i, k);
    }
    if (!is_finite(result.growth[k]) || !is_finite(result.square[k])) {
      throw argument_error(
          detail::text("measure_growth: the growth of node ", k, " is not finite"));
    }
  }
  return result;
}

// ---- Leaving the opposite direction -------------------------------------------------------------

/// The time to turn from pi - eps to theta0: the integral of d theta / ((pi - theta) sin theta)
/// from theta0 to pi - eps, to a relative error of 1e-12 for the numbers given, however small; 0
/// where both are one angle to the last digit. Throws argument_error unless 0 < eps <= pi - theta0
/// and theta0 > 0, and when the time is larger than all numbers.
inline double escape_time(double eps, double theta0) {
  constexpr double pi = std::numbers::pi, pi_rest = 1.2246467991473532e-16;  // what it lacks to pi
  if (!(eps > 0 && eps <= pi - theta0 && theta0 > 0 && std::isfinite(1 / eps))) {
    throw argument_error(detail::text("escape_time: eps ", eps, ", theta0 ", theta0,
                                      ", expected 0 < eps <= pi - theta0 and theta0 > 0"));
  }
  // The angle to turn, of which no digit is lost: pi less the larger is exact where it is small.
  const double turn =
      std::max(0.0, ((pi - std::max(eps, theta0)) - std::min(eps, theta0)) + pi_rest);
  // 1/(u sin u) = 1/u^2 + rest, rest = (u - sin u)/(u^2 sin u), u the angle to the opposite
  // direction; the first part is exact. The rest has a pole at pi only, tamed by pi - u = theta0
  // e^s: Gauss-Legendre over pieces of s.
  const auto rest = [&](double left) {
    const double u = (pi - left) + pi_rest;
    const double difference =
        u < 0.5 ? u * u * u / 6 *
                      (1 - u * u / 20 * (1 - u * u / 42 * (1 - u * u / 72 * (1 - u * u / 110))))
                : u - std::sin(u);
    return difference / (u * u * std::sin(left));
  };
  constexpr double node[] = {0.1834346424956498, 0.5255324099163290, 0.7966664774136267,
                             0.9602898564975363};
  constexpr double weight[] = {0.3626837833783620, 0.3137066458778873, 0.2223810344533745,
                               0.1012285362903763};
  const double end = theta0 + turn;  // pi - eps
  const double length = turn < theta0 ? std::log1p(turn / theta0) : std::log(end / theta0);
  const std::size_t pieces = 16 + static_cast<std::size_t>(8 * length);
  const double half = length / static_cast<double>(2 * pieces);
  double sum = 0;
  for (std::size_t p = 0; p < pieces; ++p) {
    const double middle = static_cast<double>(2 * p + 1) * half;
    for (std::size_t i = 0; i < 4; ++i) {
      for (const double s : {middle - half * node[i], middle + half * node[i]}) {
        const double left = theta0 * std::exp(s);  // pi - u = -du/ds
        sum += weight[i] * half * rest(left) * left;
      }
    }
  }
  return turn / (eps * ((pi - theta0) + pi_rest)) + sum;
}

/// What it grows like: 1/eps - 1/(pi - theta0).
inline double escape_time_asymptote(double eps, double theta0) {
  return 1 / eps - 1 / (std::numbers::pi - theta0);
}

// ---- Who is first -------------------------------------------------------------------------------

/// The first time at which a curve reaches `threshold`; linear between the given points. None when
/// it never does. Throws shape_error when there are not as many times as values, argument_error when
/// one that is looked at is not finite.
inline std::optional<double> crossing_time(std::span<const double> times,
                                           std::span<const double> values, double threshold) {
  if (times.size() != values.size()) {
    throw shape_error(detail::text("crossing_time: ", times.size(), " times and ", values.size(),
                                   " values, expected equally many"));
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(times[i]) || !std::isfinite(values[i])) {
      throw argument_error(detail::text("crossing_time: point ", i, " is (", times[i], ", ",
                                        values[i], "), expected numbers"));
    }
    if (!(values[i] >= threshold)) continue;
    if (i == 0) return times[0];
    // In long double no difference of doubles overflows.
    const long double from = values[i - 1], start = times[i - 1];
    return static_cast<double>(start +
                               (threshold - from) / (values[i] - from) * (times[i] - start));
  }
  return std::nullopt;
}

/// Are strong teachers learned first? Kendall's tau between strength and earliness: 1 when every
/// stronger teacher is earlier, -1 when every one is later. Teachers that are never learned are
/// later than all others; equal pairs count half for neither. 0 for fewer than two teachers. Throws
/// shape_error when there are not as many times as strengths, argument_error for one that is no
/// number.
inline double strong_first(std::span<const double> strengths,
                           std::span<const std::optional<double>> times) {
  const std::size_t m = strengths.size();
  if (times.size() != m) {
    throw shape_error(detail::text("strong_first: ", m, " strengths and ", times.size(),
                                   " times, expected equally many"));
  }
  for (std::size_t j = 0; j < m; ++j) {
    if (std::isnan(strengths[j]) || (times[j] && std::isnan(*times[j]))) {
      throw argument_error(
          detail::text("strong_first: the strength or time of teacher ", j, " is no number"));
    }
  }
  if (m < 2) return 0;
  const auto order = [](double a, double b) { return a > b ? 1.0 : a < b ? -1.0 : 0.0; };
  const auto later = [&](const std::optional<double>& a, const std::optional<double>& b) {
    if (a && b) return order(*a, *b);
    return order(a ? 0 : 1, b ? 0 : 1);
  };
  double sum = 0;
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      sum += order(strengths[i], strengths[j]) * later(times[j], times[i]);
    }
  }
  return sum / (static_cast<double>(m) * static_cast<double>(m - 1) / 2);
}

// ---- Breaking a symmetry ------------------------------------------------------------------------

/// Two nodes with h_k = w_bar_k.r_k, driven by one residual r but for an advantage eps of the first
/// in |r_k|^2 (Eqns 67 and 68): d(h_k - h_i)/dt = -(h_k - h_i)(h_k + h_i + S) + eps, with
/// S = sum a_k |w_k|. The gap at which this stands still, to first order in eps: the rate at which
/// ln(|w_k| / |w_i|) then grows. Throws argument_error unless h + h + S is a positive number and
/// eps finite.
inline double symmetry_breaking_rate(double eps, double sum_of_h, double S) {
  if (!(sum_of_h + S > 0) || !std::isfinite(sum_of_h + S) || !std::isfinite(eps)) {
    throw argument_error(detail::text("symmetry_breaking_rate: h + h + S is ", sum_of_h + S,
                                      ", eps ", eps, ", expected a positive and a finite number"));
  }
  return eps / (sum_of_h + S);
}

}  // namespace tutelage
