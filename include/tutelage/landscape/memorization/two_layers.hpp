// Networks with two hidden layers of d1 and d2 nodes through N points with p outputs, for
//
//   floor(d1 / 2) floor(d2 / (2 p)) >= N        (d1 d2 >= 4 N p, but for the floors)
//
// (Yun, Sra and Jadbabaie, arXiv:1810.07770, Theorem 3.1). On the line, with the points in q1 groups of
// q2, boundaries B between groups, t_k the point that a unit of the second layer answers for in group k:
//
//   phi_k = H(al_k t + be_k)    from -1 to 1 (k even) or 1 to -1 (k odd) over group k    2 nodes each
//   g     = sum_k w_k phi_k + be,   g(t_k) = y_k in every group, steep                  2 nodes for H(g)
//   f     = sum over q2 units of H(g), plus a constant
//
// Slopes s_k of g in group k are so steep that the other points of the group are beyond -1 or 1 and
// count +-1, as many of each sign for every point: units with positive slopes answer for positions 0, 2,
// ... and those with negative ones for 1, 3, ... (the other way in odd groups when q2 is odd). All s_k
// follow from s_0, and signs alternate:
//
//   s_k = (y_k - y_{k-1} - s_{k-1} (B_k - t_{k-1})) / (t_k - B_k),     zeta s_k (-1)^k >= 2 / gap at t_k
//
// Heights m (B_k - t_{k-1}) that are large go to points far from B_k, so that slopes grow little.
// Every output's labels are divided by the largest of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include <tutelage/landscape/memorization/hard_tanh.hpp>
#include <tutelage/landscape/memorization/memorized.hpp>
#include <tutelage/landscape/memorization/projection.hpp>
#include <tutelage/model/network.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

struct two_layer_widths {
  std::size_t d1, d2;
};

/// Points that two hidden layers of these widths memorize, whatever the labels.
inline std::size_t two_layer_capacity(const two_layer_widths& widths, std::size_t p) {
  if (p == 0) throw argument_error("two_layer_capacity: p is 0, expected at least 1");
  return (widths.d1 / 2) * (widths.d2 / (2 * p));
}

/// The widths with that capacity and the fewest nodes; of these the most equal ones. Throws
/// argument_error when N or p is 0.
inline two_layer_widths smallest_two_layer_widths(std::size_t N, std::size_t p) {
  if (N == 0 || p == 0) {
    throw argument_error(detail::text("smallest_two_layer_widths: ", N, " points and ", p,
                                      " outputs, expected at least 1 of each"));
  }
  two_layer_widths best{2 * N, 2 * p};
  for (std::size_t q2 = 1; q2 <= N; ++q2) {
    const two_layer_widths widths{2 * ((N + q2 - 1) / q2), 2 * p * q2};
    if (widths.d1 + widths.d2 < best.d1 + best.d2) best = widths;
  }
  return best;
}

namespace detail {

/// The points of a line in groups.
struct point_groups {
  std::size_t q1, q2;
  std::vector<double> t;         // [q1 q2], with points beyond the last to fill the last group
  std::vector<double> boundary;  // [q1 + 1]

  point_groups(const line_projection& line, std::size_t groups, std::size_t size)
      : q1(groups), q2(size), t(line.t) {
    const double gap = line.mean_gap();
    while (t.size() < q1 * q2) t.push_back(t.back() + gap);
    boundary.push_back(t.front() - gap);
    for (std::size_t k = 1; k < q1; ++k) {
      boundary.push_back(t[k * q2 - 1] + (t[k * q2] - t[k * q2 - 1]) / 2);
    }
    boundary.push_back(t.back() + gap);
  }

  [[nodiscard]] double at(std::size_t group, std::size_t position) const {
    return t[group * q2 + position];
  }
  /// To the nearest neighbour in the group.
  [[nodiscard]] double gap(std::size_t group, std::size_t position) const {
    double least = std::numeric_limits<double>::infinity();
    if (position > 0) least = at(group, position) - at(group, position - 1);
    if (position + 1 < q2) least = std::min(least, at(group, position + 1) - at(group, position));
    return least;
  }
  [[nodiscard]] static double sign(std::size_t k) { return k % 2 == 0 ? 1.0 : -1.0; }
  /// phi_k = H(al_k t + be_k).
  [[nodiscard]] double al(std::size_t k) const {
    return sign(k) * 2 / (boundary[k + 1] - boundary[k]);
  }
  [[nodiscard]] double be(std::size_t k) const {
    return -sign(k) * (boundary[k] + boundary[k + 1]) / (boundary[k + 1] - boundary[k]);
  }

  /// position[k][r]: the point of group k that unit r answers for.
  [[nodiscard]] std::vector<std::vector<std::size_t>> positions() const {
    std::vector<std::vector<std::size_t>> result(q1, std::vector<std::size_t>(q2));
    std::iota(result[0].begin(), result[0].end(), std::size_t{0});
    std::vector<double> m(q2, 1.0);
    for (std::size_t k = 1; k < q1; ++k) {
      const auto height = [&](std::size_t r) {
        return m[r] * (boundary[k] - at(k - 1, result[k - 1][r]));
      };
      const std::size_t swapped = q2 % 2 == 1 ? k % 2 : 0;
      for (const std::size_t parity : {std::size_t{0}, std::size_t{1}}) {
        std::vector<std::size_t> units, places;
        for (std::size_t r = 0; r < q2; ++r) {
          // Slopes of unit r in group k are positive where r + k is even.
          if ((r + k) % 2 == parity) units.push_back(r);
          if ((r + swapped) % 2 == parity) places.push_back(r);
        }
        std::stable_sort(units.begin(), units.end(),
                         [&](std::size_t a, std::size_t b) { return height(a) < height(b); });
        for (std::size_t i = 0; i < units.size(); ++i) result[k][units[i]] = places[i];
      }
      for (std::size_t r = 0; r < q2; ++r) {
        m[r] = height(r) / (at(k, result[k][r]) - boundary[k]);
      }
    }
    return result;
  }
};

/// memorize_two_layers, called `function`, but for the last check.
template <piecewise_linear_gate Gate>
mlp<double, Gate, dynamic, dynamic, dynamic, dynamic> two_layers_through(
    const char* function, matrix_view<const double> x, matrix_view<const double> y,
    const two_layer_widths& widths, std::uint64_t seed, const Gate& gate) {
  const std::size_t N = x.rows(), d = x.cols(), p = y.cols();
  require_shape(function, "y", y, N, p);
  require_finite(function, "y", y);
  if (two_layer_capacity(widths, p) < N) {
    throw shape_error(text(function, ": widths ", widths.d1, " and ", widths.d2, " memorize ",
                           two_layer_capacity(widths, p), " points with ", p, " outputs, got ", N));
  }
  const hard_tanh step(function, gate);
  const line_projection line = project(x, seed);
  const std::size_t q2 = std::min(widths.d2 / (2 * p), N);
  const point_groups groups(line, (N + q2 - 1) / q2, q2);
  const std::size_t q1 = groups.q1;
  const auto positions = groups.positions();

  mlp<double, Gate, dynamic, dynamic, dynamic, dynamic> net({d, widths.d1, widths.d2, p}, gate);
  const matrix_view<double> W1(net.template layer<1>().weights());
  const matrix_view<double> W2(net.template layer<2>().weights());
  const matrix_view<double> W3(net.template layer<3>().weights());
  for (std::size_t k = 0; k < q1; ++k) step.put_input(W1, k, line.u, groups.al(k), groups.be(k));

  std::vector<double> slope(q1), value(q1);
  for (std::size_t o = 0; o < p; ++o) {
    double scale = 0;
    for (std::size_t i = 0; i < N; ++i) scale = std::max(scale, std::abs(y(i, o)));
    for (std::size_t r = 0; r < q2; ++r) {
      const auto at = [&](std::size_t k) { return groups.at(k, positions[k][r]); };
      for (std::size_t k = 0; k < q1; ++k) {
        const std::size_t point = k * q2 + positions[k][r];
        value[k] = point < N && scale > 0 ? y(line.order[point], o) / scale : 0.0;
      }
      const double zeta = groups.sign(r);
      const auto is_steep = [&](double m) {
        for (std::size_t k = 0; k < q1; ++k) {
          slope[k] =
              k == 0 ? zeta * m
                     : (value[k] - value[k - 1] - slope[k - 1] * (groups.boundary[k] - at(k - 1))) /
                           (at(k) - groups.boundary[k]);
          const double least = 2 / groups.gap(k, positions[k][r]);
          if (!(slope[k] * zeta * groups.sign(k) >= least)) return false;
        }
        return true;
      };
      double m = 1.5 * 2 / std::min(groups.gap(0, positions[0][r]), line.mean_gap());
      while (!is_steep(m) && std::isfinite(m)) m *= 1.5;

      const std::size_t unit = o * q2 + r;
      double bias = value[0];
      for (std::size_t k = 0; k < q1; ++k) {
        const double w = slope[k] / groups.al(k);
        bias -= w * step.value(groups.al(k) * at(0) + groups.be(k));
        for (const std::size_t node : {2 * unit, 2 * unit + 1}) step.add_output(W2, k, node, w);
      }
      W2(widths.d1, 2 * unit) += bias + 1;
      W2(widths.d1, 2 * unit + 1) += bias - 1;
      step.add_output(W3, unit, o, scale);
    }
    // The points of the own group that a unit does not answer for.
    if (q2 % 2 == 0) W3(widths.d2, o) -= scale;
  }
  return net;
}

}  // namespace detail

/// A network through x [N, d], y [N, p] of the given widths; nodes that are not needed are 0. Throws
/// shape_error when rows do not fit or the capacity is below N, argument_error like project(), when
/// the gate has no kink, and when rounding keeps an output from its target (memorized.hpp).
template <piecewise_linear_gate Gate = relu>
mlp<double, Gate, dynamic, dynamic, dynamic, dynamic> memorize_two_layers(
    matrix_view<const double> x, matrix_view<const double> y, const two_layer_widths& widths,
    std::uint64_t seed, const Gate& gate = {}) {
  auto net = detail::two_layers_through("memorize_two_layers", x, y, widths, seed, gate);
  detail::require_memorized("memorize_two_layers", net, x, y);
  return net;
}

/// The same with the fewest nodes.
template <piecewise_linear_gate Gate = relu>
auto memorize_two_layers(matrix_view<const double> x, matrix_view<const double> y,
                         std::uint64_t seed, const Gate& gate = {}) {
  return memorize_two_layers(x, y, smallest_two_layer_widths(x.rows(), y.cols()), seed, gate);
}

}  // namespace tutelage
