// The transpose of a matrix, a square of vectors at a time.
#pragma once

#include <algorithm>
#include <cstddef>

#include <tutelage/core/kernel/products.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// A scalar in place of a vector: loads and stores one number.
struct one_number {
  template <class T>
  [[nodiscard]] T load(const T* from) const {
    return *from;
  }
  template <class T>
  void store(T* to, const T& x) const {
    *to = x;
  }
};

/// Calls put(c, r, numbers, piece) for pieces of the columns of A [R, C]: `numbers` are those of column
/// c from row r on, a vector or a scalar, and `piece` stores so many of them as there are.
template <class T, class Put>
void for_each_column_piece(rows_of<const T> A, std::size_t R, std::size_t C, const Put& put) {
  if constexpr (simd_scalar<T>) {
    constexpr std::size_t L = lanes<T>;
    for (std::size_t r = 0; r < R; r += L) {
      const std::size_t height = std::min(L, R - r);
      const partial<T> piece(height);
      for (std::size_t c = 0; c < C; c += L) {
        const std::size_t width = std::min(L, C - c);
        const partial<T> rest(width);
        simd<T> square[L];
#pragma GCC unroll 16
        for (std::size_t i = 0; i < L; ++i) {
          square[i] = i < height ? rest.load(A.at(r + i, c)) : simd<T>(T(0));
        }
        transpose<T>(square);
#pragma GCC unroll 16
        for (std::size_t i = 0; i < L; ++i) {
          if (i < width) put(c + i, r, square[i], piece);
        }
      }
    }
  } else {
    for (std::size_t r = 0; r < R; ++r) {
      for (std::size_t c = 0; c < C; ++c) put(c, r, *A.at(r, c), one_number{});
    }
  }
}

}  // namespace tutelage
