// How specialized is the student? Its hidden nodes matched to the teacher's, layer by layer.
//
//   rho_mean = mean over teachers j of max over students k of rho_jk    (arXiv:1909.13458, Eqn 9)
//   r        = mean over teachers of the rank, at an earlier time, of the student that wins now
//              (arXiv:1905.13405, Section 5: mean rank, in [0, 1]; 0 = it was first already)
//
// The nodes of a layer of images are its channels: rho is over samples and positions.
#pragma once

#include <cmath>
#include <cstddef>

#include <tutelage/analysis/correlation.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/image.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The matches of one hidden layer. A node's match is its largest signed rho; of equal ones the
/// first. Throws shape_error for correlations without nodes and for a number that is no node's.
class alignment {
 public:
  explicit alignment(correlations c) : correlations_(std::move(c)) {
    const auto& rho = correlations_.rho;
    if (rho.size() == 0) {
      throw shape_error(detail::text("alignment: rho is ", shape_text(rho.shape(0), rho.shape(1)),
                                     ", expected at least 1 each"));
    }
    best_student_.resize(rho.shape(0));
    best_teacher_.resize(rho.shape(1));
    for (std::size_t j = 0; j < teacher_nodes(); ++j) {
      for (std::size_t k = 0; k < student_nodes(); ++k) {
        if (rho(j, k) > rho(j, best_student_[j])) best_student_[j] = k;
        if (rho(j, k) > rho(best_teacher_[k], k)) best_teacher_[k] = j;
      }
    }
  }

  [[nodiscard]] std::size_t teacher_nodes() const { return best_student_.size(); }
  [[nodiscard]] std::size_t student_nodes() const { return best_teacher_.size(); }
  [[nodiscard]] double rho(std::size_t j, std::size_t k) const {
    require_node("teacher", j, teacher_nodes());
    require_node("student", k, student_nodes());
    return correlations_.rho(j, k);
  }

  /// The student node that correlates most with teacher node j.
  [[nodiscard]] std::size_t best_student(std::size_t j) const {
    require_node("teacher", j, teacher_nodes());
    return best_student_[j];
  }
  /// The teacher node that student node k correlates most with.
  [[nodiscard]] std::size_t best_teacher(std::size_t k) const {
    require_node("student", k, student_nodes());
    return best_teacher_[k];
  }
  /// rho of teacher j and its best student.
  [[nodiscard]] double best_rho(std::size_t j) const { return rho(j, best_student(j)); }

  /// Mean of best_rho over teachers; nodes that never change count as 0.
  [[nodiscard]] double rho_mean() const {
    double sum = 0;
    for (std::size_t j = 0; j < teacher_nodes(); ++j) sum += best_rho(j);
    return sum / static_cast<double>(teacher_nodes());
  }

  /// How many students correlate with teacher j by more than `threshold`.
  [[nodiscard]] std::size_t matches(std::size_t j, double threshold) const {
    std::size_t count = 0;
    for (std::size_t k = 0; k < student_nodes(); ++k) count += rho(j, k) > threshold;
    return count;
  }

  /// How many teachers have a student that correlates by more than `threshold`.
  [[nodiscard]] std::size_t covered(double threshold) const {
    std::size_t count = 0;
    for (std::size_t j = 0; j < teacher_nodes(); ++j) count += best_rho(j) > threshold;
    return count;
  }

  /// Everything measured: also the cosine matrix and which nodes are constant or dead.
  [[nodiscard]] const correlations& measured() const noexcept { return correlations_; }

 private:
  static void require_node(const char* whose, std::size_t node, std::size_t nodes) {
    if (node >= nodes) {
      throw shape_error(
          detail::text("alignment: ", whose, " node ", node, ", expected one below ", nodes));
    }
  }

  correlations correlations_;
  std::vector<std::size_t> best_student_;  // [m]
  std::vector<std::size_t> best_teacher_;  // [n]
};

/// Mean over teachers of the rank that today's best student had at an earlier time: 0 when it was
/// the best already, 1 when it was the last. Equal correlations share the mean of their ranks.
/// Throws shape_error when the two are of different layers.
inline double mean_rank(const alignment& earlier, const alignment& now) {
  const std::size_t m = now.teacher_nodes(), n = now.student_nodes();
  if (earlier.teacher_nodes() != m || earlier.student_nodes() != n) {
    throw shape_error(detail::text("mean_rank: earlier correlations are ",
                                   shape_text(earlier.teacher_nodes(), earlier.student_nodes()),
                                   ", expected ", shape_text(m, n)));
  }
  if (n == 1) return 0;
  double sum = 0;
  for (std::size_t j = 0; j < m; ++j) {
    const double winner = earlier.rho(j, now.best_student(j));
    double rank = -0.5;  // the winner is equal to itself
    for (std::size_t k = 0; k < n; ++k) {
      if (earlier.rho(j, k) > winner) rank += 1;
      if (earlier.rho(j, k) == winner) rank += 0.5;
    }
    sum += rank / static_cast<double>(n - 1);
  }
  return sum / static_cast<double>(m);
}

namespace detail {

// The hidden layers of a network as nodes in columns. A row of nodes is an image of one position.
template <class Network>
class nodes_in_columns {
  using T = typename Network::value_type;

 public:
  explicit nodes_in_columns(const Network& net) {
    net.for_each_layer([&](const auto& l, std::size_t number) {
      if (number == Network::depth) return;
      if constexpr (image_layer<std::remove_cvref_t<decltype(l)>>) {
        images_.push_back(l.out_image());
      } else {
        images_.push_back({l.out_width(), 1, 1});
      }
    });
  }

  [[nodiscard]] const image_shape& image(std::size_t l) const { return images_[l - 1]; }
  [[nodiscard]] std::size_t positions(std::size_t l) const {
    return image(l).height * image(l).width;
  }

  // f_l [N, n_l], or of images [N, C P] a matrix [N P, C] that is valid until the next.
  matrix_view<const T> operator()(const activations<Network>& kept, std::size_t l) {
    const auto f = kept.f(l);
    const std::size_t P = positions(l), C = image(l).channels;
    if (P == 1) return f;
    const auto result = room_.reshape(f.rows() * P, C);
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t c = 0; c < C; ++c) {
        for (std::size_t p = 0; p < P; ++p) result(i * P + p, c) = f(i, c * P + p);
      }
    }
    return result;
  }

 private:
  std::vector<image_shape> images_;  // of layers 1, ..., L-1
  workspace<T> room_;
};

}  // namespace detail

/// Collects the activations of a teacher and a student in all hidden layers.
template <class Teacher, class Student>
class alignment_accumulator {
 public:
  /// Throws shape_error unless they have the same inputs and outputs, and in each hidden layer as
  /// many positions.
  alignment_accumulator(const Teacher& teacher, const Student& student)
      : teacher_(teacher), student_(student) {
    detail::require_pair<detail::same_depth, detail::same_scalar>("align", teacher, student);
    for (std::size_t l = 1; l < Teacher::depth; ++l) {
      const image_shape &m = teacher_.image(l), &n = student_.image(l);
      if (m.height != n.height || m.width != n.width) {
        throw shape_error(detail::text("align: layer ", l, ": the teacher gives ", shape_text(m),
                                       " numbers, the student ", shape_text(n),
                                       ", expected equal positions"));
      }
      layers_.emplace_back(m.channels, n.channels);
    }
  }

  /// Adds the samples of two forward passes over the same inputs.
  void add(const activations<Teacher>& teacher, const activations<Student>& student) {
    for (std::size_t l = 1; l <= layers_.size(); ++l) {
      layers_[l - 1].add(teacher_(teacher, l), student_(student, l));
    }
  }

  /// The same where the teacher's nodes were measured and centered before: moments(l) and
  /// deviations(l) of these samples, l = 1, ..., L-1.
  template <class Measured>
    requires requires(const Measured& of_teacher) { of_teacher.deviations(1); }
  void add(const Measured& teacher, const activations<Student>& student) {
    for (std::size_t l = 1; l <= layers_.size(); ++l) {
      layers_[l - 1].add(teacher.moments(l), teacher.deviations(l), student_(student, l));
    }
  }

  /// Adds the samples of another accumulator of such networks, as if they had come after these; see
  /// correlation_accumulator::merge.
  void merge(const alignment_accumulator& later) {
    for (std::size_t l = 0; l < layers_.size(); ++l) layers_[l].merge(later.layers_[l]);
  }

  /// Calls visit(block) for all that is kept; see there too.
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    show_blocks(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    show_blocks(*this, prefix, visit);
  }

  /// One alignment a hidden layer, from the lowest.
  [[nodiscard]] std::vector<alignment> result() const {
    std::vector<alignment> result;
    for (const auto& layer : layers_) result.emplace_back(layer.result());
    return result;
  }

 private:
  template <class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, const Visit& visit) {
    for (std::size_t l = 0; l < self.layers_.size(); ++l) {
      self.layers_[l].for_each_block(detail::text(prefix, l + 1, "."), visit);
    }
  }

  detail::nodes_in_columns<Teacher> teacher_;
  detail::nodes_in_columns<Student> student_;
  std::vector<correlation_accumulator<typename Teacher::value_type>> layers_;
};

/// The alignment of every hidden layer over `inputs`, from the lowest, in one pass.
/// Throws shape_error when the two networks do not fit or do not take these inputs, argument_error
/// for fewer than 2 inputs or an activation that is not finite.
template <class Teacher, class Student, class Inputs>
std::vector<alignment> align(const Teacher& teacher, const Student& student, const Inputs& inputs) {
  using source = std::remove_cvref_t<decltype(as_rows(inputs))>;
  detail::check_data_scalar<typename source::value_type, typename Teacher::value_type>();
  alignment_accumulator<Teacher, Student> collected(teacher, student);
  activations<Teacher> of_teacher;
  activations<Student> of_student;
  for_each_chunk(inputs, [&](matrix_view<const typename Teacher::value_type> x, std::size_t) {
    teacher.forward(x, of_teacher);
    student.forward(x, of_student);
    collected.add(of_teacher, of_student);
  });
  return collected.result();
}

}  // namespace tutelage
