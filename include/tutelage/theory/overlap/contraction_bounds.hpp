// The convergence theorems of arXiv:1905.13405 with all their constants. Nodes have unit weights;
// psi_d, psi_l, eps, K and C_0 are those of overlap.hpp; students 0, ..., m-1 (the u-set) begin
// within theta_0 of their teachers, the other n - m (the r-set) somewhere.
//
// Theorem 4, as many students as teachers, all beta 1, w_j' = P_perp(w_j) (W* d*_j - W d_j):
//
//   M_d = (1 + K_d) (1 + 2 K_d sin(theta_0/2))^2 / cos(theta_0/2)
//   gamma = cos theta_0 - (m - 1) eps_d M_d
//   d_bar = (1 - 2 K_d sin(theta_0/2)) min_j d*_jj(0)
//   max_j sin theta_j(t) <= (1 - eta d_bar gamma)^t sin theta_0
//
// (The text prints a plus in d_bar; its Lemma 2 and Eqn 43 give the minus.)
//
// Theorem 5, with the r-set and fan-out rows v_j, w_j' = P_perp(w_j) (W* h*_j - W h_j), h*_jk =
// d*_jk v_j.v*_k, h_jk = d_jk v_j.v_k, V' = L* V* - L V: everything shrinks by rho = 1 - eta
// lambda_bar gamma a step,
//
//   sin theta_j <= rho^t sin theta_0,   |v_j - v*_j| <= rho^t B_dv   (u-set),   |v_j| <= rho^t B_v
//
// and the r-set's weights move by R at most. gamma depends on R and R on 1/gamma: every R that the
// motion allowed at R does not exceed will do, the least of them gives the largest gamma.
//
// Step sizes. The text takes eta for "very small". A step multiplies sin theta_j by 1 - eta h*_jj
// cos theta_j, v_j - v*_j by 1 - eta l*_jj and an idle v_j by 1 - eta l_jj, of which the proofs
// take the absolute value for the number: none may be negative. theta_j goes to 0, psi is largest
// there, |v_j| <= B_v + B_dv and |v*_j| <= B_v. So
//
//   Theorem 4    eta d_0 <= 1
//   Theorem 5    eta d_0 B_v (B_v + B_dv) <= 1,   eta l_0 <= 1
//
// Then theta_j stays below pi/2, too: w*_j.w_j loses less than cos theta_0 sin theta_0 in a step.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <numbers>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/target.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

struct theorem_4_setting {
  std::size_t m;
  double theta_0;
  double eps_d, K_d;  // K_d for moves of 2 sin(theta_0/2)
  double least_d;     // min_j psi_d(w_j, w*_j) at the start
  double d_0;         // psi_d of a node with itself
  double eta;
};

struct theorem_4_bound {
  double M_d, gamma, d_bar;
  double overshoot;  // eta d_0: above 1 a step may go beyond its teacher
  double eta;

  [[nodiscard]] bool holds() const { return gamma > 0 && d_bar > 0 && overshoot <= 1; }
  /// Of max_j sin theta_j, a step. Throws argument_error unless the bound holds.
  [[nodiscard]] double rate() const {
    if (!holds()) throw argument_error("theorem_4_bound: no rate, the bound does not hold");
    return 1 - eta * d_bar * gamma;
  }
};

namespace detail {
inline void require_constants(const char* function, std::initializer_list<double> constants) {
  for (const double x : constants) {
    if (!(x >= 0 && std::isfinite(x))) {
      throw argument_error(text(function, ": a constant is ", x, ", expected a number, 0 or more"));
    }
  }
}
inline void require_angle(const char* function, double theta_0) {
  if (!(theta_0 <= std::numbers::pi)) {
    throw argument_error(text(function, ": theta_0 is ", theta_0, ", expected at most pi"));
  }
}
inline void require_node_counts(const char* function, std::size_t m, std::size_t n) {
  if (m == 0 || n < m) {
    throw argument_error(text(function, ": ", m, " teachers and ", n,
                              " students, expected at least 1 and no fewer students"));
  }
}
}  // namespace detail

/// Throws argument_error when there is no teacher, or a constant is negative or not finite.
inline theorem_4_bound bound_theorem_4(const theorem_4_setting& s) {
  detail::require_node_counts("bound_theorem_4", s.m, s.m);
  detail::require_constants("bound_theorem_4",
                            {s.theta_0, s.eps_d, s.K_d, s.least_d, s.d_0, s.eta});
  detail::require_angle("bound_theorem_4", s.theta_0);
  const double C = 2 * s.K_d * std::sin(s.theta_0 / 2);
  const double M_d = (1 + s.K_d) * (1 + C) * (1 + C) / std::cos(s.theta_0 / 2);
  return {M_d, std::cos(s.theta_0) - static_cast<double>(s.m - 1) * s.eps_d * M_d,
          (1 - C) * s.least_d, s.eta * s.d_0, s.eta};
}

struct theorem_5_setting {
  std::size_t m, n;
  double theta_0;
  double eps_d, eps_l, K_d, K_l;
  double reach;  // K_d and K_l are for moves of up to this
  double C_0;
  double d_least, l_least;  // psi of a u-node and its teacher, at least: psi(theta_0)
  double d_0, l_0;          // psi of a node with itself
  double v_star_least;      // |v*_j|, at least
  double B_v;               // |v*_j| and the r-set's |v_j(0)|, at most
  double B_dv;              // |v_j(0) - v*_j| of the u-set, at most
  double eta;
};

struct theorem_5_bound {
  double C_du, C_dr, C_lu, C_lr;  // relative changes of psi_d and psi_l by moving weights
  double R;                       // by which the r-set moves
  double lambda_bar;
  double gamma_bottom, gamma_top;   // what W_u and V allow
  double gamma;                     // the lesser; 0 when there is no feasible one
  double overshoot_W, overshoot_V;  // eta d_0 B_v (B_v + B_dv) and eta l_0
  double moved;                     // 2 sin(theta_0/2) or R, of the setting's reach
  double eta;
  std::size_t rounds;  // of the search for R, at most 200

  [[nodiscard]] bool holds() const {
    return gamma > 0 && overshoot_W <= 1 && overshoot_V <= 1 && moved <= 1;
  }
  /// Of all that shrinks, a step. Throws argument_error unless the bound holds.
  [[nodiscard]] double rate() const {
    if (!holds()) throw argument_error("theorem_5_bound: no rate, the bound does not hold");
    return 1 - eta * lambda_bar * gamma;
  }
};

namespace detail {

// b's constants at R; returns the motion of the r-set that they allow, infinite where there is no
// gamma at R. It rises with R, and is convex: 1/x of concave functions, times polynomials.
template <class Rules>
double allowed_motion(const theorem_5_setting& s, const Rules& rules, double R,
                      theorem_5_bound& b) {
  b.R = R;
  b.C_dr = s.K_d * R;
  b.C_lr = s.K_l * R;
  b.lambda_bar = rules.lambda_bar(s, b);
  b.gamma_bottom = rules.bottom(s, b);
  b.gamma_top = rules.top(s, b);
  b.gamma = std::min(b.gamma_bottom, b.gamma_top);
  const double lost = b.lambda_bar * b.gamma;
  const bool near = s.theta_0 < std::numbers::pi / 2;
  if (!(near && b.gamma > 0 && b.lambda_bar > 0 && s.eta * lost < 1)) {
    b.gamma = 0;
    return std::numeric_limits<double>::infinity();
  }
  return rules.displacement(s, b) / (lost * (2 - s.eta * lost));
}

// rules.bottom(s, b), rules.top(s, b), rules.lambda_bar(s, b) and rules.displacement(s, b) in terms
// of the constants so far; each is monotone in C_dr and C_lr.
//
// The least R >= motion(R), from below: as motion(R) is convex, a secant through two points below
// the least root stays below it; where motion(R) - R has begun to rise there is none.
template <class Rules>
theorem_5_bound solve_theorem_5(const theorem_5_setting& s, const Rules& rules) {
  const double turn = 2 * std::sin(s.theta_0 / 2);
  theorem_5_bound b{};
  b.C_du = s.K_d * turn;
  b.C_lu = s.K_l * turn;
  b.overshoot_W = s.eta * s.d_0 * s.B_v * (s.B_v + s.B_dv);
  b.overshoot_V = s.eta * s.l_0;
  b.eta = s.eta;
  constexpr std::size_t most_rounds = 200;
  constexpr double settled = 1e-14;
  double R = 0, excess = allowed_motion(s, rules, R, b);
  double before = 0, excess_before = 0;
  for (; std::isfinite(excess) && excess > settled * R; ++b.rounds) {
    double next = R + excess;
    if (b.rounds > 0) {
      if (!(excess < excess_before) || b.rounds == most_rounds) {
        b.gamma = 0;
        break;
      }
      next = std::max(next, R + excess * (R - before) / (excess_before - excess));
    }
    before = R;
    excess_before = excess;
    R = next;
    excess = allowed_motion(s, rules, R, b) - R;
  }
  // A little more, so that motion(R) <= R is seen to be so: the flatter the curve, the more.
  if (b.gamma > 0 && R > 0) {
    double margin = settled;
    while (margin < 1e-3 && !(allowed_motion(s, rules, R * (1 + margin), b) <= b.R)) margin *= 4;
    if (!(margin < 1e-3)) b.gamma = 0;
  }
  b.moved = std::max(turn, b.R) / s.reach;
  return b;
}

}  // namespace detail

/// Eqns 41 to 54 as they are printed, but for these: 41 and 42 bound gamma from above; d_bar and
/// l_bar are (1 - C) min, as Eqn 55 needs; C_dr and C_lr are K times the displacement of Eqn 70.
/// This is not enough for a proof: see repaired_theorem_5.
struct printed_theorem_5 {
  static double lambda_bar(const theorem_5_setting& s, const theorem_5_bound& b) {
    return std::min((1 - std::max(b.C_du, b.C_dr)) * s.d_least,
                    (1 - std::max(b.C_lu, b.C_lr)) * s.l_least);
  }
  static double bottom(const theorem_5_setting& s, const theorem_5_bound& b) {
    return (s.B_v - s.B_dv) * std::cos(s.theta_0) -
           s.eps_d * (s.B_v + s.B_dv) * std::max(B_u(s, s.K_d, b.C_du, b.C_dr), B_dr(s, b));
  }
  static double top(const theorem_5_setting& s, const theorem_5_bound& b) {
    const double kappa = 2 * s.C_0 * std::sin(s.theta_0 / 2) * (1 + s.B_dv);
    return 1 - s.eps_l * std::max(B_u(s, s.K_l, b.C_lu, b.C_lr), B_r(s, s.K_l, b.C_lu, b.C_lr)) -
           kappa;
  }
  static double displacement(const theorem_5_setting& s, const theorem_5_bound& b) {
    if (s.n == s.m) return 0;
    return s.eps_d * B_dr(s, b) * (s.B_v + s.B_dv) * s.B_v;
  }

 private:
  static double B_u(const theorem_5_setting& s, double K, double C_u, double C_r) {
    const double c = std::cos(s.theta_0 / 2);
    const auto m = static_cast<double>(s.m), r = static_cast<double>(s.n - s.m);
    return (1 + K) * (1 + C_u) * ((m - 1) * (1 + C_u) / c + r * (1 + C_r));
  }
  static double B_r(const theorem_5_setting& s, double K, double C_u, double C_r) {
    const double c = std::cos(s.theta_0 / 2);
    const auto m = static_cast<double>(s.m), r = static_cast<double>(s.n - s.m);
    return (1 + K) * (1 + C_r) * ((m - 1) * (1 + C_u) / c + r * (1 + C_r));
  }
  static double B_dr(const theorem_5_setting& s, const theorem_5_bound& b) {
    return B_r(s, s.K_d, b.C_du, b.C_dr);
  }
};

/// The same induction with every term kept. These are the steps over what shrinks, with b = min
/// |v*_j|, v = B_v + B_dv >= |v_j| and e = sin theta_0 / cos(theta_0/2), so |w_j - w*_j| <= rho^t
/// e:
///
///   W_u   b (b - B_dv) cos theta_0 - eps_d d_0/d_least (1 + C_du) v (
///           (m-1) [(1 + K_d) B_v / cos(theta_0/2) + (1 + C_du) B_dv / sin theta_0]
///           + (n-m) (1 + C_dr) B_v / sin theta_0)
///   V_u   1 - 2 C_0 sin(theta_0/2) v e / B_dv - eps_l l_0/l_least (1 + C_lu) (
///           (m-1) [1 + K_l v e / B_dv] + (n-m) (1 + C_lr) B_v / B_dv)
///   V_r   1 - eps_l (1 + C_lr) (m [B_dv + K_l v e] / B_v + (n-m-1) (1 + C_lr))
///   R     eps_d d_0 (1 + C_dr) B_v (
///           m [(1 + K_d) B_v e + (1 + C_du) B_dv] + (n-m-1) (1 + C_dr) B_v)
///           / (lambda_bar gamma (2 - eta lambda_bar gamma))
///
/// and lambda_bar = min(d_least, l_least). The printed proof drops the change of v_k in h*_jk -
/// h_jk and that of l_jk in Delta q_jk, compares the r-set's part in W_u with sin theta_0 and in
/// V_u with B_dv as if these were 1, takes B_v for b and one factor |v_j| for 1, and in Eqn 26 the
/// motion of w_k for that of w_j.
struct repaired_theorem_5 {
  static double lambda_bar(const theorem_5_setting& s, const theorem_5_bound&) {
    return std::min(s.d_least, s.l_least);
  }
  static double bottom(const theorem_5_setting& s, const theorem_5_bound& b) {
    const double sine = std::sin(s.theta_0), v = s.B_v + s.B_dv, u = 1 + b.C_du;
    const double of_u = (1 + s.K_d) * s.B_v / std::cos(s.theta_0 / 2) + u * s.B_dv / sine;
    const double of_r = (1 + b.C_dr) * s.B_v / sine;
    return s.v_star_least * (s.v_star_least - s.B_dv) * std::cos(s.theta_0) -
           s.eps_d * s.d_0 / s.d_least * u * v * ((m(s) - 1) * of_u + r(s) * of_r);
  }
  static double top(const theorem_5_setting& s, const theorem_5_bound& b) {
    const double v = s.B_v + s.B_dv, e = offset(s), u = 1 + b.C_lu, w = 1 + b.C_lr;
    const double relevant =
        1 - 2 * s.C_0 * std::sin(s.theta_0 / 2) * v * e / s.B_dv -
        s.eps_l * s.l_0 / s.l_least * u *
            ((m(s) - 1) * (1 + s.K_l * v * e / s.B_dv) + r(s) * w * s.B_v / s.B_dv);
    if (s.n == s.m) return relevant;
    const double idle =
        1 - s.eps_l * w * (m(s) * (s.B_dv + s.K_l * v * e) / s.B_v + (r(s) - 1) * w);
    return std::min(relevant, idle);
  }
  static double displacement(const theorem_5_setting& s, const theorem_5_bound& b) {
    if (s.n == s.m) return 0;
    const double w = 1 + b.C_dr;
    const double of_u = (1 + s.K_d) * s.B_v * offset(s) + (1 + b.C_du) * s.B_dv;
    return s.eps_d * s.d_0 * w * s.B_v * (m(s) * of_u + (r(s) - 1) * w * s.B_v);
  }

 private:
  static double m(const theorem_5_setting& s) { return static_cast<double>(s.m); }
  static double r(const theorem_5_setting& s) { return static_cast<double>(s.n - s.m); }
  static double offset(const theorem_5_setting& s) {
    return std::sin(s.theta_0) / std::cos(s.theta_0 / 2);
  }
};

/// Theorem 5's constants by printed_theorem_5 or repaired_theorem_5. Throws argument_error when there
/// is no teacher or a student too few, a constant is negative or not finite, or one of theta_0, reach,
/// d_least, l_least, B_v and B_dv, by which is divided, is 0.
template <class Rules = repaired_theorem_5>
theorem_5_bound bound_theorem_5(const theorem_5_setting& s, const Rules& rules = {}) {
  detail::require_node_counts("bound_theorem_5", s.m, s.n);
  detail::require_constants("bound_theorem_5",
                            {s.theta_0, s.eps_d, s.eps_l, s.K_d, s.K_l, s.reach, s.C_0, s.d_least,
                             s.l_least, s.d_0, s.l_0, s.v_star_least, s.B_v, s.B_dv, s.eta});
  detail::require_angle("bound_theorem_5", s.theta_0);
  for (const double x : {s.theta_0, s.reach, s.d_least, s.l_least, s.B_v, s.B_dv}) {
    if (x == 0) throw argument_error("bound_theorem_5: a constant is 0 by which is divided");
  }
  return detail::solve_theorem_5(s, rules);
}

}  // namespace tutelage
