// Inputs with targets.
#pragma once

#include <cstddef>
#include <span>

#include <tutelage/core/finite.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/data/label.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

template <class Source>
using scalar_of =
    typename std::remove_cvref_t<decltype(as_rows(std::declval<const Source&>()))>::value_type;

// How many samples there are; none once they were moved elsewhere.
class sample_count {
 public:
  explicit sample_count(std::size_t n) noexcept : n_(n) {}
  sample_count(const sample_count&) = default;
  sample_count(sample_count&& other) noexcept : n_(std::exchange(other.n_, 0)) {}
  sample_count& operator=(const sample_count&) = default;
  sample_count& operator=(sample_count&& other) noexcept {
    n_ = std::exchange(other.n_, 0);
    return *this;
  }
  ~sample_count() = default;

  [[nodiscard]] std::size_t get() const noexcept { return n_; }

 private:
  std::size_t n_;
};

inline void require_range(std::size_t first, std::size_t count, std::size_t size) {
  if (first > size || count > size - first) {
    throw shape_error(
        text("middle_targets: ", count, " targets from ", first, " on, there are ", size));
  }
}

template <class Data>
void require_samples(const char* function, const Data& data) {
  if (data.size() == 0) {
    throw shape_error(text(function, ": the data set has no samples: it was moved from"));
  }
}

}  // namespace detail

/// Targets of some samples: rows of teacher outputs or probabilities, or labels. Throws shape_error
/// when there are not so many.
template <class T>
matrix_view<const T> middle_targets(const matrix<T>& targets, std::size_t first,
                                    std::size_t count) {
  detail::require_range(first, count, targets.shape(0));
  return matrix_view(targets).middle_rows(first, count);
}
inline std::span<const label> middle_targets(const std::vector<label>& targets, std::size_t first,
                                             std::size_t count) {
  detail::require_range(first, count, targets.size());
  return std::span(targets).subspan(first, count);
}

/// The same of any targets: those of a row_source that are not in memory are read into `room`.
template <class Targets>
auto middle_targets(const Targets& targets, std::size_t first, std::size_t count,
                    workspace<typename Targets::value_type>& room) {
  if constexpr (row_source<Targets>) {
    detail::require_range(first, count, targets.rows());
    return read_rows(targets, first, count, room);
  } else {
    return middle_targets(targets, first, count);
  }
}

/// N inputs (a matrix or any row_source) and N targets (a matrix, any row_source or labels).
template <class Inputs, class Targets>
class data_set {
 public:
  using value_type = detail::scalar_of<Inputs>;
  using targets_type = Targets;

  /// Throws shape_error when their numbers differ or are 0, and argument_error, naming row and
  /// column, for an input or target that is not finite. Reads a source once for that.
  data_set(Inputs inputs, Targets targets)
      : inputs_(std::move(inputs)), targets_(std::move(targets)), size_(as_rows(inputs_).rows()) {
    if (size() == 0 || target_count(targets_) != size()) {
      throw shape_error(detail::text("data_set: ", size(), " inputs and ", target_count(targets_),
                                     " targets, expected equally many and at least 1"));
    }
    for_each_chunk(inputs_, [](const auto& x, std::size_t first) {
      detail::require_finite("data_set", "inputs", x, first);
    });
    if constexpr (!std::is_same_v<Targets, std::vector<label>>) {
      for_each_chunk(targets_, [](const auto& y, std::size_t first) {
        detail::require_finite("data_set", "targets", y, first);
      });
    }
  }

  /// N; 0 once moved from, which nothing that takes samples accepts.
  [[nodiscard]] std::size_t size() const noexcept { return size_.get(); }
  [[nodiscard]] const Inputs& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const Targets& targets() const noexcept { return targets_; }

 private:
  template <class T>
  static std::size_t target_count(const matrix<T>& targets) {
    return targets.shape(0);
  }
  template <row_source S>
  static std::size_t target_count(const S& targets) {
    return targets.rows();
  }
  static std::size_t target_count(const std::vector<label>& labels) { return labels.size(); }

  Inputs inputs_;
  Targets targets_;
  detail::sample_count size_;
};

}  // namespace tutelage
