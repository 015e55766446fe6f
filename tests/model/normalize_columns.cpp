#include <cmath>
#include <complex>

#include <tutelage/model/dense.hpp>
#include <tutelage/model/normalize_columns.hpp>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"

using namespace test;

TEST_CASE_TEMPLATE("columns of a layer, with their biases", T, float, double,
                   std::complex<double>) {
  stream random = random_stream(9);
  dense<T, 5, dynamic, relu> l(5, 4);
  fill_random(l.weights(), random);
  for (std::size_t i = 0; i < 5; ++i) l.weights()(i, 2) = 0;  // no direction
  const auto before = to_matrix(l.weights());
  normalize_columns(l);
  comparison result;
  for (std::size_t k = 0; k < 4; ++k) {
    real_t<T> square = 0;
    for (std::size_t i = 0; i < 5; ++i) square += std::abs(before(i, k)) * std::abs(before(i, k));
    const real_t<T> length = k == 2 ? 1 : std::sqrt(square);
    for (std::size_t i = 0; i < 6; ++i) {
      const T expected = before(i, k) / length;
      result.add(std::abs(l.weights()(i, k) - expected), 12 * epsilon<T> * std::abs(expected),
                 detail::text("row ", i), real_part(l.weights()(i, k)), real_part(expected));
    }
  }
  CHECK(result);
}

TEST_CASE("a layer without bias") {
  dense<double, 2, 1, relu, no_bias> l;
  l.weights()(0, 0) = 3;
  l.weights()(1, 0) = -4;
  normalize_columns(l);
  CHECK(l.weights()(0, 0) == 3.0 / 5);
  CHECK(l.weights()(1, 0) == -4.0 / 5);
}

TEST_CASE("columns of a matrix: all its rows, where they lie, and no division by zero") {
  framed<double> A(2, 3, 2, -7);
  const matrix<double> numbers{{3, 0, 1e-200}, {4, 0, 0}};
  copy(matrix_view(numbers), A.view());
  normalize_columns(A.view());
  CHECK(A.intact());
  CHECK(A.view()(0, 0) == 3.0 / 5);
  CHECK(A.view()(1, 0) == 4.0 / 5);
  CHECK(A.view()(0, 1) == 0);
  CHECK(A.view()(0, 2) == 1e-200);  // its square is 0
}
