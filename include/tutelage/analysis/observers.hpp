// Who observes whom, for inputs that fill a region: node k observes node j when some input of the
// open region R_0 lies on j's boundary and on k's active side (arXiv:1909.13458, Definition 4).
//
//   margin_jk = sup { w_k.[x; 1] : x in R_0, w_j.[x; 1] = 0 },   w_j, w_k regular weights
//
// Node k observes node j exactly when the margin is positive. Regions and their answers:
//
//   ball       the boundary cuts it in a ball of one dimension less: a closed form
//   box        a linear function on a box cut by a hyperplane: the continuous knapsack, exact after
//              a sort
//   all_space  infinite, unless w~_k is a multiple of w~_j: then b_k minus that multiple of b_j
//
// From samples: sampled_observers.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// An answer for all pairs: observed nodes j are rows, observing nodes k columns.
class observers {
 public:
  /// strength(j, k) is positive where k observes j; the larger, the better it sees j.
  explicit observers(matrix<double> strength) : strength_(std::move(strength)) {}

  [[nodiscard]] std::size_t observed_nodes() const { return strength_.shape(0); }
  [[nodiscard]] std::size_t observing_nodes() const { return strength_.shape(1); }
  [[nodiscard]] double strength(std::size_t j, std::size_t k) const { return strength_(j, k); }
  [[nodiscard]] bool observes(std::size_t j, std::size_t k) const { return strength_(j, k) > 0; }

  /// The node that observes j best, of equal ones the first; none when nobody observes j.
  [[nodiscard]] std::optional<std::size_t> best(std::size_t j) const {
    std::optional<std::size_t> result;
    for (std::size_t k = 0; k < observing_nodes(); ++k) {
      if (observes(j, k) && (!result || strength(j, k) > strength(j, *result))) result = k;
    }
    return result;
  }

  /// All that observe j, in order.
  [[nodiscard]] std::vector<std::size_t> of(std::size_t j) const {
    std::vector<std::size_t> result;
    for (std::size_t k = 0; k < observing_nodes(); ++k) {
      if (observes(j, k)) result.push_back(k);
    }
    return result;
  }

  /// The nodes that nobody observes.
  [[nodiscard]] std::vector<std::size_t> unobserved() const {
    std::vector<std::size_t> result;
    for (std::size_t j = 0; j < observed_nodes(); ++j) {
      if (!best(j)) result.push_back(j);
    }
    return result;
  }

 private:
  matrix<double> strength_;  // [m, n]
};

namespace detail {

// A half-space w.x + b > 0 with |w| = 1.
struct half_space {
  std::span<const double> w;
  double b;
};

// A margin, and how far rounding may have moved it.
struct margin {
  double value;
  double rounding;

  // The boundary does not meet the region.
  static margin none() { return {-std::numeric_limits<double>::infinity(), 0}; }
};

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

/// |x - center| < radius.
struct ball {
  std::vector<double> center;
  double radius;

  void require(std::size_t d) const {
    const bool finite =
        std::all_of(center.begin(), center.end(), [](double c) { return std::isfinite(c); });
    if (center.size() != d || !finite || !(radius > 0) || !std::isfinite(radius)) {
      throw argument_error(detail::text("observe: a ball of radius ", radius, " around ",
                                        center.size(), " coordinates, expected a positive radius, ",
                                        d, " coordinates and finite numbers"));
    }
  }

  [[nodiscard]] detail::margin reach(const detail::half_space& j,
                                     const detail::half_space& k) const {
    const std::size_t d = center.size();
    const auto [height, of_j] = detail::distance(j, center);
    const auto [at_center, of_k] = detail::distance(k, center);
    const double unit = detail::roundings(d);
    if (std::abs(height) + unit * of_j >= radius) return detail::margin::none();
    double along = 0;
    for (std::size_t i = 0; i < d; ++i) along += j.w[i] * k.w[i];
    double across = 0;
    for (std::size_t i = 0; i < d; ++i) {
      across += (k.w[i] - along * j.w[i]) * (k.w[i] - along * j.w[i]);
    }
    const double cut = std::sqrt((radius - std::abs(height)) * (radius + std::abs(height)));
    return {at_center - height * along + cut * std::sqrt(across),
            unit * (of_k + of_j + cut + radius * std::sqrt(across) * of_j / cut)};
  }
};

/// low_i < x_i < high_i.
struct box {
  std::vector<double> low, high;

  void require(std::size_t d) const {
    bool right = low.size() == d && high.size() == d;
    for (std::size_t i = 0; right && i < d; ++i) {
      right = std::isfinite(low[i]) && std::isfinite(high[i]) && low[i] < high[i];
    }
    if (!right) {
      throw argument_error(detail::text("observe: a box of ", low.size(), " low and ", high.size(),
                                        " high ends, expected ", d,
                                        " finite ones each, low below high"));
    }
  }

  [[nodiscard]] detail::margin reach(const detail::half_space& j,
                                     const detail::half_space& k) const {
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
      return detail::margin::none();
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

  [[nodiscard]] detail::margin reach(const detail::half_space& j,
                                     const detail::half_space& k) const {
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

/// Which nodes of the layer `observing` observe which nodes of the layer `observed`, over a region
/// (ball, box or all_space) of the inputs that both take. The strength is the margin above, 0 when
/// it is within rounding of 0, and minus infinity when j has no boundary in the region. A node k
/// without weights is active everywhere or nowhere: its margin is 1 or -1.
/// Throws shape_error when the layers' inputs differ and argument_error for a region of other
/// dimension or a weight that is not finite.
template <layer Observed, layer Observing, class Region>
observers observe(const Observed& observed, const Observing& observing, const Region& region) {
  detail::check_inputs<Observed::in_extent, Observing::in_extent>();
  if (observed.in_width() != observing.in_width()) {
    throw shape_error(detail::text("observe: the observing layer takes ", observing.in_width(),
                                   " inputs, the observed one ", observed.in_width()));
  }
  region.require(observed.in_width());
  detail::require_finite_weights("observe", observed);
  detail::require_finite_weights("observe", observing);
  const regular_weights w_j = make_regular(observed), w_k = make_regular(observing);
  auto strength = make_matrix<double>(w_j.nodes(), w_k.nodes());
  for (std::size_t j = 0; j < w_j.nodes(); ++j) {
    for (std::size_t k = 0; k < w_k.nodes(); ++k) {
      const detail::half_space half_j{w_j.direction(j), w_j.bias[j]};
      detail::margin found = detail::margin::none();
      if (w_j.has_boundary(j)) {
        const double b = w_k.has_boundary(k) ? w_k.bias[k] : (w_k.bias[k] > 0 ? 1 : -1);
        found = region.reach(half_j, {w_k.direction(k), b});
      }
      strength(j, k) = std::abs(found.value) <= found.rounding ? 0 : found.value;
    }
  }
  return observers(std::move(strength));
}

}  // namespace tutelage
