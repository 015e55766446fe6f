#include <tutelage/model/gate.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <vector>

namespace {

using namespace tutelage;

// Pre-activations of every kind, in order.
template <class T>
std::vector<T> pre_activations() {
  using limits = std::numeric_limits<T>;
  return {limits::lowest(),      T(-3.5), T(-1),  -limits::min(),
          -limits::denorm_min(), -T(0),   T(0),   limits::denorm_min(),
          limits::min(),         T(1),    T(3.5), limits::max(),
          limits::infinity()};
}

// f = z a with z = 1 where a > 0 and c elsewhere; z is read off f.
template <class T, class Gate>
void check_gate(const Gate& gate, T c) {
  for (const T a : pre_activations<T>()) {
    const T z = a > 0 ? T(1) : c;
    CAPTURE(a);
    CHECK(gate.activate(a) == z * a);
    CHECK(gate.factor(gate.activate(a)) == z);
  }
  // A NaN is never hidden.
  CHECK(std::isnan(gate.activate(std::numeric_limits<T>::quiet_NaN())));
  CHECK(std::isnan(gate.activate(-std::numeric_limits<T>::quiet_NaN())));
  CHECK(std::abs(gate.slope() - static_cast<double>(c)) <=
        static_cast<double>(std::numeric_limits<T>::epsilon() * c));
}

template <class Gate>
void check_complex_gate(const Gate& gate, double c) {
  using T = std::complex<double>;
  for (const double re : {-2.0, -1e-300, -0.0, 0.0, 1e-300, 2.0}) {
    for (const double im : {-3.0, -1e-30, 0.0, 1e-30, 3.0}) {
      const T a(re, im), z = re > 0 ? 1 : c;
      CAPTURE(a.real());
      CAPTURE(a.imag());
      CHECK(gate.activate(a) == z * a);
      CHECK(gate.factor(gate.activate(a)) == z);
    }
  }
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(gate.activate(T(nan, 1)).real()));
}

}  // namespace

TEST_CASE_TEMPLATE("gates: activation and gate of every kind of number", T, float, double,
                   long double) {
  check_gate<T>(relu{}, 0);
  check_gate<T>(leaky_relu<>{}, T(1) / T(100));
  check_gate<T>(leaky_relu<std::ratio<1, 5>>{}, T(1) / T(5));
  check_gate<T>(leaky_relu<std::ratio<999, 1000>>{}, T(999) / T(1000));
  check_gate<T>(leaky_relu<std::ratio<0>>{}, 0);
  check_gate<T>(leaky_relu<dynamic_slope>(0.25), T(0.25));
  check_gate<T>(leaky_relu<dynamic_slope>(0), 0);
  check_gate<T>(leaky_relu<dynamic_slope>(), static_cast<T>(0.01));
}

TEST_CASE_TEMPLATE("gates: identity", T, float, double, long double) {
  for (const T a : pre_activations<T>()) {
    CHECK(identity::activate(a) == a);
    CHECK(identity::factor(a) == 1);
  }
  CHECK(std::isnan(identity::activate(std::numeric_limits<T>::quiet_NaN())));
  CHECK(identity::slope() == 1);
}

TEST_CASE("gates: complex numbers by their real part") {
  check_complex_gate(relu{}, 0);
  check_complex_gate(leaky_relu<>{}, 0.01);
  check_complex_gate(leaky_relu<dynamic_slope>(0.3), 0.3);
  using T = std::complex<double>;
  CHECK(identity::activate(T(-1, 2)) == T(-1, 2));
  CHECK(identity::factor(T(-1, 2)) == T(1));
}

TEST_CASE("gates: minus infinity") {
  const double minus_infinity = -std::numeric_limits<double>::infinity();
  CHECK(relu::activate(minus_infinity) == 0);
  CHECK(leaky_relu<>::activate(minus_infinity) == minus_infinity);
  CHECK(identity::activate(minus_infinity) == minus_infinity);
}

TEST_CASE("gates: known to the compiler") {
  static_assert(relu::activate(-2.0) == 0 && relu::activate(2.0) == 2 && relu::slope() == 0);
  static_assert(leaky_relu<std::ratio<1, 4>>::activate(-2.0) == -0.5);
  static_assert(leaky_relu<std::ratio<1, 4>>::factor(-0.5) == 0.25);
  static_assert(leaky_relu<std::ratio<1, 4>>::slope() == 0.25);
  static_assert(leaky_relu<>::slope() == 0.01);
  static_assert(std::is_empty_v<relu> && std::is_empty_v<identity> &&
                std::is_empty_v<leaky_relu<>>);
}

TEST_CASE("leaky_relu: slopes at run time") {
  CHECK(leaky_relu<dynamic_slope>().slope() == 0.01);
  CHECK(leaky_relu<dynamic_slope>(0.7).slope() == 0.7);
  using gate = leaky_relu<dynamic_slope>;
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(gate{1}, "leaky_relu: slope 1, expected one in [0, 1)", argument_error);
  CHECK_THROWS_WITH_AS(gate{-0.25}, "leaky_relu: slope -0.25, expected one in [0, 1)",
                       argument_error);
  CHECK_THROWS_WITH_AS(gate{nan}, "leaky_relu: slope nan, expected one in [0, 1)", argument_error);
  CHECK_THROWS_WITH_AS(gate{infinity}, "leaky_relu: slope inf, expected one in [0, 1)",
                       argument_error);
}
