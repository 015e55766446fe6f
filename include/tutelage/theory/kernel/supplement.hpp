// From cosines to angles, a vector of the processor at a time: pi - theta and sin theta from
// cos theta, both within 2 epsilon of what the cosine says.
//
//   |c| <= 1/2    pi - theta = pi/2 + asin c
//   c < -1/2      pi - theta = 2 asin sqrt((1+c)/2)
//   c > 1/2       pi - theta = pi - 2 asin sqrt((1-c)/2)
//
// with asin s = s + s z Q(z), z = s^2 <= 1/4, and Q of degree 12, the interpolation at Chebyshev's
// nodes: relative error 5e-18. (xsimd's acos evaluates all branches and takes four times as long.)
#pragma once

#include <array>
#include <cmath>
#include <complex>
#include <numbers>

#include <tutelage/core/kernel/simd.hpp>
#include <tutelage/core/scalar.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// pi - theta and sin theta for a vector of cosines. What is beyond 1 by rounding counts as 1; a
/// NaN passes through.
template <simd_scalar T>
std::array<simd<T>, 2> supplement_and_sine(const simd<T>& c) noexcept {
  using V = simd<T>;
  constexpr std::array<double, 13> coefficients{
      0.16666666666666669, 0.07499999999998433,  0.04464285714635543,  0.030381944138531247,
      0.02237217294214989, 0.017352392720869973, 0.013971212973552933, 0.011479177415184906,
      0.01032281435018578, 0.005457506718640358, 0.01740087944269402,  -0.014851887071247204,
      0.028757851367421566};
  const V one(T(1)), half(T(0.5)), zero(T(0));
  const V positive = xsimd::abs(c);
  const V a = xsimd::select(positive > one, one, positive);
  const auto outer = a > half;
  const V z = xsimd::select(outer, half * (one - a), a * a);
  const V s = xsimd::select(outer, square_root<T>(z), a);
  V Q(static_cast<T>(coefficients.back()));
  for (std::size_t i = coefficients.size() - 1; i-- > 0;) {
    Q = multiply_add<T>(Q, z, V(static_cast<T>(coefficients[i])));
  }
  const V arc = multiply_add<T>(s * z, Q, s);
  const auto is_negative = c < zero;
  const V sign = xsimd::select(is_negative, V(T(-1)), one);
  const V times = xsimd::select(outer, V(T(-2)) * sign, sign);
  const V from = xsimd::select(outer, xsimd::select(is_negative, zero, V(std::numbers::pi_v<T>)),
                               V(std::numbers::pi_v<T> / 2));
  const V cosine_of_half = one - z;  // its square, where c is outer
  const V sine = square_root<T>(xsimd::select(outer, z * cosine_of_half, cosine_of_half));
  return {multiply_add<T>(times, arc, from), xsimd::select(outer, sine + sine, sine)};
}

/// The same for one number. A complex one beyond 1 is aligned to first order.
template <scalar T>
std::array<T, 2> supplement_and_sine(const T& cosine) {
  using R = real_t<T>;
  T c = cosine;
  if (std::abs(real_part(c)) >= 1) c = T(std::copysign(R(1), real_part(c)));
  return {std::acos(-c), std::sqrt((T(1) - c) * (T(1) + c))};
}

}  // namespace tutelage
