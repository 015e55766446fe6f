// Expectations of the recursive gradient rule over data, exact for the samples given: no
// independence of gates, activations and V is assumed. Streamed: memory does not grow with the
// number of samples, and no sample's A or B is carried down; see gradient/block.hpp.
//
//   E[A_l] = E[V_l^T V*_l]       [n_l, m_l]       E[B_l] = E[V_l^T V_l]          [n_l, n_l]
//   E[D_l A_l D*_l]              [n_l, m_l]       E[D_l B_l D_l]                 [n_l, n_l]
//   E[z_l z*_l^T]                [n_l, m_l]       E[z_l z_l^T]                   [n_l, n_l]
//   E[f_l f*_l^T]                [n_l, m_l]       E[f_l f_l^T]                   [n_l, n_l]
//
// z are the gates, f the activations; V, A, B as in gradient/rule.hpp. The diagonal of E[B_l] is
// E[beta_kk] of arXiv:1909.13458; arXiv:1905.13405, Theorem 2, calls A beta*, B beta, and separates
// E[D A D*] into H* = E[beta*] o E[z z*^T].
//
// Each matrix has one row and one column more, by which the remainders and the means come along:
// V is [V r], z is [z; 1], f is [f; 1]. So the last column of A holds E[V^T r*], that of z z*^T
// E[z], that of f f*^T E[f], and the last row the teacher's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/parallel.hpp>
#include <tutelage/gradient/block.hpp>
#include <tutelage/model/pair.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct expectation_settings {
  /// The lowest layer wanted.
  std::size_t lowest = 1;
  /// Samples in a block. Sampling errors are estimated from the means of blocks, and threads work
  /// on one block each.
  std::size_t block = 256;
  /// Gate patterns whose V are held at a time; 0 takes about 300 rows of V, which
  /// stay in the cache.
  std::size_t chunk = 0;
  /// Threads that work on blocks; 0 is one a core. The numbers do not depend on it.
  std::size_t threads = 1;
};

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

/// The expectations of one layer. Those with the teacher are [n_l+1, m_l+1], the others
/// [n_l+1, n_l+1]. Empty below the lowest layer asked for.
template <class R>
struct layer_expectations {
  expectation<R> A, B;              // of V^T V* and V^T V
  expectation<R> gated_A, gated_B;  // of D A D* and D B D
  second_moment<R> zz_star, zz;
  second_moment<R> ff_star, ff;
};

namespace detail {

// Mean and variation of block means, by the update of Chan, Golub and LeVeque.
template <class R>
class running_mean {
 public:
  template <class T>
  void add(const matrix_view<T>& block, R samples_before, R added) {
    if (block.rows() == 0) return;
    if (mean_.size() == 0) {
      mean_ = make_matrix<R>(block.rows(), block.cols());
      variation_ = mean_;
    }
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
  template <class T>
  void add(const matrix_view<T>& block, R samples_before, R added) {
    if (block.rows() == 0) return;
    const std::size_t n = block.rows() - 1, m = block.cols() - 1;
    if (this->mean_.size() == 0) {
      with_a_ = make_matrix<R>(n, m);
      with_b_ = a_with_b_ = with_a_;
    } else {
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
  // Sums over blocks of samples * product of deviations: of ab with a, ab with b, a with b. [n, m]
  matrix<R> with_a_ = make_matrix<R>(0, 0), with_b_ = with_a_, a_with_b_ = with_a_;
};

}  // namespace detail

/// Collects the expectations of a teacher and a student; add() may be called any number of times.
template <class Teacher, class Student>
class expectation_accumulator {
  using T = typename Student::value_type;
  using R = accumulator_t<T>;
  static_assert(std::same_as<T, typename Teacher::value_type>,
                "expectations: teacher and student have different scalars; see network_cast");
  static_assert(Teacher::depth == Student::depth,
                "expectations: teacher and student have different depths; see deepen");
  static_assert(piecewise_linear_network<Teacher> && piecewise_linear_network<Student>,
                "expectations: needs dense layers with piecewise linear gates; see fold");

 public:
  /// Both must outlive the accumulator and stay as they are. Throws shape_error unless they have
  /// the same inputs and outputs, argument_error when a setting makes no sense.
  expectation_accumulator(const Teacher& teacher, const Student& student,
                          const expectation_settings& settings = {})
      : teacher_(&teacher), student_(&student), settings_(settings), layers_(Student::depth) {
    detail::check_pair<Teacher, Student>();
    if (teacher.in_width() != student.in_width() || teacher.out_width() != student.out_width()) {
      throw shape_error(detail::text("expectations: the teacher maps ", teacher.in_width(), " to ",
                                     teacher.out_width(), " numbers, the student ",
                                     student.in_width(), " to ", student.out_width()));
    }
    if (settings.lowest < 1 || settings.lowest > Student::depth) {
      throw argument_error(detail::text("expectations: lowest layer ", settings.lowest,
                                        ", expected 1 to ", Student::depth));
    }
    if (settings.block == 0) {
      throw argument_error("expectations: block is 0, expected at least 1");
    }
    if (settings_.chunk == 0) {
      settings_.chunk = std::max<std::size_t>(1, 320 / student.out_width());
    }
    if (settings_.threads == 0) {
      settings_.threads = std::max(1U, std::thread::hardware_concurrency());
    }
  }

  /// Adds samples x, [N, n_0]. Blocks begin anew at each call: every call but the last should bring
  /// whole ones. After the first call nothing is allocated. Throws shape_error when x has another
  /// width, argument_error when it has a number that is not finite.
  void add(matrix_view<const T> x) {
    detail::require_shape("expectations", "x", x, x.rows(), student_->in_width());
    detail::require_finite("expectations", "x", x);
    const std::size_t blocks = (x.rows() + settings_.block - 1) / settings_.block;
    const std::size_t threads = std::min(settings_.threads, blocks);
    if (lanes_.size() < threads) lanes_.resize(threads);
    for (std::size_t first = 0; first < blocks; first += threads) {
      const std::size_t count = std::min(threads, blocks - first);
      parallel_map(count, count, [&](std::size_t t) {
        const std::size_t begin = (first + t) * settings_.block;
        lanes_[t].compute(*teacher_, *student_,
                          x.middle_rows(begin, std::min(settings_.block, x.rows() - begin)),
                          settings_);
      });
      for (std::size_t t = 0; t < count; ++t) merge(lanes_[t]);  // in the order of the samples
    }
  }

  [[nodiscard]] std::size_t samples() const noexcept { return samples_; }

  /// The expectations of layer l over all samples so far, 0 <= l < L; of the inputs, l = 0, there
  /// are ff and ff_star only. Throws argument_error when there is no sample, shape_error for no
  /// layer's number.
  [[nodiscard]] layer_expectations<R> result(std::size_t l) const {
    if (samples_ == 0) throw argument_error("expectations: no samples, expected at least 1");
    if (l >= layers_.size()) {
      throw shape_error(
          detail::text("expectations: layer ", l, ", expected 0 to ", layers_.size() - 1));
    }
    layer_expectations<R> result;
    for_each_moment([&](auto running, auto, auto expected) {
      result.*expected = (layers_[l].*running).result(blocks_, samples_);
    });
    return result;
  }

 private:
  struct lane {
    activations<Teacher> of_teacher;
    activations<Student> of_student;
    detail::moment_block<T> block;
    std::size_t samples = 0;

    void compute(const Teacher& teacher, const Student& student, const matrix_view<const T>& x,
                 const expectation_settings& settings) {
      teacher.forward(x, of_teacher);
      student.forward(x, of_student);
      block.compute(teacher, of_teacher, student, of_student, x, settings.lowest, settings.chunk);
      samples = x.rows();
    }
  };

  struct running_layer {
    detail::running_mean<R> A, B, gated_A, gated_B;
    detail::running_second_moment<R> zz_star, zz, ff_star, ff;
  };

  // Calls visit with the members for one expectation here, in a block and in the result, for each.
  template <class Visit>
  static void for_each_moment(Visit&& visit) {
    using here = running_layer;
    using block = detail::layer_moments<T>;
    using there = layer_expectations<R>;
    visit(&here::A, &block::A, &there::A);
    visit(&here::B, &block::B, &there::B);
    visit(&here::gated_A, &block::gated_A, &there::gated_A);
    visit(&here::gated_B, &block::gated_B, &there::gated_B);
    visit(&here::zz_star, &block::zz_star, &there::zz_star);
    visit(&here::zz, &block::zz, &there::zz);
    visit(&here::ff_star, &block::ff_star, &there::ff_star);
    visit(&here::ff, &block::ff, &there::ff);
  }

  void merge(const lane& from) {
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      for_each_moment([&](auto running, auto moment, auto) {
        (layers_[l].*running)
            .add((from.block[l].*moment).view(), static_cast<R>(samples_),
                 static_cast<R>(from.samples));
      });
    }
    samples_ += from.samples;
    ++blocks_;
  }

  const Teacher* teacher_;
  const Student* student_;
  expectation_settings settings_;
  std::vector<lane> lanes_;            // one a thread
  std::vector<running_layer> layers_;  // at [l]
  std::size_t samples_ = 0, blocks_ = 0;
};

/// E[a b^T] - E[a] E[b]^T, [n, m], of gates or activations, from zz_star, zz, ff_star or ff, and its
/// sampling error to first order.
template <class R>
expectation<R> covariance(const second_moment<R>& e) {
  const std::size_t n = e.mean.shape(0) - 1, m = e.mean.shape(1) - 1;
  expectation<R> result{make_matrix<R>(n, m), e.covariance_error};
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t j = 0; j < m; ++j) {
      result.mean(k, j) = e.mean(k, j) - e.mean(k, m) * e.mean(n, j);
    }
  }
  return result;
}

}  // namespace tutelage
