// Matrices and vectors: the only door to xtensor's containers.
//
//   matrix<T>       owns; row-major, on the heap, aligned to a cache line; an xt::xtensor<T, 2>
//   vector<T>       the same with one dimension
//   matrix_view     does not own; rows of equal length some stride apart; each extent is a number
//                   known to the compiler or `dynamic`. All functions take views: a matrix, a range
//                   of its rows and a padded block of weights are all one.
//   workspace       a matrix that only grows: reshaping it to a size seen before allocates nothing
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#if __has_include(<xtensor/containers/xtensor.hpp>)
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xtensor.hpp>
#endif
#include <tutelage/core/extents.hpp>
#include <tutelage/core/scalar.hpp>
#include <xsimd/memory/xsimd_aligned_allocator.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Alignment of all owned storage, in bytes.
inline constexpr std::size_t cache_line = 64;

namespace detail {
template <class T>
using allocator = xsimd::aligned_allocator<T, cache_line>;
}  // namespace detail

template <class T>
using matrix = xt::xtensor<T, 2, xt::layout_type::row_major, detail::allocator<T>>;

template <class T>
using vector = xt::xtensor<T, 1, xt::layout_type::row_major, detail::allocator<T>>;

/// "(64x10)", as error messages print a shape; an extent that has no number is `dynamic`.
inline std::string shape_text(std::size_t rows, std::size_t cols) {
  return detail::text("(", width_text(rows), "x", width_text(cols), ")");
}

/// A matrix of zeros. Throws shape_error for more numbers than memory can hold.
template <class T>
matrix<T> make_matrix(std::size_t rows, std::size_t cols) {
  constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(T);
  if (cols != 0 && rows > most / cols) {
    throw shape_error(
        detail::text("make_matrix: ", shape_text(rows, cols), " numbers are beyond any memory"));
  }
  return matrix<T>(std::array<std::size_t, 2>{rows, cols}, T(0));
}

/// A vector of zeros. (`vector<T>{n}` would be the one number n.)
template <class T>
vector<T> make_vector(std::size_t size) {
  return vector<T>(std::array<std::size_t, 1>{size}, T(0));
}

/// `n` rounded up to whole cache lines of T.
template <class T>
constexpr std::size_t padded(std::size_t n) noexcept {
  constexpr std::size_t line = cache_line / sizeof(T);
  static_assert(line * sizeof(T) == cache_line);
  return (n + line - 1) / line * line;
}

namespace detail {
/// Arrays of U can be looked at as arrays of T.
template <class U, class T>
concept array_of = std::is_convertible_v<U (*)[], T (*)[]>;
/// The same for the numbers in a container, and for a const container.
template <class Storage, class T>
concept seen_as = array_of<typename Storage::value_type, T>;
template <class Storage, class T>
concept seen_as_const = array_of<const typename Storage::value_type, T>;
}  // namespace detail

/// Rows x Cols numbers that somebody else owns: row i begins at data() + i * stride().
template <class T, std::size_t Rows = dynamic, std::size_t Cols = dynamic>
class matrix_view {
  // Of a view of R x C, seen as this one: could it fit, and is that only known at run time?
  template <std::size_t R, std::size_t C>
  static constexpr bool may_fit() {
    return may_be_equal<R, Rows> && may_be_equal<C, Cols>;
  }
  template <std::size_t R, std::size_t C>
  static constexpr bool may_throw() {
    return (Rows != dynamic && R == dynamic) || (Cols != dynamic && C == dynamic);
  }

 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;
  static constexpr std::size_t row_extent = Rows;
  static constexpr std::size_t col_extent = Cols;

  constexpr matrix_view() = default;

  /// Throws shape_error when a static extent is another number.
  constexpr matrix_view(T* data, std::size_t rows, std::size_t cols, std::size_t stride)
      : data_(data), rows_(rows), cols_(cols), stride_(stride) {}

  /// The whole of an xtensor of two dimensions, ours or a user's.
  template <detail::seen_as<T> Storage, class Tag>
  matrix_view(xt::xtensor_container<Storage, 2, xt::layout_type::row_major, Tag>& m)
      : matrix_view(m.data(), m.shape(0), m.shape(1), m.shape(1)) {}

  template <detail::seen_as_const<T> Storage, class Tag>
  matrix_view(const xt::xtensor_container<Storage, 2, xt::layout_type::row_major, Tag>& m)
      : matrix_view(m.data(), m.shape(0), m.shape(1), m.shape(1)) {}

  /// From other extents, and from mutable to const. Throws like the constructor above; implicit
  /// where nothing can be thrown.
  template <detail::array_of<T> U, std::size_t R, std::size_t C>
    requires(may_fit<R, C>())
  constexpr explicit(may_throw<R, C>()) matrix_view(const matrix_view<U, R, C>& other)
      : matrix_view(other.data(), other.rows(), other.cols(), other.stride()) {}

  [[nodiscard]] constexpr std::size_t rows() const noexcept { return rows_.size(); }
  [[nodiscard]] constexpr std::size_t cols() const noexcept { return cols_.size(); }
  [[nodiscard]] constexpr std::size_t stride() const noexcept { return stride_; }
  [[nodiscard]] constexpr T* data() const noexcept { return data_; }

  /// Not checked, as row().
  [[nodiscard]] constexpr T& operator()(std::size_t i, std::size_t j) const noexcept {
    return data_[i * stride_ + j];
  }
  [[nodiscard]] constexpr std::span<T> row(std::size_t i) const noexcept {
    return {data_ + i * stride_, cols()};
  }

  /// `count` rows from row `first` on. Throws shape_error where there are not so many.
  [[nodiscard]] constexpr matrix_view<T, dynamic, Cols> middle_rows(std::size_t first,
                                                                    std::size_t count) const {
    if (first > rows() || count > rows() - first) {
      throw shape_error(detail::text("middle_rows: ", count, " rows from row ", first,
                                     " on, the matrix has ", rows()));
    }
    return {data_ + first * stride_, count, cols(), stride_};
  }

 private:
  T* data_ = nullptr;
  [[no_unique_address]] extent<Rows> rows_;
  [[no_unique_address]] extent<Cols> cols_;
  std::size_t stride_ = 0;
};

template <class Storage, class Tag>
matrix_view(xt::xtensor_container<Storage, 2, xt::layout_type::row_major, Tag>&)
    -> matrix_view<typename Storage::value_type>;
template <class Storage, class Tag>
matrix_view(const xt::xtensor_container<Storage, 2, xt::layout_type::row_major, Tag>&)
    -> matrix_view<const typename Storage::value_type>;

namespace detail {
/// The check of every public entry point: throws
/// `function: what is (64x10), expected (64x12)`.
template <class View>
void require_shape(const char* function, const char* what, const View& m, std::size_t rows,
                   std::size_t cols) {
  if (m.rows() != rows || m.cols() != cols) {
    throw shape_error(detail::text(function, ": ", what, " is ", shape_text(m.rows(), m.cols()),
                                   ", expected ", shape_text(rows, cols)));
  }
}
}  // namespace detail

/// Copies `from` into `to`; throws shape_error unless their shapes are equal.
template <class T, std::size_t R, std::size_t C, class U, std::size_t R2, std::size_t C2>
void copy(const matrix_view<T, R, C>& from, const matrix_view<U, R2, C2>& to) {
  detail::require_shape("copy", "destination", to, from.rows(), from.cols());
  for (std::size_t i = 0; i < from.rows(); ++i) {
    std::copy_n(from.row(i).data(), from.cols(), to.row(i).data());
  }
}

/// An owned copy of what a view shows.
template <class T, std::size_t R, std::size_t C>
matrix<std::remove_cv_t<T>> to_matrix(const matrix_view<T, R, C>& view) {
  matrix<std::remove_cv_t<T>> result(std::array<std::size_t, 2>{view.rows(), view.cols()});
  copy(view, matrix_view(result));
  return result;
}

namespace detail {
/// A matrix that is a class's memory. What is moved from is left with none: an xtensor would keep its
/// shape beside no numbers, or beside another's.
template <class T>
struct owned_matrix {
  matrix<T> numbers;

  explicit owned_matrix(matrix<T> from) : numbers(std::move(from)) {}
  owned_matrix(const owned_matrix&) = default;
  owned_matrix& operator=(const owned_matrix&) = default;
  owned_matrix(owned_matrix&& other) noexcept : numbers(std::exchange(other.numbers, {})) {}
  owned_matrix& operator=(owned_matrix&& other) noexcept {
    numbers = std::exchange(other.numbers, {});
    return *this;
  }
  ~owned_matrix() = default;
};
}  // namespace detail

/// Scratch storage: rows are padded to whole cache lines, and memory is only taken when a shape
/// needs more than every shape before it.
template <class T>
class workspace {
 public:
  /// A view of the asked shape. Contents are unspecified; all are numbers from earlier use or zero.
  matrix_view<T> reshape(std::size_t rows, std::size_t cols) {
    const std::size_t stride = padded<T>(cols);
    if (rows * stride > storage_.size()) {
      storage_ = std::vector<T, detail::allocator<T>>(rows * stride);  // zeros
    }
    view_ = {storage_.data(), rows, cols, stride};
    return view_;
  }

  /// What reshape() returned last.
  [[nodiscard]] matrix_view<T> view() const noexcept { return view_; }

  workspace() = default;
  workspace(const workspace& other) { *this = other; }
  workspace& operator=(const workspace& other) {
    if (this != &other) copy(other.view_, reshape(other.view_.rows(), other.view_.cols()));
    return *this;
  }
  /// What is moved from is empty.
  workspace(workspace&& other) noexcept
      : storage_(std::exchange(other.storage_, {})), view_(std::exchange(other.view_, {})) {}
  workspace& operator=(workspace&& other) noexcept {
    storage_ = std::exchange(other.storage_, {});
    view_ = std::exchange(other.view_, {});
    return *this;
  }
  ~workspace() = default;

 private:
  std::vector<T, detail::allocator<T>> storage_;
  matrix_view<T> view_;
};

}  // namespace tutelage
