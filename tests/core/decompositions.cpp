#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/core/product.hpp>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

matrix<double> product(const matrix<double>& a, const matrix<double>& b) {
  auto c = make_matrix<double>(a.shape(0), b.shape(1));
  multiply(a, b, c);
  return c;
}

matrix<double> transpose(const matrix<double>& a) {
  auto result = make_matrix<double>(a.shape(1), a.shape(0));
  for (std::size_t i = 0; i < a.shape(0); ++i) {
    for (std::size_t k = 0; k < a.shape(1); ++k) result(k, i) = a(i, k);
  }
  return result;
}

matrix<double> diagonal(const std::vector<double>& values) {
  auto result = make_matrix<double>(values.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) result(i, i) = values[i];
  return result;
}

matrix<double> ones(std::size_t n) { return diagonal(std::vector<double>(n, 1)); }

}  // namespace

TEST_CASE("U diag(s) V^T is the matrix, for every shape") {
  stream random = random_stream(1);
  for (const std::size_t rows : {1U, 2U, 5U, 16U, 33U}) {
    for (const std::size_t cols : {1U, 3U, 5U, 17U, 40U}) {
      const auto A = random_matrix<double>(rows, cols, random);
      framed<double> padded(A, 3, not_a_number<double>);
      const auto [U, s, Vt] = svd(padded.view());
      const std::size_t r = std::min(rows, cols);
      REQUIRE(s.size() == r);
      const double unit = static_cast<double>(rows + cols) * epsilon<double>;
      CHECK(close_to(product(product(U, diagonal(s)), Vt), A, 2 * unit * s[0]));
      CHECK(close_to(product(transpose(U), U), ones(r), 2 * unit));
      CHECK(close_to(product(Vt, transpose(Vt)), ones(r), 2 * unit));
      for (std::size_t i = 1; i < r; ++i) CHECK(s[i] <= s[i - 1]);
      const auto alone = singular_values(padded.view());
      REQUIRE(alone.size() == r);
      for (std::size_t i = 0; i < r; ++i) CHECK(close_to(alone[i], s[i], unit * s[0]));
    }
  }
}

TEST_CASE("singular values and ranks that are known") {
  auto A = make_matrix<double>(3, 2);
  A(0, 0) = 3;
  A(2, 1) = -4;
  const auto s = singular_values(matrix_view(A));
  CHECK(close_to(s[0], 4, 8 * epsilon<double>));
  CHECK(close_to(s[1], 3, 8 * epsilon<double>));
  CHECK(numerical_rank(matrix_view(A)) == 2);
  CHECK(numerical_rank(matrix_view(A), 0.7) == 2);
  CHECK(numerical_rank(matrix_view(A), 0.8) == 1);
  CHECK(numerical_rank(make_matrix<double>(4, 4)) == 0);
  stream random = random_stream(2);
  for (std::size_t rank = 0; rank <= 6; ++rank) {
    const auto low = product(random_matrix<double>(9, rank + 1, random),
                             random_matrix<double>(rank + 1, 7, random));
    CHECK(numerical_rank(matrix_view(low)) == rank + 1);
  }
}

TEST_CASE("Q diag(e) Q^T is the symmetric matrix") {
  stream random = random_stream(3);
  for (const std::size_t n : {1U, 2U, 7U, 20U}) {
    auto A = random_matrix<double>(n, n, random);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < i; ++k) A(i, k) = A(k, i);
    }
    framed<double> padded(A, 2, not_a_number<double>);
    const auto [values, Q] = symmetric_eigen(padded.view());
    const double unit = 8 * static_cast<double>(n) * epsilon<double>;
    const double largest = std::max(std::abs(values.front()), std::abs(values.back()));
    CHECK(close_to(product(product(Q, diagonal(values)), transpose(Q)), A, unit * largest));
    CHECK(close_to(product(transpose(Q), Q), ones(n), unit));
    for (std::size_t i = 1; i < n; ++i) CHECK(values[i - 1] <= values[i]);
  }
  // The upper triangle is what counts.
  auto A = diagonal({1, 2});
  A(1, 0) = 100;
  CHECK(symmetric_eigen(matrix_view(A)).values == std::vector<double>{1, 2});
}

TEST_CASE("matrices without elements, and with elements that are no numbers") {
  const auto none = make_matrix<double>(0, 3);
  CHECK(svd(matrix_view(none)).s.empty());
  CHECK(singular_values(matrix_view(none)).empty());
  CHECK(numerical_rank(matrix_view(none)) == 0);
  CHECK(symmetric_eigen(make_matrix<double>(0, 0)).values.empty());
  auto A = make_matrix<double>(2, 2);
  for (const double wrong :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    A(1, 0) = wrong;
    CHECK(message_of<argument_error>([&] { svd(matrix_view(A)); }) ==
          detail::text("svd: the matrix has ", wrong,
                       " at row 1, column 0, expected finite numbers"));
    CHECK_THROWS_AS(singular_values(matrix_view(A)), argument_error);
    CHECK_THROWS_AS(numerical_rank(matrix_view(A)), argument_error);
    CHECK_THROWS_AS(symmetric_eigen(matrix_view(A)), argument_error);
  }
  CHECK(message_of<shape_error>([&] { symmetric_eigen(matrix_view(none)); }) ==
        "symmetric_eigen: the matrix is (0x3), expected (0x0)");
}
