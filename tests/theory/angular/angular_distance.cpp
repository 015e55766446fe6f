#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/angular/angular_distance.hpp>
#include <tutelage/theory/angular/cramer.hpp>

#include "support/close_to.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

}  // namespace

TEST_CASE("determinants as PyTorch has them") {
  const oracle o("population");
  for (std::size_t k = 0; k < o.size("/angular_distance"); ++k) {
    const std::string at = detail::text("/angular_distance/", k);
    const auto theta = o.numbers(at + "/theta");
    angular_matrices<double> a;
    a.compute(arc_cosine<1>{}, std::span<const double>(theta));
    cramer_determinants<double> c;
    c.compute(a.M, a.b);
    // Determinants add up products of m numbers up to pi; m! of them, of both signs.
    const double unit =
        epsilon<double> * std::pow(pi, theta.size()) * std::tgamma(theta.size() + 1);
    const auto number = [&](double mantissa) { return std::scalbln(mantissa, c.exponent()); };
    CHECK(close_to(number(c.det()), o.number(at + "/det"), unit));
    const auto expected = o.numbers(at + "/det_replaced");
    for (std::size_t i = 0; i < theta.size(); ++i) {
      CHECK(close_to(number(c.replaced()[i]), expected[i], unit));
    }
    CHECK(close_to(c.min_replaced(), o.number(at + "/min_det_replaced"), unit));
  }
}

TEST_CASE_TEMPLATE("arc-cosine kernels keep their digits where they vanish", T, float, double) {
  // long double near pi, by the series in u = pi - t or directly.
  const auto supplement = [](long double t) {
    return (std::numbers::pi_v<long double> - t) + detail::pi_rest<long double>;
  };
  const auto expected = [&](long double t) {
    const long double u = supplement(t);
    if (u > 0.1L) return u * std::cos(t) + std::sin(t);
    const long double s = u * u;
    return u * s / 3 * (1 - s / 10 * (1 - s / 28 * (1 - s / 54 * (1 - s / 88))));
  };
  for (int k = 0; k <= 2000; ++k) {
    for (const double x :
         {pi * k / 2000, pi - std::pow(10.0, -k / 170.0), std::pow(10.0, -k / 170.0)}) {
      const T t = std::min(static_cast<T>(x), std::nextafter(std::numbers::pi_v<T>, T(0)));
      const auto value = static_cast<double>(expected(t));
      const double unit = 6 * static_cast<double>(epsilon<T>);
      CHECK(close_to(static_cast<double>(arc_cosine<1>{}(t)), value, unit * value));
      const double u = static_cast<double>(supplement(t));
      CHECK(close_to(static_cast<double>(arc_cosine<0>{}(t)), u,
                     2 * static_cast<double>(epsilon<T>) * u));
    }
  }
  // From an angle with its sine and cosine: relative to the value at 0.
  for (int k = 0; k <= 100; ++k) {
    const T t = std::min(static_cast<T>(pi * k / 100), std::numbers::pi_v<T>);
    const angle_on_circle<T> a{t, std::sin(t), std::cos(t)};
    const double unit = 4 * pi * static_cast<double>(epsilon<T>);
    CHECK(close_to(static_cast<double>(arc_cosine<1>{}.on_circle(a)),
                   static_cast<double>(expected(t)), unit));
    CHECK(close_to(static_cast<double>(arc_cosine<0>{}.on_circle(a)),
                   static_cast<double>(arc_cosine<0>{}(t)), unit));
  }
  CHECK(arc_cosine<1>{}(T(0)) == std::numbers::pi_v<T>);
  CHECK(arc_cosine<0>{}(T(0)) == std::numbers::pi_v<T>);
}

TEST_CASE("distance on the circle") {
  CHECK(circle_distance(1.0, 1.0) == 0);
  CHECK(circle_distance(0.5, 2.0) == 1.5);
  CHECK(circle_distance(0.0, pi) == pi);
  CHECK(circle_distance(0.0, std::nextafter(pi, 4.0)) <= pi);
  stream random = random_stream(3);
  for (int k = 0; k < 1000; ++k) {
    const double x = 2 * pi * random.uniform(), y = 2 * pi * random.uniform();
    const long double d = std::abs(static_cast<long double>(x) - y);
    const long double expected = std::min(d, 2 * std::numbers::pi_v<long double> - d);
    CHECK(
        close_to(circle_distance(x, y), static_cast<double>(expected), 1.5 * pi * epsilon<double>));
    CHECK(circle_distance(x, y) == circle_distance(y, x));
  }
  // Across 0 as well as elsewhere.
  CHECK(close_to(circle_distance(1e-9, 2 * pi - 1e-9), 2e-9, 4 * pi * epsilon<double>));
}

TEST_CASE_TEMPLATE("matrices entry by entry, of a user's function", T, float, double, long double) {
  const auto f = [](T t) { return std::exp(-t); };
  const std::vector<T> theta{T(0.5), T(6), T(2)};
  angular_matrices<T> a;
  a.compute(f, std::span<const T>(theta));
  CHECK(a.M.shape(0) == 3);
  CHECK(a.b.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      CHECK(a.M(i, j) == f(circle_distance(theta[i], theta[j])));
    }
    CHECK(a.b[i] == f(circle_distance(theta[i], T(0))));
  }
  a.compute(f, std::span<const T>());
  CHECK(a.M.size() == 0);
}

TEST_CASE("directions outside [0, 2 pi) are refused") {
  angular_matrices<double> a;
  for (const double wrong : {-1e-9, 2 * pi, 7.0, std::nan("")}) {
    const std::vector<double> theta{1, wrong};
    CHECK(message_of<argument_error>(
              [&] { a.compute(arc_cosine<1>{}, std::span<const double>(theta)); }) ==
          detail::text("angular_matrices: a direction is ", wrong, ", expected in [0, 2 pi)"));
  }
}
