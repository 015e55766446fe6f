// Gates: f = z(a) a with z = 1 where the pre-activation a is positive and c elsewhere.
//
//   identity            c = 1
//   relu                c = 0
//   leaky_relu<Slope>   c = Slope, a std::ratio in [0, 1); or, for
//                       leaky_relu<dynamic_slope>, a number given at run time
//
// A gate can be read off the activation as well: f > 0 exactly where a > 0. So a forward pass keeps
// activations and no pre-activations. A NaN passes through every gate. Complex numbers
// (complex-step derivatives) are gated by their real part. Members take a scalar or a vector of the
// processor.
#pragma once

#include <concepts>
#include <ratio>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/scalar.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// In place of leaky_relu's ratio: the slope is a run-time number.
struct dynamic_slope;

struct identity {
  using takes_vectors = void;

  template <class V>
  [[nodiscard]] static constexpr V activate(const V& a) noexcept {
    return a;
  }
  template <class V>
  [[nodiscard]] static constexpr V factor(const V&) noexcept {
    return V(1);
  }
  [[nodiscard]] static constexpr double slope() noexcept { return 1; }
};

struct relu {
  using takes_vectors = void;

  /// The activation of pre-activation `a`.
  template <class V>
  [[nodiscard]] static constexpr V activate(const V& a) noexcept {
    return select(is_at_most_zero(a), V(0), a);  // 0 for 0 + ih too; a NaN goes through
  }
  /// The gate z, 1 or c, of the node whose activation is `f`.
  template <class V>
  [[nodiscard]] static constexpr V factor(const V& f) noexcept {
    return select(is_positive(f), V(1), V(0));
  }
  /// c.
  [[nodiscard]] static constexpr double slope() noexcept { return 0; }
};

template <class Slope = std::ratio<1, 100>>
struct leaky_relu {
  using takes_vectors = void;

  static_assert(Slope::num >= 0 && Slope::num < Slope::den,
                "leaky_relu: the slope must be a std::ratio in [0, 1)");

  template <class V>
  [[nodiscard]] static constexpr V activate(const V& a) noexcept {
    return select(is_positive(a), a, c<V> * a);
  }
  template <class V>
  [[nodiscard]] static constexpr V factor(const V& f) noexcept {
    return select(is_positive(f), V(1), V(c<V>));
  }
  [[nodiscard]] static constexpr double slope() noexcept { return c<double>; }

 private:
  template <class V>
  static constexpr real_t<V> c = real_t<V>(Slope::num) / real_t<V>(Slope::den);
};

template <>
struct leaky_relu<dynamic_slope> {
  using takes_vectors = void;

  leaky_relu() = default;
  /// Throws argument_error unless `slope` is in [0, 1).
  explicit leaky_relu(double slope) : slope_(slope) {
    if (!(slope >= 0 && slope < 1)) {
      throw argument_error(detail::text("leaky_relu: slope ", slope, ", expected one in [0, 1)"));
    }
  }

  template <class V>
  [[nodiscard]] V activate(const V& a) const noexcept {
    return select(is_positive(a), a, static_cast<real_t<V>>(slope_) * a);
  }
  template <class V>
  [[nodiscard]] V factor(const V& f) const noexcept {
    return select(is_positive(f), V(1), V(static_cast<real_t<V>>(slope_)));
  }
  [[nodiscard]] double slope() const noexcept { return slope_; }

 private:
  double slope_ = 0.01;
};

/// Satisfied by identity, relu and leaky_relu, and by any type that computes the activation f from
/// the pre-activation, and the derivative df/da from f, in the scalar T. Kernels give vectors of the
/// processor only to gates that say so by a member type `takes_vectors`; a gate without one works
/// number by number.
template <class G, class T = double>
concept gate = std::semiregular<G> && requires(const G g, const T x) {
  { g.activate(x) } -> std::same_as<T>;
  { g.factor(x) } -> std::same_as<T>;
};

/// True of the gates f = z(a) a with z = 1 where a > 0 and z = slope() elsewhere. The compiler
/// cannot see it: specialize this for a gate of your own that is so.
template <class G>
inline constexpr bool is_piecewise_linear = false;
template <>
inline constexpr bool is_piecewise_linear<identity> = true;
template <>
inline constexpr bool is_piecewise_linear<relu> = true;
template <class Slope>
inline constexpr bool is_piecewise_linear<leaky_relu<Slope>> = true;

/// What the gradient rule, regions and boundaries rest on: z is constant on two pieces, parted by
/// a = 0.
template <class G>
concept piecewise_linear_gate = gate<G> && is_piecewise_linear<G> && requires(const G g) {
  { g.slope() } -> std::convertible_to<double>;
};

}  // namespace tutelage
