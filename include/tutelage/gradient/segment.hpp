// The regions along a segment between two inputs, in order, by exact enumeration: where no gate
// below changes, a pre-activation is affine in the position t, and its gate changes at one root.
//
//   x(t) = p + t (q - p), t in [0, 1]
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include <tutelage/core/finite.hpp>
#include <tutelage/gradient/affine.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// A part of a segment in which no gate changes.
template <class R>
struct segment_piece {
  R begin, end;                        // positions t
  std::vector<std::uint64_t> pattern;  // bits as in gate_patterns
};

namespace detail {

template <class R>
class segment_walk {
 public:
  /// `networks` are the hidden layers of each; `inputs` is [2, n_0].
  segment_walk(const std::vector<std::vector<affine_layer<R>>>& networks,
               const affine_map<R>& inputs)
      : networks_(&networks), inputs_{inputs, absolute(inputs), 1} {
    sizes_ = networks;
    for (auto& layers : sizes_) {
      for (auto& layer : layers) {
        layer.W = absolute(layer.W);
        for (R& b : layer.bias) b = std::abs(b);
      }
    }
    enter(0, {{0, 0}, {1, 0}, {}});
  }

  std::vector<segment_piece<R>> pieces;

 private:
  // A position, and how far rounding can have moved it.
  struct place {
    R t, error;
    [[nodiscard]] bool is_told_from(const place& other) const {
      return std::abs(t - other.t) > error + other.error;  // false for NaN
    }
  };

  struct interval {
    place begin, end;
    pattern_bits pattern;  // of all layers so far
  };

  // Activations, the sums of absolute values they come from, and a bound on the number of roundings
  // on the way, in epsilons of those sums.
  struct rounded_map {
    affine_map<R> value, size;
    R roundings;
  };

  static matrix<R> absolute(matrix<R> m) {
    for (R& x : m) x = std::abs(x);
    return m;
  }

  void enter(std::size_t network, const interval& part) {
    if (network < networks_->size()) return cut(network, 0, part, inputs_);
    if (!pieces.empty() && pieces.back().pattern == part.pattern.words()) {
      pieces.back().end = part.end.t;
    } else {
      pieces.push_back({part.begin.t, part.end.t, part.pattern.words()});
    }
  }

  // Cuts an interval where a gate of a layer changes, and each part by the layers above. A kink
  // that is not told from an end of its part changes its gate there.
  void cut(std::size_t network, std::size_t number, const interval& whole, const rounded_map& f) {
    const auto& layers = (*networks_)[network];
    if (number == layers.size()) return enter(network + 1, whole);
    const auto& layer = layers[number];
    rounded_map a{pre_activations(layer, f.value), gauges(sizes_[network][number], f.size),
                  f.roundings + static_cast<R>(layer.W.shape(0) + 3)};
    require_in_range("regions_along", a.size);
    const std::size_t n = a.value.shape(1);
    const R unit = a.roundings * std::numeric_limits<R>::epsilon();
    std::vector<place> ends;
    for (std::size_t k = 0; k < n && layer.slope != 1; ++k) {
      const R root = -a.value(0, k) / a.value(1, k);
      const R slope = std::abs(a.value(1, k));
      const R error = a.size(0, k) / slope + std::abs(root) * (a.size(1, k) / slope);
      const place end{root, unit * error};
      if (root > whole.begin.t && root < whole.end.t && end.is_told_from(whole.end)) {
        ends.push_back(end);
      }
    }
    std::sort(ends.begin(), ends.end(), [](const auto& x, const auto& y) { return x.t < y.t; });
    ends.push_back(whole.end);
    place begin = whole.begin;
    for (std::size_t e = 0; e < ends.size(); ++e) {
      const place end = ends[e];
      if (e + 1 < ends.size() && !end.is_told_from(begin)) continue;
      interval part{begin, end, whole.pattern};
      auto gated = a;
      const R middle = begin.t + (end.t - begin.t) / 2;
      for (std::size_t k = 0; k < n; ++k) {
        const bool open = layer.slope == 1 || a.value(0, k) + middle * a.value(1, k) > 0;
        part.pattern.append(open);
        for (std::size_t row = 0; row < 2 && !open; ++row) {
          gated.value(row, k) *= layer.slope;
          gated.size(row, k) *= std::abs(layer.slope);
        }
      }
      cut(network, number + 1, part, gated);
      begin = end;
    }
  }

  const std::vector<std::vector<affine_layer<R>>>* networks_;
  std::vector<std::vector<affine_layer<R>>> sizes_;  // of absolute values
  rounded_map inputs_;
};

}  // namespace detail

/// The regions of one network, or the common ones of several, from p to q, [n_0] each, in order.
/// They fill [0, 1]. Kinks nearer to each other than rounding can move them, by their sums of
/// absolute values, are one. Throws shape_error when a network has inputs of another width,
/// argument_error when a point or a weight is not finite, or a pre-activation along the segment too
/// large for its numbers.
template <real_scalar T, class... Networks>
auto regions_along(std::span<const T> p, std::span<const T> q, const Networks&... networks) {
  using R = accumulator_t<T>;
  const auto check = [&](std::size_t width) {
    if (p.size() != width || q.size() != width) {
      throw shape_error(detail::text("regions_along: points of ", p.size(), " and ", q.size(),
                                     " numbers, expected ", width));
    }
  };
  (check(networks.in_width()), ...);
  for (const auto& [what, point] : {std::pair("p", p), std::pair("q", q)}) {
    detail::require_finite("regions_along", what,
                           matrix_view<const T>(point.data(), 1, point.size(), point.size()));
  }
  (detail::require_finite_network("regions_along", networks), ...);
  auto inputs = make_matrix<R>(2, p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    inputs(0, i) = static_cast<R>(p[i]);
    inputs(1, i) = static_cast<R>(q[i]) - static_cast<R>(p[i]);
  }
  const std::vector<std::vector<detail::affine_layer<R>>> layers{
      detail::affine_layers<R>(networks)...};
  return detail::segment_walk<R>(layers, inputs).pieces;
}

}  // namespace tutelage
