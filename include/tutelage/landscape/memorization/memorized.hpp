// Does a network go through its points? Constructions are exact, and their slopes grow where points are
// near each other: rounding may then be as large as the outputs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/matrix.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// How far a network that memorizes y may be from it, by the largest |y|.
inline constexpr double memorized_error = 0x1p-10;

namespace detail {

/// The largest |y|; 1 where all are 0.
inline double largest_of(matrix_view<const double> y) {
  double largest = 0;
  for (std::size_t i = 0; i < y.rows(); ++i) {
    for (const double number : y.row(i)) largest = std::max(largest, std::abs(number));
  }
  return largest > 0 ? largest : 1;
}

/// Throws argument_error unless net(x) is y to within memorized_error.
template <class Network>
void require_memorized(const char* function, const Network& net, matrix_view<const double> x,
                       matrix_view<const double> y) {
  const double allowed = memorized_error * largest_of(y);
  const auto f = net(x);
  for (std::size_t i = 0; i < y.rows(); ++i) {
    for (std::size_t o = 0; o < y.cols(); ++o) {
      const double error = std::abs(f(i, o) - y(i, o));
      if (error <= allowed) continue;
      throw argument_error(text(function,
                                ": points are too near each other for double precision: "
                                "output ",
                                o, " at row ", i, " is ", error, " off, allowed is ", allowed));
    }
  }
}

}  // namespace detail

}  // namespace tutelage
