// A convolution of images in rows, as a product with what the window's taps see:
//
//   S   [C_g taps_y taps_x, P]   what the taps of a group's channels see in an image (unfold.hpp)
//   W   [taps+1, K]              a filter a column, a tap a row; the bias, if any, is the last row
//   F   [K, P] = activate(W^T [S; 1])
//
// Each sum is that of a tile (tile.hpp): one chain in the order of taps, then the bias. So bits depend
// on neither the batch nor the tiles. Gradients: convolution_input.hpp, convolution_weights.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <tutelage/core/kernel/products.hpp>
#include <tutelage/core/kernel/transpose.hpp>
#include <tutelage/core/kernel/unfold.hpp>
#include <tutelage/core/matrix.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// The window over all channels; filters and channels divide into `groups`.
struct convolution_sizes {
  detail::window window;
  std::size_t filters, groups;

  [[nodiscard]] constexpr std::size_t group_channels() const { return window.channels / groups; }
  [[nodiscard]] constexpr std::size_t group_filters() const { return filters / groups; }
  [[nodiscard]] constexpr std::size_t group_taps() const { return window.taps() / groups; }
};

/// The memory of passes: allocates when sizes grow.
template <class T>
struct convolution_scratch {
  std::vector<std::size_t> offsets;
  std::vector<const T*> rows;
  workspace<T> unfolded, weights, packed, product;
};

/// F = activate(sum + bias), a filter a row.
template <class T, class Gate>
struct store_filter {
  rows_of<T> f;
  const T* bias;  // nullptr for none
  Gate gate;
  template <class V, class Piece>
  [[gnu::always_inline]] void operator()(std::size_t i, std::size_t j, const V& sum,
                                         const Piece& piece) const {
    piece.store(f.at(i, j), gate.activate(bias == nullptr ? sum : sum + V(bias[i])));
  }
};

/// C = alpha sum + beta C, which does not read the old C when beta is 0.
template <class T>
struct store_mean {
  rows_of<T> c;
  T alpha, beta;
  template <class V, class Piece>
  [[gnu::always_inline]] void operator()(std::size_t i, std::size_t j, const V& sum,
                                         const Piece& piece) const {
    T* const to = c.at(i, j);
    const V scaled = V(alpha) * sum;
    piece.store(to, beta == T(0) ? scaled : scaled + V(beta) * V(piece.load(to)));
  }
};

/// A B [M, columns] out of tiles; number by number for scalars without vectors.
template <class T, class Left, class Right, class Finish>
void multiply_rows(const operands<T, Left, Right>& o, std::size_t M, std::size_t columns,
                   const Finish& finish) {
  if constexpr (simd_scalar<T>) {
    multiply_tiled<dynamic>(o, M, columns, start_with_zero<T>{}, finish);
  } else {
    for (std::size_t i = 0; i < M; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        T sum(0);
        auto a = o.a.template from<1>(i);
        auto b = o.b.from(j);
        for (std::size_t k = 0; k < o.K; ++k, a.next(), b.next()) sum += a.at(0) * *b.at();
        finish(i, j, sum, one_number{});
      }
    }
  }
}

/// The gate of results that are stored as they are.
struct ungated {
  using takes_vectors = void;
  template <class V>
  [[nodiscard]] static constexpr V activate(const V& a) noexcept {
    return a;
  }
};

/// Filters made ready for any number of images, one convolution at a time for one scratch: F is
/// convolve(...) of each image.
template <class T>
class ready_filters {
 public:
  /// W is [taps, K]. Shapes are the caller's care.
  ready_filters(const convolution_sizes& sizes, rows_of<const T> W, convolution_scratch<T>& scratch)
      : s_(sizes), scratch_(scratch) {
    tap_offsets(s_.window, scratch_.offsets);
    const std::size_t size = s_.window.unfolded_size();
    std::fill_n(scratch_.unfolded.reshape(1, size).data(), size, T(0));  // where taps see padding
    pack(W);
  }

  /// f [K, P] = activate(W^T [S; 1]) for one image; bias is nullptr for none.
  template <class Gate>
  void convolve(const T* image, const T* bias, const Gate& gate, T* f) const {
    const std::size_t P = s_.window.positions(), K = s_.group_filters(), taps = s_.group_taps();
    T* const unfolded = scratch_.unfolded.view().data();
    unfold(s_.window, image, unfolded);
    for (std::size_t g = 0; g < s_.groups; ++g) {
      const operands o{packed_left<T>{scratch_.packed.view().row(g).data(), taps},
                       shifted_right<T>{unfolded, scratch_.offsets.data() + g * taps}, taps};
      const rows_of<T> to(matrix_view<T>(f + g * K * P, K, P, P));
      const T* const b = bias == nullptr ? nullptr : bias + g * K;
      if constexpr (!simd_scalar<T> || takes_vectors<Gate>) {
        multiply_rows(o, K, P, store_filter<T, Gate>{to, b, gate});
      } else {
        multiply_rows(o, K, P, store_filter<T, ungated>{to, b, {}});
      }
    }
    if constexpr (simd_scalar<T> && !takes_vectors<Gate>) {
      for (std::size_t i = 0; i < s_.filters * P; ++i) f[i] = gate.activate(f[i]);
    }
  }

 private:
  // The transpose of W for packed_left, a group a row.
  void pack(rows_of<const T> W) const {
    constexpr std::size_t rows = tile_shape::rows;
    const std::size_t K = s_.group_filters(), taps = s_.group_taps();
    const auto packed = scratch_.packed.reshape(s_.groups, (K + rows - 1) / rows * rows * taps);
    for (std::size_t g = 0; g < s_.groups; ++g) {
      T* to = packed.row(g).data();
      for (std::size_t k = 0; k < K; k += rows) {
        for (std::size_t t = 0; t < taps; ++t, to += rows) {
          std::copy_n(W.at(t, g * K + k), std::min(rows, K - k), to);
        }
      }
    }
  }

  convolution_sizes s_;
  convolution_scratch<T>& scratch_;
};

}  // namespace tutelage
