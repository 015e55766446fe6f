#include <tutelage/core/finite.hpp>

#include <doctest/doctest.h>

#include <complex>
#include <limits>

#include "support/framed.hpp"
#include "support/thrown.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

template <class T>
T real(real_t<T> x) {
  return T(x);
}

}  // namespace

TEST_CASE_TEMPLATE("require_finite: one wrong number anywhere, by row and column", T, float, double,
                   long double, std::complex<double>) {
  using limits = std::numeric_limits<real_t<T>>;
  for (const std::size_t cols : dynamic_widths()) {
    // What is not part of the view is not read: the border is no number.
    framed<T> frame(3, cols, 5, not_a_number<T>);
    const matrix_view<T> x = frame.view();
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < cols; ++k) {
        x(i, k) = real<T>((i + k) % 2 == 0 ? limits::max() : -limits::max());
      }
    }
    CHECK_NOTHROW(detail::require_finite("f", "x", x));
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < cols; ++k) {
        const T kept = x(i, k);
        for (const auto wrong :
             {limits::quiet_NaN(), -limits::quiet_NaN(), limits::infinity(), -limits::infinity()}) {
          x(i, k) = real<T>(wrong);
          const auto message = message_of<argument_error>(
              [&] { detail::require_finite("f", "x", matrix_view<const T>(x), 10); });
          CHECK(message == detail::text("f: x has ", x(i, k), " at row ", 10 + i, ", column ", k,
                                        ", expected finite numbers"));
        }
        x(i, k) = kept;
      }
    }
  }
}

TEST_CASE("require_finite: the first of several; an imaginary part counts; nothing is finite") {
  auto x = make_matrix<double>(3, 20);
  x(1, 19) = x(2, 3) = std::numeric_limits<double>::infinity();
  x(1, 7) = -std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { detail::require_finite("f", "x", matrix_view(x)); }) ==
        "f: x has nan at row 1, column 7, expected finite numbers");
  auto z = make_matrix<std::complex<double>>(1, 2);
  z(0, 1) = {1, -std::numeric_limits<double>::infinity()};
  CHECK(message_of<argument_error>([&] { detail::require_finite("f", "z", matrix_view(z)); }) ==
        "f: z has (1, -inf) at row 0, column 1, expected finite numbers");
  for (const auto& none : {make_matrix<double>(0, 3), make_matrix<double>(3, 0)}) {
    CHECK_NOTHROW(detail::require_finite("f", "x", matrix_view(none)));
  }
}
