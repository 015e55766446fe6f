// How much nodes overlap: the functions psi of arXiv:1905.13405 for unit weights, one common bias b
// and inputs x ~ N(0, I), as functions of the angle theta of the weights, and the constants that
// its convergence theorems need.
//
//   psi_d(w, w') = P(w.x + b > 0 and w'.x + b > 0)
//   psi_l(w, w') = E[relu(w.x + b) relu(w'.x + b)]
//   K      |psi(w, w1) - psi(w, w2)| <= K psi(w, w1) |w1 - w2|                     (Assumption 2)
//   eps    psi(w*_j, w*_k) <= eps psi(w*_j, w*_j)   for j != k                     (Assumption 3)
//   C_0    psi(w*, w*) - psi(w, w*) <= C_0 psi(w, w*) |w - w*|^2                   (Lemma 4)
//
// K depends on where it is asked for. Over all weights it is of no use: with w2 = w and w1 another
// teacher node it gives eps (1 + K) >= 1/2, so Theorem 4 would say nothing of three nodes. The
// proofs compare w1 and w2 near the same node only: that set is stated here, and K is its supremum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <tutelage/theory/angular_distance.hpp>
#include <tutelage/theory/biased_kernel.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// psi_d.
struct gate_overlap {
  double bias = 0;

  double operator()(double theta) const {
    const angle<double> t{std::sin(theta / 2), std::cos(theta / 2)};
    if (bias == 0) return arc_cosine_0(t) / (2 * std::numbers::pi);
    return biased_pair<double>(1, bias, 1, bias, t).both_active();
  }
};

/// psi_l.
struct activation_overlap {
  double bias = 0;

  double operator()(double theta) const {
    const angle<double> t{std::sin(theta / 2), std::cos(theta / 2)};
    if (bias == 0) return arc_cosine_1(t) / (2 * std::numbers::pi);
    return biased_pair<double>(1, bias, 1, bias, t).kernel();
  }
};

/// The angles of all pairs of columns of W [d, n], in the order (0, 1), (0, 2), ..., (1, 2), ...
/// Throws argument_error when a column is zero or not finite.
inline std::vector<double> pairwise_angles(matrix_view<const double> W) {
  std::vector<std::vector<double>> columns(W.cols(), std::vector<double>(W.rows()));
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (std::size_t j = 0; j < W.cols(); ++j) columns[j][i] = W(i, j);
  }
  std::vector<double> angles;
  for (std::size_t j = 0; j < columns.size(); ++j) {
    for (std::size_t k = j + 1; k < columns.size(); ++k) {
      angles.push_back(angle_between(std::span<const double>(columns[j]), columns[k]).radians());
    }
  }
  return angles;
}

/// eps of Assumption 3 for nodes at these pairwise angles; 0 when there is no pair. psi decreases
/// with the angle.
template <angular_function<double> Psi>
double overlap_ratio(const Psi& psi, const std::vector<double>& angles) {
  if (angles.empty()) return 0;
  return psi(*std::min_element(angles.begin(), angles.end())) / psi(0);
}

/// Where Assumption 2 is asked for: the angle of w and w1 in [least, most], |w1 - w2| <= chord.
struct lipschitz_set {
  double least, most, chord;
};

/// K over a set, to three digits: the supremum of |psi(s)/psi(t) - 1| / (2 sin(|s - t|/2)), t the
/// angle of w and w1, s that of w and w2, which is nearest for its value when all three are in a
/// plane. Infinite where psi vanishes. Throws argument_error unless 0 <= least <= most <= pi and 0
/// < chord
/// <= 2.
template <angular_function<double> Psi>
double lipschitz_constant(const Psi& psi, const lipschitz_set& set) {
  constexpr double pi = std::numbers::pi;
  if (!(0 <= set.least && set.least <= set.most && set.most <= pi && set.chord > 0 &&
        set.chord <= 2)) {
    throw argument_error(detail::text("lipschitz_constant: angles ", set.least, " to ", set.most,
                                      ", chord ", set.chord));
  }
  const double reach = 2 * std::asin(set.chord / 2);
  // At least a thousandth of the reach apart: closer, it is a quotient of round-off.
  const auto quotient = [&](double t, double shift) {
    const double s = t + shift;
    if (s < 0 || s > pi || std::abs(shift) < 1e-3 * reach) return 0.0;
    return std::abs(psi(s) / psi(t) - 1) / (2 * std::sin(std::abs(shift) / 2));
  };
  double best = 0, t = set.most, shift = -reach;
  const auto look = [&](double at, double by) {
    const double value = quotient(at, by);
    if (!(value > best)) return false;
    best = value;
    t = at;
    shift = by;
    return true;
  };
  constexpr int steps = 32;
  for (int i = 0; i <= steps; ++i) {
    const double at = set.least + (set.most - set.least) * i / steps;
    for (int k = -steps; k <= steps; ++k) look(at, reach * k / steps);
    for (const double sign : {-1.0, 1.0}) look(at, sign * 1e-3 * reach);
  }
  for (double scale = 0.5 / steps; scale > 1e-9;) {
    const double by_t = scale * (set.most - set.least), by_shift = scale * reach;
    bool moved = false;
    for (const double i : {-1.0, 0.0, 1.0}) {
      for (const double k : {-1.0, 0.0, 1.0}) {
        moved = look(std::clamp(t + i * by_t, set.least, set.most),
                     std::clamp(shift + k * by_shift, -reach, reach)) ||
                moved;
      }
    }
    if (!moved) scale /= 2;
  }
  return best;
}

/// C_0 of Lemma 4 for angles up to theta_0: the supremum of (psi(0)/psi(t) - 1) / (2 sin(t/2))^2.
template <angular_function<double> Psi>
double quadratic_fall_off(const Psi& psi, double theta_0) {
  constexpr int steps = 256;
  double best = 0;
  for (int i = 1; i <= steps; ++i) {
    const double t = theta_0 * i / steps, chord = 2 * std::sin(t / 2);
    best = std::max(best, (psi(0) / psi(t) - 1) / (chord * chord));
  }
  return best;
}

}  // namespace tutelage
