// Expectations of two nodes without bias over Gaussian inputs, x ~ N(0, s^2 I), in closed form.
//
//   theta                       the angle of w and v, [d] each; phi = pi - theta
//   P(both active)              = phi / (2 pi)
//   E[f(w.x) f(v.x)]            = s^2 (c w.v + k |w||v| (sin theta + phi cos theta))
//   E[x f'(w.x) f(v.x)]         = s^2 (c v + k (phi v + |v| sin theta w/|w|))
//   E[x x^T f'(w.x) f'(v.x)]    = s^2 (c I + k (phi I + sin theta (p p^T - q q^T)))
//   E[x x^T f''(w.x) f(v.x)]    = s^2 k sin theta |v|/|w| (I - w w^T/|w|^2 + n n^T)
//
// where f is a ReLU of slope c, k = (1-c)^2/(2 pi); of two slopes c is the mean and k the product
// (1-c_w)(1-c_v)/(2 pi). p and q are the directions of the sum and of
// the difference of the unit vectors, n is the direction of v's part orthogonal to w. Each line
// is the derivative of one above: the third is the second's in v, the fourth the second's in w.
//
// Sources: Cho and Saul, "Kernel Methods for Deep Learning", NIPS 2009 (the first two); Tian et
// al., arXiv:1909.13458 (2019 version), Theorem 6 (the third, up to its factors); the others follow
// by differentiation. In the plane of w and v the both-active inputs are a wedge of angle phi
// around p, which gives the fourth line its form.
#pragma once

#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include <tutelage/theory/kernel/angle.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// pi - theta: the arc-cosine kernel of degree 0, 2 pi P(both active).
template <scalar T>
T arc_cosine_0(const angle<T>& theta) {
  return theta.supplement();
}

/// sin theta + (pi - theta) cos theta: the arc-cosine kernel of degree 1, 2 pi E[relu relu] of unit
/// vectors. A few epsilon relative at every angle: near pi, where both terms cancel to third order,
/// by the series of sin phi - phi cos phi.
template <scalar T>
T arc_cosine_1(const angle<T>& theta) {
  using R = real_t<T>;
  const T phi = theta.supplement();
  if (real_part(phi) >= 1) return theta.sin() + phi * theta.cos();
  constexpr int terms = 9;  // the next is below 3e-21 of the sum
  const T square = phi * phi;
  T sum = 1;
  for (int k = terms; k > 0; --k) sum = T(1) - square / static_cast<R>(2 * k * (2 * k + 3)) * sum;
  return phi * square * sum / R(3);
}

/// The gates of two nodes, as closed forms see them.
template <real_scalar R>
struct gate_pair {
  R linear;     // c
  R curvature;  // k

  gate_pair(R slope_w, R slope_v)
      : linear((slope_w + slope_v) / 2),
        curvature((1 - slope_w) * (1 - slope_v) / (2 * std::numbers::pi_v<R>)) {}
};

/// Two nodes without bias and what can be expected of them. Where a quantity has a limit as w or v
/// goes to zero it is exact; where it has none, argument_error names the vector.
template <scalar T>
class gaussian_pair {
  using R = real_t<T>;

 public:
  gaussian_pair() = default;

  /// `std` is s. Throws shape_error when the lengths of w and v differ, argument_error when one is
  /// not finite.
  gaussian_pair(std::span<const T> w, std::span<const T> v, gate_pair<R> gates = {0, 0},
                R std = 1) {
    assign(w, v, gates, std);
  }

  /// Another pair; allocates nothing when no vector is longer than before.
  void assign(std::span<const T> w, std::span<const T> v, gate_pair<R> gates = {0, 0}, R std = 1) {
    require_length("v", v.size(), w.size());
    require_finite("w", w);
    require_finite("v", v);
    w_.assign(w.begin(), w.end());
    v_.assign(v.begin(), v.end());
    gates_ = gates;
    square_ = std * std;
    sum_.clear();
    w_zero_ = is_zero(w);
    if (w_zero_ || is_zero(v)) return;
    const detail::direction<T> u(w, "w"), t(v, "v");
    const auto norm = [&](const auto& at) {
      return std::sqrt(detail::sum_of_squares<T>(w.size(), at));
    };
    w_norm_ = u.norm();
    v_norm_ = t.norm();
    angle_ = {norm([&](std::size_t i) { return u(i) - t(i); }),
              norm([&](std::size_t i) { return u(i) + t(i); })};
    sum_.resize(w.size());
    difference_.resize(w.size());
    const auto part = [](const T& x, const T& length) {
      return length == T(0) ? T(0) : x / length;
    };
    for (std::size_t i = 0; i < w.size(); ++i) {
      sum_[i] = part(u(i) + t(i), angle_.half_cos);
      difference_[i] = part(u(i) - t(i), angle_.half_sin);
    }
  }

  /// Throws argument_error when w or v is zero.
  [[nodiscard]] const tutelage::angle<T>& angle() const {
    if (sum_.empty()) throw_zero(w_zero_ ? "w" : "v");
    return angle_;
  }

  /// P(w.x > 0 and v.x > 0). Throws argument_error when w or v is zero.
  [[nodiscard]] T both_active() const {
    return arc_cosine_0(angle()) / (2 * std::numbers::pi_v<R>);
  }

  /// The gradient of both_active() in w, n / (2 pi |w|), [d]. Throws argument_error when w or v is
  /// zero or they are parallel (the probability has a kink there), shape_error when `result` has
  /// another length.
  void both_active_gradient(std::span<T> result) const {
    require_length("result", result.size(), w_.size());
    if (angle().half_sin == T(0) || angle_.half_cos == T(0)) {
      throw argument_error("gaussian_pair: w and v are parallel, both_active has a kink there");
    }
    const T length =
        std::sqrt(angle_.half_sin * angle_.half_sin + angle_.half_cos * angle_.half_cos);
    const T factor = T(1) / (2 * std::numbers::pi_v<R> * w_norm_ * length);
    for (std::size_t i = 0; i < w_.size(); ++i) {
      result[i] = factor * (angle_.half_sin * sum_[i] - angle_.half_cos * difference_[i]);
    }
  }

  /// E[f(w.x) f(v.x)].
  [[nodiscard]] T kernel() const {
    if (sum_.empty()) return T(0);
    return square_ * w_norm_ * v_norm_ *
           (gates_.linear * angle_.cos() + gates_.curvature * arc_cosine_1(angle_));
  }

  /// E[x f'(w.x) f(v.x)], [d]: the gradient of kernel() in w. Throws argument_error when w is zero,
  /// shape_error when `result` has another length.
  void gated(std::span<T> result) const {
    require_length("result", result.size(), w_.size());
    if (!has_plane(result)) return;
    const T of_v = gates_.linear + gates_.curvature * angle_.supplement();
    const T of_w = gates_.curvature * angle_.sin() * v_norm_ / w_norm_;
    for (std::size_t i = 0; i < w_.size(); ++i) {
      result[i] = square_ * (of_v * v_[i] + of_w * w_[i]);
    }
  }

  /// E[x x^T f'(w.x) f'(v.x)] u, [d]: the derivative of gated() when v moves along u. Throws
  /// argument_error when w or v is zero, shape_error when u or `result` has another length.
  void gates(std::span<const T> u, std::span<T> result) const {
    require_length("u", u.size(), w_.size());
    require_length("result", result.size(), w_.size());
    const T all = gates_.linear + gates_.curvature * angle().supplement();
    const T plane = gates_.curvature * angle_.sin();
    const T along_p = plane * product(sum_, u), along_q = plane * product(difference_, u);
    for (std::size_t i = 0; i < w_.size(); ++i) {
      result[i] = square_ * (all * u[i] + along_p * sum_[i] - along_q * difference_[i]);
    }
  }

  /// E[x x^T f''(w.x) f(v.x)] u, [d]: the derivative of gated() when w moves along u; it comes from
  /// inputs on the boundary of w. Throws argument_error when w is zero, shape_error when u or
  /// `result` has another length.
  void boundary(std::span<const T> u, std::span<T> result) const {
    require_length("u", u.size(), w_.size());
    require_length("result", result.size(), w_.size());
    if (!has_plane(result)) return;
    const T factor = square_ * gates_.curvature * angle_.sin() * v_norm_ / w_norm_;
    const T length =
        std::sqrt(angle_.half_sin * angle_.half_sin + angle_.half_cos * angle_.half_cos);
    const T s = angle_.half_sin / length, c = angle_.half_cos / length;
    const T p = product(sum_, u), q = product(difference_, u);
    const T along_w = c * p + s * q, along_n = s * p - c * q;  // of u
    for (std::size_t i = 0; i < w_.size(); ++i) {
      const T w = c * sum_[i] + s * difference_[i], n = s * sum_[i] - c * difference_[i];
      result[i] = factor * (u[i] - along_w * w + along_n * n);
    }
  }

 private:
  static bool is_zero(std::span<const T> v) {
    for (const T& x : v) {
      if (x != T(0)) return false;
    }
    return true;
  }
  static void require_length(const char* which, std::size_t got, std::size_t expected) {
    if (got != expected) {
      throw shape_error(
          detail::text("gaussian_pair: ", which, " has ", got, " numbers, expected ", expected));
    }
  }
  static void require_finite(const char* which, std::span<const T> v) {
    for (const T& x : v) {
      if (!is_finite(x)) {
        throw argument_error(detail::text("gaussian_pair: ", which, " is not finite"));
      }
    }
  }
  [[noreturn]] static void throw_zero(const char* which) {
    throw argument_error(detail::text("gaussian_pair: ", which, " is zero, expected a direction"));
  }
  // Otherwise v is zero, and so is `result`.
  bool has_plane(std::span<T> result) const {
    if (w_zero_) throw_zero("w");
    if (!sum_.empty()) return true;
    for (T& x : result) x = T(0);
    return false;
  }
  static T product(const std::vector<T>& a, std::span<const T> b) {
    T sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }

  std::vector<T> w_, v_;
  std::vector<T> sum_, difference_;  // p and q; empty when w or v is zero
  T w_norm_ = 0, v_norm_ = 0;
  bool w_zero_ = true;
  tutelage::angle<T> angle_{};
  gate_pair<R> gates_{0, 0};
  R square_ = 1;
};

}  // namespace tutelage
