// Networks with one hidden layer through N points (Zhang et al., arXiv:1611.03530, Theorem 1):
//
//   f(x) = sum_j c_j s(u.x - b_j) + c,      t_0 < ... < t_{N-1} the projections u.x_i
//
// Piecewise linear interpolation. Between t_{j-1} and t_j the slope is s_j = (y_j - y_{j-1}) /
// (t_j - t_{j-1}), and thresholds are b_0 = t_0 - the mean gap, then points:
//
//   ReLU            N nodes       b_j = t_{j-1}, c_0 = s_0 = y_0 / (t_0 - b_0), c_j = s_j - s_{j-1}
//   slope c > 0     N - 1 nodes   b_j = t_j,     c_j = (s_{j+1} - s_j) / (1 - c), j = 1, ..., N - 2,
//                                 c_0 = s_1 - c sum_{j>=1} c_j; the output bias makes f(t_0) = y_0
//
// A ReLU network needs no output bias: it is 0. Rounding grows with N and the least gap: the sum has
// terms of the size of the slopes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <tutelage/landscape/memorization/hard_tanh.hpp>
#include <tutelage/landscape/memorization/memorized.hpp>
#include <tutelage/landscape/memorization/projection.hpp>
#include <tutelage/model/network.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Nodes that memorize_one_layer uses on N points.
template <piecewise_linear_gate Gate>
std::size_t one_layer_width(std::size_t N, const Gate& gate) {
  return gate.slope() == 0 ? N : std::max<std::size_t>(N, 2) - 1;
}

/// A network through x [N, d], y [N, p]. Throws shape_error when rows do not fit, argument_error
/// like project(), when the gate has no kink, and when rounding keeps an output from its target
/// (memorized.hpp).
template <piecewise_linear_gate Gate = relu>
mlp<double, Gate, dynamic, dynamic, dynamic> memorize_one_layer(matrix_view<const double> x,
                                                                matrix_view<const double> y,
                                                                std::uint64_t seed,
                                                                const Gate& gate = {}) {
  detail::require_shape("memorize_one_layer", "y", y, x.rows(), y.cols());
  detail::require_finite("memorize_one_layer", "y", y);
  const detail::hard_tanh kink("memorize_one_layer", gate);
  const line_projection line = project(x, seed);
  const std::size_t N = x.rows(), d = x.cols(), n = one_layer_width(N, gate);
  const bool is_relu = gate.slope() == 0;
  mlp<double, Gate, dynamic, dynamic, dynamic> net({d, n, y.cols()}, gate);
  const auto W = net.template layer<1>().weights();
  const auto V = net.template layer<2>().weights();
  const double first = line.t[0] - line.mean_gap();
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < d; ++i) W(i, j) = line.u[i];
    W(d, j) = -(j == 0 ? first : line.t[is_relu ? j - 1 : j]);
  }
  const auto value = [&](std::size_t k, std::size_t o) { return y(line.order[k], o); };
  const auto slope = [&](std::size_t j, std::size_t o) {  // below point j
    if (j == 0) return value(0, o) / (line.t[0] - first);
    return (value(j, o) - value(j - 1, o)) / (line.t[j] - line.t[j - 1]);
  };
  for (std::size_t o = 0; o < y.cols(); ++o) {
    if (is_relu) {
      for (std::size_t j = 0; j < N; ++j) {
        V(j, o) = slope(j, o) - (j == 0 ? 0.0 : slope(j - 1, o));
      }
      continue;
    }
    double sum = 0, at_first = 0;  // of c_j, and f(t_0) without the bias
    for (std::size_t j = 1; j < n; ++j) {
      V(j, o) = (slope(j + 1, o) - slope(j, o)) * kink.scale;
      sum += V(j, o);
      at_first += V(j, o) * gate.slope() * (line.t[0] - line.t[j]);
    }
    V(0, o) = N == 1 ? 0.0 : slope(1, o) - gate.slope() * sum;
    V(n, o) = value(0, o) - at_first - V(0, o) * (line.t[0] - first);
  }
  detail::require_memorized("memorize_one_layer", net, x, y);
  return net;
}

}  // namespace tutelage
