#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/model/regular_weights.hpp>

#include "support/close_to.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_number = std::numeric_limits<double>::quiet_NaN();

template <class L>
L random_layer(std::size_t in, std::size_t out, std::uint64_t seed) {
  L l(in, out);
  stream random = random_stream(seed);
  fill_random(l.weights(), random);
  return l;
}

}  // namespace

TEST_CASE_TEMPLATE("regular weights have unit directions and the same boundary", T, float, double,
                   long double) {
  const auto l = random_layer<dense<T, 7, 5, relu>>(7, 5, 1);
  const regular_weights w = make_regular(l);
  for (std::size_t k = 0; k < 5; ++k) {
    long double square = 0;
    for (std::size_t i = 0; i < 7; ++i) {
      square += static_cast<long double>(l.weights()(i, k)) * l.weights()(i, k);
    }
    const long double norm = std::sqrt(square);
    CHECK(w.has_boundary(k));
    for (std::size_t i = 0; i < 7; ++i) {
      const auto expected = static_cast<double>(l.weights()(i, k) / norm);
      CHECK(close_to(w.direction(k)[i], expected, 8 * epsilon<double>));
    }
    const auto b = static_cast<double>(l.weights()(7, k) / norm);
    CHECK(close_to(w.bias[k], b, 8 * epsilon<double> * std::abs(b)));
  }
}

TEST_CASE("weights whose squares leave the range have directions") {
  for (const double size : {1e-300, 1e300}) {
    dense<double, 2, 1, relu> l;
    l.weights()(0, 0) = 3 * size;
    l.weights()(1, 0) = -4 * size;
    l.bias()[0] = size;
    const regular_weights w = make_regular(l);
    CHECK(close_to(w.direction(0)[0], 0.6, 4 * epsilon<double>));
    CHECK(close_to(w.direction(0)[1], -0.8, 4 * epsilon<double>));
    CHECK(close_to(w.bias[0], 0.2, 4 * epsilon<double>));
  }
}

TEST_CASE_TEMPLATE("distances are regular pre-activations", T, float, double, long double) {
  const std::size_t N = 37;
  stream random = random_stream(2);
  for (const std::size_t d : {1U, 3U, 17U}) {
    const auto l = random_layer<dense<T, dynamic, dynamic, relu>>(d, 6, d);
    const auto x = random_matrix<T>(N, d, random);
    boundary_distances<T> distances(l);
    const auto found = distances(matrix_view(x));
    auto expected = make_matrix<long double>(N, 6), gauge = make_matrix<long double>(N, 6);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t k = 0; k < 6; ++k) {
        long double square = 0;
        for (std::size_t u = 0; u < d; ++u) square += std::pow<long double>(l.weights()(u, k), 2);
        for (std::size_t u = 0; u <= d; ++u) {
          const long double input = u < d ? static_cast<long double>(x(i, u)) : 1.0L;
          const long double term = input * l.weights()(u, k) / std::sqrt(square);
          expected(i, k) += term;
          gauge(i, k) += std::abs(term);
        }
      }
    }
    // Directions are kept in double.
    const double rounding = std::max(1.0, epsilon<double> / static_cast<double>(epsilon<T>));
    CHECK(within(found, expected, gauge, (static_cast<double>(d) + 8) * rounding));
  }
}

TEST_CASE("nodes without weights are infinitely far from a boundary") {
  dense<double, 2, 4, relu> l;
  l.weights()(0, 0) = 3;
  l.bias()[1] = 2;
  l.bias()[2] = -2;
  const regular_weights w = make_regular(l);
  CHECK(w.has_boundary(0));
  for (const std::size_t k : {1U, 2U, 3U}) CHECK(!w.has_boundary(k));
  boundary_distances<double> distances(l);
  const auto x = make_matrix<double>(1, 2);
  const auto a = distances(matrix_view(x));
  CHECK(a(0, 0) == 0);
  CHECK(a(0, 1) == infinity);   // always active
  CHECK(a(0, 2) == -infinity);  // never
  CHECK(a(0, 3) == -infinity);
}

TEST_CASE("weights and samples that are not numbers") {
  dense<double, 2, 3, relu> l;
  l.weights()(0, 0) = l.weights()(0, 1) = l.weights()(1, 2) = 1;
  boundary_distances<double> distances(l);
  auto x = make_matrix<double>(3, 2);
  for (const double wrong : {not_number, infinity, -infinity}) {
    x(2, 1) = wrong;
    CHECK(message_of<argument_error>([&] { distances(matrix_view(x)); }) ==
          "boundary_distances: sample 2 is not finite or too large");
    l.weights()(1, 1) = wrong;
    CHECK(message_of<argument_error>([&] { boundary_distances<double>{l}; }) ==
          "boundary_distances: weight 1 of node 1 is not a finite number");
  }
  const auto narrow = make_matrix<double>(3, 1);
  CHECK_THROWS_AS(distances(matrix_view(narrow)), shape_error);
}

TEST_CASE("lengths on both sides of where plain squares are safe") {
  const auto check = [](auto unit, std::initializer_list<int> exponents) {
    using T = decltype(unit);
    for (const int e : exponents) {
      CAPTURE(e);
      const std::vector<T> a{std::ldexp(T(3), e), std::ldexp(T(-4), e)};
      const detail::scaled_norm<T> norm{std::span<const T>(a)};
      CHECK(std::ldexp(norm.norm, norm.exponent) == std::ldexp(T(5), e));
      CHECK(norm.divide(a[0]) == T(3) / T(5));
    }
  };
  check(1.0, {-1070, -1022, -600, -400, -345, -344, -343, -1, 0, 1, 337, 338, 339, 340, 400, 1020});
  check(1.0F, {-140, -126, -60, -46, -45, -44, 0, 38, 39, 40, 60, 124});
}
