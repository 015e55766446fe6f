// Expectations of two nodes with biases over Gaussian inputs, x ~ N(0, s^2 I): a = w.x + b and
// a' = v.x + d. In units of their standard deviations s|w| and s|v|,
//
//   a = s|w| (X - h),   a' = s|v| (Y - k),   h = -b/(s|w|),   k = -d/(s|v|),
//
// X and Y are standard normal of correlation rho = cos theta, q = sin theta, and
//
//   P    = P(X > h, Y > k)                              by Owen's T function
//   t1   = phi(h) Phi((rho h - k)/q)                    inputs on the boundary of a
//   t2   = phi(k) Phi((rho k - h)/q)                    inputs on the boundary of a'
//   E[X 1] = t1 + rho t2,  E[Y 1] = t2 + rho t1         1 where both are active
//   E[XY 1] = rho P + rho h t1 + rho k t2 + q^2 phi2(h, k)
//   E[relu(a) relu(a')] = s^2 |w||v| (E[XY 1] - k E[X 1] - h E[Y 1] + h k P)
//
// and for slopes c the parts that are linear in one of the nodes or in both. The gated expectation
// E[[x; 1] f'(a) f(a')] = (F v + G w/|w|, B) has three coefficients; it is the gradient in (w, b).
//
// Boost.Math computes Owen's T. Values are within some epsilon of (s|w| + |b|)(s|v| + |d|), not
// relative to themselves: far in the tails P is a difference.
#pragma once

#include <algorithm>
#include <boost/math/special_functions/owens_t.hpp>
#include <cmath>
#include <numbers>

#include <tutelage/theory/kernel/angle.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// Phi(x) and phi(x); complex arguments to first order in the imaginary part.
template <scalar T>
T normal_density(const T& x) {
  using R = real_t<T>;
  return std::exp(-x * x / R(2)) * (std::numbers::inv_sqrtpi_v<R> / std::numbers::sqrt2_v<R>);
}
template <scalar T>
T normal_distribution(const T& x) {
  using R = real_t<T>;
  if constexpr (is_complex<T>) {
    return {normal_distribution(x.real()), x.imag() * normal_density(x.real())};
  } else {
    return std::erfc(-x / std::numbers::sqrt2_v<R>) / 2;
  }
}

// P(X > h, Y > k); `to_k` is (rho h - k)/q, the distance along the boundary of X, and `to_h` is
// (rho k - h)/q. Owen, Ann. Math. Stat. 27, 1956, Eqn 2.1.
template <real_scalar T>
T upper_orthant(T h, T k, const angle<T>& theta, T to_k, T to_h) {
  if (theta.half_sin == 0) return normal_distribution(-std::max(h, k));
  if (theta.half_cos == 0) {
    return std::max(T(0), normal_distribution(-h) - normal_distribution(k));
  }
  if (h == 0 && k == 0) return theta.supplement() / (2 * std::numbers::pi_v<T>);
  const auto owen = [](T x, T slope_times_x) {
    if (x == 0) return std::copysign(T(0.25), slope_times_x);
    return boost::math::owens_t(x, slope_times_x / x);
  };
  // Owen's formula for P(X < -h, Y < -k). His slopes times their arguments are to_k and to_h.
  const T opposite = (h > 0 && k < 0) || (h < 0 && k > 0) || (h == 0 && k > 0) || (k == 0 && h > 0)
                         ? T(0.5)
                         : T(0);
  return (normal_distribution(-h) + normal_distribution(-k)) / 2 - owen(-h, to_k) - owen(-k, to_h) -
         opposite;
}

}  // namespace detail

/// With directions e of w and g of v, and p and q as in gaussian_kernel.hpp,
///   E[x x^T f'(a) f'(a')] = s^2 (all I + w e e^T + v g g^T + plane (p p^T - q q^T))
///   E[x f'(a) f'(a')]     = s (to_w e + to_v g)
///   E[f'(a) f'(a')]       = all
template <class T>
struct biased_gates {
  T all, w, v, plane, to_w, to_v;
};

/// With e the direction of w and n that of v's part orthogonal to it,
///   E[x x^T f''(a) f(a')] = s^2 (w e e^T + wn (e n^T + n e^T) + rest (I - e e^T) + n n n^T)
///   E[x f''(a) f(a')]     = s (to_w e + to_n n)
///   E[f''(a) f(a')]       = rest
template <class T>
struct biased_boundary {
  T w, wn, rest, n, to_w, to_n;
};

/// Two nodes with biases, by what their expectations depend on. A node whose weights are zero is a
/// constant; one whose bias is zero too has no gate, and argument_error says so.
template <scalar T>
class biased_pair {
  using R = real_t<T>;

 public:
  /// Lengths |w| and |v|, biases b and d, the angle of w and v (any, where a length is zero), the
  /// slopes of both gates, and s.
  biased_pair(const T& w_norm, const T& b, const T& v_norm, const T& d, const angle<T>& theta,
              R slope_w = 0, R slope_v = 0, R std = 1)
      : w_("w", std * w_norm, b),
        v_("v", std * v_norm, d),
        rho_(theta.cos()),
        q_(theta.sin()),
        std_(std),
        slope_w_(slope_w),
        slope_v_(slope_v) {
    if (w_.is_constant() || v_.is_constant()) {
      both_ = w_.active * v_.active;
      t1_ = w_.density * v_.active;
      t2_ = v_.density * w_.active;
      mean_ = v_.is_constant() ? d : T(0);
      edge_ = T(0);
      return;
    }
    const T along_w = difference(w_.h, v_.h, theta), along_v = difference(v_.h, w_.h, theta);
    const T to_k = in_deviations(along_w), to_h = in_deviations(along_v);
    mean_ = v_.is_far() ? v_.deviation * rho_ * w_.h + v_.bias : v_.deviation * along_w;
    t1_ = w_.density * detail::normal_distribution(to_k);
    t2_ = v_.density * detail::normal_distribution(to_h);
    edge_ = w_.density * detail::normal_density(to_k);
    both_ = orthant(theta, to_k, to_h);
  }

  /// P(a > 0 and a' > 0).
  [[nodiscard]] T both_active() const { return both_; }

  /// E[f(a) f(a')].
  [[nodiscard]] T kernel() const {
    const T covariance = w_.deviation * v_.deviation * rho_, biases = w_.bias * v_.bias;
    const T w_edge = w_.deviation * w_.density * v_.bias,
            v_edge = v_.deviation * v_.density * w_.bias;
    return both_linear() * (covariance + biases) +
           w_linear() * ((covariance + biases) * v_.active + v_edge) +
           v_linear() * ((covariance + biases) * w_.active + w_edge) +
           both_gated() * ((covariance + biases) * both_ + w_.deviation * v_.bias * t1_ +
                           v_.deviation * w_.bias * t2_ + w_.deviation * v_.deviation * q_ * edge_);
  }

  /// F: the factor of v in E[x f'(a) f(a')].
  [[nodiscard]] T of_v() const {
    return std_ * std_ *
           (both_linear() + w_linear() * v_.active + v_linear() * w_.active + both_gated() * both_);
  }

  /// G: the factor of w/|w| in E[x f'(a) f(a')]. It comes from inputs on the boundary of a.
  [[nodiscard]] T of_w() const {
    return std_ * (v_linear() * w_.density * mean_ +
                   both_gated() * (mean_ * t1_ + v_.deviation * q_ * edge_));
  }

  /// B = E[f'(a) f(a')].
  [[nodiscard]] T of_bias() const {
    const T d = v_.bias, deviation = v_.deviation;
    return both_linear() * d + w_linear() * (deviation * v_.density + d * v_.active) +
           v_linear() * (deviation * rho_ * w_.density + d * w_.active) +
           both_gated() * (deviation * (t2_ + rho_ * t1_) + d * both_);
  }

  /// The derivative of (F v + G w/|w|, B) when (v, d) moves: by Stein's identity, as x is Gaussian.
  [[nodiscard]] biased_gates<T> gates() const {
    const T on_w = v_linear() * w_.density + both_gated() * t1_;
    const T on_v = w_linear() * v_.density + both_gated() * t2_;
    return {of_v() / (std_ * std_),    w_.h * on_w, v_.h * on_v,
            both_gated() * q_ * edge_, on_w,        on_v};
  }

  /// The derivative when (w, b) moves: the moments of f(a') on the boundary of a.
  [[nodiscard]] biased_boundary<T> boundary() const {
    if (w_.is_constant()) return {};
    const T mean = of_w() / std_ / w_.deviation;
    const T slope =
        v_.deviation * q_ * (v_linear() * w_.density + both_gated() * t1_) / w_.deviation;
    const T bend = both_gated() * v_.deviation * q_ * edge_ / w_.deviation;
    return {w_.h * w_.h * mean, w_.h * slope, mean, bend, w_.h * mean, slope};
  }

 private:
  struct node {
    T deviation, bias;
    T h = 0, active, density = 0;  // threshold of X, P(X > h), phi(h)

    node(const char* name, const T& of_activation, const T& b) : deviation(of_activation), bias(b) {
      if (!std::isfinite(real_part(deviation)) || !std::isfinite(real_part(b))) {
        throw argument_error(detail::text("biased_pair: weights or bias of ", name,
                                          " are not finite, expected numbers"));
      }
      if (is_constant()) {
        if (b == T(0)) {
          throw argument_error(detail::text("biased_pair: weights and bias of ", name,
                                            " are zero, expected a gate"));
        }
        active = T(real_part(b) > 0 ? 1 : 0);
      } else {
        h = -b / deviation;
        // No input lies that far out, and the square of h must not overflow: it multiplies zeros.
        if (is_far()) h = T(std::copysign(beyond_all, real_part(h)));
        active = detail::normal_distribution(-h);
        density = detail::normal_density(h);
      }
    }
    [[nodiscard]] bool is_constant() const { return deviation == T(0); }
    [[nodiscard]] bool is_far() const { return !(std::abs(real_part(h)) < beyond_all); }

    static constexpr R beyond_all = R(1e15);
  };

  // rho along - other, from the end of the angle where less cancels.
  static T difference(const T& along, const T& other, const angle<T>& theta) {
    const T s = theta.half_sin, c = theta.half_cos, square = s * s + c * c;
    return std::abs(real_part(s)) < std::abs(real_part(c))
               ? (along - other) - R(2) * s * s / square * along
               : R(2) * c * c / square * along - (along + other);
  }

  // A distance along a boundary. Where the boundaries are parallel, one is wholly on one side of
  // the other, or on it.
  [[nodiscard]] T in_deviations(const T& distance) const {
    constexpr int beyond_all = 200;
    if (q_ != T(0)) return distance / q_;
    const R side = real_part(distance);
    return T(side > 0 ? R(beyond_all) : side < 0 ? R(-beyond_all) : R(0));
  }

  [[nodiscard]] T orthant(const angle<T>& theta, const T& to_k, const T& to_h) const {
    const angle<R> real_angle{real_part(theta.half_sin), real_part(theta.half_cos)};
    const R P = detail::upper_orthant(real_part(w_.h), real_part(v_.h), real_angle, real_part(to_k),
                                      real_part(to_h));
    if constexpr (is_complex<T>) {  // dP = -t1 dh - t2 dk - edge dtheta
      return {P, -t1_.real() * w_.h.imag() - t2_.real() * v_.h.imag() -
                     edge_.real() * theta.radians().imag()};
    } else {
      return P;
    }
  }

  // The parts of f(a) f(a') that are linear in both, in a, in a' and in none.
  [[nodiscard]] R both_linear() const { return slope_w_ * slope_v_; }
  [[nodiscard]] R w_linear() const { return slope_w_ * (1 - slope_v_); }
  [[nodiscard]] R v_linear() const { return (1 - slope_w_) * slope_v_; }
  [[nodiscard]] R both_gated() const { return (1 - slope_w_) * (1 - slope_v_); }

  node w_, v_;
  T rho_, q_;
  T both_, t1_, t2_;
  T mean_;  // of a' where a = 0
  T edge_;  // q phi2(h, k)
  R std_, slope_w_, slope_v_;
};

}  // namespace tutelage
