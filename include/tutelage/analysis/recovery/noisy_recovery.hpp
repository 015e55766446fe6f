// How far a teacher node can be from its nearest student when no gradient on a region exceeds eps
// (noisy recovery: Theorem 5, Lemmas 5 and 6 of the first version of arXiv:1909.13458).
//
//   c_j = |alpha_kj| |w~*_j| (1 - c*)            k observes j in the region R; c* the slope of the
//                                               teacher's gate, whatever the student's is
//   q   = 5 eps / c_j                            how far samples are moved across j's boundary
//   r   radius of a (d-1)-ball of j's boundary whose points are q inside R
//   M0  largest |x| on that part of the boundary;  K boundaries, teacher's and student's
//   M   = (10 eps0^delta / r) sqrt(d / (2 pi)),   M2 = 2 M0 M K eps0^delta + 5 eps0^(2 delta)
//
//   sin angle(w~*_j, w~_k')  <= M K eps^(1-delta) / c_j
//   |b*_j - b_k'|            <= M2 eps^(1-2 delta) / c_j          for eps <= eps0, some node k'
//
// Biases are compared after turning k' to j's side, as everywhere (recovery_bounds.hpp). The text
// prints 2 pi for r in M; the volume argument of its proof needs r. Lemma 6 takes r - q for a ball
// of the boundary inside R, which is not enough where R is thin across the boundary: here r is
// measured q inside R, exactly, for a ball cut by the observer's half-space.
//
// delta: the first bound is proportional to eps (eps0/eps)^delta, the second to eps (eps0/eps)^(2
// delta). No delta is better than 0, which the proof allows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include <tutelage/analysis/observers.hpp>
#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// What the bounds depend on.
struct noisy_setting {
  double eps = 0;          // largest gradient on the region
  double eps0 = 0;         // at least eps
  double delta = 0;        // from 0 on; 0 is best
  double K = 0;            // boundaries
  std::size_t d = 0;       // input width, 2 at least
  double coefficient = 0;  // c_j
  double radius = 0;       // r
  double reach = 0;        // M0
};

struct noisy_bounds {
  double M = 0;
  double M2 = 0;
  double sine = 0;      // of the angle; above 1 it says nothing
  double bias_gap = 0;  // of regular weights
};

/// The two bounds; infinite where the observer sees nothing (a coefficient or radius of 0). Throws
/// argument_error unless 0 < eps <= eps0, delta >= 0, K >= 1, d >= 2, the others are not negative,
/// and all are finite.
inline noisy_bounds noisy_recovery(const noisy_setting& s) {
  const bool right = s.eps > 0 && s.eps <= s.eps0 && std::isfinite(s.eps0) && s.delta >= 0 &&
                     std::isfinite(s.delta) && s.K >= 1 && std::isfinite(s.K) && s.d >= 2 &&
                     s.coefficient >= 0 && std::isfinite(s.coefficient) && s.radius >= 0 &&
                     std::isfinite(s.radius) && s.reach >= 0 && std::isfinite(s.reach);
  if (!right) {
    throw argument_error(detail::text(
        "noisy_recovery: eps ", s.eps, ", eps0 ", s.eps0, ", delta ", s.delta, ", K ", s.K, ", d ",
        s.d, ", coefficient ", s.coefficient, ", radius ", s.radius, ", reach ", s.reach,
        "; expected 0 < eps <= eps0, K from 1 on, d from 2 on, nothing negative"));
  }
  if (s.coefficient == 0 || s.radius == 0) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    return {infinity, infinity, infinity, infinity};
  }
  const double power = std::pow(s.eps0, s.delta);
  noisy_bounds b;
  b.M = 10 * power / s.radius * std::sqrt(static_cast<double>(s.d) / (2 * std::numbers::pi));
  b.M2 = 2 * s.reach * b.M * s.K * power + 5 * power * power;
  b.sine = b.M * s.K * std::pow(s.eps, 1 - s.delta) / s.coefficient;
  b.bias_gap = b.M2 * std::pow(s.eps, 1 - 2 * s.delta) / s.coefficient;
  return b;
}

/// The part of j's boundary that lies q inside a ball and q inside the half-space where k is
/// active: the radius of the largest (d-1)-ball in it, 0 for none, and a bound of its |x|.
struct visible_boundary {
  double radius = 0;
  double reach = 0;
};

/// For nodes j and k of two layers that take the same inputs. Throws shape_error when they do not or
/// j or k is no node, argument_error for a region of other dimension, a weight that is not finite and
/// a negative q.
template <layer Observed, layer Observing>
visible_boundary see_boundary(const Observed& observed, std::size_t j, const Observing& observing,
                              std::size_t k, const ball& region, double q) {
  if (observed.in_width() != observing.in_width() || j >= observed.out_width() ||
      k >= observing.out_width()) {
    throw shape_error(detail::text(
        "see_boundary: node ", j, " of a ", shape_text(observed.in_width(), observed.out_width()),
        " layer, node ", k, " of a ", shape_text(observing.in_width(), observing.out_width()),
        " one; expected nodes of theirs and the same inputs"));
  }
  region.require(observed.in_width());
  detail::require_finite_weights("see_boundary", observed);
  detail::require_finite_weights("see_boundary", observing);
  if (!(q >= 0))
    throw argument_error(detail::text("see_boundary: q is ", q, ", expected from 0 on"));
  const regular_weights w_j = make_regular(observed), w_k = make_regular(observing);
  const half_space of_j{w_j.direction(j), w_j.bias[j]};
  double center_norm = 0;
  for (const double c : region.center) center_norm += c * c;
  const double inner = region.radius - q;
  if (!w_j.has_boundary(j) || inner <= 0) return {};
  const double height = detail::distance(of_j, region.center).value;
  if (std::abs(height) >= inner) return {};
  const double cut = std::sqrt((inner - std::abs(height)) * (inner + std::abs(height)));
  const double reach = std::sqrt(center_norm) + inner;
  if (!w_k.has_boundary(k))
    return w_k.bias[k] > 0 ? visible_boundary{cut, reach} : visible_boundary{};
  // Within the boundary, the half-space is that of a distance with slope sine.
  double along = 0, across = 0;
  for (std::size_t i = 0; i < of_j.w.size(); ++i) along += of_j.w[i] * w_k.direction(k)[i];
  for (std::size_t i = 0; i < of_j.w.size(); ++i) {
    const double part = w_k.direction(k)[i] - along * of_j.w[i];
    across += part * part;
  }
  const double sine = std::sqrt(across);
  const double at_foot =
      detail::distance({w_k.direction(k), w_k.bias[k]}, region.center).value - height * along - q;
  // A ball of radius `cut`, its center `at_foot / sine` inside the half-space.
  double radius = 0;
  if (at_foot >= cut * sine) {
    radius = cut;
  } else if (at_foot > -cut * sine) {
    radius = (cut + at_foot / sine) / 2;
  }
  return radius > 0 ? visible_boundary{radius, reach} : visible_boundary{};
}

}  // namespace tutelage
