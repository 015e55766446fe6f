// The passes of a convolution over images in rows, as products with what the window's taps see:
//
//   S_n   [C_g taps_y taps_x, P]   what the taps of a group's channels see in image n (unfold.hpp)
//   W     [taps+1, K]              a filter a column, a tap a row; the bias, if any, is the last row
//   F_n   [K, P] = activate(W^T [S_n; 1])
//   dW    = alpha sum_n [S_n; 1] G_n^T + beta dW
//   H_n   = the transpose of unfolding (W G_n), without the bias row
//
// With stride 1, H is itself a convolution of G, with the filters mirrored and transposed. All sums
// are those of tiles (tile.hpp): one chain for each result in the order of taps, of positions or of
// (filter, tap). So bits depend on neither the batch nor the tiles.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <tutelage/core/kernel/fused.hpp>
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

  /// The convolution of G that gives H, when all strides are 1: channels and filters change roles.
  [[nodiscard]] constexpr convolution_sizes backward() const {
    const auto mirrored = [](const axis& a) {
      return axis{a.out,      a.in,
                  a.taps,     1,
                  a.dilation, static_cast<std::ptrdiff_t>((a.taps - 1) * a.dilation) - a.padding};
    };
    return {{filters, mirrored(window.y), mirrored(window.x)}, window.channels, groups};
  }
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

/// The passes of one layer over batches of images, one a row. Shapes are the caller's care.
template <class T>
class convolution_passes {
 public:
  convolution_passes(const convolution_sizes& sizes, convolution_scratch<T>& scratch)
      : s_(sizes), scratch_(scratch) {}

  /// F = activate(W^T [X; 1]); X is a matrix_view or scattered_rows, bias is nullptr for none.
  template <class X_view, class Gate>
  void forward(const X_view& X, rows_of<const T> W, const T* bias, const Gate& gate,
               const matrix_view<T>& F) const {
    const std::size_t P = s_.window.positions(), K = s_.group_filters(), taps = s_.group_taps();
    T* const unfolded = prepare();
    const T* const packed = pack(W);
    const std::size_t strips = (K + tile_shape::rows - 1) / tile_shape::rows;
    for (std::size_t n = 0; n < X.rows(); ++n) {
      unfold(s_.window, X.row(n).data(), unfolded);
      for (std::size_t g = 0; g < s_.groups; ++g) {
        const operands o{packed_left<T>{packed + g * strips * tile_shape::rows * taps, taps},
                         shifted_right<T>{unfolded, scratch_.offsets.data() + g * taps}, taps};
        const rows_of<T> f(image(F, n, g * K, P));
        const T* const b = bias == nullptr ? nullptr : bias + g * K;
        if constexpr (!simd_scalar<T> || takes_vectors<Gate>) {
          multiply_rows(o, K, P, store_filter<T, Gate>{f, b, gate});
        } else {
          multiply_rows(o, K, P, store_filter<T, ungated>{f, b, {}});
        }
      }
      if constexpr (simd_scalar<T> && !takes_vectors<Gate>) {
        for (T& f : F.row(n)) f = gate.activate(f);
      }
    }
  }

  /// H, the gradient at X, from G.
  void backward_input(const matrix_view<const T>& G, rows_of<const T> W,
                      const matrix_view<T>& H) const {
    // Few channels make low tiles; and zeros between the numbers of G would be multiplied too.
    const bool mirrors = s_.window.y.stride == 1 && s_.window.x.stride == 1 &&
                         s_.group_channels() >= tile_shape::rows;
    mirrors ? convolve_mirrored(G, W, H) : fold_product(G, W, H);
  }

 private:
  // Room for unfolded images, zero where taps see padding; tap_offsets.
  T* prepare() const {
    tap_offsets(s_.window, scratch_.offsets);
    const std::size_t size = s_.window.unfolded_size();
    T* const unfolded = scratch_.unfolded.reshape(1, size).data();
    std::fill_n(unfolded, size, T(0));
    return unfolded;
  }

  // The transpose of W for packed_left, group after group.
  const T* pack(rows_of<const T> W) const {
    constexpr std::size_t rows = tile_shape::rows;
    const std::size_t K = s_.group_filters(), taps = s_.group_taps();
    const std::size_t strips = (K + rows - 1) / rows;
    T* to = scratch_.packed.reshape(1, s_.groups * strips * taps * rows).data();
    for (std::size_t g = 0; g < s_.groups; ++g) {
      for (std::size_t k = 0; k < K; k += rows) {
        for (std::size_t t = 0; t < taps; ++t, to += rows) {
          std::copy_n(W.at(t, g * K + k), std::min(rows, K - k), to);
        }
      }
    }
    return scratch_.packed.view().data();
  }

  // Rows of P numbers, one a channel, from channel `first` on in image n.
  template <class U>
  static rows_of<U> image(const matrix_view<U>& images, std::size_t n, std::size_t first,
                          std::size_t P) {
    return rows_of<U>(matrix_view<U>(images.row(n).data() + first * P, 1, P, P));
  }

  // W with taps in reverse, filters and channels exchanged: [K_g taps_y taps_x, C].
  void convolve_mirrored(const matrix_view<const T>& G, rows_of<const T> W,
                         const matrix_view<T>& H) const {
    const std::size_t sides = s_.window.y.taps * s_.window.x.taps, C = s_.group_channels(),
                      K = s_.group_filters();
    const auto mirrored = scratch_.weights.reshape(K * sides, s_.window.channels);
    for (std::size_t g = 0; g < s_.groups; ++g) {
      for (std::size_t i = 0; i < sides; ++i) {
        const matrix_view<const T> of_tap(W.at(i, g * K), C, K, sides * W.stride);
        for_each_column_piece(rows_of<const T>(of_tap), C, K,
                              [&](std::size_t k, std::size_t c, const auto& w, const auto& piece) {
                                piece.store(&mirrored(k * sides + sides - 1 - i, g * C + c), w);
                              });
      }
    }
    convolution_passes(s_.backward(), scratch_)
        .forward(G, rows_of<const T>(mirrored), nullptr, ungated{}, H);
  }

  void fold_product(const matrix_view<const T>& G, rows_of<const T> W,
                    const matrix_view<T>& H) const {
    const std::size_t P = s_.window.positions(), K = s_.group_filters(), taps = s_.group_taps();
    window channels = s_.window;
    channels.channels = s_.group_channels();
    const auto product = scratch_.product.reshape(taps, P);
    for (std::size_t n = 0; n < G.rows(); ++n) {
      for (std::size_t g = 0; g < s_.groups; ++g) {
        const operands o{strided_left<T>{W.at(0, g * K), W.stride, 1},
                         strided_right<T>{G.row(n).data() + g * K * P, P}, K};
        multiply_rows(o, taps, P,
                      store_filter<T, ungated>{rows_of<T>(product), nullptr, ungated{}});
        fold(channels, product.data(), product.stride(),
             H.row(n).data() + g * channels.image_size());
      }
    }
  }

  convolution_sizes s_;
  convolution_scratch<T>& scratch_;
};

}  // namespace tutelage
