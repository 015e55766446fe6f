// Gates: f = z(a) a with z = 1 where the pre-activation a is positive and c elsewhere.
//
//   identity            c = 1
//   relu                c = 0
//   leaky_relu<Slope>   c = Slope, a std::ratio in [0, 1); or, for leaky_relu<dynamic_slope>, a
//   number
//                       given at run time
//
// A gate can be read off the activation as well: f > 0 exactly where a > 0. So a forward pass keeps
// activations and no pre-activations. A NaN passes through every gate. Complex numbers
// (complex-step derivatives) are gated by their real part.
#pragma once

#include <concepts>
#include <ratio>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/scalar.hpp>

namespace tutelage {

/// In place of leaky_relu's ratio: the slope is a run-time number.
struct dynamic_slope;

struct identity {
  template <scalar T>
  [[nodiscard]] static constexpr T activate(const T& a) noexcept {
    return a;
  }
  template <scalar T>
  [[nodiscard]] static constexpr T factor(const T&) noexcept {
    return T(1);
  }
  [[nodiscard]] static constexpr double slope() noexcept { return 1; }
};

struct relu {
  /// The activation of pre-activation `a`.
  template <scalar T>
  [[nodiscard]] static constexpr T activate(const T& a) noexcept {
    return real_part(a) <= 0 ? T(0) : a;  // <= for 0 + ih; a NaN goes through
  }
  /// The gate z, 1 or c, of the node whose activation is `f`.
  template <scalar T>
  [[nodiscard]] static constexpr T factor(const T& f) noexcept {
    return real_part(f) > 0 ? T(1) : T(0);
  }
  /// c.
  [[nodiscard]] static constexpr double slope() noexcept { return 0; }
};

template <class Slope = std::ratio<1, 100>>
struct leaky_relu {
  static_assert(Slope::num >= 0 && Slope::num < Slope::den,
                "leaky_relu: the slope must be a std::ratio in [0, 1)");

  template <scalar T>
  [[nodiscard]] static constexpr T activate(const T& a) noexcept {
    return real_part(a) > 0 ? a : c<T> * a;
  }
  template <scalar T>
  [[nodiscard]] static constexpr T factor(const T& f) noexcept {
    return real_part(f) > 0 ? T(1) : T(c<T>);
  }
  [[nodiscard]] static constexpr double slope() noexcept { return c<double>; }

 private:
  template <class T>
  static constexpr real_t<T> c = real_t<T>(Slope::num) / real_t<T>(Slope::den);
};

template <>
struct leaky_relu<dynamic_slope> {
  leaky_relu() = default;
  /// Throws argument_error unless `slope` is in [0, 1).
  explicit leaky_relu(double slope) : slope_(slope) {
    if (!(slope >= 0 && slope < 1)) {
      throw argument_error(detail::text("leaky_relu: slope ", slope, ", expected one in [0, 1)"));
    }
  }

  template <scalar T>
  [[nodiscard]] T activate(const T& a) const noexcept {
    return real_part(a) > 0 ? a : static_cast<real_t<T>>(slope_) * a;
  }
  template <scalar T>
  [[nodiscard]] T factor(const T& f) const noexcept {
    return real_part(f) > 0 ? T(1) : T(static_cast<real_t<T>>(slope_));
  }
  [[nodiscard]] double slope() const noexcept { return slope_; }

 private:
  double slope_ = 0.01;
};

/// Satisfied by identity, relu and leaky_relu: gives the activation, and the gate from it.
template <class G>
concept gate = std::copyable<G> && requires(const G g, double x) {
  { g.activate(x) } -> std::same_as<double>;
  { g.factor(x) } -> std::same_as<double>;
  { g.slope() } -> std::convertible_to<double>;
};

}  // namespace tutelage
