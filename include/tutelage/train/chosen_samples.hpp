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

// Rows of a source chosen by number: where they lie if they lie in memory, else computed. Those that
// will be chosen next are `ahead`.
template <class Source>
class chosen_rows {
  using T = typename Source::value_type;

 public:
  matrix_view<const T> operator()(const Source& source, std::span<const std::size_t> indices,
                                  std::span<const std::size_t> /*ahead*/) {
    const auto rows = room_.reshape(indices.size(), source.cols());
    gather(source, indices, rows);
    return rows;
  }

 private:
  workspace<T> room_;
};

template <class T, std::size_t R, std::size_t C>
class chosen_rows<matrix_view<const T, R, C>> {
  using source = matrix_view<const T, R, C>;

 public:
  scattered_rows<T> operator()(const source& rows, std::span<const std::size_t> indices,
                               std::span<const std::size_t> ahead) {
    find(rows, indices, pointers_);
    find(rows, ahead, ahead_);
    return {pointers_, rows.cols(), ahead.size() == indices.size() ? ahead_.data() : nullptr};
  }

 private:
  static void find(const source& rows, std::span<const std::size_t> indices,
                   std::vector<const T*>& pointers) {
    pointers.resize(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) pointers[i] = rows.row(indices[i]).data();
  }

  std::vector<const T*> pointers_, ahead_;
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
                                    std::span<const std::size_t> indices,
                                    std::span<const std::size_t> /*ahead*/) {
    labels_.resize(indices.size());
    for (std::size_t i = 0; i < indices.size(); ++i) labels_[i] = targets[indices[i]];
    return labels_;
  }

 private:
  std::vector<label> labels_;
};

template <class Data>
class chosen_samples {
  using rows = std::remove_cvref_t<decltype(as_rows(std::declval<const Data&>().inputs()))>;

 public:
  // `ahead` are the samples of the batch after this one, to have them when this step is done; none
  // where they are not known.
  auto operator()(const Data& data, std::span<const std::size_t> indices,
                  std::span<const std::size_t> ahead) {
    const auto x = x_(as_rows(data.inputs()), indices, ahead);
    const auto y = y_(data.targets(), indices, ahead);
    return batch{x, y};
  }

 private:
  chosen_rows<rows> x_;
  chosen_targets<typename Data::targets_type> y_;
};

}  // namespace detail

}  // namespace tutelage
