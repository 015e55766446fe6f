// The innermost loop of every product: a tile of R rows by V vectors of C stays in registers while
// k runs over A's columns and B's rows.
//
//   C(r, v) = start(v) + sum_k A(r, k) B(k, v)
//
// Each element is one chain of fused multiply-adds in the order of k. So its bits depend on neither
// the tile nor the size of the batch, and static and dynamic widths compute equal numbers.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <tutelage/core/kernel/simd.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// The shapes of tiles: at most `widest` vectors, and tall(V) rows of V vectors. Accumulators, a row
/// of B and an element of A fit into the registers, and there are enough accumulators to hide the
/// latency of a multiply-add. Tiles of all widths can have `rows` rows.
struct tile_shape {
#if defined(__AVX512F__)
  static constexpr std::size_t rows = 8, widest = 3;  // 24 + 3 + 1 of 32 registers
  static constexpr std::size_t tall(std::size_t /*V*/) { return rows; }
#elif defined(__FMA__)
  static constexpr std::size_t rows = 4, widest = 3;  // 12 + 3 + 1 of 16 registers
  static constexpr std::size_t tall(std::size_t V) { return V == 1 ? 8 : V == 2 ? 6 : rows; }
#else
  static constexpr std::size_t rows = 4, widest = 2;  // 8 + 2 + 1 of 16 registers
  static constexpr std::size_t tall(std::size_t V) { return V == 1 ? 8 : rows; }
#endif
};

// The left operand A [M, K] is one of five below. from<R>(i) begins a walk along k in R rows:
// at(r) is element (i + r, k), next() goes on to k + 1.

/// Element (i, k) is at data[i * row + k * col]: a matrix has col = 1, a transposed one row = 1.
template <class T>
struct strided_left {
  const T* data;
  std::size_t row, col;

  struct walk {
    const T* a;
    std::size_t row, col;
    [[gnu::always_inline]] T at(std::size_t r) const { return a[r * row]; }
    [[gnu::always_inline]] void next() { a += col; }
  };
  template <std::size_t R>
  [[gnu::always_inline]] walk from(std::size_t i) const {
    return {data + i * row, row, col};
  }
};

/// Element (i, k) is at data[i * row + k], and a walk asks the memory for the R rows below its own, R
/// elements a step: all of them where rows lie one after the other. (Past the last row it asks for what
/// nobody reads.)
template <class T>
struct streamed_left {
  const T* data;
  std::size_t row;

  struct walk {
    const T* a;
    std::size_t row;
    std::uintptr_t ahead;  // an address: no pointer may lie so far past the end
    std::size_t bytes;
    [[gnu::always_inline]] T at(std::size_t r) const { return a[r * row]; }
    [[gnu::always_inline]] void next() {
      __builtin_prefetch(
          reinterpret_cast<const void*>(ahead));  // NOLINT(performance-no-int-to-ptr)
      ahead += bytes;
      ++a;
    }
  };
  template <std::size_t R>
  [[gnu::always_inline]] walk from(std::size_t i) const {
    const T* const a = data + i * row;
    return {a, row, reinterpret_cast<std::uintptr_t>(a) + R * row * sizeof(T), R * sizeof(T)};
  }
};

/// Strips of tile_shape::rows rows one after the other, element (i, k) of a strip at k rows + i: what
/// a tile reads lies together. (Tiles of fewer rows must not cross strips.)
template <class T>
struct packed_left {
  const T* data;
  std::size_t K;

  struct walk {
    const T* a;
    [[gnu::always_inline]] T at(std::size_t r) const { return a[r]; }
    [[gnu::always_inline]] void next() { a += tile_shape::rows; }
  };
  template <std::size_t R>
  [[gnu::always_inline]] walk from(std::size_t i) const {
    constexpr std::size_t rows = tile_shape::rows;
    return {data + i / rows * rows * K + i % rows};
  }
};

/// Row i is at rows[i].
template <class T>
struct scattered_left {
  const T* const* rows;

  template <std::size_t R>
  struct walk {
    std::array<const T*, R> a;
    std::size_t k = 0;
    [[gnu::always_inline]] T at(std::size_t r) const { return a[r][k]; }
    [[gnu::always_inline]] void next() { ++k; }
  };
  template <std::size_t R>
  [[gnu::always_inline]] walk<R> from(std::size_t i) const {
    walk<R> result;
    std::copy_n(rows + i, R, result.a.begin());
    return result;
  }
};

/// Column k is at rows[k]: the transpose of scattered rows. Each step of a walk asks the memory for
/// as much of column k of another such matrix, at ahead[k]: a few lines at a time, between
/// multiply-adds, cost nothing, while all at once would wait for each other.
template <class T>
struct scattered_left_transposed {
  const T* const* rows;
  const T* const* ahead;

  explicit scattered_left_transposed(const T* const* columns, const T* const* next = nullptr)
      : rows(columns), ahead(next != nullptr ? next : columns) {}

  struct walk {
    const T* const* row;
    const T* const* ahead;
    std::size_t i;
    [[gnu::always_inline]] T at(std::size_t r) const { return (*row)[i + r]; }
    [[gnu::always_inline]] void next() {
      __builtin_prefetch(*ahead + i, 0, 2);
      ++row;
      ++ahead;
    }
  };
  template <std::size_t R>
  [[gnu::always_inline]] walk from(std::size_t i) const {
    return {rows, ahead, i};
  }
};

// The right operand B [K, N] is one of two below. from(j) begins a walk down its rows: at() is where
// columns j, j+1, ... of row k lie.

/// Row k begins at data + k * row.
template <class T>
struct strided_right {
  const T* data;
  std::size_t row;

  struct walk {
    const T* b;
    std::size_t row;
    [[gnu::always_inline]] const T* at() const { return b; }
    [[gnu::always_inline]] void next() { b += row; }
  };
  [[gnu::always_inline]] walk from(std::size_t j) const { return {data + j, row}; }
};

/// Row k begins at data + offsets[k]; rows may overlap.
template <class T>
struct shifted_right {
  const T* data;
  const std::size_t* offsets;

  struct walk {
    const T* b;
    const std::size_t* offset;
    [[gnu::always_inline]] const T* at() const { return b + *offset; }
    [[gnu::always_inline]] void next() { ++offset; }
  };
  [[gnu::always_inline]] walk from(std::size_t j) const { return {data + j, offsets}; }
};

/// A [M, K] and B [K, N].
template <class T, class Left, class Right>
struct operands {
  Left a;
  Right b;
  std::size_t K;
};
template <class Left, template <class> class Right, class T>
operands(Left, Right<T>, std::size_t) -> operands<T, Left, Right<T>>;

/// Rows i, ..., i+R-1 and V vectors of columns from j on, the last of them partial if Tail.
///   start(j, piece)            the vector to begin with at column j, the same in every row
///   finish(i, j, sum, piece)   what becomes of the result in row i at column j
///   finish.prefetch(i, j)      where there is one: asks the memory for what finish will read
/// `piece` loads and stores the columns that a vector stands for.
template <std::size_t R, std::size_t V, bool Tail, class T, class Left, class Right, class Start,
          class Finish>
[[gnu::always_inline]] inline void multiply_tile(const operands<T, Left, Right>& o, std::size_t i,
                                                 std::size_t j, const partial<T>& rest,
                                                 const Start& start, const Finish& finish) {
  static_assert(R <= 16 && V <= 4);
  constexpr std::size_t L = lanes<T>;
  // A wide tile fills the processor's window: without this, what finish reads is only asked for when
  // all sums are done.
  if constexpr (V >= 3 && requires { finish.prefetch(i, j); }) {
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (std::size_t v = 0; v < V; ++v) finish.prefetch(i + r, j + v * L);
    }
  }
  const row_piece<T, false> whole(rest);
  const row_piece<T, Tail> last(rest);
  simd<T> sum[R][V];
#pragma GCC unroll 4
  for (std::size_t v = 0; v < V; ++v) {
    const simd<T> first = v + 1 < V ? start(j + v * L, whole) : start(j + v * L, last);
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) sum[r][v] = first;
  }
  auto a = o.a.template from<R>(i);
  auto below = o.b.from(j);
  for (std::size_t k = 0; k < o.K; ++k) {
    const T* const b = below.at();
    simd<T> right[V];
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) {
      right[v] = v + 1 < V ? whole.load(b + v * L) : last.load(b + v * L);
    }
#pragma GCC unroll 16
    for (std::size_t r = 0; r < R; ++r) {
      const simd<T> x(a.at(r));
#pragma GCC unroll 4
      for (std::size_t v = 0; v < V; ++v) sum[r][v] = multiply_add<T>(x, right[v], sum[r][v]);
    }
    a.next();
    below.next();
  }
#pragma GCC unroll 16
  for (std::size_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (std::size_t v = 0; v + 1 < V; ++v) finish(i + r, j + v * L, sum[r][v], whole);
    finish(i + r, j + (V - 1) * L, sum[r][V - 1], last);
  }
}

}  // namespace tutelage
