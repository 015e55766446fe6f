// Each element of a product is one chain of multiply-adds in the order of k, whatever the tile, the
// tail and the way: these tests ask for equal bits.
#include <doctest/doctest.h>

#include <cmath>
#include <utility>

#include <tutelage/core/kernel/products.hpp>

#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;
using detail::operands;
using detail::scattered_left;
using detail::scattered_left_transposed;
using detail::simd;
using detail::strided_left;

template <class T>
T multiply_add(T a, T b, T c) {
#if defined(__FMA__) || defined(__AVX512F__)
  return std::fma(a, b, c);
#else
  const volatile T product = a * b;
  return product + c;
#endif
}

// A B, each element started with the same number.
template <class T>
matrix<T> chains(const matrix<T>& A, const matrix<T>& B, T start) {
  auto C = make_matrix<T>(A.shape(0), B.shape(1));
  for (std::size_t i = 0; i < C.shape(0); ++i) {
    for (std::size_t j = 0; j < C.shape(1); ++j) {
      T sum = start;
      for (std::size_t k = 0; k < A.shape(1); ++k) sum = multiply_add(A(i, k), B(k, j), sum);
      C(i, j) = sum;
    }
  }
  return C;
}

template <class T>
matrix<T> transpose_of(const matrix<T>& m) {
  auto result = make_matrix<T>(m.shape(1), m.shape(0));
  for (std::size_t i = 0; i < m.shape(0); ++i) {
    for (std::size_t j = 0; j < m.shape(1); ++j) result(j, i) = m(i, j);
  }
  return result;
}

// Stores where it is told; everything else must stay as it was.
template <class T>
auto store_into(const matrix_view<T>& c) {
  return [c](std::size_t i, std::size_t j, const simd<T>& sum, const auto& piece) {
    piece.store(c.row(i).data() + j, sum);
  };
}

template <class T, std::size_t N>
void check_tiled(const matrix<T>& A, const matrix<T>& B, const matrix<T>& expected) {
  constexpr T canary = -12345;
  const std::size_t M = A.shape(0), K = A.shape(1), columns = B.shape(1);
  const auto start = [](std::size_t, const auto&) { return simd<T>(T(0.5)); };
  const auto run = [&](const auto& a) {
    framed<T> c(M, columns, 3, canary);
    framed<T> b(B, 1, not_a_number<T>);
    detail::multiply_tiled<N>(
        operands{a, detail::strided_right<T>{b.view().data(), b.view().stride()}, K}, M, columns,
        start, store_into(c.view()));
    CHECK(c.intact());
    CHECK(to_matrix(c.view()) == expected);
  };
  INFO("(", M, "x", K, ") (", K, "x", columns, ")");
  framed<T> rows(A, 2, not_a_number<T>), columns_of(transpose_of(A), 2, not_a_number<T>);
  run(strided_left<T>{rows.view().data(), rows.view().stride(), 1});
  run(strided_left<T>{columns_of.view().data(), 1, columns_of.view().stride()});
  const scattered<T> far_rows(A), far_columns(transpose_of(A));
  run(scattered_left<T>{far_rows.view().pointers().data()});
  run(scattered_left_transposed<T>{far_columns.view().pointers().data()});
}

}  // namespace

TEST_CASE_TEMPLATE("tiles: widths known at run time, every batch size", T, float, double) {
  auto random = random_stream(1);
  for (std::size_t columns = 1; columns <= 70; ++columns) {
    const std::size_t M = 1 + columns % 40, K = columns % 12;
    const auto A = random_matrix<T>(M, K, random), B = random_matrix<T>(K, columns, random);
    check_tiled<T, dynamic>(A, B, chains(A, B, T(0.5)));
  }
  for (std::size_t M = 1; M <= 40; ++M) {
    const auto A = random_matrix<T>(M, 5, random), B = random_matrix<T>(5, 29, random);
    check_tiled<T, dynamic>(A, B, chains(A, B, T(0.5)));
  }
}

TEST_CASE_TEMPLATE("tiles: widths known at compile time", T, float, double) {
  auto random = random_stream(2);
  for_each_width<1, 7, 8, 10, 17, 24, 33, 50>([&](auto columns) {
    const auto A = random_matrix<T>(11, 6, random), B = random_matrix<T>(6, columns, random);
    check_tiled<T, columns>(A, B, chains(A, B, T(0.5)));
  });
}

TEST_CASE_TEMPLATE("A B^T without a transposed copy of B", T, float, double) {
  constexpr T canary = -12345;
  auto random = random_stream(3);
  const auto check = [&](std::size_t M, std::size_t K, std::size_t columns) {
    INFO("(", M, "x", K, ") (", columns, "x", K, ")^T");
    const auto A = random_matrix<T>(M, K, random), B = random_matrix<T>(columns, K, random);
    framed<T> a(A, 2, not_a_number<T>), b(B, 1, not_a_number<T>), c(M, columns, 3, canary);
    detail::transposed_product(detail::rows_of<const T>(a.view()),
                               detail::rows_of<const T>(b.view()), M, columns, K,
                               store_into(c.view()));
    CHECK(c.intact());
    CHECK(to_matrix(c.view()) == chains(A, transpose_of(B), T(0)));
  };
  for (std::size_t columns = 1; columns <= 70; ++columns)
    check(1 + columns % 40, columns % 23, columns);
  for (std::size_t M = 1; M <= 40; ++M) check(M, 5 + M, 13);
  check(19, detail::longest_transposed<T>, 9);
}
