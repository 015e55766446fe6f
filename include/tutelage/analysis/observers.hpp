// Who observes whom, for inputs that fill a region: node k observes node j when some input of the
// open region R_0 lies on j's boundary and on k's active side (arXiv:1909.13458, Definition 4).
//
//   margin_jk = sup { w_k.[x; 1] : x in R_0, w_j.[x; 1] = 0 },   w_j, w_k regular weights
//
// Node k observes node j exactly when the margin is positive. Regions: input_region.hpp. From
// samples: sampled_observers.hpp.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

#include <tutelage/analysis/input_region.hpp>
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

/// Which nodes of the layer `observing` observe which nodes of the layer `observed`, over a region of
/// the inputs that both take. The strength is the margin above, 0 when
/// it is within rounding of 0, and minus infinity when j has no boundary in the region. A node k
/// without weights is active everywhere or nowhere: its margin is 1 or -1.
/// Throws shape_error when the layers' inputs differ and argument_error for a region of other
/// dimension, a weight that is not finite or a margin that is no number.
template <layer Observed, layer Observing, class Region>
observers observe(const Observed& observed, const Observing& observing, const Region& region) {
  static_assert(input_region<Region>,
                "observe: a region is a ball, a box, all_space, or a type of your own that answers "
                "require and reach; see input_region.hpp");
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
      const half_space half_j{w_j.direction(j), w_j.bias[j]};
      region_margin found = region_margin::none();
      if (w_j.has_boundary(j)) {
        const double b = w_k.has_boundary(k) ? w_k.bias[k] : (w_k.bias[k] > 0 ? 1 : -1);
        found = region.reach(half_j, {w_k.direction(k), b});
      }
      if (std::isnan(found.value) || std::isnan(found.rounding)) {
        throw argument_error(
            detail::text("observe: the margin of node ", k, " at node ", j, " is not a number"));
      }
      strength(j, k) = std::abs(found.value) <= found.rounding ? 0 : found.value;
    }
  }
  return observers(std::move(strength));
}

}  // namespace tutelage
