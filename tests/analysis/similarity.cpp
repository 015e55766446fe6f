#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/analysis/similarity.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/split_student.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

matrix<double> product(const matrix<double>& a, const matrix<double>& b) {
  auto c = make_matrix<double>(a.shape(0), b.shape(1));
  multiply(a, b, c);
  return c;
}

// Canonical correlations by whitening: the eigenvalues of Sxx^-1/2 Sxy Syy^-1 Syx Sxx^-1/2 are
// their squares. Well conditioned sides only.
std::vector<double> by_whitening(const matrix<double>& x, const matrix<double>& y) {
  const auto covariance = [](const matrix<double>& a, const matrix<double>& b) {
    auto result = make_matrix<double>(a.shape(1), b.shape(1));
    const auto N = static_cast<double>(a.shape(0));
    for (std::size_t i = 0; i < a.shape(1); ++i) {
      for (std::size_t k = 0; k < b.shape(1); ++k) {
        double mean_a = 0, mean_b = 0;
        for (std::size_t s = 0; s < a.shape(0); ++s) {
          mean_a += a(s, i) / N;
          mean_b += b(s, k) / N;
        }
        for (std::size_t s = 0; s < a.shape(0); ++s) {
          result(i, k) += (a(s, i) - mean_a) * (b(s, k) - mean_b);
        }
      }
    }
    return result;
  };
  const auto power = [](const matrix<double>& S, double exponent) {
    const auto [values, Q] = symmetric_eigen(matrix_view(S));
    auto result = make_matrix<double>(S.shape(0), S.shape(0));
    for (std::size_t i = 0; i < values.size(); ++i) {
      for (std::size_t a = 0; a < values.size(); ++a) {
        for (std::size_t b = 0; b < values.size(); ++b) {
          result(a, b) += Q(a, i) * std::pow(values[i], exponent) * Q(b, i);
        }
      }
    }
    return result;
  };
  const auto W = power(covariance(x, x), -0.5);
  const auto Sxy = covariance(x, y), Syx = covariance(y, x);
  const auto M = product(product(product(W, Sxy), product(power(covariance(y, y), -1), Syx)), W);
  auto values = symmetric_eigen(matrix_view(M)).values;
  std::reverse(values.begin(), values.end());
  values.resize(std::min(x.shape(1), y.shape(1)));
  for (double& v : values) v = std::sqrt(std::max(0.0, v));
  return values;
}

comparison close(const std::vector<double>& actual, const std::vector<double>& expected,
                 double tolerance) {
  comparison result;
  result.passed = actual.size() == expected.size();
  for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    result.add(std::abs(actual[i] - expected[i]), tolerance, std::to_string(i), actual[i],
               expected[i]);
  }
  return result;
}

// Two sides with some variation in common, and large means.
struct sides {
  matrix<double> x, y;
};
sides related(std::size_t N, std::size_t m, std::size_t n, std::uint64_t seed) {
  stream random = random_stream(seed);
  auto x = random_matrix<double>(N, m, random);
  auto y = product(x, random_matrix<double>(m, n, random));
  for (std::size_t i = 0; i < N; ++i) {
    for (double& value : matrix_view(y).row(i)) value += 2 * random.normal() - 1;
    for (double& value : matrix_view(x).row(i)) value += 3;
  }
  return {x, y};
}

}  // namespace

TEST_CASE("canonical correlations, two ways") {
  for (const auto& [m, n] : {std::pair<std::size_t, std::size_t>{3, 3}, {2, 5}, {6, 4}, {1, 1}}) {
    const auto s = related(400, m, n, m + n);
    const auto rho = cca(s.x, s.y);
    CHECK(close(rho, by_whitening(s.x, s.y), 1e4 * epsilon<double>));
    CHECK(std::is_sorted(rho.rbegin(), rho.rend()));
    CHECK(rho.front() > 0.1);
    CHECK(rho.front() < 0.99999);
  }
}

TEST_CASE("CCA does not see invertible maps, CKA none that are orthogonal") {
  stream random = random_stream(1);
  const auto s = related(300, 4, 5, 2);
  const auto rho = cca(s.x, s.y);
  CHECK(close(cca(s.y, s.x), rho, 1e3 * epsilon<double>));
  const auto mapped = product(s.x, random_matrix<double>(4, 4, random));
  CHECK(close(cca(mapped, s.y), rho, 1e4 * epsilon<double>));
  CHECK(close(cca(s.x, mapped), {1, 1, 1, 1}, 1e3 * epsilon<double>));
  const double similarity = linear_cka(s.x, s.y);
  CHECK(similarity > 0.1);
  CHECK(similarity < 0.99);
  CHECK(close_to(linear_cka(s.y, s.x), similarity, 64 * epsilon<double>));
  auto Q = svd(matrix_view(random_matrix<double>(4, 4, random))).U;
  for (double& q : Q) q *= 3;
  CHECK(close_to(linear_cka(product(s.x, Q), s.y), similarity, 300 * epsilon<double>));
  CHECK(close_to(linear_cka(s.x, s.x), 1, 64 * epsilon<double>));
  CHECK(std::abs(linear_cka(mapped, s.y) - similarity) > 1e-3);
}

TEST_CASE("linear CKA is the normalized sum of squared covariances") {
  const auto s = related(200, 3, 4, 3);
  const auto square = [](const matrix<double>& a, const matrix<double>& b) {
    long double sum = 0;
    const long double N = static_cast<long double>(a.shape(0));
    for (std::size_t i = 0; i < a.shape(1); ++i) {
      for (std::size_t k = 0; k < b.shape(1); ++k) {
        long double mean_a = 0, mean_b = 0, both = 0;
        for (std::size_t t = 0; t < a.shape(0); ++t) {
          mean_a += a(t, i) / N;
          mean_b += b(t, k) / N;
          both += static_cast<long double>(a(t, i)) * b(t, k) / N;
        }
        sum += (both - mean_a * mean_b) * (both - mean_a * mean_b);
      }
    }
    return sum;
  };
  const auto expected =
      static_cast<double>(square(s.x, s.y) / std::sqrt(square(s.x, s.x) * square(s.y, s.y)));
  CHECK(close_to(linear_cka(s.x, s.y), expected, 400 * epsilon<double>));
}

TEST_CASE("a student that is its teacher: groups are one direction") {
  const auto s = make_split_student(6, 4, 3, 2, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 2000, 6, 1);
  activations<any_mlp> f_star, f;
  s.teacher.forward(x, f_star);
  s.student.forward(x, f);
  const auto teacher = to_matrix(f_star.f(1)), student = to_matrix(f.f(1));
  // 15 student nodes: 4 directions of the teachers, one of the null group, none of the constant.
  const auto rho = cca(teacher, student);
  CHECK(close(rho, {1, 1, 1, 1}, 1e4 * epsilon<double>));
  CHECK(cca(student, student).size() == 5);
  CHECK(linear_cka(teacher, student) < 0.99);  // it sees how groups are split
}

TEST_CASE("SVCCA leaves small components out") {
  // One direction of variance 1 in common, one of 1e-6 of each side's own.
  stream random = random_stream(4);
  auto x = make_matrix<double>(500, 2), y = x;
  for (std::size_t i = 0; i < 500; ++i) {
    x(i, 0) = random.normal();
    y(i, 1) = -2 * x(i, 0);
    x(i, 1) = 1e-3 * random.normal();
    y(i, 0) = 1e-3 * random.normal();
  }
  CHECK(svcca(x, y).size() == 1);
  CHECK(svcca(x, y)[0] > 1 - 1e-4);
  const auto all = cca(x, y);
  REQUIRE(all.size() == 2);
  CHECK(all[1] < 0.2);
  CHECK(svcca(x, y, 1 - 1e-9).size() == 2);
  CHECK(close_to(mean_correlation(all), (all[0] + all[1]) / 2, epsilon<double>));
}

TEST_CASE("no size of activations is too large or too small") {
  const auto s = related(200, 3, 4, 5);
  const double similarity = linear_cka(s.x, s.y);
  const auto rho = svcca(s.x, s.y);
  for (const int exponent : {-1060, -700, -350, 350, 700, 1019}) {
    auto x = s.x, y = s.y;
    for (double& value : x) value = std::ldexp(value, exponent);
    for (double& value : y) value = std::ldexp(value, -exponent / 2);
    // Numbers below 2^-1022 have fewer digits.
    const double unit = exponent < -1022 ? 1e-2 : 64 * epsilon<double>;
    CHECK(close_to(linear_cka(x, s.y), similarity, unit));
    CHECK(close_to(linear_cka(x, y), similarity, unit));
    CHECK(close_to(linear_cka(x, x), 1, unit));
    CHECK(close(svcca(x, y), rho, 16 * unit));
  }
  // A node that is large and constant hides none that change.
  auto x = make_matrix<double>(200, 4);
  for (std::size_t i = 0; i < 200; ++i) {
    x(i, 0) = 1e300;
    for (std::size_t k = 0; k < 3; ++k) x(i, k + 1) = 1e-20 * s.x(i, k);
  }
  CHECK(close_to(linear_cka(x, s.y), similarity, 64 * epsilon<double>));
}

TEST_CASE("what rounding makes of multiples in float is no direction, what is larger is one") {
  stream random = random_stream(7);
  auto x = make_matrix<float>(2000, 2), y = x, near = x;
  for (std::size_t i = 0; i < 2000; ++i) {
    const float a = std::max(0.0F, random_normal<float>(random)), b = random_normal<float>(random);
    x(i, 0) = a;
    x(i, 1) = 1.1F * a;
    y(i, 0) = near(i, 0) = a;
    y(i, 1) = b;
    near(i, 1) = a + 1e-4F * b;
  }
  CHECK(close(cca(x, y), {1}, 1e-6));
  CHECK(close(cca(near, y), {1, 1}, 1e-2));
  // Rounding is relative to values with their mean.
  for (float& value : x) value += 100;
  CHECK(close(cca(x, y), {1}, 1e-4));
}

TEST_CASE("CCA does not see the units of columns") {
  const auto s = related(300, 4, 3, 8);
  const auto rho = cca(s.x, s.y);
  auto x = s.x;
  const double unit[] = {1e-17, 1e17, 1, 1e-300};
  for (std::size_t i = 0; i < 300; ++i) {
    for (std::size_t k = 0; k < 4; ++k) x(i, k) *= unit[k];
  }
  CHECK(close(cca(x, s.y), rho, 1e4 * epsilon<double>));
  CHECK(svcca(x, s.y).size() == 1);  // the principal components do
}

TEST_CASE("degenerate input") {
  auto constant = make_matrix<float>(5, 2), changing = constant;
  for (float& value : constant) value = 0.1F;
  changing(3, 1) = 1;
  CHECK(cca(constant, changing).empty());
  CHECK(mean_correlation(cca(constant, changing)) == 0);
  CHECK(linear_cka(constant, changing) == 0);
  CHECK(cca(changing, changing).size() == 1);
  const auto one = make_matrix<float>(1, 2);
  CHECK(cca(one, one).empty());
  CHECK(linear_cka(one, one) == 0);
  CHECK(message_of<shape_error>([&] { cca(one, changing); }) ==
        "svcca: 1 and 5 samples, expected equally many");
  const auto none = make_matrix<float>(0, 2);
  CHECK_THROWS_AS(cca(none, none), shape_error);
  CHECK_THROWS_AS(linear_cka(none, none), shape_error);
  for (const double share : {0.0, -1.0, 1.1, std::nan("")}) {
    CHECK_THROWS_AS(svcca(changing, changing, share), argument_error);
  }
  changing(2, 0) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(cca(changing, changing), argument_error);
  CHECK_THROWS_AS(linear_cka(changing, changing), argument_error);
}
