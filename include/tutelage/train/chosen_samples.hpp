// Samples of a data set chosen by number: rows where they lie if they lie in memory, else computed.
#pragma once

#include <cstddef>
#include <span>

#include <tutelage/core/scattered_rows.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/data/label.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Some samples: x [N, d], a matrix_view or scattered_rows, and their targets, such rows [N, C] or
/// a span of N labels. Valid until the source is asked for the next.
template <class X, class Targets>
struct batch {
  X x;
  Targets y;
};
template <class X, class Targets>
batch(X, Targets) -> batch<X, Targets>;  // clang 14 deduces no aggregates

namespace detail {

// Rows of a source chosen by number: where they lie if they lie in memory, else computed.
template <class Source>
class chosen_rows {
  using T = typename Source::value_type;

 public:
  matrix_view<const T> operator()(const Source& source, std::span<const std::size_t> indices) {
    const auto rows = room_.reshape(indices.size(), source.cols());
    gather(source, indices, rows);
    return rows;
  }
  void prefetch(const Source& /*source*/, std::span<const std::size_t> /*indices*/) {}

 private:
  workspace<T> room_;
};

template <class T, std::size_t R, std::size_t C>
class chosen_rows<matrix_view<const T, R, C>> {
  using source = matrix_view<const T, R, C>;

 public:
  scattered_rows<T> operator()(const source& rows, std::span<const std::size_t> indices) {
    pointers_.resize(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) pointers_[i] = rows.row(indices[i]).data();
    return {pointers_, rows.cols()};
  }

  // Asks the memory for rows that will be chosen soon. (Inlined because g++ takes a function that
  // only prefetches for one without effect, and drops its calls.)
  [[gnu::always_inline]] void prefetch(const source& rows, std::span<const std::size_t> indices) {
    for (const std::size_t i : indices) {
      const T* const row = rows.row(i).data();
      for (std::size_t k = 0; k < rows.cols(); k += cache_line / sizeof(T)) {
        __builtin_prefetch(row + k);
      }
    }
  }

 private:
  std::vector<const T*> pointers_;
};

// Targets chosen by number.
template <class Targets>
class chosen_targets;

template <row_source S>
class chosen_targets<S> : public chosen_rows<S> {};

template <class T>
class chosen_targets<matrix<T>> : public chosen_rows<matrix_view<const T>> {};

template <>
class chosen_targets<std::vector<label>> {
 public:
  std::span<const label> operator()(const std::vector<label>& targets,
                                    std::span<const std::size_t> indices) {
    labels_.resize(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) labels_[i] = targets[indices[i]];
    return labels_;
  }
  void prefetch(const std::vector<label>& /*targets*/, std::span<const std::size_t> /*indices*/) {}

 private:
  std::vector<label> labels_;
};

template <class Data>
class chosen_samples {
  using rows = std::remove_cvref_t<decltype(as_rows(std::declval<const Data&>().inputs()))>;

 public:
  auto operator()(const Data& data, std::span<const std::size_t> indices) {
    const auto x = x_(as_rows(data.inputs()), indices);
    const auto y = y_(data.targets(), indices);
    return batch{x, y};
  }

  // For the batch after this one, to have it when this step is done.
  [[gnu::always_inline]] void prefetch(const Data& data, std::span<const std::size_t> indices) {
    x_.prefetch(as_rows(data.inputs()), indices);
    y_.prefetch(data.targets(), indices);
  }

 private:
  chosen_rows<rows> x_;
  chosen_targets<typename Data::targets_type> y_;
};

}  // namespace detail

}  // namespace tutelage
