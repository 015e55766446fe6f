// The gradient at the weights of a convolution, dW = alpha sum_n [S_n; 1] G_n^T + beta dW; letters as
// in convolution.hpp. Two ways, chosen by the shape alone:
//
//   few channels    inner products of the rows of S_n and G_n, vectors along positions (row_dots.hpp)
//   many channels   the image is transposed, channels last: what a tap of all channels sees at a
//                   position are then vectors, and dW of that tap is G_n times such rows
//
// Sums over positions and images are one chain a result, or a lane of it.
#pragma once

#include <algorithm>
#include <cstddef>

#include <tutelage/core/kernel/convolution.hpp>
#include <tutelage/core/kernel/row_dots.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

template <class T>
class convolution_weights {
 public:
  convolution_weights(const convolution_sizes& sizes, convolution_scratch<T>& scratch)
      : s_(sizes), scratch_(scratch) {}

  /// dW may be anywhere; it has the bias row if `biased`. X is a matrix_view or scattered_rows.
  template <class X_view>
  void operator()(const X_view& X, const matrix_view<const T>& G, rows_of<T> dW, bool biased,
                  T alpha, T beta) const {
    if constexpr (simd_scalar<T>) {
      if (s_.group_channels() >= lanes<T>) {
        by_channels(X, G, dW, alpha, beta);
        if (biased) by_positions(X, G, dW, 0, true, alpha, beta);
        return;
      }
    }
    by_positions(X, G, dW, s_.group_taps(), biased, alpha, beta);
  }

 private:
  // The first `taps` rows of dW, none or all, and the bias row.
  template <class X_view>
  void by_positions(const X_view& X, const matrix_view<const T>& G, rows_of<T> dW, std::size_t taps,
                    bool biased, T alpha, T beta) const {
    const std::size_t P = s_.window.positions(), K = s_.group_filters();
    const std::size_t rows = taps + (biased ? 1 : 0);
    const std::size_t size = taps > 0 ? s_.window.unfolded_size() : 0;
    T* const unfolded = zeros(scratch_.unfolded, size + P);
    std::fill_n(unfolded + size, P, T(1));
    if (taps > 0) tap_offsets(s_.window, scratch_.offsets);
    scratch_.rows.resize(s_.groups * rows);
    for (std::size_t g = 0; g < s_.groups; ++g) {
      for (std::size_t t = 0; t < rows; ++t) {
        scratch_.rows[g * rows + t] = unfolded + (t < taps ? scratch_.offsets[g * taps + t] : size);
      }
    }
    T* const sums = zeros(scratch_.product, s_.filters * rows * width);
    for (std::size_t n = 0; n < X.rows(); ++n) {
      if (taps > 0) unfold(s_.window, X.row(n).data(), unfolded);
      for (std::size_t g = 0; g < s_.groups; ++g) {
        const rows_of<const T> G_n(matrix_view<const T>(G.row(n).data() + g * K * P, K, P, P));
        add_dots(G_n, K, scratch_.rows.data() + g * rows, rows, P, sums + g * K * rows * width);
      }
    }
    for (std::size_t g = 0; g < s_.groups; ++g) {
      for (std::size_t t = 0; t < rows; ++t) {
        const std::size_t row = t < taps ? t : s_.group_taps();
        const rows_of<const T> of_row(
            matrix_view<const T>(sums + (g * rows + t) * K * width, K, width, width));
        add_lanes(of_row, K, store_mean<T>{dW, alpha, beta}, row, g * K);
      }
    }
  }

  // Vectors of a sum in by_positions.
  static constexpr std::size_t width = [] {
    if constexpr (simd_scalar<T>) {
      return lanes<T>;
    } else {
      return std::size_t{1};
    }
  }();

  static void add_dots(rows_of<const T> A, std::size_t M, const T* const* B, std::size_t N,
                       std::size_t P, T* sums) {
    if constexpr (simd_scalar<T>) {
      add_row_dots(A, M, B, N, P, sums);
    } else {
      for (std::size_t j = 0; j < N; ++j) {
        for (std::size_t i = 0; i < M; ++i, ++sums) {
          for (std::size_t p = 0; p < P; ++p) *sums += *A.at(i, p) * B[j][p];
        }
      }
    }
  }

  // finish(row, column + i, the sum of row i of `sums` [K, width]).
  static void add_lanes(rows_of<const T> sums, std::size_t K, const store_mean<T>& finish,
                        std::size_t row, std::size_t column) {
    if constexpr (simd_scalar<T>) {
      for (std::size_t k = 0; k < K; k += width) {
        simd<T> total(T(0));
        const std::size_t count = std::min(width, K - k);
        for_each_column_piece(
            rows_of<const T>(matrix_view<const T>(sums.at(k, 0), 1, 1, width)), count, width,
            [&](std::size_t, std::size_t, const simd<T>& lane, const auto&) { total += lane; });
        finish(row, column + k, total, partial<T>(count));
      }
    } else {
      for (std::size_t k = 0; k < K; ++k) finish(row, column + k, *sums.at(k, 0), one_number{});
    }
  }

  // All rows of dW but the bias's.
  template <class X_view>
  void by_channels(const X_view& X, const matrix_view<const T>& G, rows_of<T> dW, T alpha,
                   T beta) const {
    const window& w = s_.window;
    const std::size_t P = w.positions(), K = s_.group_filters(), C = s_.group_channels();
    const std::size_t sides = w.y.taps * w.x.taps;
    // The padded image, as far as taps see it: a pixel a row, its channels in vectors.
    const auto seen = [](const axis& a) {
      return (a.out - 1) * a.stride + (a.taps - 1) * a.dilation + 1;
    };
    const std::size_t height = seen(w.y), line = seen(w.x);
    const auto pixels = scratch_.unfolded.reshape(height * line, w.channels);
    std::fill_n(pixels.data(), pixels.rows() * pixels.stride(), T(0));
    scratch_.offsets.clear();
    for (std::size_t y = 0; y < w.y.out; ++y) {
      for (std::size_t x = 0; x < w.x.out; ++x) {
        scratch_.offsets.push_back((y * w.y.stride * line + x * w.x.stride) * pixels.stride());
      }
    }
    constexpr std::size_t block = 128;  // positions whose channels stay in the nearest cache
    const auto tap_sums = scratch_.product.reshape(s_.groups * sides * K, C);
    for (std::size_t n = 0; n < X.rows(); ++n) {
      transpose_image(X.row(n).data(), pixels, height, line);
      for (std::size_t g = 0; g < s_.groups; ++g) {
        const T* const G_n = G.row(n).data() + g * K * P;
        for (std::size_t tap = 0; tap < sides; ++tap) {
          const std::size_t pixel =
              tap / w.x.taps * w.y.dilation * line + tap % w.x.taps * w.x.dilation;
          const rows_of<T> sums(tap_sums.middle_rows((g * sides + tap) * K, K));
          for (std::size_t p = 0; p < P; p += block) {
            const operands o{
                strided_left<T>{G_n + p, P, 1},
                shifted_right<T>{pixels.row(pixel).data() + g * C, scratch_.offsets.data() + p},
                std::min(block, P - p)};
            multiply_rows(o, K, C, store_mean<T>{sums, T(1), n + p == 0 ? T(0) : T(1)});
          }
        }
      }
    }
    const store_mean<T> finish{dW, alpha, beta};
    for (std::size_t g = 0; g < s_.groups; ++g) {
      for (std::size_t tap = 0; tap < sides; ++tap) {
        for_each_column_piece(
            rows_of<const T>(tap_sums.middle_rows((g * sides + tap) * K, K)), K, C,
            [&](std::size_t c, std::size_t k, const simd<T>& sum, const partial<T>& piece) {
              finish(c * sides + tap, g * K + k, sum, piece);
            });
      }
    }
  }

  // Channels last, and as far as taps see: [height line, channels].
  void transpose_image(const T* image, const matrix_view<T>& pixels, std::size_t height,
                       std::size_t line) const {
    const axis& y = s_.window.y;
    const axis& x = s_.window.x;
    const auto top = static_cast<std::size_t>(y.padding),
               left = static_cast<std::size_t>(x.padding);
    if (left >= line) return;
    for (std::size_t i = 0; i < y.in && top + i < height; ++i) {
      T* const to = pixels.row((top + i) * line + left).data();
      const matrix_view<const T> channels(image + i * x.in, s_.window.channels, x.in, y.in * x.in);
      for_each_column_piece(
          rows_of<const T>(channels), channels.rows(), std::min(x.in, line - left),
          [&](std::size_t j, std::size_t c, const simd<T>& numbers, const partial<T>& piece) {
            piece.store(to + j * pixels.stride() + c, numbers);
          });
    }
  }

  static T* zeros(workspace<T>& memory, std::size_t size) {
    T* const result = memory.reshape(1, size).data();
    std::fill_n(result, size, T(0));
    return result;
  }

  convolution_sizes s_;
  convolution_scratch<T>& scratch_;
};

}  // namespace tutelage
