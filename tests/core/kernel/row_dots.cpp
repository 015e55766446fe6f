#include <tutelage/core/kernel/row_dots.hpp>

#include <doctest/doctest.h>

#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"

using namespace test;

// Whole numbers: sums are exact in any order.
TEST_CASE_TEMPLATE("row_dots: inner products of rows, a lane at a time", T, float, double) {
  constexpr std::size_t L = detail::lanes<T>;
  auto random = random_stream(1);
  for (const std::size_t M : {1U, 2U, 4U, 7U}) {
    for (const std::size_t N : {1U, 2U, 3U, 5U, 6U, 11U}) {
      for (const std::size_t columns : {1U, 15U, 16U, 33U}) {
        const auto whole = [&](std::size_t rows) {
          auto m = make_matrix<T>(rows, columns);
          for (T& x : m) x = static_cast<T>(random.below(9)) - 4;
          return m;
        };
        const auto A = whole(M), B = whole(N);
        framed<T> framed_A(A, 3, not_a_number<T>);
        const scattered<T> rows(B);
        workspace<T> memory;
        const auto sums = memory.reshape(1, (N * M + 1) * L);
        for (std::size_t i = 0; i < sums.cols(); ++i) sums(0, i) = T(i < N * M * L ? 1 : -7);
        detail::add_row_dots(detail::rows_of<const T>(framed_A.view()), M,
                             rows.view().pointers().data(), N, columns, sums.data());
        std::size_t wrong = 0;
        for (std::size_t j = 0; j < N; ++j) {
          for (std::size_t i = 0; i < M; ++i) {
            for (std::size_t lane = 0; lane < L; ++lane) {
              T sum(1);
              for (std::size_t p = lane; p < columns; p += L) sum += A(i, p) * B(j, p);
              wrong += sums(0, (j * M + i) * L + lane) != sum;
            }
          }
        }
        INFO(M, " and ", N, " rows of ", columns);
        CHECK(wrong == 0);
        CHECK(sums(0, N * M * L) == T(-7));
      }
    }
  }
}
