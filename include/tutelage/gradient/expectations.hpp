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
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/parallel.hpp>
#include <tutelage/gradient/block.hpp>
#include <tutelage/gradient/running_mean.hpp>
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

/// The expectations of one layer. Those with the teacher are [n_l+1, m_l+1], the others
/// [n_l+1, n_l+1]. Empty below the lowest layer asked for.
template <class R>
struct layer_expectations {
  expectation<R> A, B;              // of V^T V* and V^T V
  expectation<R> gated_A, gated_B;  // of D A D* and D B D
  second_moment<R> zz_star, zz;
  second_moment<R> ff_star, ff;
};

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
    const auto m = teacher.widths();
    const auto n = student.widths();
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      auto& here = layers_[l];
      const auto allocate = [&](auto& with_teacher, auto& of_student) {
        with_teacher.allocate(n[l] + 1, m[l] + 1);
        of_student.allocate(n[l] + 1, n[l] + 1);
      };
      if (l + 1 >= settings.lowest) allocate(here.ff_star, here.ff);
      if (l < settings.lowest) continue;
      allocate(here.A, here.B);
      allocate(here.gated_A, here.gated_B);
      allocate(here.zz_star, here.zz);
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
      for (std::size_t t = 0; t < count; ++t) add(lanes_[t]);  // in the order of the samples
    }
  }

  /// Adds the samples of another accumulator of the same networks, as if its blocks had come after
  /// these: data in shards, each with an accumulator of its own, on any machine. Shards that are
  /// merged in one order give the same bits. Throws argument_error for another lowest layer and
  /// shape_error for other widths.
  void merge(const expectation_accumulator& later) {
    if (later.settings_.lowest != settings_.lowest) {
      throw argument_error(detail::text("expectations: merged with lowest layer ",
                                        later.settings_.lowest, ", expected ", settings_.lowest));
    }
    if (later.student_->widths() != student_->widths() ||
        later.teacher_->widths() != teacher_->widths()) {
      throw shape_error("expectations: merged with those of networks of other widths");
    }
    if (later.samples_ == 0) return;
    for (std::size_t l = 0; l < layers_.size(); ++l) {
      for_each_moment([&](auto running, auto, auto) {
        (layers_[l].*running)
            .merge(later.layers_[l].*running, static_cast<R>(samples_),
                   static_cast<R>(later.samples_));
      });
    }
    samples_ += later.samples_;
    blocks_ += later.blocks_;
  }

  /// Calls visit(block) for all that is kept, names after `prefix`: io/blocks.hpp makes bytes of them
  /// and back.
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    show_blocks(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    show_blocks(*this, prefix, visit);
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

  static constexpr std::array moment_names{"A",       "B",  "gated_A", "gated_B",
                                           "zz_star", "zz", "ff_star", "ff"};
  template <class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, const Visit& visit) {
    visit(detail::number_block(prefix + "samples", self.samples_));
    visit(detail::number_block(prefix + "blocks", self.blocks_));
    for (std::size_t l = 0; l < self.layers_.size(); ++l) {
      std::size_t i = 0;
      for_each_moment([&](auto running, auto, auto) {
        (self.layers_[l].*running)
            .for_each_block(detail::text(prefix, l, ".", moment_names[i++], "."), visit);
      });
    }
  }

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

  void add(const lane& from) {
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
  std::uint64_t samples_ = 0, blocks_ = 0;
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
