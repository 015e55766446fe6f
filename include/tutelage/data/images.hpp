// Labelled image sets in IDX files, as sources of normalized rows.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include <tutelage/data/idx.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/data/label.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Elements become (x - mean) / std.
struct normalization {
  double mean = 0;
  double std = 1;
};

/// Mean and standard deviation over all elements of a file. Throws format_error when the file has
/// no elements, one that is not finite, or only equal ones.
inline normalization measure_normalization(const idx_file& file) {
  std::vector<double> row(file.cols());
  double mean = 0, sum_of_squares = 0, count = 0;  // of deviations from the mean so far
  for (std::size_t i = 0; i < file.rows(); ++i) {
    file.read_row(i, std::span<double>(row));
    for (std::size_t k = 0; k < row.size(); ++k) {
      const double x = row[k];
      if (!std::isfinite(x)) {
        throw format_error(
            file.path(), file.row_offset(i), "elements",
            detail::text("row ", i, ", column ", k, " is ", x, ", expected finite numbers"));
      }
      count += 1;
      const double change = x - mean;
      mean += change / count;
      sum_of_squares += change * (x - mean);
    }
  }
  if (!(sum_of_squares > 0) || !std::isfinite(sum_of_squares)) {
    throw format_error(file.path(), file.row_offset(0), "elements",
                       "cannot be normalized: none, all equal, or not finite");
  }
  return {mean, std::sqrt(sum_of_squares / count)};
}

/// The samples of an IDX file as rows of normalized numbers, converted when they are asked for.
/// Copies share the file.
template <class T>
class image_rows {
 public:
  using value_type = T;

  explicit image_rows(const std::string& path) : file_(std::make_shared<idx_file>(path)) {
    normalization_ = measure_normalization(*file_);
    require_finite_elements();
  }
  /// With given numbers, usually those of the training images. Throws argument_error unless they
  /// are finite and std > 0.
  image_rows(const std::string& path, normalization numbers)
      : file_(std::make_shared<idx_file>(path)), normalization_(numbers) {
    if (!std::isfinite(numbers.mean) || !std::isfinite(numbers.std) || !(numbers.std > 0)) {
      throw argument_error(detail::text("image_rows: mean ", numbers.mean, " and std ", numbers.std,
                                        ", expected finite numbers and std > 0"));
    }
    require_finite_elements();
  }

  /// The first samples only; all of them when there are fewer.
  [[nodiscard]] image_rows head(std::size_t samples) const {
    image_rows result = *this;
    result.rows_ = std::min(samples, rows_);
    return result;
  }

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t cols() const noexcept { return file_->cols(); }
  [[nodiscard]] const normalization& numbers() const noexcept { return normalization_; }
  [[nodiscard]] const idx_file& file() const noexcept { return *file_; }

  /// Sample i, normalized.
  void read_row(std::size_t i, std::span<T> out) const {
    file_->read_row(i, out);
    const T mean = static_cast<T>(normalization_.mean);
    const T scale = static_cast<T>(1 / normalization_.std);
    for (T& x : out) x = (x - mean) * scale;
  }

 private:
  // Of the types that have numbers that are none, or too large for T; throws format_error.
  void require_finite_elements() const {
    if (file_->type() != idx_type::float32 && file_->type() != idx_type::float64) return;
    std::vector<T> row(cols());
    for (std::size_t i = 0; i < rows(); ++i) {
      read_row(i, row);
      for (std::size_t k = 0; k < row.size(); ++k) {
        if (!is_finite(row[k])) {
          throw format_error(
              file_->path(), file_->row_offset(i), "elements",
              detail::text("row ", i, ", column ", k, " is ", row[k], ", expected finite numbers"));
        }
      }
    }
  }

  std::shared_ptr<const idx_file> file_;
  normalization normalization_;
  std::size_t rows_ = file_->rows();
};

template <class T>
void gather(const image_rows<T>& source, std::span<const std::size_t> indices, matrix_view<T> out) {
  detail::require_gather(source.rows(), source.cols(), indices, out);
  for (std::size_t i = 0; i < indices.size(); ++i) source.read_row(indices[i], out.row(i));
}

template <class T>
matrix_view<const T> read_rows(const image_rows<T>& source, std::size_t first, std::size_t count,
                               workspace<T>& scratch) {
  const auto out = scratch.reshape(count, source.cols());
  for (std::size_t i = 0; i < count; ++i) source.read_row(first + i, out.row(i));
  return out;
}

/// The labels of an IDX file of one dimension. Throws format_error for other dimensions, and for
/// labels that are not whole numbers from 0 to 2^31-1.
inline std::vector<label> read_labels(const std::string& path) {
  const idx_file file(path);
  if (file.shape().size() != 1) {
    throw format_error(path, 3, "dimensions",
                       detail::text(file.shape().size(), ", expected 1 for labels"));
  }
  std::vector<label> labels(file.rows());
  for (std::size_t i = 0; i < labels.size(); ++i) {
    double number = 0;
    file.read_row(i, std::span<double>(&number, 1));
    if (!(number >= 0 && number < 2147483648.0 && number == std::floor(number))) {
      throw format_error(path, file.row_offset(i), "labels",
                         detail::text("label ", i, " is ", number));
    }
    labels[i] = static_cast<label>(number);
  }
  return labels;
}

}  // namespace tutelage
