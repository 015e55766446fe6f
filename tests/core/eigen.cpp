#include <cmath>
#include <limits>
#include <tutelage/core/eigen.hpp>

#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

using namespace test;

TEST_CASE_TEMPLATE("vectors and values give the matrix back", T, float, double) {
  for (const std::size_t n : {0U, 1U, 2U, 3U, 17U, 40U}) {
    stream random = random_stream(n);
    auto A = random_matrix<T>(n, n, random);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) A(i, j) = A(j, i);
    }
    const auto found = symmetric_eigen<T>(A);
    double norm = 0;
    for (const T x : A) norm = std::hypot(norm, static_cast<double>(x));
    const double unit = 10 * static_cast<double>(epsilon<T>);
    comparison matrix_again, orthonormal;
    for (std::size_t i = 0; i < n; ++i) {
      if (i > 0) CHECK(found.values[i - 1] <= found.values[i]);
      for (std::size_t j = 0; j < n; ++j) {
        double element = 0, product = 0;
        for (std::size_t k = 0; k < n; ++k) {
          element += static_cast<double>(found.values[k]) *
                     static_cast<double>(found.vectors(k, i)) *
                     static_cast<double>(found.vectors(k, j));
          product +=
              static_cast<double>(found.vectors(i, k)) * static_cast<double>(found.vectors(j, k));
        }
        matrix_again.add(std::abs(element - static_cast<double>(A(i, j))), unit * norm,
                         detail::text(i, ", ", j), element, static_cast<double>(A(i, j)));
        orthonormal.add(std::abs(product - (i == j ? 1 : 0)), unit * static_cast<double>(n),
                        detail::text(i, ", ", j), product, i == j ? 1 : 0);
      }
    }
    CHECK(matrix_again);
    CHECK(orthonormal);
  }
}

TEST_CASE("what has no eigenvalues") {
  auto A = make_matrix<double>(2, 3);
  CHECK(message_of<shape_error>([&] { symmetric_eigen<double>(A); }) ==
        "symmetric_eigen: the matrix is (2x3), expected (2x2)");
  auto B = make_matrix<double>(2, 2);
  B(0, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { symmetric_eigen<double>(B); }) ==
        "symmetric_eigen: the matrix is not finite");
}
