// Inner products of long rows: A B^T for few rows of A and B, vectors going along the rows.
//
//   S(j, i) = S(j, i) + sum_v A(i, v) B(j, v)    v numbers the vectors of a row, S [N, M] are vectors
//
// A lane of S is one chain of multiply-adds over every lanes-th column; its lanes are added last, once
// for any number of products.
#pragma once

#include <cstddef>

#include <tutelage/core/kernel/products.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Rows i, ..., i+R-1 of A and j, ..., j+C-1 of B: R C sums in registers.
template <std::size_t R, std::size_t C, class T>
[[gnu::always_inline]] inline void dot_tile(rows_of<const T> A, std::size_t i, const T* const* B,
                                            std::size_t columns, T* sums, std::size_t stride) {
  constexpr std::size_t L = lanes<T>;
  simd<T> sum[C][R];
#pragma GCC unroll 8
  for (std::size_t c = 0; c < C; ++c) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) {
      sum[c][r] = simd<T>::load_aligned(sums + c * stride + r * L);
    }
  }
  const T* a[R];
  const T* b[C];
  for (std::size_t r = 0; r < R; ++r) a[r] = A.at(i + r, 0);
  for (std::size_t c = 0; c < C; ++c) b[c] = B[c];
  const auto step = [&](std::size_t p, const auto& piece) __attribute__((always_inline)) {
    simd<T> left[R];
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) left[r] = piece.load(a[r] + p);
#pragma GCC unroll 8
    for (std::size_t c = 0; c < C; ++c) {
      const simd<T> right = piece.load(b[c] + p);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < R; ++r) sum[c][r] = multiply_add<T>(left[r], right, sum[c][r]);
    }
  };
  const std::size_t whole = columns / L * L;
  const partial<T> rest(columns - whole);
  for (std::size_t p = 0; p < whole; p += L) step(p, row_piece<T, false>(rest));
  if (whole < columns) step(whole, row_piece<T, true>(rest));
#pragma GCC unroll 8
  for (std::size_t c = 0; c < C; ++c) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < R; ++r) sum[c][r].store_aligned(sums + c * stride + r * L);
  }
}

/// S = S + ... for A [M, columns] and B [N, columns], whose row j is at B[j]; S(j, i) is the vector at
/// sums + (j M + i) lanes, on its alignment.
template <class T>
void add_row_dots(rows_of<const T> A, std::size_t M, const T* const* B, std::size_t N,
                  std::size_t columns, T* sums) {
  constexpr std::size_t L = lanes<T>;
#if defined(__AVX512F__)
  constexpr std::size_t R = 4, C = 6;  // 24 + 4 + 1 of 32 registers
#else
  constexpr std::size_t R = 2, C = 4;  // 8 + 2 + 1 of 16 registers
#endif
  const auto rows = [&]<std::size_t Width>(std::integral_constant<std::size_t, Width>,
                                           std::size_t j) {
    T* const to = sums + j * M * L;
    std::size_t i = 0;
    for (; i + R <= M; i += R) {
      dot_tile<R, Width>(A, i, B + j, columns, to + i * L, M * L);
    }
    for (; i < M; ++i) dot_tile<1, Width>(A, i, B + j, columns, to + i * L, M * L);
  };
  std::size_t j = 0;
  for (; j + C <= N; j += C) rows(std::integral_constant<std::size_t, C>{}, j);
  if constexpr (C > 4) {
    if (j + 4 <= N) rows(std::integral_constant<std::size_t, 4>{}, j), j += 4;
  }
  if (j + 2 <= N) rows(std::integral_constant<std::size_t, 2>{}, j), j += 2;
  for (; j < N; ++j) rows(std::integral_constant<std::size_t, 1>{}, j);
}

}  // namespace tutelage
