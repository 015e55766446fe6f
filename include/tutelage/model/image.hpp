// Images in the rows of a matrix: channel after channel, each its rows from the top (NCHW, one image
// a row). What convolutions and pools agree on. Layers that take nodes and images alike say by a
// template argument, no_image or image_shape, which of them they are above.
#pragma once

#include <cstddef>
#include <string>

#include <tutelage/core/errors.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Number (c, y, x) of an image is at (c * height + y) * width + x of its row.
struct image_shape {
  std::size_t channels = 1, height = 1, width = 1;

  [[nodiscard]] constexpr std::size_t size() const noexcept { return channels * height * width; }
  friend constexpr bool operator==(const image_shape&, const image_shape&) = default;
};

/// "16x28x28", as error messages print an image.
inline std::string shape_text(const image_shape& image) {
  return detail::text(image.channels, "x", image.height, "x", image.width);
}

/// In place of an image_shape: rows of nodes.
struct no_image {
  friend constexpr bool operator==(const no_image&, const no_image&) = default;
};

/// A layer whose output rows are images. Satisfied by conv2d, average_pool and max_pool, and by
/// batch_norm, gated and residual above one.
template <class L>
concept image_layer = layer<L> && requires(const L cl) {
  { cl.out_image() } -> std::same_as<image_shape>;
};

namespace detail {

// What the rows that a layer gives are.
template <class L>
struct rows_of_layer {
  using type = no_image;
};
template <image_layer L>
struct rows_of_layer<L> {
  using type = image_shape;
};

template <class L>
auto image_of(const L& l) {
  if constexpr (image_layer<L>) {
    return l.out_image();
  } else {
    return no_image();
  }
}

template <class Below>
constexpr void check_images_below() {
  static_assert(image_layer<Below>,
                "pool: needs images below, and the layer below gives none; see "
                "check_images_below<layer below>");
}

}  // namespace detail

}  // namespace tutelage
