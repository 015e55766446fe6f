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
// With c = cos(theta/2) and |b| = h, over rays from the apex of the wedge where both are active, or
// none: t = sinh y is the tangent of a ray's angle, sinh y_0 = tan(theta/2),
//
//   D(theta) = 1/pi     e^(-h^2/2c^2) int_y0^inf e^(-h^2 S/2) / cosh y dy
//   L(theta) = 2 c^2/pi e^(-h^2/2c^2) int_y0^inf e^(-h^2 S/2) S / cosh^3 y dy
//   S = sinh^2 y - sinh^2 y_0 = sinh(y - y_0) sinh(y + y_0)
//
//   b <= 0    psi_d = D,                  psi_l = L
//   b >= 0    psi_d = erf(h/sqrt 2) + D,  psi_l = E[(h^2 - X^2)_+] + 2 c^2 erf(h/sqrt 2) + L
//
// (psi_l's from d psi_l / d cos theta = psi_d.) Everything is positive: nothing cancels, and values
// keep their digits, but for the h^2/2c^2 epsilon of the exponential, down to the smallest normal
// number. Below it they go to 0; a ratio over such a value has no digits and is an error.
//
// K depends on where it is asked for. Over all weights it is of no use: with w2 = w and w1 another
// teacher node it gives eps (1 + K) >= 1/2, so Theorem 4 would say nothing of three nodes. The
// proofs compare w1 and w2 near the same node only: that set is stated here, and K is its supremum.
#pragma once

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <tutelage/theory/angular/angular_distance.hpp>
#include <tutelage/theory/kernel/biased_kernel.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// cos(theta/2) and sin(theta/2).
struct half_angle {
  double c, s;
};

inline half_angle half_of(const char* function, double theta, double bias) {
  if (!(theta >= 0 && theta <= std::numbers::pi) || !std::isfinite(bias * bias)) {
    throw argument_error(text(function, ": angle ", theta, ", bias ", bias,
                              ", expected an angle in [0, pi] and a bias with a finite square"));
  }
  return {std::cos(theta / 2), std::sin(theta / 2)};
}

// The integral over x = y - y_0 of of(S c^2, (cosh y) c) e^(-h^2 S/2), times e^(-h^2/2c^2), for h
// > 0. It ends where the exponential is below e^-40 of its first value, or e^-x is.
template <class Of>
double wedge_integral(double h, const half_angle& a, const Of& of) {
  const double depth = h * h / 2, first = depth / (a.c * a.c);
  if (first > 750) return 0;  // far below the smallest number
  constexpr double enough = 40, longest = 1.5;
  const double tangent = a.s / a.c;
  const double end = std::min(
      enough, std::asinh(std::sqrt(tangent * tangent + enough / depth)) - std::asinh(tangent));
  const auto pieces = static_cast<std::size_t>(std::ceil(end / longest));
  const double length = end / static_cast<double>(pieces);
  const auto at = [&](double x) {
    const double sinh = std::sinh(x), cosh = std::cosh(x);
    const double S = sinh * (sinh * (1 + a.s * a.s) + 2 * a.s * cosh);
    return of(S, cosh + a.s * sinh) * std::exp(-first * S);
  };
  double sum = 0;
  for (std::size_t k = pieces; k-- > 0;) {
    const double from = static_cast<double>(k) * length;
    sum += boost::math::quadrature::gauss<double, 30>::integrate(at, from, from + length);
  }
  return sum * std::exp(-first);
}

// E[(h^2 - X^2)_+] = 2 phi(h) sum of h^(2n+3) (2n+2)/(2n+3)!!
inline double opposite_overlap(double h) {
  if (h > 4)
    return (h - 1) * (h + 1) * std::erf(h / std::numbers::sqrt2) + 2 * h * normal_density(h);
  double term = h * h * h / 3, sum = 0;  // h^(2n+3)/(2n+3)!!
  for (int n = 0; (2 * n + 2) * term > std::numeric_limits<double>::epsilon() / 8 * sum; ++n) {
    sum += (2 * n + 2) * term;
    term *= h * h / (2 * n + 5);
  }
  return 2 * normal_density(h) * sum;
}

}  // namespace detail

/// psi_d. Throws argument_error unless theta is in [0, pi] and the bias' square is finite.
struct gate_overlap {
  double bias = 0;

  double operator()(double theta) const {
    const auto a = detail::half_of("gate_overlap", theta, bias);
    const double h = std::abs(bias), flat = bias > 0 ? std::erf(h / std::numbers::sqrt2) : 0;
    if (h * h == 0) return flat + arc_cosine_0(angle<double>{a.s, a.c}) / (2 * std::numbers::pi);
    return flat + detail::wedge_integral(h, a, [&](double, double cosh) { return a.c / cosh; }) /
                      std::numbers::pi;
  }
};

/// psi_l. Throws like psi_d.
struct activation_overlap {
  double bias = 0;

  double operator()(double theta) const {
    const auto a = detail::half_of("activation_overlap", theta, bias);
    const double h = std::abs(bias), square = a.c * a.c;
    const double flat =
        bias > 0 ? detail::opposite_overlap(h) + 2 * square * std::erf(h / std::numbers::sqrt2) : 0;
    if (h * h == 0) return flat + arc_cosine_1(angle<double>{a.s, a.c}) / (2 * std::numbers::pi);
    return flat + 2 * square * a.c / std::numbers::pi *
                      detail::wedge_integral(
                          h, a, [](double S, double cosh) { return S / (cosh * cosh * cosh); });
  }
};

namespace detail {
// psi(theta), by which is divided.
template <class Psi>
double overlap_divisor(const char* function, const Psi& psi, double theta) {
  const double value = psi(theta);
  if (std::isnormal(value) && value > 0) return value;
  throw argument_error(text(function, ": psi is ", value, " at angle ", theta,
                            ", expected at least 2.3e-308: a ratio would have no digits"));
}
}  // namespace detail

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
/// with the angle. Throws argument_error where psi(0) underflows.
template <angular_function<double> Psi>
double overlap_ratio(const Psi& psi, const std::vector<double>& angles) {
  if (angles.empty()) return 0;
  return psi(*std::min_element(angles.begin(), angles.end())) /
         detail::overlap_divisor("overlap_ratio", psi, 0);
}

/// Where Assumption 2 is asked for: the angle of w and w1 in [least, most], |w1 - w2| <= chord.
struct lipschitz_set {
  double least, most, chord;
};

/// K over a set, to three digits: the supremum of |psi(s)/psi(t) - 1| / (2 sin(|s - t|/2)), t the
/// angle of w and w1, s that of w and w2, which is nearest for its value when all three are in a
/// plane. A chord below 1e-6 is taken for 1e-6, a set not much larger. Throws argument_error unless
/// 0 <= least <= most <= pi and 0 < chord <= 2, and where psi(most) underflows.
template <angular_function<double> Psi>
double lipschitz_constant(const Psi& psi, const lipschitz_set& set) {
  constexpr double pi = std::numbers::pi;
  if (!(0 <= set.least && set.least <= set.most && set.most <= pi && set.chord > 0 &&
        set.chord <= 2)) {
    throw argument_error(detail::text("lipschitz_constant: angles ", set.least, " to ", set.most,
                                      ", chord ", set.chord));
  }
  const double reach = 2 * std::asin(std::max(set.chord, 1e-6) / 2);
  detail::overlap_divisor("lipschitz_constant", psi, set.most);  // its least value
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

/// C_0 of Lemma 4 for angles up to theta_0: the supremum of (psi(0)/psi(t) - 1) / (2 sin(t/2))^2,
/// whose limit at 0 is psi_d(0) / 2 psi(0). psi is psi_l: psi_d falls off linearly, its supremum is
/// infinite. A theta_0 below 0.01 is taken for 0.01, which gives not much more. Throws argument_error
/// unless 0 < theta_0 <= pi, and where psi(theta_0) underflows.
inline double quadratic_fall_off(const activation_overlap& psi, double theta_0) {
  if (!(theta_0 > 0 && theta_0 <= std::numbers::pi)) {
    throw argument_error(
        detail::text("quadratic_fall_off: theta_0 is ", theta_0, ", expected in (0, pi]"));
  }
  const double most = std::max(theta_0, 0.01), first = psi(0);
  detail::overlap_divisor("quadratic_fall_off", psi, most);
  constexpr int steps = 256;
  double best = gate_overlap{psi.bias}(0) / first / 2;
  for (int i = 1; i <= steps; ++i) {
    const double t = most * i / steps, chord = 2 * std::sin(t / 2);
    best = std::max(best, (first / psi(t) - 1) / (chord * chord));
  }
  return best;
}

}  // namespace tutelage
