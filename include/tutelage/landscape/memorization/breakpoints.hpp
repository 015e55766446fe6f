// Kinks along a line, and what they say of memorization.
//
// On a line x = p + t (q - p) a network is piecewise linear in t. A layer of d nodes leaves at most
// d + 1 pieces of each piece below it, so hidden layers of d_1, ..., d_L nodes leave at most
//
//   (d_1 + 1) ... (d_L + 1) - 1        kinks: d_1;  d_1 + d_2 (d_1 + 1)
//
// Labels that alternate at N points of a line turn the function N - 2 times. So a network with
// fewer than N - 2 kinks cannot memorize all data sets of N points (arXiv:1810.07770, Theorem 3.3,
// which has 2 d_1 d_2 + d_2 for two layers: never less).
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <tutelage/core/errors.hpp>
#include <tutelage/gradient/affine.hpp>
#include <tutelage/gradient/segment.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The most kinks that hidden layers of these widths have on a line. Throws argument_error when
/// there are more than a std::size_t counts.
inline std::size_t most_breakpoints(std::span<const std::size_t> widths) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  std::size_t kinks = 0;
  for (const std::size_t d : widths) {
    if (d == 0) continue;
    if (kinks == most || d > (most - kinks) / (kinks + 1)) {
      throw argument_error(detail::text("most_breakpoints: more than ", most, " kinks"));
    }
    kinks += d * (kinks + 1);
  }
  return kinks;
}

/// The most points with alternating labels on a line through which such a network can go. Throws
/// like most_breakpoints.
inline std::size_t most_alternating_points(std::span<const std::size_t> widths) {
  const std::size_t kinks = most_breakpoints(widths);
  if (kinks > std::numeric_limits<std::size_t>::max() - 2) {
    throw argument_error(detail::text("most_alternating_points: more than ",
                                      std::numeric_limits<std::size_t>::max(), " points"));
  }
  return kinks + 2;
}

namespace detail {

/// The outputs' slopes along `direction` while gates are as in `pattern`, and the sums of absolute
/// values that they come from.
template <class Network>
void output_slopes(const Network& net, std::span<const double> direction,
                   std::span<const std::uint64_t> pattern, std::vector<double>& slopes,
                   std::vector<double>& sizes) {
  slopes.assign(direction.begin(), direction.end());
  sizes = slopes;
  for (double& size : sizes) size = std::abs(size);
  std::size_t bit = 0;
  net.for_each_layer([&](const auto& layer, std::size_t l) {
    const auto W = layer.linear_weights();
    std::vector<double> next(W.cols()), next_sizes(W.cols());
    for (std::size_t k = 0; k < W.cols(); ++k) {
      for (std::size_t i = 0; i < W.rows(); ++i) {
        next[k] += slopes[i] * W(i, k);
        next_sizes[k] += sizes[i] * std::abs(W(i, k));
      }
      if (l == Network::depth) continue;
      const bool open = (pattern[bit / 64] >> (bit % 64) & 1) != 0;
      const double z = open ? 1.0 : layer.gate().slope();
      next[k] *= z;
      next_sizes[k] *= z;
      ++bit;
    }
    slopes.swap(next);
    sizes.swap(next_sizes);
  });
}

}  // namespace detail

/// The positions t in (0, 1), in order, where the slope of an output changes on the way from p to q by
/// more than rounding. Throws like regions_along.
template <piecewise_linear_network Network>
std::vector<double> breakpoints_along(std::span<const double> p, std::span<const double> q,
                                      const Network& net) {
  const auto pieces = regions_along(p, q, net);
  std::vector<double> direction(p.size());
  for (std::size_t i = 0; i < p.size(); ++i) direction[i] = q[i] - p[i];
  std::vector<double> result, before, before_sizes, slopes, sizes;
  double roundings = 4;
  net.for_each_layer([&](const auto& layer, std::size_t) {
    roundings += static_cast<double>(layer.in_width() + 2);
  });
  const double unit = roundings * std::numeric_limits<double>::epsilon();
  for (const auto& piece : pieces) {
    detail::output_slopes(net, direction, piece.pattern, slopes, sizes);
    bool kink = false;
    for (std::size_t k = 0; k < before.size(); ++k) {
      kink = kink || std::abs(slopes[k] - before[k]) > unit * (sizes[k] + before_sizes[k]);
    }
    if (kink) result.push_back(static_cast<double>(piece.begin));
    before = slopes;
    before_sizes = sizes;
  }
  return result;
}

}  // namespace tutelage
