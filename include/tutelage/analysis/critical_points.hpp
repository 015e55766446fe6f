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
#include <tutelage/core/finite.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct batches_with_replacement {};
struct batches_without_replacement {
  std::size_t batch = 1;
};

namespace detail {
inline void require_eps(const char* function, double eps) {
  if (!(eps >= 0)) {
    throw argument_error(text(function, ": eps is ", eps, ", expected a number from 0 on"));
  }
}
}  // namespace detail

/// The bound on every sample's |g_l| when no batch's gradient has an entry above eps. Throws
/// argument_error for an eps that is negative or no number.
inline double interpolation_bound(double eps, batches_with_replacement) {
  detail::require_eps("interpolation_bound", eps);
  return eps;
}

/// As above, for a data set of more than `batches.batch` samples. Throws argument_error for an
/// empty batch, too.
inline double interpolation_bound(double eps, batches_without_replacement batches) {
  detail::require_eps("interpolation_bound", eps);
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
  /// shape_error when they do not fit and argument_error when a number is not finite; then nothing
  /// was added.
  template <real_scalar T>
  void add(matrix_view<const T> g, matrix_view<const T> f, bool has_bias) {
    detail::require_shape("layer_gradients", "g", g, f.rows(), node_max_.size());
    for (std::size_t i = 0; i < g.rows(); ++i) {
      for (std::size_t k = 0; k < g.cols(); ++k) {
        if (!is_finite(g(i, k))) {
          throw argument_error(detail::text("measure_gradients: the gradient of node ", k,
                                            " of layer ", layer_, " is not finite"));
        }
      }
    }
    detail::require_finite("measure_gradients", "what a layer takes", f);
    for (std::size_t i = 0; i < g.rows(); ++i) {
      double largest = 0, input = has_bias ? 1 : 0;
      for (std::size_t k = 0; k < g.cols(); ++k) {
        const auto size = static_cast<double>(std::abs(g(i, k)));
        node_max_[k] = std::max(node_max_[k], size);
        largest = std::max(largest, size);
      }
      for (const T x : f.row(i)) input = std::max(input, static_cast<double>(std::abs(x)));
      per_sample_.push_back(largest);
      batch_max_ = std::max(batch_max_, largest * input);
    }
  }

  /// Largest |g_l(x)| of all samples. Throws argument_error when there is none.
  [[nodiscard]] double max() const {
    require_samples("max");
    return *std::max_element(per_sample_.begin(), per_sample_.end());
  }

  /// The smallest value that at least the share q of the samples do not exceed: quantile(1) is
  /// max(). Throws argument_error unless q is in [0, 1] and there is a sample.
  [[nodiscard]] double quantile(double q) const {
    if (!(q >= 0 && q <= 1)) {
      throw argument_error(detail::text("quantile: ", q, ", expected one in [0, 1]"));
    }
    require_samples("quantile");
    const auto N = static_cast<double>(per_sample_.size());
    const auto rank = static_cast<std::size_t>(std::ceil(q * N));
    auto values = per_sample_;
    const auto at = values.begin() +
                    static_cast<std::ptrdiff_t>(rank == 0 ? 0 : std::min(rank, values.size()) - 1);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }

  /// Largest absolute gradient of each node over all samples, [n].
  [[nodiscard]] const std::vector<double>& node_max() const noexcept { return node_max_; }

  /// The largest entry, in absolute value, of dW_l over all batches with replacement: that of one
  /// sample, for a mean exceeds none of its terms.
  [[nodiscard]] double batch_max() const noexcept { return batch_max_; }

 private:
  void require_samples(const char* function) const {
    if (per_sample_.empty()) {
      throw argument_error(detail::text(function, ": no samples, expected at least 1"));
    }
  }

  std::size_t layer_;
  std::vector<double> node_max_;
  std::vector<double> per_sample_;  // |g_l(x)|
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
  return critical_point<Student::depth>(std::move(layers));
}

}  // namespace tutelage
