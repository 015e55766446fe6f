// Sets of inputs over which one node may observe another (arXiv:1909.13458, Definition 4), each with
//
//   margin_jk = sup { w_k.x + b_k : x in the region, w_j.x + b_j = 0 },   |w_j| = |w_k| = 1
//
//   ball       the boundary cuts it in a ball of one dimension less: a closed form
//   box        a linear function on a box cut by a hyperplane: the continuous knapsack, exact after
//              a sort
//   all_space  infinite, unless w_k is a multiple of w_j: then b_k minus that multiple of b_j
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Where w.x + b > 0, with |w| = 1.
struct half_space {
  std::span<const double> w;
  double b;
};

/// A margin, and how far rounding may have moved it.
struct region_margin {
  double value;
  double rounding = 0;

  /// The boundary does not meet the region.
  static region_margin none() { return {-std::numeric_limits<double>::infinity(), 0}; }
};

/// An open set of inputs. require(d) throws argument_error unless it is one of inputs of dimension d;
/// reach(j, k) is the margin above, or none() where j's boundary does not meet it. Satisfied by ball,
/// box and all_space, and by any type that answers these two.
template <class R>
concept input_region = requires(const R& region, std::size_t d, const half_space& j,
                                const half_space& k) {
  region.require(d);
  { region.reach(j, k) } -> std::same_as<region_margin>;
};

namespace detail {

inline double roundings(std::size_t d) {
  return (static_cast<double>(d) + 8) * std::numeric_limits<double>::epsilon();
}

struct distance_terms {
  double value, absolute;  // w.x + b, |w|.|x| + |b|
};

inline distance_terms distance(const half_space& h, std::span<const double> x) {
  distance_terms result{h.b, std::abs(h.b)};
  for (std::size_t i = 0; i < x.size(); ++i) {
    result.value += h.w[i] * x[i];
    result.absolute += std::abs(h.w[i] * x[i]);
  }
  return result;
}

}  // namespace detail

/// |x - center| < radius. Finite, twice the sum of the coordinates' sizes, too.
struct ball {
  std::vector<double> center;
  double radius;

  void require(std::size_t d) const {
    double farthest = radius;  // no w.x in the ball is larger, |w| = 1
    for (const double c : center) farthest += std::abs(c);
    if (center.size() != d || !(radius > 0) || !std::isfinite(2 * farthest)) {
      throw argument_error(detail::text("observe: a ball of radius ", radius, " around ",
                                        center.size(), " coordinates, expected a positive radius, ",
                                        d, " coordinates and finite numbers"));
    }
  }

  [[nodiscard]] region_margin reach(const half_space& j, const half_space& k) const {
    const std::size_t d = center.size();
    const auto [height, of_j] = detail::distance(j, center);
    const auto [at_center, of_k] = detail::distance(k, center);
    const double unit = detail::roundings(d);
    if (std::abs(height) + unit * of_j >= radius) return region_margin::none();
    double along = 0;
    for (std::size_t i = 0; i < d; ++i) along += j.w[i] * k.w[i];
    double across = 0;
    for (std::size_t i = 0; i < d; ++i) {
      across += (k.w[i] - along * j.w[i]) * (k.w[i] - along * j.w[i]);
    }
    const double cut = std::sqrt(radius - std::abs(height)) * std::sqrt(radius + std::abs(height));
    return {at_center - height * along + cut * std::sqrt(across),
            unit * (of_k + of_j + cut + radius / cut * std::sqrt(across) * of_j)};
  }
};

/// low_i < x_i < high_i. Finite, twice the sum of the coordinates' sizes, too.
struct box {
  std::vector<double> low, high;

  void require(std::size_t d) const {
    bool right = low.size() == d && high.size() == d;
    double farthest = 0;  // no w.x in the box is larger, |w| = 1
    for (std::size_t i = 0; right && i < d; ++i) {
      farthest += std::max(std::abs(low[i]), std::abs(high[i]));
      right = low[i] < high[i];
    }
    if (!right || !std::isfinite(2 * farthest)) {
      throw argument_error(detail::text("observe: a box of ", low.size(), " low and ", high.size(),
                                        " high ends, expected ", d,
                                        " finite ones each, low below high"));
    }
  }

  [[nodiscard]] region_margin reach(const half_space& j, const half_space& k) const {
    const std::size_t d = low.size();
    // Begin at the corner that is farthest on j's active side, of these where k is largest; cross
    // the box to the opposite side, the coordinates first that cost k least for their way; stop on
    // the boundary.
    std::vector<double> corner(d), opposite(d);
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < d; ++i) {
      const bool up = j.w[i] != 0 ? j.w[i] > 0 : k.w[i] > 0;
      corner[i] = up ? high[i] : low[i];
      opposite[i] = j.w[i] == 0 ? corner[i] : up ? low[i] : high[i];
      if (j.w[i] != 0) order.push_back(i);
    }
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return k.w[a] / j.w[a] < k.w[b] / j.w[b]; });
    const double unit = detail::roundings(d);
    auto [left, of_j] = detail::distance(j, corner);  // still to go on j's active side
    auto [value, of_k] = detail::distance(k, corner);
    const double rounding_j = unit * std::max(of_j, detail::distance(j, opposite).absolute);
    if (left <= rounding_j || detail::distance(j, opposite).value >= -rounding_j) {
      return region_margin::none();
    }
    for (const std::size_t i : order) {
      const double step = std::abs(j.w[i]) * (high[i] - low[i]);
      const double change = (opposite[i] - corner[i]) * k.w[i];
      of_k += std::abs(change);
      if (step >= left) {
        value += change * (left / step);
        // What is left of j is off by its rounding, or the coordinate makes no more than its step.
        return {value, unit * of_k + std::abs(change) * std::min(1.0, rounding_j / step)};
      }
      value += change;
      left -= step;
    }
    return {value, unit * of_k};
  }
};

/// Every x.
struct all_space {
  void require(std::size_t) const {}

  [[nodiscard]] region_margin reach(const half_space& j, const half_space& k) const {
    double along = 0, across = 0;
    for (std::size_t i = 0; i < j.w.size(); ++i) along += j.w[i] * k.w[i];
    for (std::size_t i = 0; i < j.w.size(); ++i) {
      across += (k.w[i] - along * j.w[i]) * (k.w[i] - along * j.w[i]);
    }
    const double unit = detail::roundings(j.w.size());
    if (std::sqrt(across) > unit) return {std::numeric_limits<double>::infinity(), 0};
    return {k.b - along * j.b, unit * (std::abs(k.b) + std::abs(j.b))};
  }
};

}  // namespace tutelage
