#include <tutelage/core/kernel/transpose.hpp>

#include <doctest/doctest.h>

#include "support/framed.hpp"
#include "support/random.hpp"

using namespace test;

TEST_CASE_TEMPLATE("transpose: pieces of columns make the transpose", T, float, double,
                   long double) {
  auto random = random_stream(1);
  for (const std::size_t R : {1U, 3U, 16U, 19U}) {
    for (const std::size_t C : {1U, 7U, 16U, 33U}) {
      const auto A = random_matrix<T>(R, C, random);
      framed<T> from(A, 2, not_a_number<T>), to(C, R, 3, T(-7));
      const auto view = to.view();
      detail::for_each_column_piece(detail::rows_of<const T>(from.view()), R, C,
                                    [&](std::size_t c, std::size_t r, const auto& numbers,
                                        const auto& piece) { piece.store(&view(c, r), numbers); });
      auto expected = make_matrix<T>(C, R);
      for (std::size_t r = 0; r < R; ++r) {
        for (std::size_t c = 0; c < C; ++c) expected(c, r) = A(r, c);
      }
      CHECK(to_matrix(view) == expected);
      CHECK(to.intact());
    }
  }
}
