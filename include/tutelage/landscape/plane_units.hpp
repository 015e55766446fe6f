// What one unit of a two-layer network without biases can be, on points of the plane.
//
//   s r(u.x_i),  s = +-1,  r(z) = max(z, 0)          u = |v| w for a unit v r(w.x), s the sign of v
//
// The lines u.x_i = 0 cut the plane of u into rays and open cones. Within one of them the unit's outputs
// are linear in u: with the generators g of its rays, u = sum c_g g, c > 0,
//
//   (s r(u.x_i))_i = sum_g c_g s r(X g)                 r(X g) [N], a column
//
// Pieces on which all outputs are 0 are one state with v = 0 and w = 0, "dead": the set of these (v, w)
// is connected and both signs share it. A state is below another when it lies in the closure of the
// other: dead below all, a ray below the two cones that it bounds.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/landscape/exact_program.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Samples x [N, 2], y [N], as integers: both were multiplied by a positive number.
struct plane_samples {
  std::vector<std::array<integer, 2>> x;
  std::vector<integer> y;
  rational x_scale, y_scale;
};

namespace detail {

/// The numbers as integers times one common denominator, which goes to `scale`. Every double is a
/// rational number.
inline std::vector<integer> as_integers(matrix_view<const double> m, rational& scale) {
  std::vector<rational> exact;
  integer common = 1;
  for (std::size_t i = 0; i < m.rows(); ++i) {
    for (const double value : m.row(i)) {
      exact.emplace_back(value);
      common = lcm(common, denominator(exact.back()));
    }
  }
  std::vector<integer> result;
  for (const rational& value : exact) result.push_back(numerator(rational(value * common)));
  scale = rational(common);
  return result;
}

}  // namespace detail

/// Throws shape_error unless x is [N, 2] and y [N, 1], argument_error when a number is not finite, or
/// all points lie on one line through the origin: half-planes are no cones.
inline plane_samples make_plane_samples(matrix_view<const double> x, matrix_view<const double> y) {
  detail::require_shape("make_plane_samples", "x", x, x.rows(), 2);
  detail::require_shape("make_plane_samples", "y", y, x.rows(), 1);
  detail::require_finite("make_plane_samples", "x", x);
  detail::require_finite("make_plane_samples", "y", y);
  plane_samples samples;
  const auto numbers = detail::as_integers(x, samples.x_scale);
  samples.y = detail::as_integers(y, samples.y_scale);
  bool line = true;
  for (std::size_t i = 0; i < x.rows(); ++i) {
    samples.x.push_back({numbers[2 * i], numbers[2 * i + 1]});
    for (std::size_t k = 0; k < i; ++k) {
      const auto &p = samples.x[i], &q = samples.x[k];
      line = line && p[0] * q[1] == p[1] * q[0];
    }
  }
  if (line) {
    throw argument_error(detail::text("make_plane_samples: the ", x.rows(),
                                      " points lie on one line through the origin"));
  }
  return samples;
}

/// Dead (no rays), along one ray, or in the cone between two.
struct unit_state {
  int sign = 0;
  std::vector<std::size_t> rays;
};

class plane_units {
 public:
  explicit plane_units(const plane_samples& samples) {
    add_rays(samples);
    const std::size_t count = rays_.size();
    std::vector<bool> live(count);
    for (std::size_t k = 0; k < count; ++k) {
      auto& column = columns_.emplace_back();
      for (const auto& x : samples.x) {
        const integer product = x[0] * rays_[k][0] + x[1] * rays_[k][1];
        column.push_back(product > 0 ? product : integer(0));
        live[k] = live[k] || product > 0;
      }
    }
    states_.push_back({});
    for (const int sign : {1, -1}) {
      for (std::size_t k = 0; k < count; ++k) {
        if (live[k]) states_.push_back({sign, {k}});
      }
      for (std::size_t k = 0; k < count; ++k) {
        const std::size_t next = (k + 1) % count;
        if (live[k] || live[next]) states_.push_back({sign, {k, next}});
      }
    }
  }

  /// Integer generators, in the order of their angles.
  [[nodiscard]] const std::vector<std::array<integer, 2>>& rays() const noexcept { return rays_; }
  /// r(X g) of each ray, [N].
  [[nodiscard]] const std::vector<std::vector<integer>>& columns() const noexcept {
    return columns_;
  }
  /// Dead first.
  [[nodiscard]] const std::vector<unit_state>& states() const noexcept { return states_; }

  /// The states that are next above state k: the live rays above dead, a ray's two cones.
  [[nodiscard]] std::vector<std::size_t> above(std::size_t k) const {
    std::vector<std::size_t> result;
    const unit_state& low = states_[k];
    for (std::size_t i = 0; i < states_.size(); ++i) {
      const unit_state& high = states_[i];
      if (high.rays.size() != low.rays.size() + 1) continue;
      const bool bounds = low.rays.empty() ||
                          (low.sign == high.sign &&
                           std::count(high.rays.begin(), high.rays.end(), low.rays.front()) > 0);
      if (bounds) result.push_back(i);
    }
    return result;
  }

 private:
  // Both directions of each line, once, by angle from -pi on.
  void add_rays(const plane_samples& samples) {
    for (const auto& x : samples.x) {
      if (x[0] == 0 && x[1] == 0) continue;
      const integer common = gcd(x[0], x[1]);
      rays_.push_back({-x[1] / common, x[0] / common});
      rays_.push_back({x[1] / common, -x[0] / common});
    }
    const auto upper = [](const auto& g) { return g[1] > 0 || (g[1] == 0 && g[0] > 0); };
    std::sort(rays_.begin(), rays_.end(), [&](const auto& g, const auto& k) {
      if (upper(g) != upper(k)) return upper(k);
      return g[0] * k[1] > g[1] * k[0];
    });
    rays_.erase(std::unique(rays_.begin(), rays_.end()), rays_.end());
  }

  std::vector<std::array<integer, 2>> rays_;
  std::vector<std::vector<integer>> columns_;
  std::vector<unit_state> states_;
};

}  // namespace tutelage
