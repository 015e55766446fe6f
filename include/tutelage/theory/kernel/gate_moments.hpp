// Gaussian variables of mean 0 behind gates, up to four: E[h_a h_b 1(h_g > 0 for all g in G)].
//
//   h_v = v.x, x ~ N(0, I)      v a node, its unit vector in what follows
//
// Integration by parts twice (Stein), the sum over pairs of gates:
//
//   E[h_a h_b 1_G] = a.b P(G) + 1/(2 pi) sum_{g,h} sin theta_gh (a_p b_p - a_q b_q) P_gh
//
// with p, q the directions of g + h and g - h, and P_gh the probability of the other gates where
// h_g = h_h = 0. That of three gates or less is a closed form. That of four, in pairs (1, 2) and
// (3, 4), is P(1, 2) P(3, 4) plus the integral, over t from 0 to 1, of what grows with correlations
// of t rho between the two pairs (Plackett, Biometrika 41, 1954):
//
//   dP/dt = sum_ij rho_ij (pi - omega_ij) / (4 pi^2 sqrt(1 - t^2 rho_ij^2)),  i in 1, 2, j in 3, 4
//   omega_ij = atan2(sqrt(1 - t^2 rho_ij^2) s_1 s_2,
//                    +-t (cos a_i cos b_j sigma_2 s_1^2 + sin a_i sin b_j sigma_1 s_2^2))
//
//   sigma_1, sigma_2   cosines of the principal angles between the planes of the pairs
//   a_i, b_j           angles of the nodes in the principal bases; + for pairs (1, 3) and (2, 4)
//   s_k^2              1 - t^2 sigma_k^2
//
// All singularities are at real |t| >= 1, so panels that shrink towards 1 by a factor, with Gauss's
// rule in each, are exact to the last digit however close nodes are to parallel or coplanar.
//
// Nothing is divided by a sine, and nodes are vectors and not covariances, which would lose half of
// the digits of small angles. Results are within some epsilon of |h_a||h_b|; where moments of order
// 1 are to cancel, that is what remains, so all is in long double.
#pragma once

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <tutelage/core/scalar.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Some of four variables.
class gate_set {
 public:
  void insert(std::size_t g) { members_[size_++] = g; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t operator[](std::size_t i) const { return members_[i]; }

 private:
  std::array<std::size_t, 4> members_{};
  std::size_t size_ = 0;
};

/// A vector of up to four dimensions.
struct node_direction {
  std::array<long double, 4> x{};

  friend long double operator*(const node_direction& u, const node_direction& v) {
    return u.x[0] * v.x[0] + u.x[1] * v.x[1] + u.x[2] * v.x[2] + u.x[3] * v.x[3];
  }
  // u + factor v
  [[nodiscard]] node_direction plus(long double factor, const node_direction& v) const {
    node_direction sum = *this;
    for (std::size_t i = 0; i < 4; ++i) sum.x[i] += factor * v.x[i];
    return sum;
  }
  [[nodiscard]] node_direction times(long double factor) const {
    return node_direction{}.plus(factor, *this);
  }
  [[nodiscard]] long double norm() const { return std::sqrt(*this * *this); }
};

/// Two unit vectors: their angle, and the directions of sum and difference.
struct node_pair {
  node_direction p, q;
  long double half_sin, half_cos;

  node_pair(const node_direction& u, const node_direction& v)
      : p(u.plus(1, v)), q(u.plus(-1, v)), half_sin(q.norm() / 2), half_cos(p.norm() / 2) {
    if (half_cos > 0) p = p.times(1 / (2 * half_cos));
    if (half_sin > 0) q = q.times(1 / (2 * half_sin));
  }
  [[nodiscard]] long double angle() const { return 2 * std::atan2(half_sin, half_cos); }
  [[nodiscard]] long double sin() const { return 2 * half_sin * half_cos; }
  [[nodiscard]] long double both() const {
    return std::atan2(half_cos, half_sin) / std::numbers::pi_v<long double>;
  }
};

/// Two pairs of directions in the principal bases of their planes.
class two_planes {
  using W = long double;

 public:
  two_planes(const node_direction& v0, const node_direction& v1, const node_direction& v2,
             const node_direction& v3) {
    auto X = basis(v0, v1, first_), Y = basis(v2, v3, second_);
    // X^T Y = R(a) diag(sigma) R(b)^T
    const W c11 = X[0] * Y[0], c12 = X[0] * Y[1], c21 = X[1] * Y[0], c22 = X[1] * Y[1];
    const W difference = std::atan2(c21 - c12, c11 + c22), sum = std::atan2(c21 + c12, c11 - c22);
    const W plus = std::hypot(c11 + c22, c21 - c12), minus = std::hypot(c11 - c22, c21 + c12);
    sigma_ = {(plus + minus) / 2, (plus - minus) / 2};
    rotate((sum + difference) / 2, X, first_);
    rotate((sum - difference) / 2, Y, second_);
    for (std::size_t k = 0; k < 2; ++k) {
      // In one plane: as out of it by nothing, a limit that all angles below share.
      constexpr W nothing = 1e-100L;
      sine_[k] = std::max(Y[k].plus(-sigma_[k], X[k]).norm(), nothing);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      for (std::size_t j = 0; j < 2; ++j) {
        rho_[i][j] =
            first_[i][0] * second_[j][0] * sigma_[0] + first_[i][1] * second_[j][1] * sigma_[1];
        sine_of_[i][j] = node_pair(i == 0 ? v0 : v1, j == 0 ? v2 : v3).sin();
      }
    }
  }

  /// P(other two) where nodes i of the first pair and j of the second are 0, correlations between
  /// the pairs t = 1 - y times as large.
  [[nodiscard]] W others(std::size_t i, std::size_t j, W y = 0) const {
    const W t = 1 - y, s1 = square(sine_[0], y), s2 = square(sine_[1], y);
    const W c = first_[i][0] * second_[j][0] * sigma_[1] * s1 +
                first_[i][1] * second_[j][1] * sigma_[0] * s2;
    return supplement(std::sqrt(square(sine_of_[i][j], y) * s1) * std::sqrt(s2),
                      (i == j ? t : -t) * c);
  }
  /// P(second pair) where both of the first are 0.
  [[nodiscard]] W second_pair() const { return remaining(second_); }
  [[nodiscard]] W first_pair() const { return remaining(first_); }

  /// P(all four) - P(first pair) P(second pair).
  [[nodiscard]] W excess() const {
    const auto slope = [&](W y) {
      W sum = 0;
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = 0; j < 2; ++j) {
          sum += rho_[i][j] / std::sqrt(square(sine_of_[i][j], y)) * others(i, j, y);
        }
      }
      return sum;
    };
    using rule = boost::math::quadrature::gauss<W, 20>;
    // The nearest singularity is 1/sigma_1. Where nodes of both pairs are parallel, what is left
    // out is the root of the last panel.
    constexpr W eps = std::numeric_limits<W>::epsilon();
    const W gap = std::max(sine_[0] * sine_[0] / 2, eps * eps);
    W sum = 0, h = 1;
    for (; h > gap; h /= 4) sum += rule::integrate(slope, h / 4, h);
    return (sum + rule::integrate(slope, W(0), h)) / (2 * std::numbers::pi_v<W>);
  }

 private:
  using in_plane = std::array<std::array<W, 2>, 2>;  // of each node

  static std::array<node_direction, 2> basis(const node_direction& u, const node_direction& v,
                                             in_plane& places) {
    const W side = u * v < 0 ? -1 : 1;
    node_direction across = v.plus(-side, u);  // without cancellation where u and v are close
    for (int round = 0; round < 2; ++round) across = across.plus(-(across * u), u);
    const W sine = across.norm();
    places = {{{1, 0}, {u * v, sine}}};
    return {u, across.times(1 / sine)};
  }
  static void rotate(W angle, std::array<node_direction, 2>& axes, in_plane& places) {
    const W c = std::cos(angle), s = std::sin(angle);
    axes = {axes[0].times(c).plus(s, axes[1]), axes[1].times(c).plus(-s, axes[0])};
    for (auto& place : places) place = {c * place[0] + s * place[1], c * place[1] - s * place[0]};
  }
  // 1 - t^2 cos^2 from the sine, t = 1 - y.
  static W square(W sine, W y) { return y * (2 - y) + (1 - y) * (1 - y) * sine * sine; }
  static W supplement(W sine, W cosine) {
    return std::atan2(sine, -cosine) / (2 * std::numbers::pi_v<W>);
  }
  [[nodiscard]] W remaining(const in_plane& of) const {
    const W sine = of[0][0] * of[1][1] - of[0][1] * of[1][0];
    return supplement(
        std::abs(sine) * sine_[0] * sine_[1],
        of[0][0] * of[1][0] * sine_[0] * sine_[0] + of[0][1] * of[1][1] * sine_[1] * sine_[1]);
  }

  in_plane first_{}, second_{};
  std::array<W, 2> sigma_{}, sine_{};
  std::array<std::array<W, 2>, 2> rho_{}, sine_of_{};
};

/// Four nodes of any dimension, [d] each, and what can be expected of them.
class four_nodes {
  using W = long double;

 public:
  explicit four_nodes(const std::array<std::span<const W>, 4>& nodes) {
    std::array<std::vector<W>, 4> axes;
    std::size_t found = 0;
    for (std::size_t v = 0; v < 4; ++v) {
      std::vector<W> rest(nodes[v].begin(), nodes[v].end());
      W largest = 0;
      for (const W x : rest) largest = std::max(largest, std::abs(x));
      if (largest == 0) continue;
      for (W& x : rest) x /= largest;
      const W norm = std::sqrt(product(rest, rest));
      norm_[v] = norm * largest;
      for (W& x : rest) x /= norm;
      for (int round = 0; round < 2; ++round) {
        for (std::size_t k = 0; k < found; ++k) {
          const W along = product(rest, axes[k]);
          unit_[v].x[k] += along;
          for (std::size_t i = 0; i < rest.size(); ++i) rest[i] -= along * axes[k][i];
        }
      }
      const W left = std::sqrt(product(rest, rest));
      if (!(left > same)) continue;
      for (W& x : rest) x /= left;
      unit_[v].x[found] = left;
      axes[found++] = std::move(rest);
    }
  }

  /// P(all of G are positive).
  [[nodiscard]] W orthant(const gate_set& gates) const {
    gate_set G;
    return distinct(gates, G) ? orthant_of_distinct(G) : 0;
  }

  /// E[h_a h_b 1_G]; gates may be alike. A node that is zero is never positive.
  [[nodiscard]] W moment(std::size_t a, std::size_t b, const gate_set& gates) const {
    gate_set G;
    if (norm_[a] == 0 || norm_[b] == 0 || !distinct(gates, G)) return 0;
    W sum = unit_[a] * unit_[b] * orthant_of_distinct(G);
    const auto add = [&](std::size_t g, std::size_t h, W others) {
      const node_pair pair(unit_[g], unit_[h]);
      const W form =
          (unit_[a] * pair.p) * (unit_[b] * pair.p) - (unit_[a] * pair.q) * (unit_[b] * pair.q);
      sum += pair.sin() * form * others / (2 * std::numbers::pi_v<W>);
    };
    if (G.size() == 2) add(G[0], G[1], 1);
    if (G.size() == 3) {
      for (std::size_t i = 0; i < 3; ++i) add(G[i], G[(i + 1) % 3], W(0.5));
    }
    if (G.size() == 4) {
      const auto o = best_order(G);
      const two_planes planes(unit_[o[0]], unit_[o[1]], unit_[o[2]], unit_[o[3]]);
      add(o[0], o[1], planes.second_pair());
      add(o[2], o[3], planes.first_pair());
      for (std::size_t i = 0; i < 2; ++i) {
        for (std::size_t j = 0; j < 2; ++j) add(o[i], o[2 + j], planes.others(i, j));
      }
    }
    return norm_[a] * norm_[b] * sum;
  }

 private:
  // Unit vectors nearer than this are one.
  static constexpr W same = 16 * std::numeric_limits<W>::epsilon();

  static W product(const std::vector<W>& u, const std::vector<W>& v) {
    W sum = 0;
    for (std::size_t i = 0; i < u.size(); ++i) sum += u[i] * v[i];
    return sum;
  }

  // Leaves gates without repetitions in G; false when they are never all open.
  bool distinct(const gate_set& gates, gate_set& G) const {
    for (std::size_t i = 0; i < gates.size(); ++i) {
      if (norm_[gates[i]] == 0) return false;
      bool is_new = true;
      for (std::size_t k = 0; k < G.size(); ++k) {
        const node_pair pair(unit_[gates[i]], unit_[G[k]]);
        if (pair.half_cos <= same) return false;
        is_new = is_new && pair.half_sin > same;
      }
      if (is_new) G.insert(gates[i]);
    }
    return true;
  }

  // The pairs that are most nearly parallel go together: then little is left to integrate.
  [[nodiscard]] std::array<std::size_t, 4> best_order(const gate_set& G) const {
    std::array<std::size_t, 4> best{};
    W least = std::numeric_limits<W>::infinity();
    for (std::size_t k = 1; k < 4; ++k) {
      const std::array<std::size_t, 4> order{G[0], G[k], G[k == 1 ? 2 : 1], G[k == 3 ? 2 : 3]};
      const W first = node_pair(unit_[order[0]], unit_[order[1]]).sin();
      const W second = node_pair(unit_[order[2]], unit_[order[3]]).sin();
      if (first * second < least) {
        least = first * second;
        best = order;
      }
    }
    return best;
  }

  [[nodiscard]] W orthant_of_distinct(const gate_set& G) const {
    const auto pair = [&](std::size_t i, std::size_t j) { return node_pair(unit_[i], unit_[j]); };
    switch (G.size()) {
      case 0:
        return 1;
      case 1:
        return W(0.5);
      case 2:
        return pair(G[0], G[1]).both();
      case 3:
        return W(0.5) -
               (pair(G[0], G[1]).angle() + pair(G[0], G[2]).angle() + pair(G[1], G[2]).angle()) /
                   (4 * std::numbers::pi_v<W>);
      default: {
        const auto o = best_order(G);
        return pair(o[0], o[1]).both() * pair(o[2], o[3]).both() +
               two_planes(unit_[o[0]], unit_[o[1]], unit_[o[2]], unit_[o[3]]).excess();
      }
    }
  }

  std::array<node_direction, 4> unit_{};
  std::array<W, 4> norm_{};
};

}  // namespace tutelage::inline TUTELAGE_TARGET::detail
