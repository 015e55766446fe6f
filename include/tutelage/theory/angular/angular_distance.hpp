// Functions of the angular distance between directions of the plane, and their matrices.
//
//   g(x, y) = f(distance of x and y on the circle)        f: [0, pi] -> R
//   M_ij = g(theta_i, theta_j)     [m, m]
//   b_i  = g(theta_i, 0)           [m]
//
// Directions theta_1, ..., theta_m in [0, 2 pi) belong to m student nodes; the teacher's is 0. With
// f(t) = (pi - t) cos t + sin t and Gaussian inputs, lengths rho of the students at which the
// gradient vanishes along every student's direction solve M rho = b ("Analysis of alignment
// phenomenon in simple teacher-student networks with finite width", Theorem 5.1 and Definitions
// 5.2 and 5.3). g is an angular-distance function when all M are positive semidefinite.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numbers>
#include <span>
#include <vector>

#include <tutelage/core/matrix.hpp>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// What pi_v<T> lacks to pi.
template <real_scalar T>
inline constexpr T pi_rest = T(0);
template <>
inline constexpr float pi_rest<float> = -8.7422777e-08F;
template <>
inline constexpr double pi_rest<double> = 1.2246467991473532e-16;
template <>
inline constexpr long double pi_rest<long double> = -5.016557612668332024e-20L;

/// pi - t to the last digit.
template <real_scalar T>
T supplement(T t) {
  return (std::numbers::pi_v<T> - t) + pi_rest<T>;
}

}  // namespace detail

/// An angle t in [0, pi] with its sine and cosine; X is a scalar or a vector of the processor.
template <class X>
struct angle_on_circle {
  X t, sine, cosine;
};

/// Functions f(t) of an angle t in [0, pi]. One that has f.on_circle(angle_on_circle<X>) too is
/// faster for many sets of directions.
template <class F, class T>
concept angular_function = requires(const F& f, T t) {
  { f(t) } -> std::convertible_to<T>;
};

/// The arc-cosine kernels of degree 0 and 1 as functions of the angle: pi - t, and
/// (pi - t) cos t + sin t. For unit vectors they are 2 pi P(both active) and 2 pi E[relu relu].
template <int Degree>
struct arc_cosine {
  static_assert(Degree == 0 || Degree == 1, "arc_cosine: the degree is 0 or 1");

  /// To a few epsilon relative to the value, also where it vanishes, at pi.
  template <real_scalar T>
  T operator()(T t) const {
    if constexpr (Degree == 0) {
      return detail::supplement(t);
    } else {
      return arc_cosine_1(angle<T>{std::sin(t / 2), std::cos(t / 2)});
    }
  }

  /// To a few epsilon relative to f(0).
  template <class X>
  X on_circle(const angle_on_circle<X>& a) const {
    const X u = X(std::numbers::pi) - a.t;
    if constexpr (Degree == 0) {
      return u;
    } else {
      return u * a.cosine + a.sine;
    }
  }
};

/// The distance on the circle of two directions in [0, 2 pi), in [0, pi].
template <real_scalar T>
T circle_distance(T x, T y) {
  const T d = std::abs(x - y);
  const T around = (2 * std::numbers::pi_v<T> - d) + 2 * detail::pi_rest<T>;
  return std::min({d, around, std::numbers::pi_v<T>});
}

namespace detail {
template <real_scalar T>
void require_directions(const char* function, std::span<const T> theta) {
  for (const T x : theta) {
    if (!(x >= 0 && x < 2 * std::numbers::pi_v<T>)) {
      throw argument_error(text(function, ": a direction is ", x, ", expected in [0, 2 pi)"));
    }
  }
}
}  // namespace detail

/// M and b of one set of directions.
template <real_scalar T>
struct angular_matrices {
  matrix<T> M;       // [m, m]
  std::vector<T> b;  // [m]

  /// Throws argument_error when a direction does not lie in [0, 2 pi). Allocates only when m
  /// changes.
  template <angular_function<T> F>
  void compute(const F& f, std::span<const T> theta) {
    detail::require_directions("angular_matrices", theta);
    const std::size_t m = theta.size();
    if (b.size() != m) {
      M = make_matrix<T>(m, m);
      b.resize(m);
    }
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t j = i; j < m; ++j) {
        M(i, j) = M(j, i) = f(circle_distance(theta[i], theta[j]));
      }
      b[i] = f(circle_distance(theta[i], T(0)));
    }
  }
};

}  // namespace tutelage
