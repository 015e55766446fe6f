// Labels of classes 0, ..., p - 1, as memorizing classifiers take them.
#pragma once

#include <cstddef>
#include <span>

#include <tutelage/core/errors.hpp>
#include <tutelage/data/label.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
/// Throws shape_error unless there is one label a row, argument_error unless each is below p >= 2.
inline void require_classes(const char* function, std::size_t rows, std::span<const label> labels,
                            std::size_t p) {
  if (labels.size() != rows) {
    throw shape_error(text(function, ": ", labels.size(), " labels, expected ", rows));
  }
  if (p < 2) throw argument_error(text(function, ": ", p, " classes, expected at least 2"));
  for (std::size_t i = 0; i < rows; ++i) {
    if (labels[i] >= p) {
      throw argument_error(
          text(function, ": label ", labels[i], " at row ", i, ", expected one below ", p));
    }
  }
}
}  // namespace detail

}  // namespace tutelage
