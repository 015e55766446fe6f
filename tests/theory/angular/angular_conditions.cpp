#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/angular/angular_conditions.hpp>
#include <tutelage/theory/angular/cramer.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

const auto cosine = [](auto t) { return std::cos(t); };
const auto exponential = [](auto t) { return std::exp(-t); };
const auto increasing = [](auto t) { return 1 + t; };
// A triangle on a constant; its cosine coefficients are 2 (1 - cos k) / (pi k^2).
const auto triangle = [](auto t) { return 1 + (t < 1 ? 1 - t : 0); };

template <class F>
matrix<double> matrix_of(const F& f, const std::vector<double>& theta) {
  angular_matrices<double> a;
  a.compute(f, std::span<const double>(theta));
  return a.M;
}

}  // namespace

TEST_CASE_TEMPLATE("both arc-cosine kernels have every property", T, float, double, long double) {
  const auto zero = check_angular_conditions<T>(arc_cosine<0>{}, 64);
  CHECK(zero.hold());
  // (pi - s)(pi - t) - (pi - s - t) pi = s t
  CHECK(close_to(static_cast<double>(zero.decreasing.value), 1.0 / 64,
                 4 * static_cast<double>(epsilon<T>)));
  CHECK(close_to(static_cast<double>(zero.log_concave.value), 1.0 / (64 * 64),
                 4 * static_cast<double>(epsilon<T>)));
  const auto one = check_angular_conditions<T>(arc_cosine<1>{}, 64);
  CHECK(one.hold());
  // Its odd cosine coefficients are 0 but the first.
  CHECK(std::abs(one.cosine_coefficient.value) <= 4 * epsilon<T>);
  CHECK(static_cast<int>(one.cosine_coefficient.s) % 2 == 1);
  CHECK(one.cosine_coefficient.s > 1);
  // f' is -(pi - t) sin t: at the ends of the grid f hardly falls.
  CHECK(one.decreasing.t == std::numbers::pi_v<T>);
}

TEST_CASE("each condition is seen to fail") {
  CHECK_FALSE(decreasing_margin<double>(increasing, 50).holds());
  CHECK(close_to(decreasing_margin<double>(increasing, 50).value, -pi / 50, 8 * epsilon<double>));
  const auto bump = [](double t) { return std::abs(t - 2) < 0.1 ? 0.9 : 1 - t / 4; };
  const auto rise = decreasing_margin<double>(bump, 1000);
  CHECK_FALSE(rise.holds());
  CHECK(close_to(rise.s, 1.9, pi / 1000));
  // exp(-s) exp(-t) = exp(-s-t): equal, not above.
  CHECK_FALSE(log_concave_margin<double>(exponential, 200).holds());
  CHECK_FALSE(log_concave_margin<double>(triangle, 200).holds());
  CHECK(log_concave_margin<double>(cosine, 200).holds());
  // Only where s + t comes next to pi.
  const auto late = [](double t) { return t > 0.997 * pi ? 1.0 : std::cos(t); };
  const auto end = log_concave_margin<double>(late, 400);
  CHECK_FALSE(end.holds());
  CHECK(close_to(end.s + end.t, pi * 399 / 400, 4 * epsilon<double>));
  CHECK_FALSE(check_angular_conditions<double>(increasing, 64).is_angular_distance());
  CHECK(check_angular_conditions<double>(exponential, 64).is_angular_distance());
  CHECK(check_angular_conditions<double>(triangle, 64).is_angular_distance());
  // 1 - t has the coefficient 1 - pi/2 of the constant, within the error of the trapezoids.
  const auto least = least_cosine_coefficient<double>([](double t) { return 1 - t; }, 64);
  CHECK(close_to(least.value, 1 - pi / 2, 4 * epsilon<double>));
  CHECK(least.s == 0);
  CHECK(least_cosine_coefficient<double>(
            [](double t) { return std::cos(2 * t) - 0.5 * std::cos(3 * t); }, 32)
            .s == 3);
}

TEST_CASE("definiteness: what a Gram matrix shows to the last digits") {
  stream random = random_stream(21);
  for (std::size_t m = 1; m <= 8; ++m) {
    for (int round = 0; round < 20; ++round) {
      const auto X = random_matrix<double>(m, m + 2, random);
      auto G = make_matrix<double>(m, m);
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < m; ++j) {
          for (std::size_t k = 0; k < m + 2; ++k) G(i, j) += X(i, k) * X(j, k);
        }
      }
      CHECK(definiteness_of(G) == definiteness::positive);
      if (m == 1) continue;
      // A repeated row: rank m - 1. Less than round-off below it is still semidefinite.
      for (std::size_t j = 0; j < m; ++j) G(m - 1, j) = G(0, j);
      for (std::size_t i = 0; i < m; ++i) G(i, m - 1) = G(i, 0);
      CHECK(definiteness_of(G) == definiteness::semidefinite);
      G(m - 1, m - 1) -= 1e-10 * G(0, 0);
      CHECK(definiteness_of(G) == definiteness::indefinite);
    }
  }
  CHECK(definiteness_of(make_matrix<double>(0, 0)) == definiteness::positive);
  CHECK(message_of<shape_error>([] {
          static_cast<void>(definiteness_of(make_matrix<double>(2, 3)));
        }) == "definiteness_of: M is (2x3), expected (2x2)");
}

TEST_CASE("definiteness of next to nothing and of next to everything") {
  for (const double s : {1e-320, 1e-200, 1.0, 1e200, 1e307}) {
    CHECK(definiteness_of(matrix<double>{{s, s}, {s, s}}) == definiteness::semidefinite);
    CHECK(definiteness_of(matrix<double>{{2 * s, s}, {s, 2 * s}}) == definiteness::positive);
    CHECK(definiteness_of(matrix<double>{{s, 2 * s}, {2 * s, s}}) == definiteness::indefinite);
    CHECK(definiteness_of(matrix<double>{{0, s}, {s, 0}}) == definiteness::indefinite);
  }
  CHECK(definiteness_of(matrix<double>{{0, 0}, {0, 0}}) == definiteness::semidefinite);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(definiteness_of(matrix<double>{{nan, 0}, {0, 1}}), argument_error);
}

TEST_CASE("no condition holds of a function that is nothing at 0, negative or no number") {
  const auto minus = [](auto t) { return -arc_cosine<1>{}(t); };
  const auto zero = [](auto t) { return 0 * t; };
  const auto sunk = [](auto t) { return t - 10; };
  const auto broken = [](auto t) { return t > 1 ? 0 * std::log(0 * t) : 1 - t; };
  CHECK_THROWS_AS(check_angular_conditions<double>(minus, 64), argument_error);
  CHECK_THROWS_AS(check_angular_conditions<double>(zero, 64), argument_error);
  CHECK_THROWS_AS(decreasing_margin<double>(sunk, 64), argument_error);
  CHECK_THROWS_AS(least_cosine_coefficient<double>(sunk, 64), argument_error);
  CHECK_THROWS_AS(log_concave_margin<double>(broken, 64), argument_error);
  CHECK(message_of<argument_error>([&] { check_angular_conditions<double>(cosine, 2); }) ==
        "decreasing_margin: 2 steps and f(0) = 1, expected at least 3 and a positive number");
}

TEST_CASE("Proposition 5.4 and Lemma 4.5, and which directions are dependent") {
  stream random = random_stream(22);
  for (std::size_t m = 1; m <= 6; ++m) {
    for (int round = 0; round < 50; ++round) {
      std::vector<double> theta(m);
      random.fill_uniform(std::span(theta), 0, 2 * pi);
      CHECK(definiteness_of(matrix_of(arc_cosine<0>{}, theta)) == definiteness::positive);
      CHECK(definiteness_of(matrix_of(arc_cosine<1>{}, theta)) != definiteness::indefinite);
    }
  }
  // Opposite pairs: one leaves both regular, two make degree 0 singular, three degree 1 too.
  std::vector<double> theta{0.3, 0.3 + pi, 1.5};
  CHECK(definiteness_of(matrix_of(arc_cosine<0>{}, theta)) == definiteness::positive);
  theta.push_back(1.5 + pi);
  CHECK(definiteness_of(matrix_of(arc_cosine<0>{}, theta)) == definiteness::semidefinite);
  CHECK(definiteness_of(matrix_of(arc_cosine<1>{}, theta)) == definiteness::positive);
  theta.push_back(2.5);
  theta.push_back(2.5 + pi);
  CHECK(definiteness_of(matrix_of(arc_cosine<1>{}, theta)) == definiteness::semidefinite);
  // What is no angular-distance function is indefinite already for three directions.
  CHECK(definiteness_of(matrix_of(increasing, {0.3, 1.5, 4})) == definiteness::indefinite);
}

TEST_CASE("Conjecture 5.8 fails for f = cos") {
  const auto conditions = check_angular_conditions<double>(cosine, 256);
  CHECK(conditions.hold());
  CHECK(definiteness_of(matrix_of(cosine, {0.5, 1.5})) == definiteness::positive);
  CHECK(definiteness_of(matrix_of(cosine, {0.5, 1.5, 2.7})) == definiteness::semidefinite);
}

namespace {

// det M, det M_1, ..., det M_m.
template <class F>
std::vector<double> determinants_of(const F& f, const std::vector<double>& theta) {
  angular_matrices<double> a;
  a.compute(f, std::span<const double>(theta));
  cramer_determinants<double> c;
  c.compute(a.M, a.b);
  std::vector<double> all{std::scalbln(c.det(), c.exponent())};
  for (const double x : c.replaced()) all.push_back(std::scalbln(x, c.exponent()));
  return all;
}

void check_determinants(const std::vector<double>& found, const std::vector<double>& expected,
                        double within) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CHECK(close_to(found[i], expected[i], within));
    CHECK(found[i] > 0);
  }
}

// The conditions vanish at the ends of their domains, where grids prove nothing. For even f with
// period 2 pi these quotients of the margins are smooth and bounded away from 0 if the lemmas hold.
template <class F>
double least_slope(const F& f, std::size_t n) {
  double least = 1e9;
  for (std::size_t k = 0; k < n; ++k) {
    const double s = pi * static_cast<double>(k) / static_cast<double>(n);
    const double t = pi * static_cast<double>(k + 1) / static_cast<double>(n);
    least = std::min(least, (f(s) - f(t)) / (std::cos(s) - std::cos(t)) / f(0.0));
  }
  return least;
}

template <class F>
double least_log_concavity(const F& f, std::size_t n) {
  double least = 1e9;
  for (std::size_t i = 1; i < n; ++i) {
    for (std::size_t j = 1; i + j <= n; ++j) {
      const double s = pi * static_cast<double>(i) / static_cast<double>(n);
      const double t = pi * static_cast<double>(j) / static_cast<double>(n);
      const double margin = f(s) * f(t) / f(0.0) - f(std::min(s + t, pi));
      least = std::min(least, margin / (f(0.0) * std::sin(s) * std::sin(t)));
    }
  }
  return least;
}

}  // namespace

TEST_CASE("Conjecture 5.5 fails for a triangle on a constant") {
  CHECK(check_angular_conditions<double>(triangle, 256).is_angular_distance());
  // Distances between students are all above 1, so M = I + 1; b = (1.4, 1.4, 1).
  check_determinants(determinants_of(triangle, {0.6, 2 * pi - 0.6, 3}), {4, 1.8, 1.8, 0.2},
                     64 * epsilon<double>);
}

TEST_CASE("Conjecture 5.5 fails for (pi - t) cos t, and by much") {
  const auto f = [](double t) { return (pi - t) * std::cos(t); };
  CHECK(check_angular_conditions<double>(f, 256).is_angular_distance());
  check_determinants(determinants_of(f, {0.86, 3.1, 2 * pi - 0.86}),
                     {28.7683, 15.6022, 5.1748, 15.6022}, 1e-4);
}

TEST_CASE("Conjecture 5.5 fails for Poisson's kernel, which is positive definite") {
  const auto f = [](double t) { return 0.75 / (1.25 - std::cos(t)); };
  const std::vector<double> theta{1.3, 3, 2 * pi - 1.3};
  CHECK(check_angular_conditions<double>(f, 32).cosine_coefficient.value > 1e-6);
  CHECK(least_slope(f, 1000) > 0.049);
  CHECK(definiteness_of(matrix_of(f, theta)) == definiteness::positive);
  check_determinants(determinants_of(f, theta), {25.28896, 5.59388, 0.95615, 5.62628}, 1e-5);
}

TEST_CASE("Conjecture 5.5 fails though Lemmas 4.2, 4.3 and positive definiteness hold") {
  const auto f = [](double t) {
    return 1.2 + std::cos(t) + 0.01 * (std::cos(2 * t) + std::cos(3 * t) + std::cos(4 * t)) +
           0.07 * std::cos(5 * t) + 0.001 / (1.25 - std::cos(t));
  };
  const std::vector<double> theta{0.5, 0.95, 5.44};
  const auto conditions = check_angular_conditions<double>(f, 32);
  CHECK(conditions.hold());
  // The k-th coefficient is at least 0.001 * 4/3 * 2^-k; the least of 32 is two of k = 16.
  CHECK(close_to(conditions.cosine_coefficient.value * f(0.0), 0.001 * 4 / 3 * std::pow(2, -15),
                 1e-4 * 4e-8));
  CHECK(least_slope(f, 1000) > 0.2);
  CHECK(least_log_concavity(f, 1000) > 0.04);
  CHECK(definiteness_of(matrix_of(f, theta)) == definiteness::positive);
  check_determinants(determinants_of(f, theta), {1.0277, 0.3046, 0.3202, 0.4855}, 1e-4);
}
