// What a convolution is: an image, and filters that slide over it. PyTorch's settings and meanings:
//
//   size        of a filter; it sees places dilation apart
//   stride      from one position to the next
//   padding     zeros around the image
//   groups      the channels divide into so many groups, and so do the filters; filters see the
//               channels of their group only
//   positions   floor((image + 2 padding - dilation (size - 1) - 1) / stride) + 1 along each side
#pragma once

#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <string>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/extents.hpp>
#include <tutelage/core/kernel/convolution.hpp>
#include <tutelage/model/image.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// A number for each side, {height, width}, or one for both.
struct sides {
  std::size_t height, width;

  constexpr sides(std::size_t both) : height(both), width(both) {}
  constexpr sides(std::size_t vertical, std::size_t horizontal)
      : height(vertical), width(horizontal) {}
  friend constexpr bool operator==(const sides&, const sides&) = default;
};

struct convolution_settings {
  std::size_t filters = 0;
  sides size = 0;
  sides stride = 1;
  sides padding = 0;
  sides dilation = 1;
  std::size_t groups = 1;

  friend constexpr bool operator==(const convolution_settings&,
                                   const convolution_settings&) = default;
};

/// May be a template argument: convolution{{1, 28, 28}, {.filters = 16, .size = 3}}.
struct convolution {
  image_shape image;
  convolution_settings settings;

  friend constexpr bool operator==(const convolution&, const convolution&) = default;
};

namespace detail {

// Parts of a message.
template <class Part>
auto shown_part(const Part& part) {
  if constexpr (std::same_as<Part, sides>) {
    return text(part.height, "x", part.width);
  } else if constexpr (std::same_as<Part, image_shape>) {
    return shape_text(part);
  } else {
    return text(part);
  }
}

/// Do these numbers multiply to what an array can have?
constexpr bool is_size(std::initializer_list<std::size_t> factors) {
  std::size_t product = 1;
  for (const std::size_t f : factors) {
    if (f != 0 && product > std::numeric_limits<std::ptrdiff_t>::max() / 16 / f) return false;
    product *= f;
  }
  return true;
}

/// Calls `refuse(parts of a sentence...)` for the first thing that is wrong and returns false; else
/// returns true.
template <class Refuse>
constexpr bool is_possible(const convolution& c, const Refuse& refuse) {
  const auto& [image, s] = c;
  const auto positive = [](const sides& n) { return n.height > 0 && n.width > 0; };
  const auto no = [&](const auto&... parts) {
    refuse(parts...);
    return false;
  };
  if (image.channels == 0 || image.height == 0 || image.width == 0) {
    return no("the image is ", image, ", expected numbers of at least 1");
  }
  if (s.filters == 0) return no("0 filters, expected at least 1");
  if (!positive(s.size)) return no("size is ", s.size, ", expected numbers of at least 1");
  if (!positive(s.stride)) return no("stride is ", s.stride, ", expected numbers of at least 1");
  if (!positive(s.dilation)) {
    return no("dilation is ", s.dilation, ", expected numbers of at least 1");
  }
  if (s.groups == 0) return no("0 groups, expected at least 1");
  if (image.channels % s.groups != 0) {
    return no(image.channels, " channels do not divide into ", s.groups, " groups");
  }
  if (s.filters % s.groups != 0) {
    return no(s.filters, " filters do not divide into ", s.groups, " groups");
  }
  // Nothing below overflows when an image with such padding is a size, and so is what filters cover.
  constexpr std::size_t longest = std::size_t{1} << 31;
  const auto shorter = [](const sides& n) { return n.height < longest && n.width < longest; };
  if (!shorter({image.height, image.width}) || !shorter(s.padding)) {
    return no("the image is ", image, " with a padding of ", s.padding, ", expected sides below ",
              longest);
  }
  if (!shorter(s.size) || !shorter(s.dilation) || !shorter(s.stride)) {
    return no("size ", s.size, ", dilation ", s.dilation, " and stride ", s.stride,
              ", expected numbers below ", longest);
  }
  const sides padded{image.height + 2 * s.padding.height, image.width + 2 * s.padding.width};
  const sides covered{(s.size.height - 1) * s.dilation.height + 1,
                      (s.size.width - 1) * s.dilation.width + 1};
  if (covered.height > padded.height || covered.width > padded.width) {
    return no("a filter covers ", covered, ", the padded image is ", padded);
  }
  // Numbers of the unfolded image (at most so many), of weights and of outputs.
  if (!is_size({image.channels, s.size.width, padded.height, padded.width}) ||
      !is_size({image.channels, s.size.height, s.size.width, s.filters}) ||
      !is_size({s.filters, padded.height, padded.width})) {
    return no("image ", image, ", ", s.filters, " filters of ", s.size, " with a padding of ",
              s.padding, " are beyond any memory");
  }
  return true;
}

constexpr axis axis_of(std::size_t image, std::size_t size, std::size_t stride, std::size_t padding,
                       std::size_t dilation) {
  const std::size_t out = (image + 2 * padding - (size - 1) * dilation - 1) / stride + 1;
  return {image, out, size, stride, dilation, static_cast<std::ptrdiff_t>(padding)};
}

/// The kernel's numbers for a convolution that is possible.
constexpr convolution_sizes sizes_of(const convolution& c) {
  const auto& [image, s] = c;
  return {
      {image.channels,
       axis_of(image.height, s.size.height, s.stride.height, s.padding.height, s.dilation.height),
       axis_of(image.width, s.size.width, s.stride.width, s.padding.width, s.dilation.width)},
      s.filters,
      s.groups};
}

}  // namespace detail

/// The image that a convolution gives.
constexpr image_shape out_image(const convolution& c) {
  const detail::convolution_sizes sizes = detail::sizes_of(c);
  return {sizes.filters, sizes.window.y.out, sizes.window.x.out};
}

/// Throws shape_error, with the numbers, unless there is such a convolution.
inline void require_possible(const convolution& c) {
  detail::is_possible(c, [](const auto&... parts) {
    throw shape_error(detail::text("conv2d: ", detail::shown_part(parts)...));
  });
}

}  // namespace tutelage
