// Mean and variation of each node over samples: of one piece of them, or of pieces one after the other.
//
//   f           [N, n]   activations of a piece, one sample a row
//   mean        [n]      sum_i f_ik / N; exactly the value of a node that never changes
//   variation   [n]      sum_i (f_ik - mean_k)^2; exactly 0 for such a node
//
// A piece is centered by its own mean, and pieces are merged by the exact update of Chan, Golub and
// LeVeque ("Algorithms for computing the sample variance", 1983), so nothing cancels however large the
// means are. One array a moment, so that loops over nodes run in vectors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scalar.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// What a node did over the samples seen.
enum class node_state {
  active,    // took at least two values
  constant,  // took one value, not zero
  dead       // was always zero
};

namespace detail {

template <real_scalar T>
class node_moments {
  using A = accumulator_t<T>;

 public:
  explicit node_moments(std::size_t nodes)
      : first_(nodes), changes_(nodes), mean_(nodes), variation_(nodes) {}

  [[nodiscard]] std::size_t size() const noexcept { return first_.size(); }
  [[nodiscard]] A mean(std::size_t k) const noexcept { return mean_[k]; }
  [[nodiscard]] A variation(std::size_t k) const noexcept { return variation_[k]; }
  // Sum of squares over N samples.
  [[nodiscard]] A square(std::size_t k, A N) const noexcept {
    return variation_[k] + N * mean_[k] * mean_[k];
  }
  [[nodiscard]] node_state state(std::size_t k) const noexcept {
    return changes(k)       ? node_state::active
           : first_[k] == 0 ? node_state::dead
                            : node_state::constant;
  }

  // Those of the samples f [N, n], N > 0, alone. Their deviations from the mean go to centered [N, n],
  // which does not overlap f.
  void measure(const matrix_view<const T>& f, const matrix_view<T>& centered) {
    std::copy_n(f.row(0).data(), size(), first_.data());
    std::fill(changes_.begin(), changes_.end(), A(0));
    std::fill(mean_.begin(), mean_.end(), A(0));
    std::fill(variation_.begin(), variation_.end(), A(0));
    for_row_blocks(f.rows(), [&](auto rows, std::size_t i) {
      add_rows<rows>(f.row(i).data(), f.stride(), first_.data(), mean_.data(), changes_.data(),
                     size());
    });
    for (std::size_t k = 0; k < size(); ++k) {
      mean_[k] = changes(k) ? mean_[k] / static_cast<A>(f.rows()) : static_cast<A>(first_[k]);
    }
    for_row_blocks(f.rows(), [&](auto rows, std::size_t i) {
      center_rows<rows>(f.row(i).data(), f.stride(), mean_.data(), centered.row(i).data(),
                        centered.stride(), variation_.data(), size());
    });
  }

  // Those of `before` samples and of `added` later ones together.
  void merge(const node_moments& later, A before, A added) {
    if (before == 0) {
      *this = later;
      return;
    }
    const A total = before + added;
    for (std::size_t k = 0; k < size(); ++k) {
      changes_[k] += later.changes_[k] + (later.first_[k] != first_[k] ? A(1) : A(0));
      if (!changes(k)) continue;
      const A shift = later.mean_[k] - mean_[k];
      variation_[k] += later.variation_[k] + shift * shift * before * added / total;
      mean_[k] += shift * added / total;
    }
  }

  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    show_blocks(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    show_blocks(*this, prefix, visit);
  }

 private:
  template <class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, const Visit& visit) {
    visit(row_block(prefix + "first", self.first_));
    visit(row_block(prefix + "changes", self.changes_));
    visit(row_block(prefix + "mean", self.mean_));
    visit(row_block(prefix + "variation", self.variation_));
  }
  // Calls body(rows, i) for 4 rows at a time, then for one: sums are read and written once a block.
  template <class Body>
  static void for_row_blocks(std::size_t N, const Body& body) {
    std::size_t i = 0;
    for (; i + 4 <= N; i += 4) body(std::integral_constant<std::size_t, 4>{}, i);
    for (; i < N; ++i) body(std::integral_constant<std::size_t, 1>{}, i);
  }
  template <std::size_t Rows>
  static void add_rows(const T* f, std::size_t stride, const T* first, A* __restrict sum,
                       A* __restrict changes, std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) {
      A sum_k = sum[k], changes_k = changes[k];
      for (std::size_t r = 0; r < Rows; ++r) {
        sum_k += static_cast<A>(f[r * stride + k]);
        changes_k += f[r * stride + k] != first[k] ? A(1) : A(0);
      }
      sum[k] = sum_k;
      changes[k] = changes_k;
    }
  }
  template <std::size_t Rows>
  static void center_rows(const T* f, std::size_t stride, const A* mean, T* __restrict centered,
                          std::size_t centered_stride, A* __restrict variation, std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) {
      A sum = variation[k];
      for (std::size_t r = 0; r < Rows; ++r) {
        const A deviation = static_cast<A>(f[r * stride + k]) - mean[k];
        centered[r * centered_stride + k] = static_cast<T>(deviation);
        sum += deviation * deviation;
      }
      variation[k] = sum;
    }
  }
  [[nodiscard]] bool changes(std::size_t k) const noexcept { return changes_[k] > 0; }

  std::vector<T> first_;    // the first sample
  std::vector<A> changes_;  // 0 for a node that has had its first value only
  std::vector<A> mean_, variation_;
};

}  // namespace detail

}  // namespace tutelage
