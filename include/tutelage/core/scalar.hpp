// The scalars that networks are made of: float, double, long double and std::complex<double>.
// A complex network exists for complex-step derivatives: its gates look at the real part only.
#pragma once

#include <cmath>
#include <complex>
#include <concepts>
#include <type_traits>

#include <tutelage/core/target.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
template <class T>
struct real_of {
  using type = T;
};
template <class T>
  requires requires { typename T::value_type; }
struct real_of<T> {
  using type = typename T::value_type;
};
template <class T>
struct is_std_complex : std::false_type {};
template <class R>
struct is_std_complex<std::complex<R>> : std::true_type {};
}  // namespace detail

/// The real type under a scalar: itself, or what std::complex is made of. Of a vector of the
/// processor, the type of its lanes.
template <class T>
using real_t = typename detail::real_of<T>::type;

template <class T>
inline constexpr bool is_complex = detail::is_std_complex<T>::value;

/// Satisfied by float, double and long double.
template <class T>
concept real_scalar = std::floating_point<T>;

/// Satisfied by std::complex of these.
template <class T>
concept complex_scalar = is_complex<T> && real_scalar<real_t<T>>;

/// Satisfied by both.
template <class T>
concept scalar = real_scalar<T> || complex_scalar<T>;

/// What statistics of T are summed in: double for float, T itself otherwise.
template <real_scalar T>
using accumulator_t = std::conditional_t<std::is_same_v<T, float>, double, T>;

/// The real part; the number itself when it is real.
template <class T>
constexpr auto real_part(const T& x) noexcept {
  if constexpr (is_complex<T>) {
    return x.real();
  } else {
    return x;
  }
}

/// Is the real part above 0, at most 0? Neither, if it is no number. Of a vector of the processor,
/// lane by lane.
template <class T>
constexpr auto is_positive(const T& x) noexcept {
  return real_part(x) > real_part(T(0));
}
template <class T>
constexpr auto is_at_most_zero(const T& x) noexcept {
  return real_part(x) <= real_part(T(0));
}

/// yes where the condition holds, else no. (xsimd has the same for its vectors.)
template <scalar T>
constexpr T select(bool condition, const T& yes, const T& no) noexcept {
  return condition ? yes : no;
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
