// Samples in a .npy file of any size: rows that are read when they are asked for.
//
//   const data_set data(npy_rows<float>("x.npy"), npy_rows<float>("y.npy"));
//   train(student, read_ahead(with_replacement(data, {.batch = 64})), ...);
//
// The file is mapped: the system keeps in memory what fits. Numbers become T, the network's scalar.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/core/mapped_file.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scalar.hpp>
#include <tutelage/io/npy.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The first dimension counts samples; the rest are one sample. A row_source (data/inputs.hpp), of
/// inputs or of targets. Copies share the file.
template <real_scalar T>
class npy_rows {
 public:
  using value_type = T;

  /// Throws io_error when the file cannot be read, format_error when it is no .npy of at least one
  /// dimension or its rows do not lie together.
  explicit npy_rows(const std::string& path) : file_(std::make_shared<const content>(path)) {
    const auto& shape = file_->array.shape;
    if (shape.empty()) throw format_error(path, 10, "shape", "one number, expected rows");
    if (file_->array.column_major) {
      throw format_error(path, 10, "fortran_order",
                         "columns lie together; save numpy.ascontiguousarray of it");
    }
    rows_ = shape[0];
    for (std::size_t i = 1; i < shape.size(); ++i) cols_ *= shape[i];
  }

  /// The first samples only; all of them when there are fewer.
  [[nodiscard]] npy_rows head(std::size_t samples) const {
    npy_rows result = *this;
    result.rows_ = std::min(samples, rows_);
    return result;
  }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t cols() const noexcept { return cols_; }

  /// Sample i. Throws shape_error unless there is one and `out` has cols() elements.
  void read_row(std::size_t i, std::span<T> out) const {
    if (i >= rows_ || out.size() != cols_) {
      throw shape_error(detail::text("read_row: sample ", i, " into ", out.size(),
                                     " elements, expected one below ", rows_, " into ", cols_));
    }
    file_->array.read_from(i * cols_, out);
  }

  /// Samples first, ..., first + count - 1, where they lie if they are numbers of T that lie where
  /// such numbers may, else in `scratch`. Throws shape_error when there are not so many.
  matrix_view<const T> read(std::size_t first, std::size_t count, workspace<T>& scratch) const {
    if (first > rows_ || count > rows_ - first) {
      throw shape_error(
          detail::text("read_rows: ", count, " rows from ", first, " on, there are ", rows_));
    }
    const named_array& array = file_->array;
    const unsigned char* const begin = array.bytes.data() + first * cols_ * size_of(array.type);
    const auto type = std::is_same_v<T, float> ? element_type::float32 : element_type::float64;
    if (sizeof(T) <= sizeof(double) && array.type == type && !array.big_endian &&
        std::endian::native == std::endian::little &&
        reinterpret_cast<std::uintptr_t>(begin) % alignof(T) == 0) {
      return {reinterpret_cast<const T*>(begin), count, cols_, cols_};
    }
    const auto out = scratch.reshape(count, cols_);
    for (std::size_t i = 0; i < count; ++i) array.read_from((first + i) * cols_, out.row(i));
    return out;
  }

 private:
  struct content {
    explicit content(const std::string& path)
        : file(path), array(parse_npy(file.bytes(), file.path())) {}
    mapped_file file;
    named_array array;
  };

  std::shared_ptr<const content> file_;
  std::size_t rows_ = 0, cols_ = 1;
};

template <class T>
void gather(const npy_rows<T>& source, std::span<const std::size_t> indices, matrix_view<T> out) {
  detail::require_shape("gather", "out", out, indices.size(), source.cols());
  for (std::size_t i = 0; i < indices.size(); ++i) source.read_row(indices[i], out.row(i));
}

template <class T>
matrix_view<const T> read_rows(const npy_rows<T>& source, std::size_t first, std::size_t count,
                               workspace<T>& scratch) {
  return source.read(first, count, scratch);
}

/// The labels of a .npy file of one dimension. Throws format_error for other dimensions, and for
/// labels that are not whole numbers from 0 to 2^31-1.
inline std::vector<std::uint32_t> read_npy_labels(const std::string& path) {
  const mapped_file file(path);
  const named_array array = parse_npy(file.bytes(), path);
  if (array.shape.size() != 1) {
    throw format_error(
        path, 10, "shape",
        detail::text(shape_text(array.shape), ", expected one dimension for labels"));
  }
  std::vector<std::uint32_t> labels(array.size());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    long double number = 0;
    array.read_from(i, std::span(&number, 1));
    if (!(number >= 0 && number < 2147483648.0L && number == std::floor(number))) {
      throw format_error(path, array.offset + i * size_of(array.type), "labels",
                         detail::text("label ", i, " is ", number));
    }
    labels[i] = static_cast<std::uint32_t>(number);
  }
  return labels;
}

}  // namespace tutelage
