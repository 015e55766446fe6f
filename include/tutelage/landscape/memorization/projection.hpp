// Distinct points as distinct numbers: t_i = u.x_i, and a network on the line is one on all inputs.
//
// Any u outside finitely many hyperplanes tells N distinct points apart. What is built on the line has
// slopes of the order of 1 / gap, so u is chosen, among T random directions and the axes, to make the
// least gap large:
//
//   u = argmax  min_{k} (t_(k+1) - t_(k)) / (t_(N) - t_(1))
//
// x [N, d], |u| = 1, t in increasing order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/random.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

struct line_projection {
  std::vector<double> u;           // [d]
  std::vector<double> t;           // [N], increasing
  std::vector<std::size_t> order;  // [N], t[k] is of row order[k]
  double least_gap = 1;            // over the range; 1 for one point

  /// The mean gap; for one point 1, or |t| if that is larger.
  [[nodiscard]] double mean_gap() const {
    if (t.size() < 2) return std::max(1.0, std::abs(t.front()));
    return (t.back() - t.front()) / static_cast<double>(t.size() - 1);
  }
};

namespace detail {

inline line_projection project_on(matrix_view<const double> x, std::vector<double> u) {
  line_projection found{std::move(u), {}, {}, 1};
  std::vector<double> at(x.rows());
  for (std::size_t i = 0; i < x.rows(); ++i) {
    at[i] = std::inner_product(found.u.begin(), found.u.end(), x.row(i).begin(), 0.0);
  }
  found.order.resize(x.rows());
  std::iota(found.order.begin(), found.order.end(), std::size_t{0});
  std::sort(found.order.begin(), found.order.end(),
            [&](std::size_t i, std::size_t k) { return at[i] < at[k]; });
  for (const std::size_t i : found.order) found.t.push_back(at[i]);
  const double range = found.t.back() - found.t.front();
  for (std::size_t k = 0; k + 1 < found.t.size(); ++k) {
    const double gap = found.t[k + 1] - found.t[k];
    found.least_gap = std::min(found.least_gap, gap > 0 ? gap / range : 0.0);
  }
  return found;
}

/// Throws argument_error that names two equal rows, if there are any.
inline void require_distinct(const char* function, matrix_view<const double> x) {
  std::vector<std::size_t> order(x.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto before = [&](std::size_t i, std::size_t k) {
    return std::lexicographical_compare(x.row(i).begin(), x.row(i).end(), x.row(k).begin(),
                                        x.row(k).end());
  };
  std::stable_sort(order.begin(), order.end(), before);
  for (std::size_t k = 0; k + 1 < order.size(); ++k) {
    if (!before(order[k], order[k + 1])) {
      throw argument_error(
          text(function, ": rows ", order[k], " and ", order[k + 1], " are one point"));
    }
  }
}

}  // namespace detail

/// The best of `directions` random directions and the axes. Throws shape_error when x is empty,
/// argument_error when a number is not finite, numbers are so large that distances overflow, two rows
/// are equal, or no direction tells two rows apart in double precision.
inline line_projection project(matrix_view<const double> x, std::uint64_t seed,
                               std::size_t directions = 100) {
  stream random(seed, purpose::analysis);
  if (x.rows() == 0 || x.cols() == 0) {
    throw shape_error(detail::text("project: x is ", shape_text(x.rows(), x.cols()),
                                   ", expected at least one point"));
  }
  detail::require_finite("project", "x", x);
  double largest = 0;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    for (const double number : x.row(i)) largest = std::max(largest, std::abs(number));
  }
  if (!std::isfinite(2 * static_cast<double>(x.cols()) * largest)) {
    throw argument_error(detail::text("project: distances of numbers as large as ", largest,
                                      " in x may be infinite"));
  }
  detail::require_distinct("project", x);
  line_projection best;
  best.least_gap = -1;
  const auto consider = [&](std::vector<double> u) {
    auto found = detail::project_on(x, std::move(u));
    if (found.least_gap > best.least_gap) best = std::move(found);
  };
  for (std::size_t i = 0; i < x.cols(); ++i) {
    std::vector<double> axis(x.cols(), 0.0);
    axis[i] = 1;
    consider(std::move(axis));
  }
  for (std::size_t k = 0; k < directions && x.cols() > 1; ++k) {
    std::vector<double> u(x.cols());
    random.fill_normal(std::span<double>(u));
    const double norm = std::sqrt(std::inner_product(u.begin(), u.end(), u.begin(), 0.0));
    for (double& number : u) number /= norm;
    consider(std::move(u));
  }
  if (!(best.least_gap > 0)) {
    std::size_t k = 0;
    while (best.t[k] < best.t[k + 1]) ++k;
    throw argument_error(detail::text("project: rows ", best.order[k], " and ", best.order[k + 1],
                                      " are told apart by no direction"));
  }
  return best;
}

}  // namespace tutelage
