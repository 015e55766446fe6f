// Products out of tiles, with something done to each result while it is still in registers.
//
// What is done is a small type without extents (rows_of instead of a matrix_view), so that all
// networks with one scalar and one gate share the compiled tiles.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <utility>

#include <tutelage/core/extents.hpp>
#include <tutelage/core/kernel/tile.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Where rows lie.
template <class T>
struct rows_of {
  T* data;
  std::size_t stride;

  template <class View>
  explicit constexpr rows_of(const View& view) : data(view.data()), stride(view.stride()) {}
  [[nodiscard]] constexpr T* at(std::size_t i, std::size_t j) const {
    return data + i * stride + j;
  }
};

/// Sums begin with 0.
template <class T>
struct start_with_zero {
  template <class Piece>
  [[gnu::always_inline]] simd<T> operator()(std::size_t /*j*/, const Piece& /*piece*/) const {
    return simd<T>(T(0));
  }
};

/// The columns of C cut into tiles of one to `widest` vectors, as even as possible, wide ones
/// first.
template <class T>
struct column_tiles {
  std::size_t vectors;  // whole ones and the last
  std::size_t tiles;
  std::size_t last_lanes;  // columns in the last vector

  constexpr explicit column_tiles(std::size_t columns)
      : vectors((columns + lanes<T> - 1) / lanes<T>),
        tiles((vectors + tile_shape::widest - 1) / tile_shape::widest),
        last_lanes(columns - (vectors - 1) * lanes<T>) {}

  [[nodiscard]] constexpr std::size_t width(std::size_t tile) const {
    return vectors / tiles + (tile < vectors % tiles ? 1 : 0);
  }
  [[nodiscard]] constexpr std::size_t first_column(std::size_t tile) const {
    return (tile * (vectors / tiles) + std::min(tile, vectors % tiles)) * lanes<T>;
  }
};

/// Rows i, ..., M-1 of V vectors of columns: tiles of R rows, then of R/2, ..., then of 1.
template <std::size_t R, std::size_t V, bool Tail, class T, class Left, class Right, class Start,
          class Finish>
[[gnu::always_inline]] inline void multiply_row_tiles(const operands<T, Left, Right>& o,
                                                      std::size_t i, std::size_t M, std::size_t j,
                                                      const partial<T>& rest, const Start& start,
                                                      const Finish& finish) {
  for (; i + R <= M; i += R) multiply_tile<R, V, Tail>(o, i, j, rest, start, finish);
  if constexpr (R > 1) {
    if (i < M) multiply_row_tiles<R / 2, V, Tail>(o, i, M, j, rest, start, finish);
  }
}

/// All rows of the V vectors of columns from j on, the last partial if Tail. Arguments are copies:
/// the compiler must assume that a vector's store changes whatever anybody else may point to, and
/// would read it again.
template <std::size_t V, bool Tail, class T, class Left, class Right, class Start, class Finish>
[[gnu::noinline]] void multiply_columns(const operands<T, Left, Right> o, std::size_t M,
                                        std::size_t j, const partial<T> rest, const Start start,
                                        const Finish finish) {
  constexpr bool strips = std::same_as<Left, packed_left<T>>;
  constexpr std::size_t R = strips ? tile_shape::rows : tile_shape::tall(V);
  multiply_row_tiles<R, V, Tail>(o, 0, M, j, rest, start, finish);
}

/// Column tile number `tile` of the plan, V vectors wide.
template <std::size_t V, class T, class Left, class Right, class Start, class Finish>
void multiply_column_tile(const operands<T, Left, Right>& o, std::size_t M,
                          const column_tiles<T>& plan, std::size_t tile, const Start& start,
                          const Finish& finish) {
  const std::size_t j = plan.first_column(tile);
  const std::size_t last_lanes = tile + 1 == plan.tiles ? plan.last_lanes : lanes<T>;
  if constexpr (!partial_is_free) {
    if (last_lanes == lanes<T>) {
      multiply_columns<V, false>(o, M, j, partial<T>(last_lanes), start, finish);
      return;
    }
  }
  multiply_columns<V, true>(o, M, j, partial<T>(last_lanes), start, finish);
}

/// start + A B [M, columns], N being `columns` or dynamic: one column tile after the other, so that
/// its columns of B stay in the cache while all rows of A pass. With a static N only the shapes of
/// its tiles are compiled. See multiply_tile for start and finish.
template <std::size_t N, class T, class Left, class Right, class Start, class Finish>
void multiply_tiled(const operands<T, Left, Right>& o, std::size_t M, std::size_t columns,
                    const Start& start, const Finish& finish) {
  if constexpr (N != dynamic) {
    constexpr column_tiles<T> plan(N);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (multiply_column_tile<plan.width(I)>(o, M, plan, I, start, finish), ...);
    }
    (std::make_index_sequence<plan.tiles>{});
  } else {
    static_assert(tile_shape::widest <= 3);
    const column_tiles<T> plan(columns);
    for (std::size_t t = 0; t < plan.tiles; ++t) {
      switch (plan.width(t)) {
        case 1:
          multiply_column_tile<1>(o, M, plan, t, start, finish);
          break;
        case 2:
          multiply_column_tile<2>(o, M, plan, t, start, finish);
          break;
        default:
          multiply_column_tile<tile_shape::widest>(o, M, plan, t, start, finish);
          break;
      }
    }
  }
}

/// The longest rows that multiply_transposed takes.
template <class T>
inline constexpr std::size_t longest_transposed = 32 * 1024 / (2 * lanes<T> * sizeof(T));

/// A B^T [M, columns] for A [M, K] and B [columns, K] without a transposed copy of B: up to 2
/// vectors of A's rows are transposed into a small block, tiles of B times the block give columns
/// of the result, and these are transposed in registers. K <= longest_transposed. finish(i, j, sum,
/// piece) as above.
template <class T, class Finish>
class transposed_product {
  static constexpr std::size_t L = lanes<T>;

 public:
  transposed_product(rows_of<const T> a, rows_of<const T> b, std::size_t M, std::size_t columns,
                     std::size_t K, const Finish& finish)
      : a_(a), b_(b), columns_(columns), K_(K), finish_(finish) {
    std::size_t i = 0;
    for (; i + L < M; i += 2 * L) rows<2>(i, std::min(2 * L, M - i));
    if (i < M) rows<1>(i, M - i);
  }

 private:
  // Rows i, ..., i+count-1 of A, count <= V L.
  template <std::size_t V>
  void rows(std::size_t i, std::size_t count) const {
    alignas(64) T block[longest_transposed<T> * V * L];  // [K, V L]
    for (std::size_t v = 0; v < V; ++v) transpose_rows<V>(i, count, v, block);
    const partial<T> all(L);
    simd<T> columns[V][L];  // of the result: rows of the transposed tile
    std::size_t j = 0;
    for (; j + L <= columns_; j += L) {
      tile<V, L>(j, block, columns, 0);
      put<V>(i, count, j, columns, row_piece<T, false>(all));
    }
    if (j == columns_) return;
    const std::size_t left = columns_ - j;
    std::size_t c = 0;
    if constexpr (L > 8) {
      if (c + 8 <= left) tile<V, 8>(j + c, block, columns, c), c += 8;
    }
    if constexpr (L > 4) {
      if (c + 4 <= left) tile<V, 4>(j + c, block, columns, c), c += 4;
    }
    if (c + 2 <= left) tile<V, 2>(j + c, block, columns, c), c += 2;
    if (c < left) tile<V, 1>(j + c, block, columns, c), ++c;
    for (; c < L; ++c) {
      for (std::size_t v = 0; v < V; ++v) columns[v][c] = simd<T>(T(0));
    }
    put<V>(i, count, j, columns, row_piece<T, true>(partial<T>(left)));
  }

  // Vector v of each row of the block; rows that A does not have are zero.
  template <std::size_t V>
  void transpose_rows(std::size_t i, std::size_t count, std::size_t v, T* block) const {
    const std::size_t present = count > v * L ? std::min(L, count - v * L) : 0;
    const T* const from = a_.at(i + v * L, 0);
    for (std::size_t k = 0; k < K_; k += L) {
      const std::size_t width = std::min(L, K_ - k);
      const partial<T> rest(width);
      simd<T> square[L];
#pragma GCC unroll 16
      for (std::size_t r = 0; r < L; ++r) {
        square[r] = r < present ? rest.load(from + r * a_.stride + k) : simd<T>(T(0));
      }
      transpose<T>(square);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < L; ++r) {
        if (r < width) square[r].store_aligned(block + (k + r) * V * L + v * L);
      }
    }
  }

  // Columns j, ..., j+R-1 of the result for the block's rows, as rows of `columns` from `to` on.
  template <std::size_t V, std::size_t R>
  void tile(std::size_t j, const T* block, simd<T> (&columns)[V][L], std::size_t to) const {
    multiply_tile<R, V, false>(
        operands{strided_left<T>{b_.at(j, 0), b_.stride, 1}, strided_right<T>{block, V * L}, K_}, 0,
        0, partial<T>(L), start_with_zero<T>{},
        [&](std::size_t r, std::size_t c, const simd<T>& sum, const auto&) {
          columns[c / L][to + r] = sum;
        });
  }

  template <std::size_t V, bool Partial>
  void put(std::size_t i, std::size_t count, std::size_t j, simd<T> (&columns)[V][L],
           const row_piece<T, Partial>& piece) const {
#pragma GCC unroll 4
    for (std::size_t v = 0; v < V; ++v) {
      transpose<T>(columns[v]);
#pragma GCC unroll 16
      for (std::size_t r = 0; r < L; ++r) {
        if (v * L + r < count) finish_(i + v * L + r, j, columns[v][r], piece);
      }
    }
  }

  rows_of<const T> a_, b_;
  std::size_t columns_, K_;
  const Finish finish_;
};
template <class T, class Finish>
transposed_product(rows_of<const T>, rows_of<const T>, std::size_t, std::size_t, std::size_t,
                   const Finish&) -> transposed_product<T, Finish>;

}  // namespace tutelage
