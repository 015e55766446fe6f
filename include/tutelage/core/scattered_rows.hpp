// Rows that lie anywhere: a batch chosen from a matrix, without copying it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tutelage/core/matrix.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// [rows, Cols] numbers that somebody else owns and nobody changes here; each row is contiguous,
/// row i begins at pointers()[i]. Products take it for a left operand, as it is or transposed.
/// ahead() is where the rows lie that will be asked for next, as many as these, or nowhere: what
/// walks over these rows may ask the memory for those on its way.
template <class T, std::size_t Cols = dynamic>
class scattered_rows {
 public:
  using value_type = T;
  static constexpr std::size_t row_extent = dynamic;
  static constexpr std::size_t col_extent = Cols;

  constexpr scattered_rows() = default;

  /// Throws shape_error when a static extent is another number. The pointers are not copied.
  constexpr scattered_rows(std::span<const T* const> pointers, std::size_t cols,
                           const T* const* ahead = nullptr)
      : pointers_(pointers), ahead_(ahead), cols_(cols) {}

  /// From another extent; throws like the constructor above, and is implicit where nothing can be.
  template <std::size_t C>
    requires(may_be_equal<C, Cols>)
  constexpr explicit(Cols != dynamic && C == dynamic)
      scattered_rows(const scattered_rows<T, C>& other)
      : scattered_rows(other.pointers(), other.cols(), other.ahead()) {}

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return pointers_.size(); }
  [[nodiscard]] constexpr std::size_t cols() const noexcept { return cols_.size(); }
  [[nodiscard]] constexpr std::span<const T* const> pointers() const noexcept { return pointers_; }
  [[nodiscard]] constexpr const T* const* ahead() const noexcept { return ahead_; }
  [[nodiscard]] constexpr const T& operator()(std::size_t i, std::size_t j) const noexcept {
    return pointers_[i][j];
  }
  [[nodiscard]] constexpr std::span<const T> row(std::size_t i) const noexcept {
    return {pointers_[i], cols()};
  }

 private:
  std::span<const T* const> pointers_;
  const T* const* ahead_ = nullptr;
  [[no_unique_address]] extent<Cols> cols_;
};

/// Copies them below each other; throws shape_error unless the shapes are equal.
template <class T, std::size_t Cols, std::size_t R2, std::size_t C2>
void copy(const scattered_rows<T, Cols>& from, const matrix_view<T, R2, C2>& to) {
  detail::require_shape("copy", "destination", to, from.rows(), from.cols());
  for (std::size_t i = 0; i < from.rows(); ++i) {
    std::copy_n(from.row(i).data(), from.cols(), to.row(i).data());
  }
}

template <class T, std::size_t Cols>
matrix<T> to_matrix(const scattered_rows<T, Cols>& rows) {
  auto result = make_matrix<T>(rows.rows(), rows.cols());
  copy(rows, matrix_view(result));
  return result;
}

namespace detail {
/// Asks the memory for row i of the rows ahead, into the second cache: the first one is the present
/// batch's. (Inlined because g++ takes a function that only prefetches for one without effect, and
/// drops its calls.)
template <class T, std::size_t Cols>
[[gnu::always_inline]] inline void prefetch_ahead(const scattered_rows<T, Cols>& rows,
                                                  std::size_t i) {
  if (rows.ahead() == nullptr) return;
  for (std::size_t k = 0; k < rows.cols(); k += cache_line / sizeof(T)) {
    __builtin_prefetch(rows.ahead()[i] + k, 0, 2);
  }
}
/// Rows of a matrix have none ahead.
template <class T, std::size_t Rows, std::size_t Cols>
void prefetch_ahead(const matrix_view<T, Rows, Cols>& /*rows*/, std::size_t /*i*/) {}
}  // namespace detail

}  // namespace tutelage
