// Pools over images, as torch.nn.AvgPool2d and MaxPool2d: one number a window and channel.
//
//   x  [N, C H W]      f  [N, C H' W'],   H' = (H + 2 padding - size) / stride + 1, rounded down
//
//   average_pool   the mean of the window's size^2 numbers, padding counting as zeros
//   max_pool       its largest number, padding never among them; of equal ones the first, and a NaN
//                  before all
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>

#include <tutelage/core/matrix.hpp>
#include <tutelage/model/image.hpp>
#include <type_traits>

namespace tutelage::inline TUTELAGE_TARGET {

struct pool_settings {
  std::size_t size = 2;
  /// 0 is `size`: windows side by side.
  std::size_t stride = 0;
  /// At most half of `size`.
  std::size_t padding = 0;
};

namespace detail {

/// Where the windows of a pool lie.
class pool_windows {
 public:
  pool_windows(image_shape in, pool_settings settings) : in_(in), settings_(settings) {
    if (settings_.stride == 0) settings_.stride = settings_.size;
    if (in.size() == 0) {
      throw shape_error(text("pool: images of ", shape_text(in), ", expected at least 1 each"));
    }
    if (settings.size == 0 || settings.padding > settings.size / 2) {
      throw argument_error(text("pool: size ", settings.size, " with padding ", settings.padding,
                                ", expected a size of at least 1 and a padding of at most half"));
    }
    const auto places = [&](std::size_t length) {
      const std::size_t padded = length + 2 * settings_.padding;
      if (padded < settings_.size) {
        throw shape_error(text("pool: windows of ", settings_.size, " on images of ",
                               shape_text(in_), " with padding ", settings_.padding));
      }
      return (padded - settings_.size) / settings_.stride + 1;
    };
    out_ = {in.channels, places(in.height), places(in.width)};
  }

  [[nodiscard]] const image_shape& in() const noexcept { return in_; }
  [[nodiscard]] const image_shape& out() const noexcept { return out_; }
  [[nodiscard]] const pool_settings& settings() const noexcept { return settings_; }

  /// Calls visit(number of the window, top, bottom, left, right) for all windows of all channels;
  /// rows count from the top of the first channel, so that number (y, x) of the image is at y W + x.
  template <class Visit>
  void each(Visit&& visit) const {
    std::size_t number = 0;
    for (std::size_t c = 0; c < in_.channels; ++c) {
      for (std::size_t y = 0; y < out_.height; ++y) {
        const auto [top, bottom] = range(y, in_.height);
        for (std::size_t x = 0; x < out_.width; ++x) {
          const auto [left, right] = range(x, in_.width);
          visit(number++, c * in_.height + top, c * in_.height + bottom, left, right);
        }
      }
    }
  }

 private:
  struct interval {
    std::size_t first, last;
  };
  [[nodiscard]] interval range(std::size_t place, std::size_t length) const {
    const std::size_t first = place * settings_.stride;  // of the padded line
    const std::size_t begin = std::max(first, settings_.padding) - settings_.padding;
    return {begin, std::min(first + settings_.size - settings_.padding, length)};
  }

  image_shape in_, out_;
  pool_settings settings_;
};

/// What both pools are, beside their passes.
template <scalar T>
class pool_layer {
 public:
  using value_type = T;
  static constexpr std::size_t in_extent = dynamic;
  static constexpr std::size_t out_extent = dynamic;
  static constexpr std::size_t parameters = 0;

  pool_layer(image_shape image, pool_settings settings) : windows_(image, settings) {}

  [[nodiscard]] std::size_t in_width() const noexcept { return windows_.in().size(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return windows_.out().size(); }
  [[nodiscard]] const image_shape& in_image() const noexcept { return windows_.in(); }
  [[nodiscard]] image_shape out_image() const noexcept { return windows_.out(); }
  [[nodiscard]] const pool_settings& settings() const noexcept { return windows_.settings(); }

  template <class X, class Tape, class Visit>
  void backward_weights(const X& /*x*/, const Tape& /*kept*/, matrix_view<const T>, Visit&&) const {
  }
  template <class Visit>
  void for_each_parameter(Visit&&) const {}
  template <class Visit>
  void for_each_block(const std::string&, Visit&&) const {}

 protected:
  pool_windows windows_;
};

/// What a pool is before it is above images.
template <template <class, class> class Pool, scalar T>
class pool_part {
 public:
  explicit pool_part(pool_settings settings = {}) : settings_(settings) {}

  /// Throws shape_error and argument_error as the pool of these images does.
  template <layer Below>
  [[nodiscard]] auto over(const Below& below) const {
    check_images_below<Below>();
    if constexpr (image_layer<Below>) return Pool<T, image_shape>(below.out_image(), settings_);
  }

 private:
  pool_settings settings_;
};

}  // namespace detail

/// average_pool<T, image_shape>(images, settings) is the layer, average_pool<T>(settings) the part
/// that becomes one. Throws shape_error for images that no window fits in, argument_error for
/// settings that mean nothing.
template <scalar T, class Image = no_image>
class average_pool : public detail::pool_part<average_pool, T> {
 public:
  using detail::pool_part<average_pool, T>::pool_part;
};

template <scalar T>
class average_pool<T, image_shape> : public detail::pool_layer<T> {
  using base = detail::pool_layer<T>;

 public:
  template <scalar U>
  using rebind = average_pool<U, image_shape>;
  struct tape {
    workspace<T> f;  // [N, C H' W']
  };

  using base::base;

  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    return rebind<U>(base::in_image(), base::settings());
  }

  matrix_view<T> forward(matrix_view<const T> x, tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), base::in_width());
    const auto f = kept.f.reshape(x.rows(), base::out_width());
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const T* const from = x.row(i).data();
      T* const to = f.row(i).data();
      windows_.each([&](std::size_t window, std::size_t top, std::size_t bottom, std::size_t left,
                        std::size_t right) {
        T sum(0);
        for (std::size_t y = top; y < bottom; ++y) {
          for (std::size_t k = left; k < right; ++k) sum += from[y * row_length() + k];
        }
        to[window] = sum * share();
      });
    }
    return f;
  }

  void backward_output(const tape& /*kept*/, matrix_view<T> /*g*/) const {}
  void backward_input(matrix_view<const T> /*x*/, const tape& /*kept*/, matrix_view<const T> g,
                      matrix_view<T> below) const {
    detail::require_shape("backward_input", "g", g, g.rows(), base::out_width());
    detail::require_shape("backward_input", "below", below, g.rows(), base::in_width());
    for (std::size_t i = 0; i < g.rows(); ++i) spread(g.row(i).data(), below.row(i).data());
  }

  /// For every sample: from [V r] [C_L, C H' W' + 1] to `below`, [C_L, C H W + 1].
  void pull(const tape& /*kept*/, std::size_t /*i*/, matrix_view<T> V, matrix_view<T> below) const {
    for (std::size_t row = 0; row < V.rows(); ++row) {
      spread(V.row(row).data(), below.row(row).data());
      below(row, base::in_width()) = V(row, base::out_width());
    }
  }

 private:
  using base::windows_;
  [[nodiscard]] std::size_t row_length() const noexcept { return windows_.in().width; }
  [[nodiscard]] real_t<T> share() const noexcept {
    const auto size = static_cast<real_t<T>>(windows_.settings().size);
    return real_t<T>(1) / (size * size);
  }

  // Each window's g, in equal shares, on the numbers under it.
  void spread(const T* g, T* below) const {
    std::fill_n(below, base::in_width(), T(0));
    windows_.each([&](std::size_t window, std::size_t top, std::size_t bottom, std::size_t left,
                      std::size_t right) {
      const T part = g[window] * share();
      for (std::size_t y = top; y < bottom; ++y) {
        for (std::size_t k = left; k < right; ++k) below[y * row_length() + k] += part;
      }
    });
  }
};

/// As average_pool.
template <scalar T, class Image = no_image>
class max_pool : public detail::pool_part<max_pool, T> {
 public:
  using detail::pool_part<max_pool, T>::pool_part;
};

template <scalar T>
class max_pool<T, image_shape> : public detail::pool_layer<T> {
  using base = detail::pool_layer<T>;

 public:
  template <scalar U>
  using rebind = max_pool<U, image_shape>;
  struct tape {
    workspace<T> f;                  // [N, C H' W']
    workspace<std::uint32_t> place;  // [N, C H' W']: which number of x each one is
  };

  using base::base;

  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    return rebind<U>(base::in_image(), base::settings());
  }

  matrix_view<T> forward(matrix_view<const T> x, tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), base::in_width());
    const auto f = kept.f.reshape(x.rows(), base::out_width());
    const auto places = kept.place.reshape(x.rows(), base::out_width());
    const std::size_t length = windows_.in().width;
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const T* const from = x.row(i).data();
      windows_.each([&](std::size_t window, std::size_t top, std::size_t bottom, std::size_t left,
                        std::size_t right) {
        std::size_t best = top * length + left;
        for (std::size_t y = top; y < bottom; ++y) {
          for (std::size_t k = left; k < right; ++k) {
            const std::size_t here = y * length + k;
            if (is_larger(from[here], from[best])) best = here;
          }
        }
        f(i, window) = from[best];
        places(i, window) = static_cast<std::uint32_t>(best);
      });
    }
    return f;
  }

  void backward_output(const tape& /*kept*/, matrix_view<T> /*g*/) const {}
  void backward_input(matrix_view<const T> x, const tape& kept, matrix_view<const T> g,
                      matrix_view<T> below) const {
    detail::require_shape("backward_input", "x", x, kept.f.view().rows(), base::in_width());
    detail::require_shape("backward_input", "g", g, x.rows(), base::out_width());
    detail::require_shape("backward_input", "below", below, x.rows(), base::in_width());
    for (std::size_t i = 0; i < g.rows(); ++i) {
      put_back(kept, i, g.row(i).data(), below.row(i).data());
    }
  }

  /// For sample i: from [V r] [C_L, C H' W' + 1] to `below`, [C_L, C H W + 1].
  void pull(const tape& kept, std::size_t i, matrix_view<T> V, matrix_view<T> below) const {
    for (std::size_t row = 0; row < V.rows(); ++row) {
      put_back(kept, i, V.row(row).data(), below.row(row).data());
      below(row, base::in_width()) = V(row, base::out_width());
    }
  }

 private:
  using base::windows_;

  static bool is_larger(const T& a, const T& b) {
    const auto real = real_part(a), best = real_part(b);
    return real > best || (real != real && best == best);
  }

  void put_back(const tape& kept, std::size_t i, const T* g, T* below) const {
    std::fill_n(below, base::in_width(), T(0));
    const auto places = kept.place.view().row(i);
    for (std::size_t window = 0; window < places.size(); ++window)
      below[places[window]] += g[window];
  }
};

}  // namespace tutelage
