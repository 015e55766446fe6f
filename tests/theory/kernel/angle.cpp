#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <complex>
#include <limits>
#include <span>
#include <tutelage/theory/kernel/angle.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using quad = boost::multiprecision::cpp_bin_float_quad;

// theta and pi - theta from the same numbers: |w| v and |v| w in place of unit vectors.
struct exact_angle {
  quad radians, supplement;
};

template <class T>
exact_angle exact(const std::vector<T>& w, const std::vector<T>& v) {
  quad w_square = 0, v_square = 0, difference = 0, sum = 0;
  for (std::size_t i = 0; i < w.size(); ++i) {
    w_square += quad(w[i]) * quad(w[i]);
    v_square += quad(v[i]) * quad(v[i]);
  }
  const quad w_norm = sqrt(w_square), v_norm = sqrt(v_square);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const quad a = quad(w[i]) * v_norm, b = quad(v[i]) * w_norm;
    difference += (a - b) * (a - b);
    sum += (a + b) * (a + b);
  }
  return {2 * atan2(sqrt(difference), sqrt(sum)), 2 * atan2(sqrt(sum), sqrt(difference))};
}

template <class T>
angle<T> between(const std::vector<T>& w, const std::vector<T>& v) {
  return angle_between(std::span<const T>(w), std::span<const T>(v));
}

template <class T>
void add_errors(comparison& found, const std::vector<T>& w, const std::vector<T>& v) {
  const auto expected = exact(w, v);
  const auto actual = between(w, v);
  const auto add = [&](const char* what, T value, const quad& right) {
    found.add(static_cast<double>(abs(quad(value) - right)), 4 * static_cast<double>(epsilon<T>),
              what, static_cast<double>(value), static_cast<double>(right));
  };
  add("theta", actual.radians(), expected.radians);
  add("pi - theta", actual.supplement(), expected.supplement);
  add("sin", actual.sin(), sin(expected.radians));
  add("cos", actual.cos(), cos(expected.radians));
}

}  // namespace

TEST_CASE_TEMPLATE("within 4 epsilon of quad precision, at any angle and any length", T, float,
                   double, long double) {
  stream random = random_stream(1);
  comparison found;
  for (const std::size_t d : {1U, 2U, 3U, 10U, 100U, 1000U}) {
    const int draws = d < 1000 ? 60 : 10;
    for (int draw = 0; draw < draws; ++draw) {
      std::vector<T> w(d), v(d);
      // From 1e-20 to 1 away from a positive or a negative multiple.
      const double distance = std::pow(10.0, -20 * random.uniform());
      const double factor = (random.uniform() < 0.5 ? -1 : 1) * std::exp(5 * random.normal());
      for (std::size_t i = 0; i < d; ++i) {
        w[i] = static_cast<T>(random.normal());
        v[i] = static_cast<T>(factor * (static_cast<double>(w[i]) + distance * random.normal()));
      }
      add_errors(found, w, v);
      for (T& x : v) x = static_cast<T>(random.normal());
      add_errors(found, w, v);
    }
  }
  CHECK(found);
}

TEST_CASE_TEMPLATE("exact where it is exact", T, float, double, long double) {
  const std::vector<T> w{T(0.3), T(-1.7), T(2.9)}, minus_twice{T(-0.6), T(3.4), T(-5.8)};
  const std::vector<T> x{1, 0}, y{0, 1};
  CHECK(between(w, w).radians() == 0);
  CHECK(between(w, w).sin() == 0);
  CHECK(between(w, w).cos() == 1);
  CHECK(between(w, minus_twice).supplement() == 0);
  CHECK(between(w, minus_twice).sin() == 0);
  CHECK(between(w, minus_twice).cos() == -1);
  CHECK(between(x, y).cos() == 0);
  CHECK(between(x, y).radians() == between(x, y).supplement());
}

TEST_CASE_TEMPLATE("from radians, relative to each end", T, float, double, long double) {
  comparison found;
  const double unit = static_cast<double>(epsilon<T>);
  const quad pi = boost::math::constants::pi<quad>();
  for (int exponent = 0; exponent >= -12; --exponent) {
    const T small = static_cast<T>(std::pow(10.0, exponent));
    for (const T theta : {small, static_cast<T>(static_cast<T>(pi) - small)}) {
      const auto a = angle<T>::from_radians(theta);
      const quad left = pi - quad(theta);
      found.add(static_cast<double>(abs(quad(a.radians()) - theta)),
                4 * unit * static_cast<double>(theta), "theta", static_cast<double>(a.radians()),
                static_cast<double>(theta));
      found.add(static_cast<double>(abs(quad(a.supplement()) - left)),
                4 * unit * static_cast<double>(abs(left)), "pi - theta",
                static_cast<double>(a.supplement()), static_cast<double>(left));
    }
  }
  CHECK(found);
}

TEST_CASE_TEMPLATE("lengths at the ends of the range", T, float, double, long double) {
  using limits = std::numeric_limits<T>;
  const std::vector<T> w{T(0.25), T(-1.75), T(0.5)}, v{T(1.5), T(0.25), T(0.75)};
  const auto times = [](std::vector<T> a, int exponent) {
    for (T& x : a) x = std::scalbn(x, exponent);
    return a;
  };
  const T expected = between(w, v).radians();
  for (const int e : {limits::max_exponent - 1, limits::min_exponent - limits::digits + 3}) {
    CHECK(between(times(w, e), v).radians() == expected);
    CHECK(between(times(w, e), times(v, e)).radians() == expected);
    CHECK(between(times(w, e), times(v, -e / 2)).radians() == expected);
  }
}

TEST_CASE("complex steps differentiate it") {
  // d theta / d w_i = -(v_i/|v| - cos theta w_i/|w|) / (|w| sin theta)
  using complex = std::complex<double>;
  stream random = random_stream(2);
  comparison found;
  for (int draw = 0; draw < 200; ++draw) {
    const std::size_t d = 2 + random.below(8);
    std::vector<double> w(d), v(d);
    for (double& x : w) x = random.normal();
    for (double& x : v) x = random.normal();
    const auto theta = between(w, v);
    double w_norm = 0, v_norm = 0;
    for (std::size_t i = 0; i < d; ++i) {
      w_norm = std::hypot(w_norm, w[i]);
      v_norm = std::hypot(v_norm, v[i]);
    }
    for (std::size_t i = 0; i < d; ++i) {
      std::vector<complex> stepped(w.begin(), w.end()), fixed(v.begin(), v.end());
      stepped[i] += complex(0, 1e-30);
      const double expected =
          -(v[i] / v_norm - theta.cos() * w[i] / w_norm) / (w_norm * theta.sin());
      const auto moved = between(stepped, fixed);
      const double unit =
          20 * static_cast<double>(d) * epsilon<double> / (w_norm * theta.sin() * theta.sin());
      found.add(std::abs(moved.radians().imag() * 1e30 - expected), unit, "theta",
                moved.radians().imag() * 1e30, expected);
      found.add(std::abs(moved.supplement().imag() * 1e30 + expected), unit, "pi - theta",
                moved.supplement().imag() * 1e30, -expected);
    }
  }
  CHECK(found);
}

TEST_CASE("vectors without an angle are named") {
  const std::vector<double> w{1, 2}, zero{0, 0}, longer{1, 2, 3}, none;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { between(zero, w); }) == "angle: the first vector is zero");
  CHECK(message_of<argument_error>([&] { between(w, zero); }) ==
        "angle: the second vector is zero");
  CHECK(message_of<argument_error>([&] {
          between(w, {1, nan});
        }) == "angle: the second vector is not finite");
  CHECK(message_of<argument_error>([&] {
          between({-INFINITY, 1}, w);
        }) == "angle: the first vector is not finite");
  CHECK(message_of<argument_error>([&] { between(none, none); }) ==
        "angle: the first vector is zero");
  CHECK(message_of<shape_error>([&] { between(w, longer); }) ==
        "angle: vectors of 2 and 3 numbers, expected equal lengths");
}
