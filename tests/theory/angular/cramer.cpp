#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/theory/angular/cramer.hpp>

#include "reference/determinant.hpp"
#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T>
struct system_of {
  matrix<T> M;
  std::vector<T> b;
};

template <class T>
system_of<T> random_system(std::size_t m, stream& random) {
  system_of<T> s{random_matrix<T>(m, m, random), std::vector<T>(m)};
  random.fill_normal(std::span(s.b));
  return s;
}

// Elimination with complete pivoting is that of M + E, |E| <= about 2 m epsilon times the largest
// number; a determinant is as sensitive as the sum of its products, m factors each.
template <class T>
void check_against_laplace(const cramer_determinants<T>& c, const system_of<T>& s) {
  const std::size_t m = s.b.size();
  const auto tolerance = [&](long double gauge) {
    return static_cast<double>(gauge) * 2 * static_cast<double>((m + 1) * (m + 1)) *
           static_cast<double>(epsilon<T>);
  };
  const auto value = [&](T mantissa) {
    return std::scalbln(static_cast<long double>(mantissa), c.exponent());
  };
  comparison all;
  const auto add = [&](const std::string& place, T mantissa,
                       const reference::determinant_value& expected) {
    const long double actual = value(mantissa);
    all.add(static_cast<double>(std::abs(actual - expected.value)), tolerance(expected.gauge),
            place, static_cast<double>(actual), static_cast<double>(expected.value));
  };
  add("det", c.det(), reference::determinant(s.M));
  T least = std::numeric_limits<T>::infinity();
  for (std::size_t i = 0; i < m; ++i) {
    add(std::to_string(i), c.replaced()[i], reference::replaced_determinant(s.M, s.b, i));
    least = std::min(least, static_cast<T>(value(c.replaced()[i])));
  }
  CHECK(all);
  CHECK(c.min_replaced() == least);
}

}  // namespace

TEST_CASE_TEMPLATE("determinants are those of Laplace's expansion", T, float, double, long double) {
  stream random = random_stream(1);
  cramer_determinants<T> c;
  for (std::size_t m : {1U, 2U, 3U, 4U, 5U, 6U, 7U, 2U}) {
    for (int round = 0; round < 10; ++round) {
      const auto s = random_system<T>(m, random);
      framed<T> M(s.M, 3, not_a_number<T>);
      c.compute(M.view(), s.b);
      CHECK(c.size() == m);
      check_against_laplace(c, s);
    }
  }
}

TEST_CASE("small whole numbers, exactly where the pivots divide") {
  cramer_determinants<double> c;
  const system_of<double> s{{{0, 2, 0}, {0, 0, 4}, {8, 0, 0}}, {1, 2, 3}};
  c.compute(s.M, s.b);
  CHECK(std::scalbln(c.det(), c.exponent()) == 64);
  CHECK(std::scalbln(c.replaced()[0], c.exponent()) == 24);
  CHECK(std::scalbln(c.replaced()[1], c.exponent()) == 32);
  CHECK(std::scalbln(c.replaced()[2], c.exponent()) == 32);
  CHECK(c.min_replaced() == 24);
}

TEST_CASE_TEMPLATE("a singular matrix has determinants too", T, double, long double) {
  stream random = random_stream(2);
  cramer_determinants<T> c;
  for (std::size_t m : {2U, 3U, 4U, 6U}) {
    for (int round = 0; round < 10; ++round) {
      // Rank m - 1, up to the rounding of the last row.
      auto s = random_system<T>(m, random);
      for (std::size_t j = 0; j < m; ++j) {
        s.M(m - 1, j) = 0;
        for (std::size_t i = 0; i + 1 < m; ++i) s.M(m - 1, j) += s.M(i, j);
      }
      c.compute(s.M, s.b);
      check_against_laplace(c, s);
    }
  }
  // Exactly so, pivots being powers of two: det M = 0 and the others are not.
  const system_of<T> one{{{1, 2, 3}, {2, 4, 1}, {4, 8, 5}}, {1, 1, 4}};
  c.compute(one.M, one.b);
  CHECK(c.det() == 0);
  check_against_laplace(c, one);
  CHECK(std::abs(c.replaced()[0]) > 0);
  // Rank m - 2: all are exactly 0.
  const system_of<T> two{{{1, 2, 4}, {2, 4, 8}, {4, 8, 16}}, {1, 5, 7}};
  c.compute(two.M, two.b);
  CHECK(c.det() == 0);
  for (const T x : c.replaced()) CHECK(x == 0);
  CHECK(c.min_replaced() == 0);
  const system_of<T> none{{{0, 0}, {0, 0}}, {1, 1}};
  c.compute(none.M, none.b);
  CHECK(c.replaced()[1] == 0);
}

TEST_CASE_TEMPLATE("64 columns neither overflow nor vanish", T, float, double, long double) {
  // s^64 lies far outside the numbers of T; mantissas and exponents are exact for powers of two.
  cramer_determinants<T> c;
  const std::size_t m = 64;
  for (const int power :
       {-200 * static_cast<int>(sizeof(T)) / 8, 150 * static_cast<int>(sizeof(T)) / 8}) {
    if (std::abs(power) >= std::numeric_limits<T>::max_exponent) continue;
    auto M = make_matrix<T>(m, m);
    std::vector<T> b(m);
    for (std::size_t i = 0; i < m; ++i) {
      M(i, (i + 5) % m) = std::scalbn(T(1), power);
      b[i] = std::scalbn(i % 2 == 0 ? T(1) : T(-3), power);
    }
    c.compute(M, b);
    int shift = 0;
    const T mantissa = std::frexp(c.det(), &shift);
    CHECK(std::abs(mantissa) == T(0.5));
    CHECK(c.exponent() + shift == 64 * power + 1);
    // A shift by 5 of 64 places is an odd permutation (gcd 1: one cycle of even length), times 5.
    CHECK(mantissa < 0);
    for (std::size_t i = 0; i < m; ++i)
      CHECK(c.replaced()[(i + 5) % m] == c.det() * b[i] / M(0, 5));
  }
}

TEST_CASE("no unknowns, and what does not fit") {
  cramer_determinants<double> c;
  c.compute(make_matrix<double>(0, 0), std::vector<double>{});
  CHECK(c.det() == 1);
  CHECK(c.size() == 0);
  CHECK(c.min_replaced() == std::numeric_limits<double>::infinity());
  const std::vector<double> two{1, 2};
  CHECK(message_of<shape_error>([&] { c.compute(make_matrix<double>(2, 3), two); }) ==
        "cramer_determinants: M is (2x3), expected (2x2)");
  auto M = make_matrix<double>(2, 2);
  M(1, 0) = not_a_number<double>;
  CHECK(message_of<argument_error>([&] { c.compute(M, two); }) ==
        "cramer_determinants: a number is not finite");
  M(1, 0) = 0;
  const std::vector<double> infinite{1, std::numeric_limits<double>::infinity()};
  CHECK(message_of<argument_error>([&] { c.compute(M, infinite); }) ==
        "cramer_determinants: a number is not finite");
}
