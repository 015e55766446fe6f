// Widths that are numbers known to the compiler, or `dynamic` and known when the program runs.
#pragma once

#include <cstddef>
#include <limits>
#include <string>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// In place of a width: "known only at run time".
inline constexpr std::size_t dynamic = std::numeric_limits<std::size_t>::max();

/// "12", or "dynamic", as error messages print a width.
inline std::string width_text(std::size_t width) {
  return width == dynamic ? "dynamic" : std::to_string(width);
}

namespace detail {
/// A width as a template argument that compilers print below a sentence: width<12>, or
/// dynamic_width.
template <std::size_t N>
struct width;
struct dynamic_width;
template <std::size_t E>
struct named_width {
  using type = width<E>;
};
template <>
struct named_width<dynamic> {
  using type = dynamic_width;
};
template <std::size_t E>
using shown = typename named_width<E>::type;
}  // namespace detail

/// One width. A static one stores nothing; a dynamic one stores its number.
template <std::size_t E>
class extent {
 public:
  constexpr extent() = default;

  /// Throws shape_error when `n` is not the static width.
  constexpr explicit extent(std::size_t n) {
    if (n != E) {
      throw shape_error(detail::text("extent: got width ", width_text(n), ", expected ", E));
    }
  }

  [[nodiscard]] static constexpr std::size_t size() noexcept { return E; }
};

template <>
class extent<dynamic> {
 public:
  constexpr extent() = default;
  constexpr explicit extent(std::size_t n) noexcept : size_(n) {}

  [[nodiscard]] constexpr std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_ = 0;
};

/// Can widths declared as `A` and `B` be equal? Known to fail only when both are static and differ.
template <std::size_t A, std::size_t B>
inline constexpr bool may_be_equal = A == B || A == dynamic || B == dynamic;

}  // namespace tutelage
