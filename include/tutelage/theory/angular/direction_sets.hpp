// Cramer's determinants of very many small sets of directions.
//
//   theta [N, m]  ->  det M [N]  and  det M_i [N, m]      (M, b: angular_distance.hpp)
//
// One set a lane of the processor's vectors: sines and cosines of the m directions give those of
// all differences, M = L D L^T without pivoting, x = M^-1 b, det M_i = det M x_i. M has to be
// positive semidefinite, as angular-distance functions make it. A pivot below epsilon f(0), which
// is round-off, counts as epsilon f(0). Results are within what they change by
// when every number of M and b is off by 2 epsilon f(0), unless M is singular to that; cramer.hpp
// takes any M.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>

#include <tutelage/core/kernel/simd.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/theory/angular/angular_distance.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The largest m of direction_set_determinants: determinants of more directions may vanish.
inline constexpr std::size_t most_directions_of_sets = 16;

namespace detail {

// f at an angle of every lane; lane by lane where f knows no vectors.
template <class F>
[[gnu::always_inline]] inline simd<double> angular_value(const F& f,
                                                         const angle_on_circle<simd<double>>& a) {
  if constexpr (requires { f.on_circle(a); }) {
    return f.on_circle(a);
  } else {
    alignas(cache_line) std::array<double, lanes<double>> values;
    a.t.store_aligned(values.data());
    for (double& x : values) x = f(x);
    return simd<double>::load_aligned(values.data());
  }
}

// Of angles in [0, 2 pi). (xsimd's makes g++ 12 warn about its own intrinsics.)
inline void sines_and_cosines(const double* __restrict theta, double* __restrict sine,
                              double* __restrict cosine, std::size_t count) noexcept {
  constexpr double half_pi = std::numbers::pi / 2;
  for (std::size_t i = 0; i < count; ++i) {
    const int quadrant = static_cast<int>(theta[i] / half_pi + 0.5);  // nearest, 0 to 4
    const double q = quadrant;
    const double f = std::fma(-q, half_pi, theta[i]) / half_pi;
    const double s = sin_half_pi(f), c = cos_half_pi(f);
    const bool odd = (quadrant & 1) != 0;
    const double sign = (quadrant & 2) != 0 ? -1.0 : 1.0;
    sine[i] = sign * (odd ? c : s);
    cosine[i] = sign * (odd ? -s : c);
  }
}

// One set a lane.
template <class F>
class determinants_of_lanes {
 public:
  using lane = simd<double>;

  // theta [m, lanes], in columns.
  void compute(const F& f, const double* theta, std::size_t m) {
    const lane pi(std::numbers::pi), two_pi(2 * std::numbers::pi);
    const auto on_circle = [&](const lane& d, const lane& sine, const lane& cosine) {
      const lane way = xsimd::abs(d), around = two_pi - way;
      const lane t = smaller(smaller(way, around), pi);
      return angle_on_circle<lane>{t, xsimd::abs(sine), cosine};
    };
    sines_and_cosines(theta, sines.data(), cosines.data(), m * lanes<double>);
    std::array<lane, most> t, s, c;
    const lane diagonal(f(0.0));
    for (std::size_t i = 0; i < m; ++i) {
      t[i] = lane::load_aligned(theta + i * lanes<double>);
      s[i] = lane::load_aligned(sines.data() + i * lanes<double>);
      c[i] = lane::load_aligned(cosines.data() + i * lanes<double>);
      for (std::size_t j = 0; j < i; ++j) {
        L[i][j] = angular_value(f, on_circle(t[i] - t[j], s[i] * c[j] - c[i] * s[j],
                                             multiply_add<double>(c[i], c[j], s[i] * s[j])));
      }
      L[i][i] = diagonal;
      x[i] = angular_value(f, on_circle(t[i], s[i], c[i]));
    }
    factor(m, lane(std::numeric_limits<double>::epsilon() * f(0.0)));
    solve(m);
  }

  static constexpr std::size_t most = most_directions_of_sets;
  lane det;
  std::array<lane, most> x;  // b, then M^-1 b

 private:
  // (xsimd::min makes g++ 12 warn about its own intrinsics.)
  static lane smaller(const lane& a, const lane& b) { return xsimd::select(a < b, a, b); }

  void factor(std::size_t m, const lane& least) {
    det = lane(1.0);
    for (std::size_t k = 0; k < m; ++k) {
      const lane pivot = xsimd::select(L[k][k] > least, L[k][k], least);
      det *= pivot;
      inverse[k] = lane(1.0) / pivot;
      for (std::size_t i = k + 1; i < m; ++i) {
        const lane factor = -(L[i][k] * inverse[k]);
        for (std::size_t j = k + 1; j <= i; ++j) {
          L[i][j] = multiply_add<double>(factor, L[j][k], L[i][j]);
        }
        x[i] = multiply_add<double>(factor, x[k], x[i]);
      }
    }
  }

  // L[i][k] still holds the pivot times the entry of the unit triangle.
  void solve(std::size_t m) {
    for (std::size_t k = m; k-- > 0;) {
      lane sum = x[k];
      for (std::size_t i = k + 1; i < m; ++i) sum = multiply_add<double>(-L[i][k], x[i], sum);
      x[k] = sum * inverse[k];
    }
  }

  alignas(cache_line) std::array<double, most * lanes<double>> sines, cosines;
  std::array<std::array<lane, most>, most> L;
  std::array<lane, most> inverse;
};

}  // namespace detail

/// det M into det [N] and det M_i into replaced [N, m], for the directions theta [N, m], which lie
/// in [0, 2 pi). Throws shape_error when shapes differ or m is above most_directions_of_sets,
/// argument_error when a direction lies elsewhere.
template <angular_function<double> F>
void direction_set_determinants(const F& f, matrix_view<const double> theta, std::span<double> det,
                                matrix_view<double> replaced) {
  const std::size_t N = theta.rows(), m = theta.cols();
  detail::require_shape("direction_set_determinants", "replaced", replaced, N, m);
  if (det.size() != N || m > most_directions_of_sets) {
    throw shape_error(detail::text("direction_set_determinants: ", N, " sets of ", m,
                                   " directions into ", det.size(), " determinants; at most ",
                                   most_directions_of_sets, " directions"));
  }
  constexpr std::size_t L = detail::lanes<double>;
  alignas(cache_line) std::array<double, most_directions_of_sets * L> columns;
  detail::determinants_of_lanes<F> lanes;
  for (std::size_t first = 0; first < N; first += L) {
    const std::size_t count = std::min(L, N - first);
    for (std::size_t l = 0; l < L; ++l) {
      const double* const set = theta.row(first + std::min(l, count - 1)).data();
      for (std::size_t i = 0; i < m; ++i) {
        if (!(set[i] >= 0 && set[i] < 2 * std::numbers::pi)) {
          throw argument_error(detail::text("direction_set_determinants: direction ", i, " of set ",
                                            first + l, " is ", set[i], ", expected [0, 2 pi)"));
        }
        columns[i * L + l] = set[i];
      }
    }
    lanes.compute(f, columns.data(), m);
    for (std::size_t i = 0; i < m; ++i) {
      (lanes.det * lanes.x[i]).store_aligned(columns.data() + i * L);
    }
    for (std::size_t l = 0; l < count; ++l) {
      for (std::size_t i = 0; i < m; ++i) replaced(first + l, i) = columns[i * L + l];
    }
    lanes.det.store_aligned(columns.data());
    std::copy_n(columns.data(), count, det.begin() + static_cast<std::ptrdiff_t>(first));
  }
}

}  // namespace tutelage
