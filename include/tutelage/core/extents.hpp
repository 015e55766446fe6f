// Widths that are numbers known to the compiler, or `dynamic` and known when the program runs.
#pragma once

#include <cstddef>
#include <limits>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// In place of a width: "known only at run time".
inline constexpr std::size_t dynamic = std::numeric_limits<std::size_t>::max();

/// One width. A static one stores nothing; a dynamic one stores its number.
template <std::size_t E>
class extent {
 public:
  constexpr extent() = default;

  /// Throws shape_error when `n` is not the static width.
  constexpr explicit extent(std::size_t n) {
    if (n != E) {
      throw shape_error(detail::text("extent: got width ", n, ", expected ", E));
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
