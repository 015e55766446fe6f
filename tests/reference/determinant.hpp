// Determinants by Laplace's expansion, and the sum of absolute values of what it adds.
#pragma once

#include <cmath>
#include <cstddef>
#include <tutelage/core/matrix.hpp>
#include <vector>

namespace reference {

using tutelage::matrix;

struct determinant_value {
  long double value, gauge;
};

template <class T>
determinant_value determinant(const matrix<T>& M, const std::vector<std::size_t>& columns) {
  if (columns.empty()) return {1, 1};
  const std::size_t row = M.shape(0) - columns.size();
  determinant_value sum{0, 0};
  for (std::size_t c = 0; c < columns.size(); ++c) {
    auto others = columns;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(c));
    const auto minor = determinant(M, others);
    const auto x = static_cast<long double>(M(row, columns[c]));
    sum.value += (c % 2 == 0 ? 1 : -1) * x * minor.value;
    sum.gauge += std::abs(x) * minor.gauge;
  }
  return sum;
}

template <class T>
determinant_value determinant(const matrix<T>& M) {
  std::vector<std::size_t> columns;
  for (std::size_t j = 0; j < M.shape(1); ++j) columns.push_back(j);
  return determinant(M, columns);
}

/// det M_i: of M with column i replaced by b.
template <class T>
determinant_value replaced_determinant(matrix<T> M, const std::vector<T>& b, std::size_t i) {
  for (std::size_t row = 0; row < b.size(); ++row) M(row, i) = b[row];
  return determinant(M);
}

}  // namespace reference
