// Gaussian variables of mean 0 behind gates, up to four: E[h_a h_b 1(h_g > 0 for all g in G)].
//
// Integration by parts twice (Stein), S the covariance, the sum over pairs of different gates:
//
//   E[h_a h_b 1_G] = S_ab P(G) + 1/(2 pi) sum_gh S_ag (S_bh - S_bg S_gh/S_gg) P_gh / sqrt(det_gh)
//
// with P_gh the probability of the other gates where h_g = h_h = 0. That of three gates or less is
// a closed form. That of four is P(1, 2) P(3, 4) plus the integral, over t from 0 to 1, of what
// grows with correlations of t rho between the two pairs (Plackett, Biometrika 41, 1954):
//
//   dP/dt = sum_ij rho_ij P_ij / (2 pi sqrt(1 - t^2 rho_ij^2))
//
// with i of the one pair and j of the other, and t = sin u, in which it is smooth, by Boost.Math's
// adaptive Gauss-Kronrod rule. Gates whose squared sine is below 4 epsilon count as one, or as
// opposite; four variables that are in a plane within some hundred epsilon have a closed form.
// Close to either, digits are lost as epsilon over the squared distance.
#pragma once

#include <algorithm>
#include <array>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include <tutelage/core/scalar.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Covariances of four variables; variables may be the same.
template <real_scalar T>
using gate_covariance = std::array<std::array<T, 4>, 4>;

/// Some of the four variables.
class gate_set {
 public:
  void insert(std::size_t g) { members_[size_++] = g; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t operator[](std::size_t i) const { return members_[i]; }
  [[nodiscard]] gate_set without(std::size_t g, std::size_t h) const {
    gate_set rest;
    for (std::size_t i = 0; i < size_; ++i) {
      if (members_[i] != g && members_[i] != h) rest.insert(members_[i]);
    }
    return rest;
  }

 private:
  std::array<std::size_t, 4> members_{};
  std::size_t size_ = 0;
};

template <real_scalar T>
T determinant(const gate_covariance<T>& S, std::size_t i, std::size_t j) {
  return S[i][i] * S[j][j] - S[i][j] * S[i][j];
}

template <real_scalar T>
T angle_of(const gate_covariance<T>& S, std::size_t i, std::size_t j) {
  return std::atan2(std::sqrt(std::max(determinant(S, i, j), T(0))), S[i][j]);
}

/// Covariances where h_i = h_j = 0.
template <real_scalar T>
gate_covariance<T> conditional(const gate_covariance<T>& S, std::size_t i, std::size_t j) {
  gate_covariance<T> result = S;
  const T det = determinant(S, i, j);
  for (std::size_t k = 0; k < 4; ++k) {
    const T by_i = (S[k][i] * S[j][j] - S[k][j] * S[i][j]) / det;
    const T by_j = (S[k][j] * S[i][i] - S[k][i] * S[i][j]) / det;
    for (std::size_t l = 0; l < 4; ++l) result[k][l] -= by_i * S[i][l] + by_j * S[j][l];
  }
  return result;
}

template <real_scalar T>
T orthant_of_four(const gate_covariance<T>& S);

/// P(all of G are positive), for different gates.
template <real_scalar T>
T orthant(const gate_covariance<T>& S, const gate_set& G) {
  constexpr T pi = std::numbers::pi_v<T>;
  switch (G.size()) {
    case 0:
      return 1;
    case 1:
      return T(0.5);
    case 2:
      return (pi - angle_of(S, G[0], G[1])) / (2 * pi);
    case 3:
      return T(0.5) -
             (angle_of(S, G[0], G[1]) + angle_of(S, G[0], G[2]) + angle_of(S, G[1], G[2])) /
                 (4 * pi);
    default:
      return orthant_of_four(S);
  }
}

template <real_scalar T>
T orthant_of_four(const gate_covariance<T>& S) {
  constexpr T pi = std::numbers::pi_v<T>;
  const auto pair = [](const gate_covariance<T>& of, std::size_t i, std::size_t j) {
    return (pi - angle_of(of, i, j)) / (2 * pi);
  };
  const auto slope = [&](T u) {
    const T t = std::sin(u);
    gate_covariance<T> at = S;
    for (const std::size_t i : {0U, 1U}) {
      for (const std::size_t j : {2U, 3U}) {
        at[i][j] *= t;
        at[j][i] *= t;
      }
    }
    T sum = 0;
    for (const std::size_t i : {0U, 1U}) {
      for (const std::size_t j : {2U, 3U}) {
        sum +=
            S[i][j] / std::sqrt(determinant(at, i, j)) * pair(conditional(at, i, j), 1 - i, 5 - j);
      }
    }
    return sum * std::cos(u);
  };
  using rule = boost::math::quadrature::gauss_kronrod<T, 15>;
  return pair(S, 0, 1) * pair(S, 2, 3) +
         rule::integrate(slope, T(0), pi / 2, 12, T(1e-12)) / (2 * pi);
}

/// Four variables of rank 2 as vectors in the plane: where two of them are 0 so are the others, and
/// integration by parts says nothing. There the gates leave an interval of directions.
template <real_scalar T>
class plane {
 public:
  explicit plane(const gate_covariance<T>& S) {
    std::size_t p = 0, q = 1;
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (determinant(S, i, j) * S[p][p] * S[q][q] > determinant(S, p, q) * S[i][i] * S[j][j]) {
          p = i;
          q = j;
        }
      }
    }
    const T along = std::sqrt(S[p][p]), across = std::sqrt(determinant(S, p, q)) / along;
    for (std::size_t v = 0; v < 4; ++v) {
      x_[v] = S[v][p] / along;
      y_[v] = (S[v][q] - S[v][p] * S[p][q] / S[p][p]) / across;
      constexpr T flat = 400 * std::numeric_limits<T>::epsilon();
      holds_ = holds_ && S[v][v] - x_[v] * x_[v] - y_[v] * y_[v] <= flat * S[v][v];
    }
  }

  [[nodiscard]] bool holds() const { return holds_; }

  /// E[h_a h_b 1_G] = E r^2 / (2 pi) times an integral over directions between two of them; E r^2
  /// = 2.
  [[nodiscard]] T moment(std::size_t a, std::size_t b, const gate_set& G) const {
    constexpr T pi = std::numbers::pi_v<T>;
    const T center = std::atan2(y_[G[0]], x_[G[0]]);
    T low = -pi / 2, high = pi / 2;
    for (std::size_t i = 1; i < G.size(); ++i) {
      const T turn = std::remainder(std::atan2(y_[G[i]], x_[G[i]]) - center, 2 * pi);
      low = std::max(low, turn - pi / 2);
      high = std::min(high, turn + pi / 2);
    }
    if (!(low < high)) return 0;
    const T even = x_[a] * x_[b] + y_[a] * y_[b], cosine = x_[a] * x_[b] - y_[a] * y_[b],
            sine = x_[a] * y_[b] + y_[a] * x_[b];
    const auto integral = [&](T t) {
      return (even * t +
              (cosine * std::sin(2 * (center + t)) - sine * std::cos(2 * (center + t))) / 2) /
             2;
    };
    return (integral(high) - integral(low)) / pi;
  }

 private:
  std::array<T, 4> x_{}, y_{};
  bool holds_ = true;
};

/// E[h_a h_b 1_G] for gates given as numbers of variables, of which some may be alike.
template <real_scalar T>
T gated_moment(const gate_covariance<T>& S, std::size_t a, std::size_t b, const gate_set& gates) {
  gate_set G;
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const std::size_t g = gates[i];
    bool is_new = true;
    for (std::size_t k = 0; k < G.size(); ++k) {
      const T scale = S[g][g] * S[G[k]][G[k]];
      if (determinant(S, g, G[k]) > 4 * std::numeric_limits<T>::epsilon() * scale) continue;
      if (S[g][G[k]] < 0) return 0;  // never both
      is_new = false;
    }
    if (is_new) G.insert(g);
  }
  if (G.size() > 2) {
    const plane<T> in(S);
    if (in.holds()) return in.moment(a, b, G);
  }
  T sum = S[a][b] * orthant(S, G);
  for (std::size_t i = 0; i < G.size(); ++i) {
    for (std::size_t k = 0; k < G.size(); ++k) {
      if (i == k) continue;
      const std::size_t g = G[i], h = G[k];
      const T along = S[b][h] - S[b][g] * S[g][h] / S[g][g];
      if (S[a][g] == 0 || along == 0) continue;
      sum += S[a][g] * along / std::sqrt(determinant(S, g, h)) /
             (2 * std::numbers::pi_v<T>)*orthant(conditional(S, g, h), G.without(g, h));
    }
  }
  return sum;
}

}  // namespace tutelage
