// Means of matrices over blocks of samples with their sampling errors, streamed and merged.
//
//   M_b         [n, m]   mean over the N_b samples of block b
//   mean        [n, m]   sum_b N_b M_b / N
//   variation   [n, m]   sum_b N_b (M_b - mean)^2
//
// Blocks, and the sums of several of them, are merged by the exact update of Chan, Golub and LeVeque.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>

#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scalar.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// An expectation and its sampling error.
template <class R>
struct expectation {
  matrix<R> mean;
  /// Estimated standard deviation of `mean` over data sets of this size, from the variation between
  /// blocks; infinite while there is only one.
  matrix<R> standard_error;
};

/// An expectation of products a b^T, bordered by E[a] and E[b], from which covariances follow.
template <class R>
struct second_moment : expectation<R> {
  /// Of E[a b^T] - E[a] E[b]^T, [n, m], as `standard_error` is of `mean`.
  matrix<R> covariance_error;
};

namespace detail {

// Mean and variation of block means, by the update of Chan, Golub and LeVeque.
template <class R>
class running_mean {
 public:
  // Of matrices [rows, cols]; without it of none.
  void allocate(std::size_t rows, std::size_t cols) {
    mean_ = make_matrix<R>(rows, cols);
    variation_ = mean_;
  }

  // The mean of one block of `added` samples.
  template <class T>
  void add(const matrix_view<T>& block, R samples_before, R added) {
    if (mean_.size() == 0) return;
    require_shape("expectations", "a block's mean", block, mean_.shape(0), mean_.shape(1));
    const R total = samples_before + added;
    const R share = added / total, weight = samples_before * share;
    for (std::size_t i = 0; i < block.rows(); ++i) {
      const T* const from = block.row(i).data();
      R* const mean = mean_.data() + i * block.cols();
      R* const variation = variation_.data() + i * block.cols();
      for (std::size_t j = 0; j < block.cols(); ++j) {
        const R shift = static_cast<R>(from[j]) - mean[j];
        mean[j] += share * shift;
        variation[j] += weight * shift * shift;
      }
    }
  }

  // All blocks of `added` samples, as if they had come after these.
  void merge(const running_mean& later, R samples_before, R added) {
    add(matrix_view(later.mean_), samples_before, added);
    add_all(variation_, later.variation_);
  }

  // Calls visit(block) for what is kept: a checkpoint's record, bytes for another machine.
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    show(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    show(*this, prefix, visit);
  }

  [[nodiscard]] expectation<R> result(std::size_t blocks, std::size_t samples) const {
    expectation<R> result{mean_, mean_};
    const R factor = static_cast<R>(blocks - 1) * static_cast<R>(samples);
    for (std::size_t i = 0; i < mean_.size(); ++i) {
      result.standard_error.data()[i] = blocks < 2 ? std::numeric_limits<R>::infinity()
                                                   : std::sqrt(variation_.data()[i] / factor);
    }
    return result;
  }

 protected:
  static void add_all(matrix<R>& to, const matrix<R>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to.data()[i] += from.data()[i];
  }
  template <class Self, class Visit>
  static void show(Self& self, const std::string& prefix, const Visit& visit) {
    if (self.mean_.size() == 0) return;
    visit(matrix_block(prefix + "mean", self.mean_));
    visit(matrix_block(prefix + "variation", self.variation_));
  }

  matrix<R> mean_ = make_matrix<R>(0, 0);
  matrix<R> variation_ = make_matrix<R>(0, 0);  // sum over blocks of samples * (block - mean)^2
};

// The same, and how the blocks' E[a b], E[a] and E[b] vary together. To first order in the
// deviations of the three the covariance is off by
//
//   d(ab) - E[b] d(a) - E[a] d(b)
template <class R>
class running_second_moment : public running_mean<R> {
 public:
  void allocate(std::size_t rows, std::size_t cols) {
    running_mean<R>::allocate(rows, cols);
    with_a_ = make_matrix<R>(rows - 1, cols - 1);
    with_b_ = a_with_b_ = with_a_;
  }

  template <class T>
  void add(const matrix_view<T>& block, R samples_before, R added) {
    if (samples_before > 0 && this->mean_.size() > 0) {
      const std::size_t n = with_a_.shape(0), m = with_a_.shape(1);
      require_shape("expectations", "a block's mean", block, n + 1, m + 1);
      const R weight = samples_before * (added / (samples_before + added));
      const T* const means_b = block.row(n).data();
      const R* const mean_b = this->mean_.data() + n * (m + 1);
      for (std::size_t k = 0; k < n; ++k) {
        const T* const from = block.row(k).data();
        const R* const mean = this->mean_.data() + k * (m + 1);
        R* const with_a = with_a_.data() + k * m;
        R* const with_b = with_b_.data() + k * m;
        R* const a_with_b = a_with_b_.data() + k * m;
        const R a = weight * (static_cast<R>(from[m]) - mean[m]);
        for (std::size_t j = 0; j < m; ++j) {
          const R ab = static_cast<R>(from[j]) - mean[j];
          const R b = static_cast<R>(means_b[j]) - mean_b[j];
          with_a[j] += a * ab;
          with_b[j] += weight * ab * b;
          a_with_b[j] += a * b;
        }
      }
    }
    running_mean<R>::add(block, samples_before, added);
  }

  void merge(const running_second_moment& later, R samples_before, R added) {
    add(matrix_view(later.mean_), samples_before, added);
    this->add_all(this->variation_, later.variation_);
    this->add_all(with_a_, later.with_a_);
    this->add_all(with_b_, later.with_b_);
    this->add_all(a_with_b_, later.a_with_b_);
  }

  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    show(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    show(*this, prefix, visit);
  }

  [[nodiscard]] second_moment<R> result(std::size_t blocks, std::size_t samples) const {
    second_moment<R> result{running_mean<R>::result(blocks, samples), with_a_};
    const auto& mean = this->mean_;
    const auto& variation = this->variation_;
    const std::size_t n = with_a_.shape(0), m = with_a_.shape(1);
    const R factor = static_cast<R>(blocks - 1) * static_cast<R>(samples);
    for (std::size_t k = 0; k < n; ++k) {
      const R a = mean(k, m);
      for (std::size_t j = 0; j < m; ++j) {
        const R b = mean(n, j);
        const R square = variation(k, j) + b * b * variation(k, m) + a * a * variation(n, j) -
                         2 * b * with_a_(k, j) - 2 * a * with_b_(k, j) +
                         2 * a * b * a_with_b_(k, j);
        // Below 0 by rounding only; what left the range is unknown.
        result.covariance_error(k, j) = blocks < 2 || !is_finite(square)
                                            ? std::numeric_limits<R>::infinity()
                                            : std::sqrt(std::max(square, R(0)) / factor);
      }
    }
    return result;
  }

 private:
  template <class Self, class Visit>
  static void show(Self& self, const std::string& prefix, const Visit& visit) {
    if (self.mean_.size() == 0) return;
    running_mean<R>::show(self, prefix, visit);
    visit(matrix_block(prefix + "with_a", self.with_a_));
    visit(matrix_block(prefix + "with_b", self.with_b_));
    visit(matrix_block(prefix + "a_with_b", self.a_with_b_));
  }

  // Sums over blocks of samples * product of deviations: of ab with a, ab with b, a with b. [n, m]
  matrix<R> with_a_ = make_matrix<R>(0, 0), with_b_ = with_a_, a_with_b_ = with_a_;
};

}  // namespace detail

}  // namespace tutelage
