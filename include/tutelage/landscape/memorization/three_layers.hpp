// Classifiers with three hidden layers through N points of p classes, for
//
//   floor(d1 / 2) floor(d2 / 2) >= N,   d3 >= 4 p
//
// (arXiv:1810.07770, Proposition 3.2). The lower two layers memorize one number, (2 c - p + 1) / (p - 1)
// for class c. From it s = c, and above it one bump a class, exact near every whole number:
//
//   out_j = 1/2 [H(4 (s - j) + 2) - H(4 (s - j) - 2)]        1 at s = j, 0 at the other classes
//
// so the outputs are one-hot to rounding, whatever the error of s, while that is below 1/4: in the end
// they are checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <tutelage/landscape/memorization/classes.hpp>
#include <tutelage/landscape/memorization/hard_tanh.hpp>
#include <tutelage/landscape/memorization/memorized.hpp>
#include <tutelage/landscape/memorization/two_layers.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// A network through x [N, d] and the one-hot vectors of `labels` [N], classes 0, ..., p-1, of widths
/// d1, d2 and 4 p. Throws like memorize_two_layers, argument_error when a label is no class.
template <piecewise_linear_gate Gate = relu>
mlp<double, Gate, dynamic, dynamic, dynamic, dynamic, dynamic> memorize_three_layers(
    matrix_view<const double> x, std::span<const label> labels, std::size_t p,
    const two_layer_widths& widths, std::uint64_t seed, const Gate& gate = {}) {
  detail::require_classes("memorize_three_layers", x.rows(), labels, p);
  auto y = make_matrix<double>(x.rows(), 1);
  const auto last = static_cast<double>(p - 1);
  for (std::size_t i = 0; i < x.rows(); ++i) {
    y(i, 0) = (2 * static_cast<double>(labels[i]) - last) / last;
  }
  const auto lower = detail::two_layers_through("memorize_three_layers", x, y, widths, seed, gate);
  const detail::hard_tanh step("memorize_three_layers", gate);
  mlp<double, Gate, dynamic, dynamic, dynamic, dynamic, dynamic> net(
      {x.cols(), widths.d1, widths.d2, 4 * p, p}, gate);
  copy(lower.template layer<1>().weights(), net.template layer<1>().weights());
  copy(lower.template layer<2>().weights(), net.template layer<2>().weights());
  const auto top = lower.template layer<3>().weights();  // [d2 + 1, 1]
  const matrix_view<double> W3(net.template layer<3>().weights());
  const matrix_view<double> W4(net.template layer<4>().weights());
  // s = (value + 1) (p - 1) / 2
  std::vector<double> u(widths.d2);
  for (std::size_t i = 0; i < widths.d2; ++i) u[i] = top(i, 0) * last / 2;
  const double b = (top(widths.d2, 0) + 1) * last / 2;
  for (std::size_t j = 0; j < p; ++j) {
    const double at = 4 * (b - static_cast<double>(j));
    step.put_input(W3, 2 * j, u, 4, at + 2);
    step.put_input(W3, 2 * j + 1, u, 4, at - 2);
    step.add_output(W4, 2 * j, j, 0.5);
    step.add_output(W4, 2 * j + 1, j, -0.5);
  }
  detail::require_memorized("memorize_three_layers", net, x, labels);
  return net;
}

/// The same with the fewest nodes.
template <piecewise_linear_gate Gate = relu>
auto memorize_three_layers(matrix_view<const double> x, std::span<const label> labels,
                           std::size_t p, std::uint64_t seed, const Gate& gate = {}) {
  return memorize_three_layers(x, labels, p, smallest_two_layer_widths(x.rows(), 1), seed, gate);
}

}  // namespace tutelage
