// The regions along a segment between two inputs, in order, by exact enumeration: where no gate
// below changes, a pre-activation is affine in the position t, and its gate changes at one root.
//
//   x(t) = p + t (q - p), t in [0, 1]
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

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
      : networks_(&networks), inputs_(&inputs) {
    enter(0, {0, 1, {}});
  }

  std::vector<segment_piece<R>> pieces;

 private:
  struct interval {
    R begin, end;
    pattern_bits pattern;  // of all layers so far
  };

  void enter(std::size_t network, const interval& part) {
    if (network < networks_->size()) return cut(network, 0, part, *inputs_);
    const bool tiny = part.end - part.begin < 64 * std::numeric_limits<R>::epsilon();
    if (pieces.empty()) {
      if (!tiny) pieces.push_back({0, part.end, part.pattern.words()});
    } else if (tiny || pieces.back().pattern == part.pattern.words()) {
      pieces.back().end = part.end;
    } else {
      pieces.push_back({part.begin, part.end, part.pattern.words()});
    }
  }

  // Cuts an interval where a gate of a layer changes, and each part by the layers above.
  void cut(std::size_t network, std::size_t number, const interval& whole, const affine_map<R>& f) {
    const auto& layers = (*networks_)[network];
    if (number == layers.size()) return enter(network + 1, whole);
    const auto& layer = layers[number];
    const auto a = pre_activations(layer, f);
    const std::size_t n = a.shape(1);
    std::vector<R> ends;
    for (std::size_t k = 0; k < n && layer.slope != 1; ++k) {
      const R root = -a(0, k) / a(1, k);
      if (root > whole.begin && root < whole.end) ends.push_back(root);  // false for NaN
    }
    ends.push_back(whole.end);
    std::sort(ends.begin(), ends.end());
    R begin = whole.begin;
    for (const R end : ends) {
      if (end == begin) continue;
      interval part{begin, end, whole.pattern};
      auto gated = a;
      const R middle = begin + (end - begin) / 2;
      for (std::size_t k = 0; k < n; ++k) {
        const bool open = layer.slope == 1 || a(0, k) + middle * a(1, k) > 0;
        part.pattern.append(open);
        for (std::size_t row = 0; row < 2 && !open; ++row) gated(row, k) *= layer.slope;
      }
      cut(network, number + 1, part, gated);
      begin = end;
    }
  }

  const std::vector<std::vector<affine_layer<R>>>* networks_;
  const affine_map<R>* inputs_;
};

}  // namespace detail

/// The regions of one network, or the common ones of several, from p to q, [n_0] each, in order.
/// They fill [0, 1]. What is shorter than 64 epsilon is not told from rounding and belongs to its
/// neighbor. Throws shape_error when a network has inputs of another width.
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
