// The regions of a two-dimensional slice of input space, by exact enumeration: a convex polygon in
// which no gate below changes is cut by the line on which a pre-activation vanishes, node after
// node and layer after layer.
//
//   x(a, b) = origin + a u + b v,  (a, b) in [a_0, a_1] x [b_0, b_1]
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

/// A rectangle of a plane of inputs.
template <class T>
struct input_slice {
  std::vector<T> origin, u, v;                      // [n_0] each
  std::array<T, 2> a{T(-1), T(1)}, b{T(-1), T(1)};  // from, to
};

/// A convex polygon in which no gate changes.
template <class R>
struct slice_region {
  std::vector<std::array<R, 2>> corners;  // (a, b), counterclockwise
  std::vector<std::uint64_t> pattern;     // bits as in gate_patterns

  [[nodiscard]] R area() const {
    R twice = 0;
    for (std::size_t i = 1; i + 1 < corners.size(); ++i) {  // triangles at the first corner
      twice += (corners[i][0] - corners[0][0]) * (corners[i + 1][1] - corners[0][1]) -
               (corners[i][1] - corners[0][1]) * (corners[i + 1][0] - corners[0][0]);
    }
    return twice / 2;
  }
};

namespace detail {

template <class R>
using polygon = std::vector<std::array<R, 2>>;

template <class R>
R value_at(const affine_map<R>& a, std::size_t k, const std::array<R, 2>& place) {
  return a(0, k) + place[0] * a(1, k) + place[1] * a(2, k);
}

// The parts of a polygon where node k's pre-activation is positive and negative. A corner within
// `tolerance` of the line lies on it; a part without a corner off the line is empty.
template <class R>
std::array<polygon<R>, 2> cut_polygon(const polygon<R>& whole, const affine_map<R>& a,
                                      std::size_t k, R tolerance) {
  std::vector<R> height(whole.size());
  bool positive = false, negative = false;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    height[i] = value_at(a, k, whole[i]);
    if (std::abs(height[i]) <= tolerance) height[i] = 0;
    positive = positive || height[i] > 0;
    negative = negative || height[i] < 0;
  }
  if (!negative) return {whole, {}};
  if (!positive) return {polygon<R>{}, whole};
  std::array<polygon<R>, 2> parts;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const std::size_t j = (i + 1) % whole.size();
    if (height[i] >= 0) parts[0].push_back(whole[i]);
    if (height[i] <= 0) parts[1].push_back(whole[i]);
    if (std::min(height[i], height[j]) < 0 && std::max(height[i], height[j]) > 0) {
      // From the lower end, so that neighbours that share the edge find the same point.
      const auto [low, high] = height[i] < 0 ? std::pair(i, j) : std::pair(j, i);
      const R share = 1 / (1 - height[high] / height[low]);  // no difference that may overflow
      const std::array<R, 2> crossing{whole[low][0] + share * (whole[high][0] - whole[low][0]),
                                      whole[low][1] + share * (whole[high][1] - whole[low][1])};
      parts[0].push_back(crossing);
      parts[1].push_back(crossing);
    }
  }
  return parts;
}

template <class R>
class slice_cut {
 public:
  /// `networks` are the hidden layers of each; `inputs` is [3, n_0], `input_bounds` [n_0].
  slice_cut(const std::vector<std::vector<affine_layer<R>>>& networks, const affine_map<R>& inputs,
            const std::vector<R>& input_bounds, polygon<R> rectangle)
      : networks_(&networks), inputs_(&inputs) {
    for (const auto& layers : networks) {
      auto& of_network = tolerances_.emplace_back();
      auto below = input_bounds;
      for (const auto& layer : layers) {
        below = bounds(layer, below);
        require_in_range("regions_of_slice", below);
        of_network.push_back(below);
        for (R& t : of_network.back()) t *= 16 * std::numeric_limits<R>::epsilon();
      }
    }
    enter(0, std::move(rectangle), {});
  }

  std::vector<slice_region<R>> regions;

 private:
  void enter(std::size_t network, polygon<R> part, const pattern_bits& pattern) {
    if (network < networks_->size()) return cut(network, 0, std::move(part), pattern, *inputs_);
    regions.push_back({std::move(part), pattern.words()});
  }

  // Cuts a polygon by every node of a layer, and each part by the layers above.
  void cut(std::size_t network, std::size_t number, polygon<R> whole, const pattern_bits& pattern,
           const affine_map<R>& f) {
    const auto& layers = (*networks_)[network];
    if (number == layers.size()) return enter(network + 1, std::move(whole), pattern);
    const auto& layer = layers[number];
    const auto a = pre_activations(layer, f);
    require_in_range("regions_of_slice", a);
    const std::size_t n = a.shape(1);
    std::vector<polygon<R>> parts;
    parts.push_back(std::move(whole));
    for (std::size_t k = 0; k < n && layer.slope != 1; ++k) {
      std::vector<polygon<R>> halves;
      for (const auto& part : parts) {
        for (auto& half : cut_polygon(part, a, k, tolerances_[network][number][k])) {
          if (!half.empty()) halves.push_back(std::move(half));
        }
      }
      parts = std::move(halves);
    }
    for (auto& part : parts) {
      std::array<R, 2> middle{};
      for (const auto& corner : part) {
        middle[0] += corner[0] / static_cast<R>(part.size());
        middle[1] += corner[1] / static_cast<R>(part.size());
      }
      auto next = pattern;
      auto gated = a;
      for (std::size_t k = 0; k < n; ++k) {
        const bool open = layer.slope == 1 || value_at(a, k, middle) > 0;
        next.append(open);
        for (std::size_t row = 0; row < 3 && !open; ++row) gated(row, k) *= layer.slope;
      }
      cut(network, number + 1, std::move(part), next, gated);
    }
  }

  const std::vector<std::vector<affine_layer<R>>>* networks_;
  const affine_map<R>* inputs_;
  std::vector<std::vector<std::vector<R>>> tolerances_;  // by network, layer and node
};

}  // namespace detail

/// The regions of one network, or the common ones of several, in a slice: polygons that fill it.
/// What rounding could have made, a boundary nearer to a corner than the pre-activation's own
/// error, makes no region. Throws shape_error when a network has inputs of another width,
/// argument_error when the rectangle is empty or its area or anything else is not finite, or a
/// pre-activation in the slice too large for its numbers.
template <real_scalar T, class... Networks>
auto regions_of_slice(const input_slice<T>& slice, const Networks&... networks) {
  using R = accumulator_t<T>;
  const auto check = [&](std::size_t width) {
    if (slice.origin.size() != width || slice.u.size() != width || slice.v.size() != width) {
      throw shape_error(detail::text("regions_of_slice: vectors of ", slice.origin.size(), ", ",
                                     slice.u.size(), " and ", slice.v.size(), " numbers, expected ",
                                     width));
    }
  };
  (check(networks.in_width()), ...);
  if (!(slice.a[0] < slice.a[1] && slice.b[0] < slice.b[1])) {
    throw argument_error("regions_of_slice: the rectangle is empty");
  }
  for (const auto& [what, vector] : {std::pair("the origin", &slice.origin),
                                     std::pair("u", &slice.u), std::pair("v", &slice.v)}) {
    detail::require_finite("regions_of_slice", what,
                           matrix_view<const T>(vector->data(), 1, vector->size(), vector->size()));
  }
  (detail::require_finite_network("regions_of_slice", networks), ...);
  const std::size_t n_0 = slice.origin.size();
  auto inputs = make_matrix<R>(3, n_0);
  std::vector<R> input_bounds(n_0);
  const R far_a = static_cast<R>(std::max(std::abs(slice.a[0]), std::abs(slice.a[1])));
  const R far_b = static_cast<R>(std::max(std::abs(slice.b[0]), std::abs(slice.b[1])));
  for (std::size_t i = 0; i < n_0; ++i) {
    inputs(0, i) = static_cast<R>(slice.origin[i]);
    inputs(1, i) = static_cast<R>(slice.u[i]);
    inputs(2, i) = static_cast<R>(slice.v[i]);
    input_bounds[i] =
        std::abs(inputs(0, i)) + far_a * std::abs(inputs(1, i)) + far_b * std::abs(inputs(2, i));
  }
  const R a_0 = static_cast<R>(slice.a[0]), a_1 = static_cast<R>(slice.a[1]);
  const R b_0 = static_cast<R>(slice.b[0]), b_1 = static_cast<R>(slice.b[1]);
  if (!is_finite((a_1 - a_0) * (b_1 - b_0))) {
    throw argument_error("regions_of_slice: the rectangle's area is not a finite number");
  }
  const std::vector<std::vector<detail::affine_layer<R>>> layers{
      detail::affine_layers<R>(networks)...};
  return detail::slice_cut<R>(layers, inputs, input_bounds,
                              {{a_0, b_0}, {a_1, b_0}, {a_1, b_1}, {a_0, b_1}})
      .regions;
}

}  // namespace tutelage
