// One boundary's band as it widens over sample after sample, and what a node sees of it: where the
// certificates of recovery_bounds.hpp find the widths that they ask for.
//
//   I(eps')   samples within eps' of the boundary (arXiv:1909.13458, Definition 5)
//   E         samples on which the node is active
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <tutelage/core/matrix.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The part of a band's samples that one node is active on.
struct band_view {
  double width = 0;    // eps'
  double in_band = 0;  // N[I(eps')]
  double seen = 0;     // N[I(eps') and E]
};

class widening_band {
 public:
  /// A sample, its row and its distance to the boundary.
  struct sample {
    double distance;
    std::size_t index;
  };

  /// `distances` [N, m], of N samples to m boundaries, with sign; the band is boundary j's. Throws
  /// shape_error unless j is below m, argument_error for a distance that is not a number.
  widening_band(matrix_view<const double> distances, std::size_t j) : samples_(distances.rows()) {
    if (j >= distances.cols()) {
      throw shape_error(
          detail::text("widening_band: boundary ", j, ", expected one below ", distances.cols()));
    }
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      if (std::isnan(distances(i, j))) {
        throw argument_error(detail::text("widening_band: the distance of sample ", i, " is NaN"));
      }
      samples_[i] = {std::abs(distances(i, j)), i};
    }
    std::sort(samples_.begin(), samples_.end(),
              [](const sample& a, const sample& b) { return a.distance < b.distance; });
  }

  /// N.
  [[nodiscard]] std::size_t size() const noexcept { return samples_.size(); }

  /// All samples, nearest first.
  [[nodiscard]] const std::vector<sample>& samples() const noexcept { return samples_; }

  /// The widest eps', up to a sample, that is at most width_at(kappa), where kappa is the share of
  /// that very band which the node sees: it changes as the band widens. `sees(i)` says whether the
  /// node is active on sample i; width_at grows with kappa.
  template <class Sees, class WidthAt>
  [[nodiscard]] band_view widest(const Sees& sees, const WidthAt& width_at) const {
    const double widest = width_at(1.0);
    band_view best{widest, 0, 0};
    double seen = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      const double begin = samples_[i].distance;
      if (begin > widest) break;
      seen += sees(samples_[i].index);
      if (seen == 0) continue;
      const double end = i + 1 < samples_.size() ? samples_[i + 1].distance
                                                 : std::numeric_limits<double>::infinity();
      const double in_band = static_cast<double>(i + 1);
      double width = width_at(seen / in_band);
      if (width < begin || begin == end) continue;
      if (width >= end) width = (begin + end) / 2;  // far from samples on either side
      best = {width, in_band, seen};
    }
    return best;
  }

  /// The least of cost(kappa) eps' over the bands, each as wide as its last sample, that show the
  /// node so many samples; infinite when none does.
  template <class Sees, class Cost>
  [[nodiscard]] double least_cost(const Sees& sees, double samples, const Cost& cost) const {
    double least = std::numeric_limits<double>::infinity(), seen = 0;
    for (std::size_t i = 0; i < samples_.size(); ++i) {
      seen += sees(samples_[i].index);
      if (seen < samples || seen == 0) continue;
      least = std::min(least, cost(seen / static_cast<double>(i + 1)) * samples_[i].distance);
    }
    return least;
  }

  /// The least eps' that is at least `width` and whose band shows the node so many samples; all of
  /// them when there are fewer.
  template <class Sees>
  [[nodiscard]] band_view narrowest(const Sees& sees, double samples, double width) const {
    band_view b{width, 0, 0};
    for (const auto& [distance, i] : samples_) {
      const bool wanting = b.seen < samples;
      if (!wanting && distance > b.width) break;
      b.in_band += 1;
      b.seen += sees(i);
      if (wanting) b.width = std::max(b.width, distance);
    }
    return b;
  }

 private:
  std::vector<sample> samples_;  // nearest first
};

}  // namespace tutelage
