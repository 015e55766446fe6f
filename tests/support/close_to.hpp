// Comparisons whose tolerance is a number of machine epsilons times a gauge.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <ostream>
#include <string>
#include <tutelage/core/matrix.hpp>

namespace test {

using namespace tutelage;

template <scalar T>
inline constexpr real_t<T> epsilon = std::numeric_limits<real_t<T>>::epsilon();

/// The worst of many comparisons. CHECK(comparison) fails when an error exceeds its tolerance, and
/// prints where.
struct comparison {
  bool passed = true;
  double worst = 0;  // error / tolerance
  std::string where;

  explicit operator bool() const { return passed; }

  void add(double error, double tolerance, const std::string& place, double actual,
           double expected) {
    const double ratio = error == 0 ? 0 : error / tolerance;
    if (!(ratio <= worst)) {
      worst = ratio;
      where = place + ": " + std::to_string(actual) + ", expected " + std::to_string(expected);
    }
    passed = passed && ratio <= 1;
  }
};

inline std::ostream& operator<<(std::ostream& out, const comparison& c) {
  return out << (c.passed ? "worst" : "FAILED") << " error " << c.worst << " of its tolerance at "
             << c.where;
}

/// |actual - expected| <= tolerance for every element.
template <class T, std::size_t R, std::size_t C, class U, std::size_t R2, std::size_t C2>
comparison close_to(const matrix_view<T, R, C>& actual, const matrix_view<U, R2, C2>& expected,
                    double tolerance) {
  comparison result;
  if (actual.rows() != expected.rows() || actual.cols() != expected.cols()) {
    result.passed = false;
    result.where = "shape " + shape_text(actual.rows(), actual.cols()) + ", expected " +
                   shape_text(expected.rows(), expected.cols());
    return result;
  }
  for (std::size_t i = 0; i < actual.rows(); ++i) {
    for (std::size_t j = 0; j < actual.cols(); ++j) {
      result.add(static_cast<double>(std::abs(actual(i, j) - expected(i, j))), tolerance,
                 detail::text("(", i, ", ", j, ")"), static_cast<double>(real_part(actual(i, j))),
                 static_cast<double>(real_part(expected(i, j))));
    }
  }
  return result;
}

template <class T, class U>
comparison close_to(const matrix<T>& actual, const matrix<U>& expected, double tolerance) {
  return close_to(matrix_view(actual), matrix_view(expected), tolerance);
}

inline comparison close_to(double actual, double expected, double tolerance) {
  comparison result;
  result.add(std::abs(actual - expected), tolerance, "value", actual, expected);
  return result;
}

}  // namespace test
