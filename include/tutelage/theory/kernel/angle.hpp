// The angle of two vectors, to the last digits everywhere.
//
//   theta = 2 atan2(|u - v|, |u + v|)     u, v: the two vectors divided by their norms
//
// The arc cosine of u.v loses half of the digits near 0 and near pi. Here theta and pi - theta are
// within 4 epsilon of the exact values for any two vectors: sums of squares are taken as if with
// twice the digits (Ogita, Rump and Oishi, SIAM J. Sci. Comput. 26, 2005, algorithm Dot2), and
// scaling by powers of two leaves nothing to overflow.
//
// Complex vectors are taken without conjugation: theta is then an analytic function of them,
// wherever it is not 0 or pi.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>
#include <type_traits>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/scalar.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// An angle in [0, pi], kept as sine and cosine of its half up to a common factor: so it is as
/// precise near pi as it is near 0.
template <scalar T>
struct angle {
  T half_sin;
  T half_cos;

  [[nodiscard]] static angle from_radians(const T& theta) {
    const T half = theta / real_t<T>(2);
    return {std::sin(half), std::cos(half)};
  }

  [[nodiscard]] T radians() const { return twice_arc(half_sin, half_cos); }
  /// pi - theta.
  [[nodiscard]] T supplement() const { return twice_arc(half_cos, half_sin); }
  [[nodiscard]] T sin() const { return T(2) * half_sin * half_cos / square(); }
  [[nodiscard]] T cos() const { return (half_cos - half_sin) * (half_cos + half_sin) / square(); }

 private:
  [[nodiscard]] T square() const { return half_sin * half_sin + half_cos * half_cos; }

  static T twice_arc(const T& y, const T& x) {
    if constexpr (is_complex<T>) {
      if (std::abs(y.real()) <= std::abs(x.real())) return T(2) * std::atan(y / x);
      return std::numbers::pi_v<real_t<T>> - T(2) * std::atan(x / y);
    } else {
      return T(2) * std::atan2(y, x);
    }
  }
};

namespace detail {

// The sum of the squares of at(0), ..., at(n-1).
template <scalar T, class At>
T sum_of_squares(std::size_t n, const At& at) {
  T sum = 0, rest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const T x = at(i);
    if constexpr (is_complex<T>) {
      sum += x * x;
    } else {
      const T product = x * x;
      const T next = sum + product;
      const T added = next - sum;
      rest += (sum - (next - added)) + (product - added) + std::fma(x, x, -product);
      sum = next;
    }
  }
  return sum + rest;
}

// A vector through which only its direction is seen: entries scaled by a power of two, then divided
// by the norm.
template <scalar T>
class direction {
 public:
  direction(std::span<const T> v, const char* which) : v_(v) {
    using R = real_t<T>;
    R largest = 0;
    for (const T& x : v) {
      if (!is_finite(x)) throw argument_error(text("angle: the ", which, " is not finite"));
      largest = std::max(largest, std::abs(real_part(x)));
    }
    if (largest == 0) throw argument_error(text("angle: the ", which, " is zero"));
    exponent_ = -std::ilogb(largest);
    norm_ = std::sqrt(sum_of_squares<T>(v.size(), [&](std::size_t i) { return scaled(i); }));
  }

  [[nodiscard]] T operator()(std::size_t i) const { return scaled(i) / norm_; }
  [[nodiscard]] T norm() const { return scale(norm_, -exponent_); }

 private:
  static T scale(const T& x, int exponent) {
    if constexpr (is_complex<T>) {
      return {std::scalbn(x.real(), exponent), std::scalbn(x.imag(), exponent)};
    } else {
      return std::scalbn(x, exponent);
    }
  }
  [[nodiscard]] T scaled(std::size_t i) const { return scale(v_[i], exponent_); }

  std::span<const T> v_;
  int exponent_;
  T norm_;
};

}  // namespace detail

/// The angle of two vectors of equal length. Throws shape_error when their lengths differ, and
/// argument_error when one is zero (it has no direction) or not finite.
template <scalar T>
angle<T> angle_between(std::span<const T> first, std::type_identity_t<std::span<const T>> second) {
  if (first.size() != second.size()) {
    throw shape_error(detail::text("angle: vectors of ", first.size(), " and ", second.size(),
                                   " numbers, expected equal lengths"));
  }
  const detail::direction<T> u(first, "first vector"), v(second, "second vector");
  const auto norm = [&](const auto& at) {
    return std::sqrt(detail::sum_of_squares<T>(first.size(), at));
  };
  return {norm([&](std::size_t i) { return u(i) - v(i); }),
          norm([&](std::size_t i) { return u(i) + v(i); })};
}

}  // namespace tutelage
