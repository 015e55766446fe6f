// Losses as their formulas, in a wide scalar; complex ones for complex-step derivatives.
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>

#include <tutelage/core/matrix.hpp>

namespace reference {

using namespace tutelage;

/// 1/(2N) sum_i |y_i - f_i|^2
template <class T>
T mean_squared_error(const matrix<T>& f, const matrix<T>& y) {
  T sum = 0;
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    for (std::size_t k = 0; k < f.shape(1); ++k) sum += (y(i, k) - f(i, k)) * (y(i, k) - f(i, k));
  }
  return sum / static_cast<real_t<T>>(2 * f.shape(0));
}

/// The real part of the largest number of a row.
template <class T>
real_t<T> largest_of_row(const matrix<T>& f, std::size_t i) {
  real_t<T> largest = real_part(f(i, 0));
  for (std::size_t k = 1; k < f.shape(1); ++k) largest = std::max(largest, real_part(f(i, k)));
  return largest;
}

/// exp(f_ik) / sum_k exp(f_ik). A constant is taken out of the exponents, so that nothing
/// overflows.
template <class T>
matrix<T> softmax(const matrix<T>& f) {
  auto result = f;
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    T sum = 0;
    for (std::size_t k = 0; k < f.shape(1); ++k) {
      result(i, k) = std::exp(f(i, k) - largest_of_row(f, i));
      sum += result(i, k);
    }
    for (std::size_t k = 0; k < f.shape(1); ++k) result(i, k) /= sum;
  }
  return result;
}

/// ln sum_k exp(f_ik)
template <class T>
T log_normalizer(const matrix<T>& f, std::size_t i) {
  T sum = 0;
  for (std::size_t k = 0; k < f.shape(1); ++k) sum += std::exp(f(i, k) - largest_of_row(f, i));
  return std::log(sum) + largest_of_row(f, i);
}

/// -1/N sum_i sum_k p_ik ln softmax(f_i)_k
template <class T>
T cross_entropy(const matrix<T>& f, const matrix<T>& p) {
  T sum = 0;
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    const T normalizer = log_normalizer(f, i);
    for (std::size_t k = 0; k < f.shape(1); ++k) sum -= p(i, k) * (f(i, k) - normalizer);
  }
  return sum / static_cast<real_t<T>>(f.shape(0));
}

/// -N d loss(f) / d f_ik by complex steps, exact to rounding.
template <class Loss>
matrix<long double> negative_gradient(const matrix<long double>& f, const Loss& loss) {
  constexpr long double step = 1e-30L;
  auto moved = make_matrix<std::complex<long double>>(f.shape(0), f.shape(1));
  std::copy(f.begin(), f.end(), moved.begin());
  auto g = make_matrix<long double>(f.shape(0), f.shape(1));
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    for (std::size_t k = 0; k < f.shape(1); ++k) {
      moved(i, k).imag(step);
      g(i, k) = -loss(moved).imag() / step * static_cast<long double>(f.shape(0));
      moved(i, k).imag(0);
    }
  }
  return g;
}

}  // namespace reference
