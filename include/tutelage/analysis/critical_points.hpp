// How near is a student to a critical point of SGD, where every batch's gradient vanishes?
//
//   g_l(x)    negative gradient of one sample's loss at layer l's pre-activations, [n_l]
//   |g_l(x)|  here the largest absolute value of its entries
//
// Interpolation (arXiv:1909.13458, Lemma 2; Theorem 1 of its first version): if the gradient of
// every batch vanishes, every sample's does. Quantitatively, if every batch of B samples has a
// gradient dW_l with no entry above eps in absolute value, then for every sample
//
//   |g_l(x)| <= eps              batches drawn with replacement: a sample can fill one alone
//   |g_l(x)| <= (2B - 1) eps     batches without replacement, of a data set of more than B samples:
//                                two batches that differ in one sample differ by 1/B of theirs
//
// when layer l has a bias, whose gradient is g_l itself. Without one, the same holds for the
// product of |g_l(x)| and |f_{l-1}(x)|: a sample whose f_{l-1} is 0 may have any gradient.
// Both are attained, and neither paper states them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <tutelage/analysis/residuals.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct batches_with_replacement {};
struct batches_without_replacement {
  std::size_t batch = 1;
};

/// The bound on every sample's |g_l| when no batch's gradient has an entry above eps.
inline double interpolation_bound(double eps, batches_with_replacement) { return eps; }

/// As above, for a data set of more than `batches.batch` samples. Throws argument_error for an
/// empty batch.
inline double interpolation_bound(double eps, batches_without_replacement batches) {
  if (batches.batch == 0) {
    throw argument_error("interpolation_bound: the batch is 0, expected at least 1");
  }
  return (2 * static_cast<double>(batches.batch) - 1) * eps;
}

/// What the gradients of a layer are over a data set.
class layer_gradients {
 public:
  layer_gradients(std::size_t l, std::size_t nodes) : layer_(l), node_max_(nodes, 0) {}

  /// Adds samples: g_l [N, n] and what the layer takes, f_{l-1} [N, d]; a bias takes 1. Throws
  /// argument_error when a gradient is not finite.
  template <real_scalar T>
  void add(matrix_view<const T> g, matrix_view<const T> f, bool has_bias) {
    for (std::size_t i = 0; i < g.rows(); ++i) {
      double largest = 0, input = has_bias ? 1 : 0;
      for (std::size_t k = 0; k < g.cols(); ++k) {
        const auto size = static_cast<double>(std::abs(g(i, k)));
        if (!is_finite(size)) {
          throw argument_error(detail::text("measure_gradients: the gradient of node ", k,
                                            " of layer ", layer_, " is not finite"));
        }
        node_max_[k] = std::max(node_max_[k], size);
        largest = std::max(largest, size);
      }
      for (const T x : f.row(i)) input = std::max(input, static_cast<double>(std::abs(x)));
      per_sample_.push_back(largest);
      batch_max_ = std::max(batch_max_, largest * input);
    }
  }

  /// To be called once all samples are added, before anything is asked.
  void finish() { std::sort(per_sample_.begin(), per_sample_.end()); }

  /// Largest |g_l(x)| of all samples.
  [[nodiscard]] double max() const { return per_sample_.back(); }

  /// The smallest value that at least the share q of the samples do not exceed: quantile(1) is
  /// max(). Throws argument_error unless q is in [0, 1].
  [[nodiscard]] double quantile(double q) const {
    if (!(q >= 0 && q <= 1)) {
      throw argument_error(detail::text("quantile: ", q, ", expected one in [0, 1]"));
    }
    const auto N = static_cast<double>(per_sample_.size());
    const auto rank = static_cast<std::size_t>(std::ceil(q * N));
    return per_sample_[rank == 0 ? 0 : std::min(rank, per_sample_.size()) - 1];
  }

  /// Largest absolute gradient of each node over all samples, [n].
  [[nodiscard]] const std::vector<double>& node_max() const noexcept { return node_max_; }

  /// The largest entry, in absolute value, of dW_l over all batches with replacement: that of one
  /// sample, for a mean exceeds none of its terms.
  [[nodiscard]] double batch_max() const noexcept { return batch_max_; }

 private:
  std::size_t layer_;
  std::vector<double> node_max_;
  std::vector<double> per_sample_;  // sorted
  double batch_max_ = 0;
};

/// The gradients of all layers over a data set.
template <std::size_t Depth>
class critical_point {
 public:
  explicit critical_point(std::vector<layer_gradients> layers) : layers_(std::move(layers)) {}

  /// Layer l, 1 <= l <= Depth. Throws shape_error for no layer's number.
  [[nodiscard]] const layer_gradients& layer(std::size_t l) const {
    if (l < 1 || l > Depth) {
      throw shape_error(detail::text("critical_point: layer ", l, ", expected 1 to ", Depth));
    }
    return layers_[l - 1];
  }

  /// Does no sample's gradient, at any layer, exceed eps?
  [[nodiscard]] bool eps_critical(double eps) const {
    return std::all_of(layers_.begin(), layers_.end(),
                       [&](const layer_gradients& l) { return l.max() <= eps; });
  }

 private:
  std::vector<layer_gradients> layers_;
};

/// Measures the student's gradients on every input, for half the squared error to the teacher's
/// outputs, in one pass. Throws shape_error when a network does not take the inputs, there is none
/// or the outputs differ, argument_error when a gradient is not finite.
template <class Teacher, class Student, class Inputs>
critical_point<Student::depth> measure_gradients(const Teacher& teacher, const Student& student,
                                                 const Inputs& inputs) {
  using T = typename Student::value_type;
  if (as_rows(inputs).rows() == 0) {
    throw shape_error("measure_gradients: no inputs, expected at least 1");
  }
  std::vector<layer_gradients> layers;
  student.for_each_layer(
      [&](const auto& l, std::size_t number) { layers.emplace_back(number, l.out_width()); });
  gradients<Student> found;
  for_each_residual(teacher, student, inputs, [&](const auto& x, const auto& kept, const auto& r) {
    student.backward(x, kept, r, found, [&](auto l, const auto& f_below, const auto& g_l) {
      using layer_type = typename Student::template layer_type<l>;
      layers[l - 1].add(matrix_view<const T>(g_l), matrix_view<const T>(f_below),
                        layer_type::has_bias());
    });
  });
  for (auto& layer : layers) layer.finish();
  return critical_point<Student::depth>(std::move(layers));
}

}  // namespace tutelage
