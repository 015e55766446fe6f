// Losses along a path, and the largest of them.
//
// On segments of the kinds unseen and transfer the loss is constant; on those of the kind top a
// convex one is largest at an end. On a straight one it can be anything: there the largest is that
// of a grid, and each peak of the grid is climbed by golden sections. A peak that is narrower than
// the grid and shows at none of its points is missed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numbers>

#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/train/data_set.hpp>
#include <tutelage/train/evaluate.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// True of losses that are convex functions of the outputs. The compiler cannot see it: specialize
/// this for a loss of your own that is so.
template <class Loss>
inline constexpr bool is_convex_loss = false;
template <>
inline constexpr bool is_convex_loss<mean_squared_error> = true;
template <>
inline constexpr bool is_convex_loss<cross_entropy> = true;

/// A place on a path, and the loss there.
struct path_point {
  std::size_t segment = 0;
  double t = 0;
  double loss = 0;

  [[nodiscard]] double position() const { return static_cast<double>(segment) + t; }
};

/// How finely a path is looked at.
struct path_grid {
  std::size_t points = 16;  // steps a segment; also where peaks of straight segments are sought
  double tolerance = 1e-6;  // of t, to which a peak is located
};

namespace detail {

inline void require_grid(const char* function, const path_grid& grid) {
  if (grid.points == 0 || !(grid.tolerance > 0)) {
    throw argument_error(text(function, ": ", grid.points, " points and a tolerance of ",
                              grid.tolerance, ", expected at least 1 and more than 0"));
  }
}

/// The largest value of `f` on [low, high], where it has one peak, and where: the interval is cut
/// by golden sections until it is no longer than the tolerance, or so short that a section is
/// rounded to one of its ends.
template <class F>
path_point climb(std::size_t segment, double low, double high, double tolerance, const F& f) {
  constexpr double section = 1 / std::numbers::phi;
  double left = high - section * (high - low), right = low + section * (high - low);
  double at_left = f(left), at_right = f(right);
  while (high - low > tolerance && low < left && right < high) {
    if (at_left >= at_right) {
      high = right;
      right = left;
      at_right = at_left;
      left = high - section * (high - low);
      at_left = f(left);
    } else {
      low = left;
      left = right;
      at_left = at_right;
      right = low + section * (high - low);
      at_right = f(right);
    }
  }
  return at_left >= at_right ? path_point{segment, left, at_left}
                             : path_point{segment, right, at_right};
}

}  // namespace detail

/// Mean losses at t = 0, 1/points, ..., 1 of every segment; where two meet, once. Throws
/// argument_error for a grid without points, and where mean_loss does.
template <class Network, class Inputs, class Targets, class Loss>
std::vector<path_point> losses_along(const piecewise_path<Network>& path,
                                     const data_set<Inputs, Targets>& data, const Loss& loss,
                                     const path_grid& grid = {}) {
  detail::require_grid("losses_along", grid);
  std::vector<path_point> result{{0, 0, mean_loss(path.vertices().front(), data, loss)}};
  for (std::size_t s = 0; s < path.segments(); ++s) {
    for (std::size_t i = 1; i <= grid.points; ++i) {
      const double t = static_cast<double>(i) / static_cast<double>(grid.points);
      result.push_back({s, t, mean_loss(path.at(s, t), data, loss)});
    }
  }
  return result;
}

/// The largest of them, peaks of straight segments located to the grid's tolerance in t. Of equal
/// ones the first.
template <class Network, class Inputs, class Targets, class Loss>
path_point largest_loss(const piecewise_path<Network>& path, const data_set<Inputs, Targets>& data,
                        const Loss& loss, const path_grid& grid = {}) {
  const auto points = losses_along(path, data, loss, grid);
  path_point best = points.front();
  const auto keep = [&](const path_point& p) {
    if (p.loss > best.loss) best = p;
  };
  for (const path_point& p : points) keep(p);
  const double step = 1 / static_cast<double>(grid.points);
  for (std::size_t s = 0; s < path.segments(); ++s) {
    const bool may_peak = path.kind(s) == segment_kind::straight ||
                          (path.kind(s) == segment_kind::top && !is_convex_loss<Loss>);
    if (!may_peak) continue;
    const auto at = [&](std::size_t i) { return points[s * grid.points + i].loss; };
    // Peaks at the ends too: there is one beside them, perhaps, that no point shows.
    for (std::size_t i = 0; i <= grid.points; ++i) {
      if ((i > 0 && at(i - 1) > at(i)) || (i < grid.points && at(i + 1) > at(i))) continue;
      const double t = static_cast<double>(i) * step;
      keep(detail::climb(s, std::max(t - step, 0.0), std::min(t + step, 1.0), grid.tolerance,
                         [&](double u) { return mean_loss(path.at(s, u), data, loss); }));
    }
  }
  return best;
}

}  // namespace tutelage
