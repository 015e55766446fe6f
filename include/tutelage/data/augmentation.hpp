// Augmented data sets (arXiv:1909.13458, Definition 7), computed when they are read.
//
//   agnostic   x and x +- step e_u for every axis u: (2d+1) N samples
//   aware      x, and x +- step w~*_j for every teacher j in whose band |w*_j.[x; 1]| <= eps it
//              lies, w*_j regular
//
// with step = 2 eps / (c K^1.5); c and K are those of the certificates (recovery_bounds.hpp).
// Originals come first, in their order; what is made of sample i comes before what is made of i+1,
// + before -.
//
// teacher_aware_inputs is the other, generative data set of the experiments (Figure 9): inputs on
// the teachers' boundaries and beside them, as a distribution.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include <tutelage/core/random.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
inline void require_step(const char* function, double step) {
  if (!(step > 0) || !std::isfinite(step)) {
    throw argument_error(text(function, ": step is ", step, ", expected a positive number"));
  }
}

inline void require_row(const char* function, std::size_t i, std::size_t rows, std::size_t elements,
                        std::size_t cols) {
  if (i >= rows || elements != cols) {
    throw shape_error(text(function, ": row ", i, " into ", elements,
                           " elements, expected a row below ", rows, " and ", cols, " elements"));
  }
}
}  // namespace detail

/// All samples of a source and their moves along every axis. A source of rows itself.
template <row_source Source>
class agnostic_augmentation {
 public:
  using value_type = typename Source::value_type;

  /// Throws argument_error unless step is a positive number.
  agnostic_augmentation(Source source, double step)
      : source_(std::move(source)), step_(static_cast<value_type>(step)) {
    detail::require_step("agnostic_augmentation", step);
  }

  [[nodiscard]] std::size_t rows() const { return (2 * cols() + 1) * source_.rows(); }
  [[nodiscard]] std::size_t cols() const { return source_.cols(); }
  [[nodiscard]] const Source& source() const noexcept { return source_; }

  /// Throws shape_error unless i is a row and `out` has cols() elements.
  void read_row(std::size_t i, std::span<value_type> out) const {
    detail::require_row("agnostic_augmentation", i, rows(), out.size(), cols());
    const std::size_t N = source_.rows(), moves = 2 * cols();
    const std::size_t sample = i < N ? i : (i - N) / moves;
    gather(source_, std::span(&sample, 1), matrix_view<value_type>(out.data(), 1, cols(), cols()));
    if (i < N) return;
    const std::size_t move = (i - N) % moves;
    out[move / 2] += move % 2 == 0 ? step_ : -step_;
  }

 private:
  Source source_;
  value_type step_;
};

/// All samples of a source and the moves, along a teacher's weights, of those in its band. A source
/// of rows itself.
template <row_source Source>
class aware_augmentation {
 public:
  using value_type = typename Source::value_type;

  /// `teacher` is the lowest layer of one. Throws shape_error when it does not take the samples,
  /// argument_error unless eps and step are positive numbers and everything is finite.
  template <layer L>
  aware_augmentation(Source source, const L& teacher, double eps, double step)
      : source_(std::move(source)), weights_(make_regular(teacher)), step_(step) {
    detail::require_step("aware_augmentation", step);
    if (!(eps > 0) || !std::isfinite(eps)) {
      throw argument_error(
          detail::text("aware_augmentation: eps is ", eps, ", expected a positive number"));
    }
    boundary_distances<value_type> distances(teacher);
    for_each_chunk(source_, [&](matrix_view<const value_type> x, std::size_t first) {
      const auto a = distances(x);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        for (std::size_t j = 0; j < weights_.nodes(); ++j) {
          if (std::abs(static_cast<double>(a(i, j))) <= eps) moved_.push_back({first + i, j});
        }
      }
    });
  }

  [[nodiscard]] std::size_t rows() const { return source_.rows() + 2 * moved_.size(); }
  [[nodiscard]] std::size_t cols() const { return source_.cols(); }
  [[nodiscard]] const Source& source() const noexcept { return source_; }

  /// Throws shape_error unless i is a row and `out` has cols() elements.
  void read_row(std::size_t i, std::span<value_type> out) const {
    detail::require_row("aware_augmentation", i, rows(), out.size(), cols());
    const std::size_t N = source_.rows();
    const std::size_t sample = i < N ? i : moved_[(i - N) / 2].sample;
    gather(source_, std::span(&sample, 1), matrix_view<value_type>(out.data(), 1, cols(), cols()));
    if (i < N) return;
    const double sign = (i - N) % 2 == 0 ? step_ : -step_;
    const auto w = weights_.direction(moved_[(i - N) / 2].teacher);
    for (std::size_t u = 0; u < cols(); ++u) out[u] += static_cast<value_type>(sign * w[u]);
  }

 private:
  struct move {
    std::size_t sample, teacher;
  };
  Source source_;
  regular_weights weights_;
  double step_;
  std::vector<move> moved_;
};

namespace detail {
template <class T>
concept augmentation = requires(const T& source, std::span<typename T::value_type> out) {
  source.source();
  source.read_row(0, out);
};
}  // namespace detail

template <detail::augmentation Source>
void gather(const Source& source, std::span<const std::size_t> indices,
            matrix_view<typename Source::value_type> out) {
  detail::require_gather(source.rows(), source.cols(), indices, out);
  for (std::size_t i = 0; i < indices.size(); ++i) source.read_row(indices[i], out.row(i));
}

template <detail::augmentation Source>
matrix_view<const typename Source::value_type> read_rows(
    const Source& source, std::size_t first, std::size_t count,
    workspace<typename Source::value_type>& scratch) {
  const auto out = scratch.reshape(count, source.cols());
  for (std::size_t i = 0; i < count; ++i) source.read_row(first + i, out.row(i));
  return out;
}

/// Inputs that know the teacher: x ~ N(0, std^2 I) is projected on the boundary of a teacher node
/// drawn uniformly; one in three stays there, the others move to either side by the absolute value
/// of a draw from N(0, std^2); all are scaled to the norm std sqrt(d), which a Gaussian has as
/// well. The paper does not say how far inputs move. The scaling takes them off the boundary a
/// little where the node has a bias.
class teacher_aware_inputs {
 public:
  /// `teacher` is the lowest layer of one. Throws argument_error when none of its nodes has a
  /// boundary or std is not a positive number.
  template <layer L>
  teacher_aware_inputs(const L& teacher, double std) : weights_(make_regular(teacher)), std_(std) {
    detail::require_finite_weights("teacher_aware_inputs", teacher);
    for (std::size_t j = 0; j < weights_.nodes(); ++j) {
      if (weights_.has_boundary(j)) nodes_.push_back(j);
    }
    if (nodes_.empty() || !(std > 0) || !std::isfinite(std)) {
      throw argument_error(detail::text("teacher_aware_inputs: ", nodes_.size(),
                                        " teacher nodes with a boundary, std ", std,
                                        "; expected at least 1 and a positive number"));
    }
  }

  template <real_scalar T>
  void operator()(stream& random, std::span<T> x) const {
    const std::size_t j = nodes_[random.below(nodes_.size())];
    const auto w = weights_.direction(j);
    if (x.size() != w.size()) {
      throw shape_error(detail::text("teacher_aware_inputs: a sample of ", x.size(),
                                     " elements, the teacher takes ", w.size()));
    }
    const std::uint64_t side = random.below(3);
    const double away = side == 0 ? 0 : std::abs(random.normal()) * std_;
    random.fill_normal(x, 0.0, std_);
    double distance = weights_.bias[j];
    for (std::size_t u = 0; u < x.size(); ++u) distance += w[u] * static_cast<double>(x[u]);
    const double move = (side == 1 ? away : -away) - distance;
    std::vector<double> moved(x.size());
    for (std::size_t u = 0; u < x.size(); ++u) moved[u] = static_cast<double>(x[u]) + move * w[u];
    const detail::scaled_norm<double> norm{std::span<const double>(moved)};
    const double length = std_ * std::sqrt(static_cast<double>(x.size()));
    for (std::size_t u = 0; u < x.size(); ++u) {
      x[u] = static_cast<T>(norm.norm > 0 ? norm.divide(moved[u]) * length : 0.0);
    }
  }

 private:
  regular_weights weights_;
  std::vector<std::size_t> nodes_;  // those with a boundary
  double std_;
};

}  // namespace tutelage
