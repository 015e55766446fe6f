// Correlation of teacher and student activations, streamed over samples in one pass.
//
//   rho_jk = sum_i (f*_ij - mean f*_j) (f_ik - mean f_k) / (N std_j std_k)     centered
//   cos_jk = sum_i f*_ij f_ik / (|f*_j| |f_k|)                                 cosine
//
//   f*  [N, m]   teacher activations of a layer, one sample a row
//   f   [N, n]   student activations of the same layer
//
// Each chunk of samples is centered by its own mean and multiplied as a matrix; chunks are merged
// as node_moments.hpp says. A node that never changes correlates 0 with every node;
// one that is always 0 has cosine 0 too. Equation 9 of arXiv:1909.13458 uses rho; its maximum
// over students is signed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include <tutelage/analysis/node_moments.hpp>
#include <tutelage/core/product.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The result: teacher nodes are rows, student nodes columns.
struct correlations {
  matrix<double> rho;     // [m, n]
  matrix<double> cosine;  // [m, n]
  std::vector<node_state> teacher_states;
  std::vector<node_state> student_states;
  std::size_t samples = 0;
};

/// Collects samples; add() may be called any number of times. Throws shape_error for no nodes.
template <real_scalar T>
class correlation_accumulator {
  using A = accumulator_t<T>;

 public:
  correlation_accumulator(std::size_t teacher_nodes, std::size_t student_nodes)
      : teacher_(teacher_nodes),
        student_(student_nodes),
        cross_(make_matrix<A>(teacher_nodes, student_nodes)) {
    if (teacher_nodes == 0 || student_nodes == 0) {
      throw shape_error(detail::text("correlation: ", shape_text(teacher_nodes, student_nodes),
                                     " nodes, expected at least 1 each"));
    }
  }

  /// What was moved from has seen nothing and takes nothing.
  correlation_accumulator(const correlation_accumulator&) = default;
  correlation_accumulator(correlation_accumulator&& other) noexcept
      : teacher_(std::move(other.teacher_)),
        student_(std::move(other.student_)),
        teacher_piece_(std::move(other.teacher_piece_)),
        student_piece_(std::move(other.student_piece_)),
        cross_(std::move(other.cross_)),
        samples_(std::exchange(other.samples_, 0)) {}
  correlation_accumulator& operator=(correlation_accumulator other) noexcept {
    teacher_ = std::move(other.teacher_);
    student_ = std::move(other.student_);
    teacher_piece_ = std::move(other.teacher_piece_);
    student_piece_ = std::move(other.student_piece_);
    cross_ = std::move(other.cross_);
    samples_ = other.samples_;
    return *this;
  }
  ~correlation_accumulator() = default;

  /// Adds samples, [N, m] and [N, n]. Throws shape_error when they do not fit.
  void add(matrix_view<const T> f_star, matrix_view<const T> f) {
    const std::size_t N = f_star.rows();
    detail::require_shape("correlation", "teacher activations", f_star, N, teacher_.size());
    detail::require_shape("correlation", "student activations", f, N, student_.size());
    if (N == 0) return;
    const auto deviations = of_teacher_.reshape(N, teacher_.size());
    teacher_piece_.measure(f_star, deviations);
    add(teacher_piece_, deviations, f);
  }

  /// The same of teacher activations that were measured and centered before; N > 0.
  void add(const detail::node_moments<T>& teacher, matrix_view<const T> deviations,
           matrix_view<const T> f) {
    const std::size_t N = deviations.rows();
    detail::require_shape("correlation", "teacher activations", deviations, N, teacher_.size());
    detail::require_shape("correlation", "student activations", f, N, student_.size());
    const auto of_student = of_student_.reshape(N, student_.size());
    student_piece_.measure(f, of_student);
    const auto products = products_.reshape(teacher_.size(), student_.size());
    multiply(transposed(deviations), matrix_view<const T>(of_student), products);
    merge(teacher, student_piece_, matrix_view<const T>(products), N);
  }

  /// Adds the samples of another accumulator, as if they had come after these. Shards that are merged
  /// in one order give the same bits. Throws shape_error for another number of nodes.
  void merge(const correlation_accumulator& later) {
    if (later.teacher_.size() != teacher_.size() || later.student_.size() != student_.size()) {
      throw shape_error(detail::text(
          "correlation: merged with ", shape_text(later.teacher_.size(), later.student_.size()),
          " nodes, expected ", shape_text(teacher_.size(), student_.size())));
    }
    if (later.samples_ == 0) return;
    merge(later.teacher_, later.student_, matrix_view<const A>(later.cross_), later.samples_);
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

  /// The correlations of all samples so far. Throws argument_error when there are fewer than 2, or
  /// when an activation was not finite.
  [[nodiscard]] correlations result() const {
    if (samples_ < 2) {
      throw argument_error(
          detail::text("correlation: samples seen: ", samples_, ", expected at least 2"));
    }
    require_finite(teacher_, "teacher");
    require_finite(student_, "student");
    correlations c{make_matrix<double>(teacher_.size(), student_.size()),
                   make_matrix<double>(teacher_.size(), student_.size()), states_of(teacher_),
                   states_of(student_), samples_};
    const A N = static_cast<A>(samples_);
    const auto ratio = [](A product, A square_1, A square_2) {
      const A norm = std::sqrt(square_1) * std::sqrt(square_2);
      return norm > 0 ? static_cast<double>(std::clamp(product / norm, A(-1), A(1))) : 0.0;
    };
    for (std::size_t j = 0; j < teacher_.size(); ++j) {
      for (std::size_t k = 0; k < student_.size(); ++k) {
        const A means = N * teacher_.mean(j) * student_.mean(k);
        c.rho(j, k) = ratio(cross_(j, k), teacher_.variation(j), student_.variation(k));
        c.cosine(j, k) = ratio(cross_(j, k) + means, teacher_.square(j, N), student_.square(k, N));
      }
    }
    return c;
  }

 private:
  using moments = detail::node_moments<T>;

  template <class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, const Visit& visit) {
    visit(detail::number_block(prefix + "samples", self.samples_));
    self.teacher_.for_each_block(prefix + "teacher.", visit);
    self.student_.for_each_block(prefix + "student.", visit);
    visit(detail::matrix_block(prefix + "cross", self.cross_));
  }

  // `added` more samples, whose products of deviations from their own means are [m, n].
  template <class U>
  void merge(const moments& teacher, const moments& student, const matrix_view<const U>& products,
             std::size_t added) {
    const A before = static_cast<A>(samples_), N = static_cast<A>(added);
    const A weight = before * N / (before + N);
    for (std::size_t j = 0; j < teacher_.size(); ++j) {
      const A shift = weight * (teacher.mean(j) - teacher_.mean(j));
      const U* const more = products.row(j).data();
      A* const cross = cross_.data() + j * student_.size();
      for (std::size_t k = 0; k < student_.size(); ++k) {
        cross[k] += static_cast<A>(more[k]) + shift * (student.mean(k) - student_.mean(k));
      }
    }
    teacher_.merge(teacher, before, N);
    student_.merge(student, before, N);
    samples_ += added;
  }

  static void require_finite(const moments& nodes, const char* whose) {
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      if (!is_finite(nodes.mean(k)) || !is_finite(nodes.variation(k))) {
        throw argument_error(
            detail::text("correlation: an activation of ", whose, " node ", k, " is not finite"));
      }
    }
  }
  static std::vector<node_state> states_of(const moments& nodes) {
    std::vector<node_state> result(nodes.size());
    for (std::size_t k = 0; k < nodes.size(); ++k) result[k] = nodes.state(k);
    return result;
  }

  moments teacher_, student_;
  moments teacher_piece_{teacher_}, student_piece_{student_};
  matrix<A> cross_;  // [m, n], sum of products of deviations
  std::uint64_t samples_ = 0;
  workspace<T> of_teacher_, of_student_, products_;
};

}  // namespace tutelage
