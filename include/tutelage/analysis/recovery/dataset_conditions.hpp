// The (eta, mu) conditions on a data set (arXiv:1909.13458, Definitions 6 and 10).
//
//   N[|w.[x; 1]| <= eps]   <= eta eps N + (d+1)     for every regular w: no band is crowded
//   N[|w~.x| >= 1/eps]     <= mu eps^2 N            for every unit w~: no direction has heavy tails
//
// A constrained slice is the samples in the band of one node, I_j(eps), and the conditions are then
// asked of directions perpendicular to w~_j only.
//
// Known distributions:   N(0, s^2 I)        eta = sqrt(2/pi)/s, mu = s^2, and the same in slices
//                        uniform [-a, a]^d  eta = sqrt(2)/a (1/a for d = 1), mu = a^2/3: bounds of
//                                           the whole cube (a section of the unit cube has at most
//                                           the area sqrt 2), not of its slices
// Data sets:   mu from the largest eigenvalue of E[x x^T], an upper bound (Chebyshev). The largest
//              eta is a maximum over all hyperplanes and hard to find: a search over directions
//              gives a LOWER bound of it, with the band that shows it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/core/product.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Constants that the caller knows of the data set itself.
struct known_condition {
  double eta;
  double mu;
};

/// Constants of the distribution that the data were drawn from. The samples keep them in expectation
/// only: a thin band that is chosen after the draw may hold more of them.
struct population_condition {
  double eta;
  double mu;
};

/// Constants of which eta was only searched for: it may be larger.
struct estimated_condition {
  double eta_lower_bound;
  double mu;
};

/// Of x ~ N(0, std^2 I), in any dimension, and of its slices.
inline population_condition condition_of(const gaussian_inputs& inputs) {
  return {std::sqrt(2 / std::numbers::pi) / inputs.std, inputs.std * inputs.std};
}

/// Of x ~ U[-a, a]^d, not of its slices.
inline population_condition condition_of(const uniform_inputs& inputs, std::size_t d) {
  const double a = inputs.half_width;
  return {(d == 1 ? 1 : std::numbers::sqrt2) / a, a * a / 3};
}

// ---- Slices -------------------------------------------------------------------------------------

/// The samples of `inputs` for which choose(distances to the boundaries of `l`, row) holds, as
/// rows.
template <layer L, class Inputs, class Choose>
matrix<double> select_samples(const L& l, const Inputs& inputs, const Choose& choose) {
  using T = typename std::remove_cvref_t<decltype(as_rows(inputs))>::value_type;
  boundary_distances<T> distances(l);
  std::vector<double> found;
  std::size_t rows = 0;
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t) {
    const auto a = distances(x);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      if (!choose(a.row(i))) continue;
      for (const T value : x.row(i)) found.push_back(static_cast<double>(value));
      ++rows;
    }
  });
  auto result = make_matrix<double>(rows, l.in_width());
  std::copy(found.begin(), found.end(), result.begin());
  return result;
}

/// The samples in the band I_j(eps) of node j of a layer that takes the inputs. Throws shape_error
/// when j is no node or the layer does not take the inputs.
template <layer L, class Inputs>
matrix<double> slice(const L& l, std::size_t j, double eps, const Inputs& inputs) {
  if (j >= l.out_width()) {
    throw shape_error(detail::text("slice: node ", j, ", expected one below ", l.out_width()));
  }
  return select_samples(l, inputs,
                        [&](const auto& a) { return std::abs(static_cast<double>(a[j])) <= eps; });
}

// ---- mu -----------------------------------------------------------------------------------------

/// An upper bound of mu: the largest eigenvalue of E[x x^T] over the rows of x, among directions
/// perpendicular to `normal` when that is not empty. Throws shape_error when x has no rows or
/// `normal` another width, argument_error for an element that is not finite.
inline double mu_bound(matrix_view<const double> x, std::span<const double> normal = {}) {
  const std::size_t N = x.rows(), d = x.cols();
  if (N == 0 || (!normal.empty() && normal.size() != d)) {
    throw shape_error(detail::text("mu_bound: samples are ", shape_text(N, d), ", the normal has ",
                                   normal.size(),
                                   " elements; expected at least 1 sample and a normal that fits"));
  }
  auto moment = make_matrix<double>(d, d);
  multiply(transposed(x), x, moment, 1 / static_cast<double>(N));
  if (!normal.empty()) {
    // P M P with P = I - n n^T.
    std::vector<double> Mn(d);
    double nMn = 0;
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t k = 0; k < d; ++k) Mn[i] += moment(i, k) * normal[k];
      nMn += normal[i] * Mn[i];
    }
    for (std::size_t i = 0; i < d; ++i) {
      for (std::size_t k = 0; k < d; ++k) {
        moment(i, k) += normal[i] * nMn * normal[k] - normal[i] * Mn[k] - Mn[i] * normal[k];
      }
    }
  }
  return std::max(0.0, symmetric_eigen(matrix_view(moment)).values.back());
}

// ---- eta ----------------------------------------------------------------------------------------

/// A band, and how crowded it is.
struct crowded_band {
  std::vector<double> direction;  // [d], unit
  double bias = 0;
  double eps = 0;           // half its width
  std::size_t samples = 0;  // in it
  /// (samples - (d+1)) / (eps N), not below 0: every eta that the data set satisfies is at least
  /// this.
  double eta_lower_bound = 0;
};

/// How long to search: `random_directions` are tried beside the given ones, then the best is turned
/// by random steps, `refinements` times.
struct band_search {
  std::size_t random_directions = 32;
  std::size_t refinements = 64;
  std::uint64_t seed = 1;
};

namespace detail {

// The fullest band of half-width eps across one direction.
inline void densest_shift(matrix_view<const double> x, std::span<const double> direction,
                          double eps, std::vector<double>& along, crowded_band& best) {
  along.resize(x.rows());
  multiply(x, transposed(matrix_view<const double>(direction.data(), 1, x.cols(), x.cols())),
           matrix_view<double>(along.data(), x.rows(), 1, 1));
  std::sort(along.begin(), along.end());
  std::size_t first = 0;
  for (std::size_t last = 0; last < along.size(); ++last) {
    while (along[last] - along[first] > 2 * eps) ++first;
    if (last - first + 1 <= best.samples) continue;
    best.samples = last - first + 1;
    best.direction.assign(direction.begin(), direction.end());
    best.bias = -(along[first] + along[last]) / 2;
  }
}

// Gives a vector length 1; false when it has none.
inline bool normalize(std::span<double> w) {
  const scaled_norm<double> norm{std::span<const double>(w)};
  if (norm.norm == 0) return false;
  for (double& value : w) value = norm.divide(value);
  return true;
}

// Makes a vector perpendicular to `normal` (none when empty) and of length 1; false when nothing
// but rounding is left of it.
inline bool make_unit(std::span<double> w, std::span<const double> normal) {
  if (!normalize(w)) return false;
  if (normal.empty()) return true;
  // Twice: what rounding leaves the first time is small the second time.
  for (int times = 0; times < 2; ++times) {
    double along = 0, rest = 0;
    for (std::size_t i = 0; i < w.size(); ++i) along += w[i] * normal[i];
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] -= along * normal[i];
      rest = std::max(rest, std::abs(w[i]));
    }
    if (rest <= 8 * std::numeric_limits<double>::epsilon()) return false;
    normalize(w);
  }
  return true;
}

}  // namespace detail

/// Searches for the fullest band of half-width eps among samples x, [N, d]: across the given
/// directions (rows of `directions`, [any, d]), random ones, and refinements of the best. With a
/// `normal`, unit, all directions are made perpendicular to it (a slice's condition); those without
/// a perpendicular part are left out. The result is deterministic. Throws shape_error when x has no
/// rows or widths differ, argument_error unless eps is a positive number and all samples are
/// finite.
inline crowded_band densest_band(matrix_view<const double> x, double eps,
                                 matrix_view<const double> directions,
                                 const band_search& search = {},
                                 std::span<const double> normal = {}) {
  const std::size_t N = x.rows(), d = x.cols();
  if (N == 0 || directions.cols() != d || (!normal.empty() && normal.size() != d)) {
    throw shape_error(detail::text("densest_band: samples are ", shape_text(N, d), ", directions ",
                                   shape_text(directions.rows(), directions.cols()),
                                   ", the normal has ", normal.size(),
                                   " elements; expected at least 1 sample and one width"));
  }
  if (!(eps > 0) || !std::isfinite(eps)) {
    throw argument_error(
        detail::text("densest_band: eps is ", eps, ", expected a positive number"));
  }
  detail::require_finite("densest_band", x);
  crowded_band best;
  best.eps = eps;
  std::vector<double> direction(d), along;
  const auto consider = [&] {
    if (detail::make_unit(direction, normal)) detail::densest_shift(x, direction, eps, along, best);
  };
  for (std::size_t i = 0; i < directions.rows(); ++i) {
    direction.assign(directions.row(i).begin(), directions.row(i).end());
    consider();
  }
  stream random(search.seed, purpose::analysis);
  for (std::size_t i = 0; i < search.random_directions; ++i) {
    random.fill_normal(std::span<double>(direction));
    consider();
  }
  double step = 0.5;
  for (std::size_t i = 0; i < search.refinements && !best.direction.empty(); ++i) {
    const std::size_t before = best.samples;
    for (std::size_t u = 0; u < d; ++u) {
      direction[u] = best.direction[u] + step * random.normal() / std::sqrt(static_cast<double>(d));
    }
    consider();
    // Larger steps after a success, smaller ones after a failure.
    step = best.samples > before ? std::min(1.0, step * 2) : step * 0.9;
  }
  const double beyond = static_cast<double>(best.samples) - static_cast<double>(d + 1);
  best.eta_lower_bound = std::max(0.0, beyond / (eps * static_cast<double>(N)));
  return best;
}

}  // namespace tutelage
