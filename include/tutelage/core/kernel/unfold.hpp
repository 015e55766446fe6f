// A window that slides over an image, as rows of numbers that products can take.
//
//   image      [channels, in_y, in_x]
//   positions  P = out_y out_x, number y out_x + x
//   tap t      (c, i, j), number (c taps_y + i) taps_x + j: it sees at position (y, x) the number
//                (c, y stride_y + i dilation_y - padding_y, x stride_x + j dilation_x - padding_x)
//              of the image, 0 outside of it
//
// The matrix of what taps see [channels taps_y taps_x, P] repeats each number taps_y taps_x times.
// It is never made: unfold() repeats the image only taps_x times, once for each shift along x, in
// lines of out_x numbers. All lines that a tap sees then lie one after the other, and so do its P
// numbers: row t of the matrix begins at offset t of the unfolded image, and rows overlap. (With a
// vertical stride s, lines y, y+s, y+2s, ... lie one after the other.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include <tutelage/core/kernel/simd.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// A window along one axis of an image: `out` positions, `taps` numbers at each. A negative padding
/// cuts off instead.
struct axis {
  std::size_t in, out, taps, stride, dilation;
  std::ptrdiff_t padding;

  /// What tap i sees at position o: a number of the image where 0 <= place < in.
  [[nodiscard]] constexpr std::ptrdiff_t place(std::size_t o, std::size_t i) const {
    return static_cast<std::ptrdiff_t>(o * stride + i * dilation) - padding;
  }
  /// The positions [begin, end) at which tap i sees the image.
  [[nodiscard]] constexpr std::size_t begin(std::size_t i) const { return first_from(0, i); }
  [[nodiscard]] constexpr std::size_t end(std::size_t i) const {
    return first_from(static_cast<std::ptrdiff_t>(in), i);
  }

  /// Places whose numbers differ by a multiple of the stride are a phase; used phases are 0 to
  /// phases() - 1, and each has `lines()` places.
  [[nodiscard]] constexpr std::size_t phases() const {
    std::size_t last = 0;
    for (std::size_t i = 0; i < std::min(taps, stride); ++i) {
      last = std::max(last, i * dilation % stride);
    }
    return last + 1;
  }
  [[nodiscard]] constexpr std::size_t lines() const { return out + (taps - 1) * dilation / stride; }

 private:
  // The first position whose place is `least` or more.
  [[nodiscard]] constexpr std::size_t first_from(std::ptrdiff_t least, std::size_t i) const {
    const std::ptrdiff_t missing = least - place(0, i);
    if (missing <= 0) return 0;
    return std::min(out, (static_cast<std::size_t>(missing) + stride - 1) / stride);
  }
};

struct window {
  std::size_t channels;
  axis y, x;

  [[nodiscard]] constexpr std::size_t taps() const { return channels * y.taps * x.taps; }
  [[nodiscard]] constexpr std::size_t positions() const { return y.out * x.out; }
  [[nodiscard]] constexpr std::size_t image_size() const { return channels * y.in * x.in; }
  /// Numbers of the unfolded image.
  [[nodiscard]] constexpr std::size_t unfolded_size() const {
    return channels * x.taps * y.phases() * y.lines() * x.out;
  }
};

/// Where each tap's row begins in the unfolded image, [taps].
inline void tap_offsets(const window& w, std::vector<std::size_t>& offsets) {
  offsets.resize(w.taps());
  const std::size_t lines = w.y.lines(), phases = w.y.phases();
  std::size_t t = 0;
  for (std::size_t c = 0; c < w.channels; ++c) {
    for (std::size_t i = 0; i < w.y.taps; ++i) {
      const std::size_t phase = i * w.y.dilation % w.y.stride;
      const std::size_t line = i * w.y.dilation / w.y.stride;
      for (std::size_t j = 0; j < w.x.taps; ++j) {
        offsets[t++] = (((c * w.x.taps + j) * phases + phase) * lines + line) * w.x.out;
      }
    }
  }
}

/// Every second one of the first 2 count - 1 numbers, count <= lanes.
template <simd_scalar T>
class halving {
  static constexpr std::size_t L = lanes<T>;

 public:
  explicit halving(std::size_t count)
      : two_(2 * count > L),
        low_(std::min(L, 2 * count - 1)),
        high_(two_ ? 2 * count - 1 - L : 1) {}

  [[nodiscard]] simd<T> load(const T* from) const {
    const typename simd<T>::register_type low = low_.load(from);
    typename simd<T>::register_type high = low;
    if (two_) high = high_.load(from + L);
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return simd<T>(__builtin_shufflevector(low, high, (2 * I)...));
    }
    (std::make_index_sequence<L>{});
  }

 private:
  bool two_;
  partial<T> low_, high_;
};

/// The reverse: count <= lanes / 2 numbers to every second place, 2 count - 1 in all. What lies
/// between them is read and written unchanged.
template <simd_scalar T>
class doubling {
  static constexpr std::size_t L = lanes<T>;

 public:
  explicit doubling(std::size_t count) : low_(count), all_(2 * count - 1) {}

  void store(const T* from, T* to) const {
    const typename simd<T>::register_type numbers = low_.load(from), old = all_.load(to);
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      all_.store(to,
                 simd<T>(__builtin_shufflevector(old, numbers, (I % 2 == 0 ? L + I / 2 : I)...)));
    }
    (std::make_index_sequence<L>{});
  }

 private:
  partial<T> low_, all_;
};

/// Copies `lines` lines of `width` numbers that are `step` apart.
template <class T>
void copy_lines(const T* from, std::size_t from_stride, std::size_t step, T* to,
                std::size_t to_stride, std::size_t width, std::size_t lines) {
  if constexpr (simd_scalar<T>) {
    constexpr std::size_t L = lanes<T>;
    const std::size_t whole = width / L * L;
    const partial<T> rest(width - whole);
    if (step == 1) {
      for (; lines > 0; --lines, from += from_stride, to += to_stride) {
        for (std::size_t x = 0; x < whole; x += L) {
          simd<T>::load_unaligned(from + x).store_unaligned(to + x);
        }
        if (whole < width) rest.store(to + whole, rest.load(from + whole));
      }
      return;
    }
    if (step == 2) {
      const halving<T> all(L), some(std::max<std::size_t>(1, width - whole));
      for (; lines > 0; --lines, from += from_stride, to += to_stride) {
        for (std::size_t x = 0; x < whole; x += L) {
          all.load(from + 2 * x).store_unaligned(to + x);
        }
        if (whole < width) rest.store(to + whole, some.load(from + 2 * whole));
      }
      return;
    }
  }
  for (; lines > 0; --lines, from += from_stride, to += to_stride) {
    for (std::size_t x = 0; x < width; ++x) to[x] = from[x * step];
  }
}

/// The reverse: line after line of `width` numbers to places that are `step` apart.
template <class T>
void spread_lines(const T* from, T* to, std::size_t to_stride, std::size_t step, std::size_t width,
                  std::size_t lines) {
  if constexpr (simd_scalar<T>) {
    if (step == 2) {
      constexpr std::size_t half = lanes<T> / 2;
      const std::size_t whole = (width - 1) / half * half;
      const doubling<T> most(half), last(width - whole);
      for (; lines > 0; --lines, from += width, to += to_stride) {
        for (std::size_t x = 0; x < whole; x += half) most.store(from + x, to + 2 * x);
        last.store(from + whole, to + 2 * whole);
      }
      return;
    }
  }
  for (; lines > 0; --lines, from += width, to += to_stride) {
    for (std::size_t x = 0; x < width; ++x) to[x * step] = from[x];
  }
}

/// The unfolded image, [channels, taps_x, phases, lines, out_x]. Writes what is of the image: where
/// taps see padding, `to` must be zero, and stays so from image to image.
template <class T>
void unfold(const window& w, const T* image, T* to) {
  const std::size_t lines = w.y.lines(), phases = w.y.phases(), channel = w.y.in * w.x.in;
  const axis of_phases{w.y.in, lines, phases, w.y.stride, 1, w.y.padding};  // taps are phases
  for (std::size_t j = 0; j < w.x.taps; ++j) {
    const std::size_t begin = w.x.begin(j), end = w.x.end(j);
    for (std::size_t phase = 0; phase < phases; ++phase, to += lines * w.x.out) {
      const std::size_t first = of_phases.begin(phase), last = of_phases.end(phase);
      if (begin >= end || first >= last) continue;
      const T* seen = image + of_phases.place(first, phase) * static_cast<std::ptrdiff_t>(w.x.in) +
                      w.x.place(begin, j);
      T* copy = to + first * w.x.out + begin;
      for (std::size_t c = 0; c < w.channels; ++c, seen += channel) {
        copy_lines(seen, w.y.stride * w.x.in, w.x.stride, copy, w.x.out, end - begin, last - first);
        copy += w.x.taps * phases * lines * w.x.out;
      }
    }
  }
}

/// The transpose of unfolding: adds what taps have, rows [taps, P] some stride apart, to the numbers
/// of the image that they see, in the order of taps.
template <class T>
void fold(const window& w, const T* rows, std::size_t stride, T* image) {
  std::fill_n(image, w.image_size(), T(0));
  for (std::size_t c = 0; c < w.channels; ++c, image += w.y.in * w.x.in) {
    for (std::size_t i = 0; i < w.y.taps; ++i) {
      for (std::size_t j = 0; j < w.x.taps; ++j, rows += stride) {
        const std::size_t begin = w.x.begin(j), end = w.x.end(j);
        if (begin >= end) continue;
        for (std::size_t y = w.y.begin(i); y < w.y.end(i); ++y) {
          T* const to =
              image + w.y.place(y, i) * static_cast<std::ptrdiff_t>(w.x.in) + w.x.place(begin, j);
          const T* const from = rows + y * w.x.out + begin;
          if (w.x.stride == 1) {
            for (std::size_t x = 0; x < end - begin; ++x) to[x] += from[x];
          } else {
            for (std::size_t x = 0; x < end - begin; ++x) to[x * w.x.stride] += from[x];
          }
        }
      }
    }
  }
}

}  // namespace tutelage
