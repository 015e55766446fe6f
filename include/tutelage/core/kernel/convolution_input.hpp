// The gradient H at the images of a convolution, from G at its results; letters as in convolution.hpp.
//
// With stride 1, H is a convolution of G with the filters mirrored, channels and filters exchanged.
// With stride s, the places y with equal (y + padding) mod s are a phase of the image: the same taps see
// them, and H there is such a convolution with these taps. Where a group has few channels, tiles of such
// products are low: there H = the transpose of unfolding (W G).
//
// Sums are chains in the order of (filter, mirrored tap), or of filters and then of taps.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <tutelage/core/kernel/convolution.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// A phase along one axis of the image: its places first, first + stride, ..., and the taps tap,
/// tap + period, ... that see them, mirrored in a window over positions.
struct image_phase {
  axis window;  // `out` places, `taps` taps; both may be 0
  std::size_t first, tap, period;

  /// Phase 0 <= phase < a.stride of a window without negative padding.
  constexpr image_phase(const axis& a, std::size_t phase) {
    const std::size_t common = std::gcd(a.stride, a.dilation);
    const auto padding = static_cast<std::size_t>(a.padding);
    period = a.stride / common;
    const std::size_t some = std::min(period, a.taps);
    tap = 0;
    while (tap < some && tap * a.dilation % a.stride != phase) ++tap;
    const std::size_t skipped =
        padding > phase ? (padding - phase + a.stride - 1) / a.stride : 0;  // places in the padding
    first = phase + skipped * a.stride - padding;
    window = {a.out,
              first < a.in ? (a.in - first + a.stride - 1) / a.stride : 0,
              tap < some ? (a.taps - tap + period - 1) / period : 0,
              1,
              a.dilation / common,
              0};
    if (window.taps == 0) return;
    // The phase's tap m sees its place v at position v + skipped - tap dilation / stride - m times the
    // dilation between them.
    const std::size_t last = (window.taps - 1) * window.dilation;
    window.padding = static_cast<std::ptrdiff_t>((tap * a.dilation) / a.stride + last) -
                     static_cast<std::ptrdiff_t>(skipped);
  }
};

template <class T>
class convolution_input {
 public:
  convolution_input(const convolution_sizes& sizes, convolution_scratch<T>& scratch)
      : s_(sizes), scratch_(scratch) {}

  /// Shapes are the caller's care.
  void operator()(const matrix_view<const T>& G, rows_of<const T> W,
                  const matrix_view<T>& H) const {
    if (s_.group_channels() < tile_shape::rows) {
      fold_product(G, W, H);
      return;
    }
    const axis& y = s_.window.y;
    const axis& x = s_.window.x;
    if (y.stride != 1 || x.stride != 1) {  // places that no tap sees
      for (std::size_t n = 0; n < H.rows(); ++n) std::fill_n(H.row(n).data(), H.cols(), T(0));
    }
    const auto phases = [](const axis& a) {  // the others have no place in the image
      return std::min(a.stride, a.in + static_cast<std::size_t>(a.padding));
    };
    for (std::size_t i = 0; i < phases(y); ++i) {
      for (std::size_t j = 0; j < phases(x); ++j) {
        convolve_phase(G, W, H, image_phase(y, i), image_phase(x, j));
      }
    }
  }

 private:
  void convolve_phase(const matrix_view<const T>& G, rows_of<const T> W, const matrix_view<T>& H,
                      const image_phase& y, const image_phase& x) const {
    if (y.window.out * x.window.out * y.window.taps * x.window.taps == 0) return;
    const std::size_t step_y = s_.window.y.stride, step_x = s_.window.x.stride;
    const std::size_t width = s_.window.x.in, P = y.window.out * x.window.out;
    const ready_filters<T> filters(
        {{s_.filters, y.window, x.window}, s_.window.channels, s_.groups}, mirrored(W, y, x),
        scratch_);
    for (std::size_t n = 0; n < G.rows(); ++n) {
      if (step_y == 1 && step_x == 1) {
        filters.convolve(G.row(n).data(), nullptr, ungated{}, H.row(n).data());
        continue;
      }
      const T* places = scratch_.product.reshape(1, s_.window.channels * P).data();
      filters.convolve(G.row(n).data(), nullptr, ungated{}, scratch_.product.view().data());
      T* to = H.row(n).data() + y.first * width + x.first;
      for (std::size_t c = 0; c < s_.window.channels; ++c) {
        spread_lines(places, to, step_y * width, step_x, x.window.out, y.window.out);
        places += P;
        to += s_.window.y.in * width;
      }
    }
  }

  // The taps of a phase in reverse, filters and channels exchanged: [K_g taps_y taps_x, C].
  rows_of<const T> mirrored(rows_of<const T> W, const image_phase& y, const image_phase& x) const {
    const std::size_t C = s_.group_channels(), K = s_.group_filters();
    const std::size_t sides = s_.window.y.taps * s_.window.x.taps;
    const std::size_t taps = y.window.taps * x.window.taps;
    const auto result = scratch_.weights.reshape(K * taps, s_.window.channels);
    for (std::size_t g = 0; g < s_.groups; ++g) {
      for (std::size_t t = 0; t < taps; ++t) {
        const std::size_t i = y.tap + t / x.window.taps * y.period;
        const std::size_t j = x.tap + t % x.window.taps * x.period;
        const matrix_view<const T> of_tap(W.at(i * s_.window.x.taps + j, g * K), C, K,
                                          sides * W.stride);
        for_each_column_piece(rows_of<const T>(of_tap), C, K,
                              [&](std::size_t k, std::size_t c, const auto& w, const auto& piece) {
                                piece.store(&result(k * taps + taps - 1 - t, g * C + c), w);
                              });
      }
    }
    return rows_of<const T>(result);
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
