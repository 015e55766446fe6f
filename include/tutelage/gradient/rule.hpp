// The recursive gradient rule: what every layer of a student learns from a teacher of the same
// depth, without backpropagation (arXiv:1909.13458, Lemma 1; arXiv:1905.13405, Theorem 1).
//
//   g_l = D_l [ A_l f*_l - B_l f_l + V_l^T (r*_l - r_l) ],   A_l = V_l^T V*_l,   B_l = V_l^T V_l
//
//   g_l   [n_l]        negative gradient of half the squared error at the pre-activations
//   f_l   [n_l]        activations; f*_l [m_l] the teacher's
//   D_l   diagonal     the student's gates
//   V_l   [C, n_l], r_l [C]    see gradient/jacobian.hpp; V*_l [C, m_l], r*_l the teacher's
//   A_l   [n_l, m_l],  B_l [n_l, n_l]
//
// It holds for every sample, any widths and biases. The papers omit the remainders r: their form is
// the case without biases above layer l. Nothing here uses a network's backward pass. Convolutions,
// pools, residual blocks and batch normalization in evaluation are such layers as well: D_l = I where
// a layer has no gate.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/gram.hpp>
#include <tutelage/gradient/jacobian.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The rule for a teacher, a student and a batch of samples at a time.
template <class Teacher, class Student>
class gradient_rule {
  using T = typename Student::value_type;
  static constexpr std::size_t L = Student::depth;
  static_assert(std::same_as<T, typename Teacher::value_type>,
                "gradient_rule: teacher and student have different scalars; see network_cast");
  static_assert(Teacher::depth == L,
                "gradient_rule: teacher and student have different depths; see deepen");
  static_assert((detail::check_pair<Teacher, Student>(), true));

  template <std::size_t l>
  static constexpr std::size_t n = Student::template layer_type<l>::out_extent;
  template <std::size_t l>
  static constexpr std::size_t m = Teacher::template layer_type<l>::out_extent;

 public:
  /// Both must outlive the rule; their weights may change between calls. Throws shape_error unless
  /// they have the same inputs and outputs.
  gradient_rule(const Teacher& teacher, const Student& student)
      : teacher_(&teacher), student_(&student) {
    if (teacher.in_width() != student.in_width() || teacher.out_width() != student.out_width()) {
      throw shape_error(detail::text("gradient_rule: the teacher maps ", teacher.in_width(), " to ",
                                     teacher.out_width(), " numbers, the student ",
                                     student.in_width(), " to ", student.out_width()));
    }
  }

  gradient_rule(const Teacher&&, const Student&) = delete;
  gradient_rule(const Teacher&, const Student&&) = delete;
  gradient_rule(const Teacher&&, const Student&&) = delete;

  /// Computes V, V*, r and r* of layers L-1, ..., lowest for samples x, [N, n_0], once for samples
  /// that share them. Memory is a multiple of N*C. Allocates only when N is larger than before.
  /// Throws shape_error when x has another width or `lowest` is no layer's number, argument_error
  /// when x has a number that is not finite.
  void evaluate(matrix_view<const T> x, std::size_t lowest = 1) { evaluate_from(0, x, lowest); }

  /// N.
  [[nodiscard]] std::size_t samples() const noexcept { return of_student_.batch(); }

  [[nodiscard]] const activations<Student>& student_activations() const { return of_student_; }
  [[nodiscard]] const activations<Teacher>& teacher_activations() const { return of_teacher_; }

  /// V_l(x_i), [C, n_l], and V*_l(x_i), [C, m_l]; lowest <= l < L. All below throw argument_error
  /// for a layer that the last evaluation did not reach, or a sample that it did not have.
  template <std::size_t l>
  [[nodiscard]] auto V(std::size_t i) const {
    return student_maps_.template V<l>(i);
  }
  template <std::size_t l>
  [[nodiscard]] auto V_star(std::size_t i) const {
    return teacher_maps_.template V<l>(i);
  }

  /// r_l(x_i) and r*_l(x_i) at output c; 1 <= l < L.
  template <std::size_t l>
  [[nodiscard]] T r(std::size_t i, std::size_t c) const {
    return student_maps_.template r<l>(i, c);
  }
  template <std::size_t l>
  [[nodiscard]] T r_star(std::size_t i, std::size_t c) const {
    return teacher_maps_.template r<l>(i, c);
  }

  /// A_l(x_i), [n_l, m_l], 1 <= l < L; valid until the next call.
  template <std::size_t l>
  matrix_view<const T, n<l>, m<l>> A(std::size_t i) {
    const auto left = V<l>(i);
    const auto right = V_star<l>(i);
    const matrix_view<T, n<l>, m<l>> result(A_.reshape(left.cols(), right.cols()));
    multiply(transposed(left), right, result);
    return result;
  }

  /// B_l(x_i), [n_l, n_l], exactly symmetric, 1 <= l < L; valid until the next call.
  template <std::size_t l>
  matrix_view<const T, n<l>, n<l>> B(std::size_t i) {
    const auto v = V<l>(i);
    const matrix_view<T, n<l>, n<l>> result(B_.reshape(v.cols(), v.cols()));
    gram(v, result);
    symmetrize(result);
    return result;
  }

  /// g_l of all samples, [N, n_l], lowest <= l <= L, as D_l V_l^T [(V*_l f*_l + r*_l) - (V_l f_l +
  /// r_l)]: no A or B is formed. Valid until the next call.
  template <std::size_t l>
  matrix_view<const T, dynamic, n<l>> g() {
    if (l < lowest_) {
      throw argument_error(lowest_ > L ? detail::text("g: nothing was evaluated")
                                       : detail::text("g: layer ", l, " was not computed, only ",
                                                      lowest_, " to ", L));
    }
    const auto f = of_student_.template f<l>();
    const auto f_star = of_teacher_.template f<l>();
    const matrix_view<T, dynamic, n<l>> result(g_.reshape(samples(), f.cols()));
    for (std::size_t i = 0; i < samples(); ++i) {
      if constexpr (l == L) {
        for (std::size_t k = 0; k < f.cols(); ++k) result(i, k) = f_star(i, k) - f(i, k);
      } else {
        const std::size_t C = student_->out_width();
        const matrix_view<T, 1, Student::out_extent> error(error_.reshape(1, C));
        const auto r_i = student_maps_.template r<l>(i);
        const auto r_star_i = teacher_maps_.template r<l>(i);
        for (std::size_t c = 0; c < C; ++c) error(0, c) = r_star_i(c, 0) - r_i(c, 0);
        multiply(row(f_star, i), transposed(V_star<l>(i)), error, T(1), T(1));
        multiply(row(f, i), transposed(V<l>(i)), error, T(-1), T(1));
        const matrix_view<T, 1, n<l>> g_i(result.data() + i * result.stride(), 1, result.cols(),
                                          result.stride());
        multiply(error, V<l>(i), g_i);
        using Layer = typename Student::template layer_type<l>;
        if constexpr (gated_layer<Layer>) {
          const auto& gate = student_->template layer<l>().gate();
          for (std::size_t k = 0; k < f.cols(); ++k) result(i, k) *= gate.factor(f(i, k));
        }
      }
    }
    return result;
  }

 private:
  template <class Teacher2, class Student2, class Visit>
  friend void for_each_rule(const Teacher2&, const Student2&,
                            matrix_view<const typename Student2::value_type>, std::size_t, Visit&&,
                            std::size_t);

  // Errors count rows of x from `first` on.
  void evaluate_from(std::size_t first, const matrix_view<const T>& x, std::size_t lowest) {
    lowest_ = L + 1;
    teacher_->forward(x, of_teacher_);
    detail::require_finite("gradient_rule", "x", x, first);
    student_->forward(x, of_student_);
    teacher_maps_.compute(*teacher_, of_teacher_, lowest);
    student_maps_.compute(*student_, of_student_, lowest);
    lowest_ = lowest;
  }

  // Row i as a matrix.
  template <class U, std::size_t W>
  static matrix_view<U, 1, W> row(const matrix_view<U, dynamic, W>& f, std::size_t i) {
    return {f.data() + i * f.stride(), 1, f.cols(), f.stride()};
  }

  const Teacher* teacher_;
  const Student* student_;
  std::size_t lowest_ = L + 1;  // what was evaluated; above L, nothing
  activations<Teacher> of_teacher_;
  activations<Student> of_student_;
  output_jacobians<Teacher> teacher_maps_;
  output_jacobians<Student> student_maps_;
  workspace<T> A_, B_, g_, error_;
};

/// Calls visit(rule, first) after rule.evaluate() of rows first, first + 1, ... of x, [N, n_0], at
/// most `chunk` at a time: memory does not grow with N. Throws argument_error when `chunk` is 0 or x
/// has a number that is not finite, shape_error when the networks or x do not fit.
template <class Teacher, class Student, class Visit>
void for_each_rule(const Teacher& teacher, const Student& student,
                   matrix_view<const typename Student::value_type> x, std::size_t chunk,
                   Visit&& visit, std::size_t lowest = 1) {
  if (chunk == 0) throw argument_error("for_each_rule: chunk is 0, expected at least 1");
  gradient_rule<Teacher, Student> rule(teacher, student);
  for (std::size_t first = 0; first < x.rows(); first += chunk) {
    rule.evaluate_from(first, x.middle_rows(first, std::min(chunk, x.rows() - first)), lowest);
    visit(rule, first);
  }
}

}  // namespace tutelage
