// The scalars that networks are made of: float, double, long double and std::complex<double>.
// A complex network exists for complex-step derivatives: its gates look at the real part only.
#pragma once

#include <cmath>
#include <complex>
#include <concepts>
#include <type_traits>

namespace tutelage {

namespace detail {
template <class T>
struct scalar_traits {
  using real = T;
  static constexpr bool is_complex = false;
};
template <class R>
struct scalar_traits<std::complex<R>> {
  using real = R;
  static constexpr bool is_complex = true;
};
}  // namespace detail

/// The real type under a scalar: itself, or what std::complex is made of.
template <class T>
using real_t = typename detail::scalar_traits<T>::real;

template <class T>
inline constexpr bool is_complex = detail::scalar_traits<T>::is_complex;

/// Satisfied by float, double and long double.
template <class T>
concept real_scalar = std::floating_point<T>;

/// Satisfied by the real scalars and their std::complex.
template <class T>
concept scalar = real_scalar<T> ||(is_complex<T>&& real_scalar<real_t<T>>);

/// What statistics of T are summed in: double for float, T itself otherwise.
template <real_scalar T>
using accumulator_t = std::conditional_t<std::is_same_v<T, float>, double, T>;

/// The real part; the number itself when it is real.
template <scalar T>
constexpr real_t<T> real_part(const T& x) noexcept {
  if constexpr (is_complex<T>) {
    return x.real();
  } else {
    return x;
  }
}

template <scalar T>
bool is_finite(const T& x) noexcept {
  if constexpr (is_complex<T>) {
    return std::isfinite(x.real()) && std::isfinite(x.imag());
  } else {
    return std::isfinite(x);
  }
}

}  // namespace tutelage
