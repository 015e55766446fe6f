// Rows of C channels with P positions each, and sums over a batch channel by channel; rows of nodes
// have P = 1.
#pragma once

#include <concepts>
#include <cstddef>

#include <tutelage/core/extents.hpp>
#include <tutelage/model/image.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// `N`, the number of channels, is a number or `dynamic`; `Image` is no_image or image_shape.
template <std::size_t N, class Image>
class channel_rows {
  static constexpr bool of_nodes = std::same_as<Image, no_image>;

 public:
  channel_rows(std::size_t channels, Image image) : channels_(channels), image_(image) {}

  [[nodiscard]] std::size_t channels() const noexcept { return channels_.size(); }
  [[nodiscard]] constexpr std::size_t positions() const noexcept {
    if constexpr (of_nodes) {
      return 1;
    } else {
      return image_.height * image_.width;
    }
  }
  [[nodiscard]] std::size_t width() const noexcept { return channels() * positions(); }
  [[nodiscard]] const Image& image() const noexcept { return image_; }

  /// Calls visit(row, channel, column) for all numbers of `rows` rows.
  template <class Visit>
  void each(std::size_t rows, Visit&& visit) const {
    const std::size_t P = positions();
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t c = 0; c < channels(); ++c) {
        for (std::size_t k = c * P; k < (c + 1) * P; ++k) visit(i, c, k);
      }
    }
  }

  /// sums[c] = the sum of term(row, c, column) over the rows' numbers of channel c. Eight sums side
  /// by side run in vectors.
  template <class A, class Term>
  void add_up(std::size_t rows, A* sums, Term&& term) const {
    constexpr std::size_t side = 8;
    const std::size_t P = positions(), whole = P / side * side;
    for (std::size_t c = 0; c < channels(); ++c) sums[c] = A(0);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t c = 0; c < channels(); ++c) {
        if constexpr (of_nodes) {
          sums[c] += term(i, c, c);
        } else {
          A parts[side] = {};
          for (std::size_t p = 0; p < whole; p += side) {
            for (std::size_t s = 0; s < side; ++s) parts[s] += term(i, c, c * P + p + s);
          }
          for (std::size_t p = whole; p < P; ++p) parts[p - whole] += term(i, c, c * P + p);
          for (const A& part : parts) sums[c] += part;
        }
      }
    }
  }

 private:
  [[no_unique_address]] extent<N> channels_;
  [[no_unique_address]] Image image_;
};

}  // namespace tutelage::detail
