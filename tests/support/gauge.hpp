// Comparisons in units of epsilon over a gauge: the sum of absolute values of what was added.
#pragma once

#include <complex>
#include <cstddef>
#include <type_traits>

#include "support/close_to.hpp"

namespace test {

/// The scalar in which references are computed.
template <scalar T>
using wide_t = std::conditional_t<is_complex<T>, std::complex<long double>, long double>;

template <scalar T>
matrix<wide_t<T>> widen(const matrix<T>& m) {
  auto result = make_matrix<wide_t<T>>(m.shape(0), m.shape(1));
  for (std::size_t i = 0; i < m.shape(0); ++i) {
    for (std::size_t j = 0; j < m.shape(1); ++j) result(i, j) = static_cast<wide_t<T>>(m(i, j));
  }
  return result;
}

/// |actual - expected| <= epsilons * epsilon<T> * gauge, element by element. For complex numbers
/// twice that: their products round four times.
template <class T, class W>
comparison within(matrix_view<const T> actual, const matrix<W>& expected,
                  const matrix<real_t<W>>& gauge, double epsilons) {
  comparison result;
  if (actual.rows() != expected.shape(0) || actual.cols() != expected.shape(1)) {
    result.passed = false;
    result.where = detail::text("shape ", shape_text(actual.rows(), actual.cols()), ", expected ",
                                shape_text(expected.shape(0), expected.shape(1)));
    return result;
  }
  const double unit = epsilons * static_cast<double>(epsilon<T>) * (is_complex<T> ? 2 : 1);
  for (std::size_t i = 0; i < actual.rows(); ++i) {
    for (std::size_t j = 0; j < actual.cols(); ++j) {
      const auto error =
          static_cast<double>(std::abs(static_cast<W>(actual(i, j)) - expected(i, j)));
      const double tolerance = unit * static_cast<double>(gauge(i, j));
      if (error / tolerance <= result.worst) continue;  // places are only printed for the worst
      result.add(error, tolerance, detail::text("(", i, ", ", j, ")"),
                 static_cast<double>(real_part(actual(i, j))),
                 static_cast<double>(real_part(expected(i, j))));
    }
  }
  return result;
}

template <class T, std::size_t R, std::size_t C, class W>
comparison within(const matrix_view<T, R, C>& actual, const matrix<W>& expected,
                  const matrix<real_t<W>>& gauge, double epsilons) {
  return within<std::remove_cv_t<T>, W>(matrix_view<const std::remove_cv_t<T>>(actual), expected,
                                        gauge, epsilons);
}

}  // namespace test
