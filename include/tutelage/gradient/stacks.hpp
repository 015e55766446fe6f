// V^_l D^_l of gate patterns, layer after layer from the top down, in two forms.
//
//   gated_stack    many patterns: their matrices one below the other, [P*C, n_l+1]; one product a
//                  layer
//   open_columns   one pattern: only the columns whose gate is not 0, [C, open gates]; the product
//                  takes the weights between open gates, for ReLU about a quarter of all
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <tutelage/core/product.hpp>
#include <tutelage/gradient/bordered.hpp>
#include <tutelage/gradient/patterns.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// to[i] = factor[i] from[index[i]]; to[i] = factor from[index[i]].
template <class T>
void gather_scaled(const T* __restrict from, const std::vector<std::uint32_t>& index,
                   const std::vector<T>& factor, T* __restrict to) {
  const std::uint32_t* __restrict i = index.data();
  const T* __restrict f = factor.data();
  for (std::size_t a = 0; a < index.size(); ++a) to[a] = f[a] * from[i[a]];
}
template <class T>
void gather_scaled(const T* __restrict from, const std::vector<std::uint32_t>& index, T factor,
                   T* __restrict to) {
  const std::uint32_t* __restrict i = index.data();
  for (std::size_t a = 0; a < index.size(); ++a) to[a] = factor * from[i[a]];
}

/// What a pattern's V counts: the root of the number of its samples.
template <class T>
T pattern_weight(const pattern_groups& groups, std::size_t g) {
  return std::sqrt(static_cast<T>(groups.count(g)));
}

template <class T>
class gated_stack {
 public:
  /// Takes the memory that `count` patterns need at most.
  void reserve(const bordered_pass<T>& net, std::size_t count) {
    for (std::size_t l = 1; l <= net.top_layer(); ++l) {
      columns_.reshape(count * net.top().rows(), net.z(l).cols());
      next_.reshape(count * net.top().rows(), net.z(l).cols());
    }
  }

  /// Layer L-1 of patterns first, ..., first + count - 1.
  void begin(const bordered_pass<T>& net, const pattern_groups& groups, std::size_t first,
             std::size_t count) {
    net_ = &net;
    const auto V = net.top();
    const auto rows = columns_.reshape(count * V.rows(), V.cols());
    for (std::size_t row = 0; row < rows.rows(); ++row) copy_row(V, row % V.rows(), rows, row);
    scale(net.top_layer(), groups, first);
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      const T weight = pattern_weight<T>(groups, first + row / V.rows());
      for (T& v : rows.row(row)) v *= weight;
    }
  }

  /// From layer l+1 to layer l.
  void descend(std::size_t l, const pattern_groups& groups, std::size_t first) {
    const auto W = net_->W(l + 1);
    multiply(columns_.view(), transposed(W), next_.reshape(columns_.view().rows(), W.rows()));
    std::swap(columns_, next_);
    scale(l, groups, first);
  }

  [[nodiscard]] matrix_view<const T> columns() const { return columns_.view(); }

 private:
  static void copy_row(const matrix_view<const T>& from, std::size_t i, const matrix_view<T>& to,
                       std::size_t j) {
    std::copy_n(from.row(i).data(), from.cols(), to.row(j).data());
  }

  void scale(std::size_t l, const pattern_groups& groups, std::size_t first) {
    const auto rows = columns_.view();
    const std::size_t C = net_->top().rows();
    for (std::size_t row = 0; row < rows.rows(); ++row) {
      const T* const gates = net_->z(l).row(groups.first(first + row / C)).data();
      T* const v = rows.row(row).data();
      for (std::size_t k = 0; k < rows.cols(); ++k) v[k] *= gates[k];
    }
  }

  const bordered_pass<T>* net_ = nullptr;
  workspace<T> columns_, next_;
};

template <class T>
class open_columns {
 public:
  /// Takes the memory that any pattern needs at most.
  void reserve(const bordered_pass<T>& net) {
    for (std::size_t l = 1; l <= net.top_layer(); ++l) {
      const std::size_t nodes = net.z(l).cols();
      for (auto* nodes_of : {&open_, &above_}) nodes_of->reserve(nodes);
      gates_.reserve(nodes);
      columns_.reshape(net.top().rows(), nodes);
      next_.reshape(net.top().rows(), nodes);
      if (l > 1) between_.reshape(net.z(l - 1).cols(), nodes);
    }
  }

  /// Layer L-1 of pattern g.
  void begin(const bordered_pass<T>& net, const pattern_groups& groups, std::size_t g) {
    net_ = &net;
    sample_ = groups.first(g);
    const T weight = pattern_weight<T>(groups, g);
    find_open(net.top_layer());
    const auto V = net.top();
    const auto columns = columns_.reshape(V.rows(), open_.size());
    for (T& gate : gates_) gate *= weight;
    for (std::size_t c = 0; c < V.rows(); ++c) {
      gather_scaled(V.row(c).data(), open_, gates_, columns.row(c).data());
    }
  }

  /// From layer l+1 to layer l.
  void descend(std::size_t l) {
    std::swap(open_, above_);
    find_open(l);
    const auto W = net_->W(l + 1);
    const auto between = between_.reshape(open_.size(), above_.size());
    for (std::size_t a = 0; a < open_.size(); ++a) {
      gather_scaled(W.row(open_[a]).data(), above_, gates_[a], between.row(a).data());
    }
    multiply(columns_.view(), transposed(between),
             next_.reshape(columns_.view().rows(), open_.size()));
    std::swap(columns_, next_);
  }

  [[nodiscard]] matrix_view<const T> columns() const { return columns_.view(); }
  /// The node of each column, ascending; the border is the last.
  [[nodiscard]] const std::vector<std::uint32_t>& open() const noexcept { return open_; }

 private:
  void find_open(std::size_t l) {
    open_.clear();
    gates_.clear();
    const auto z = net_->z(l).row(sample_);
    for (std::size_t k = 0; k < z.size(); ++k) {
      if (z[k] == T(0)) continue;
      open_.push_back(static_cast<std::uint32_t>(k));
      gates_.push_back(z[k]);
    }
  }

  const bordered_pass<T>* net_ = nullptr;
  std::size_t sample_ = 0;
  std::vector<std::uint32_t> open_, above_;  // widths below 2^32: indices that vectors hold
  std::vector<T> gates_;
  workspace<T> columns_, next_, between_;
};

}  // namespace tutelage
