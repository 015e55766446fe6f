#include <tutelage/core/scalar.hpp>

#include <doctest/doctest.h>

#include <complex>
#include <limits>

namespace {

using namespace tutelage;

// Facts about types.
static_assert(scalar<float> && scalar<double> && scalar<long double>);
static_assert(scalar<std::complex<double>>);
static_assert(!scalar<int> && !scalar<std::complex<int>> && !scalar<double*>);
static_assert(real_scalar<float> && real_scalar<double> && real_scalar<long double>);
static_assert(!real_scalar<std::complex<double>> && !real_scalar<int>);

static_assert(std::is_same_v<real_t<float>, float>);
static_assert(std::is_same_v<real_t<long double>, long double>);
static_assert(std::is_same_v<real_t<std::complex<double>>, double>);
static_assert(is_complex<std::complex<double>> && !is_complex<double>);

static_assert(std::is_same_v<accumulator_t<float>, double>);
static_assert(std::is_same_v<accumulator_t<double>, double>);
static_assert(std::is_same_v<accumulator_t<long double>, long double>);

}  // namespace

TEST_CASE_TEMPLATE("real_part and is_finite: real numbers", T, float, double, long double) {
  using limits = std::numeric_limits<T>;
  static_assert(real_part(T(2.5)) == T(2.5));
  static_assert(std::is_same_v<decltype(real_part(T(1))), T>);
  CHECK(std::isnan(real_part(limits::quiet_NaN())));
  for (const T x : {T(0), T(-1), limits::max(), limits::lowest(), limits::denorm_min()}) {
    CHECK(real_part(x) == x);
    CHECK(is_finite(x));
  }
  CHECK(!is_finite(limits::infinity()));
  CHECK(!is_finite(-limits::infinity()));
  CHECK(!is_finite(limits::quiet_NaN()));
}

TEST_CASE("real_part and is_finite: complex numbers") {
  using T = std::complex<double>;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  static_assert(real_part(T(2, 3)) == 2);
  CHECK(is_finite(T(1, -2)));
  for (const double broken : {infinity, -infinity, nan}) {
    CHECK(!is_finite(T(broken, 1)));
    CHECK(!is_finite(T(1, broken)));
    CHECK(!is_finite(T(broken, broken)));
  }
}
