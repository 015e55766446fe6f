// The recursive gradient rule for a pair of networks, and what plain loops in long double say of
// it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <tutelage/gradient/rule.hpp>
#include <vector>

#include "reference/gradient_rule.hpp"
#include "support/network_case.hpp"

namespace test {

/// What a rule computed, at [l-1] for layer l and there at [i] for sample i.
template <class T>
struct computed_rule {
  struct sample {
    matrix<T> V, V_star, r, r_star, A, B;  // empty at the top
  };
  std::vector<std::vector<sample>> layers;
  std::vector<matrix<T>> g;           // through V
  std::vector<matrix<T>> g_backward;  // by backpropagation
};

/// Runs the rule and backpropagation over the same samples.
template <class Teacher, class Student, class T = typename Student::value_type>
computed_rule<T> run_rule(const Teacher& teacher, const Student& student, const matrix<T>& x) {
  constexpr std::size_t L = Student::depth;
  gradient_rule<Teacher, Student> rule(teacher, student);
  rule.evaluate(x);
  activations<Student> kept;
  gradients<Student> found;
  const matrix_view<const T> f_L = student.forward(x, kept);
  student.backward(x, kept, difference<T>(teacher(x), f_L), found);
  computed_rule<T> result;
  for_each_number<L>([&](auto l) {
    result.g.push_back(to_matrix(rule.template g<l>()));
    result.g_backward.push_back(to_matrix(found.template g<l>()));
    auto& samples = result.layers.emplace_back();
    if constexpr (l < L) {
      for (std::size_t i = 0; i < x.shape(0); ++i) {
        auto& s = samples.emplace_back();
        s.V = to_matrix(rule.template V<l>(i));
        s.V_star = to_matrix(rule.template V_star<l>(i));
        s.A = to_matrix(rule.template A<l>(i));
        s.B = to_matrix(rule.template B<l>(i));
        s.r = make_matrix<T>(student.out_width(), 1);
        s.r_star = s.r;
        for (std::size_t c = 0; c < student.out_width(); ++c) {
          s.r(c, 0) = rule.template r<l>(i, c);
          s.r_star(c, 0) = rule.template r_star<l>(i, c);
        }
      }
    }
  });
  return result;
}

/// The reference's passes of a pair.
template <class T>
struct rule_case {
  using W = wide_t<T>;

  [[gnu::noinline]] rule_case(const reference::network<T>& teacher_net,
                              const reference::network<T>& student_net, const matrix<T>& x)
      : teacher(widened(teacher_net)), student(widened(student_net)) {
    const auto wide_x = widen(x);
    of_teacher = reference::forward(teacher, wide_x);
    of_student = reference::forward(student, wide_x);
    const auto none = make_matrix<long double>(x.shape(0), of_teacher.f.back().shape(1));
    const auto teacher_gauges = reference::gauge(teacher, of_teacher, none);
    gauges = reference::gauge(student, of_student, teacher_gauges.f.back());
    backward = reference::backward(
        student, of_student,
        difference<W>(of_teacher.f.back(), matrix_view<const W>(of_student.f.back())));
    gates_are_certain = reference::gate_margin<T>(teacher, of_teacher, teacher_gauges) > 1 &&
                        reference::gate_margin<T>(student, of_student, gauges) > 1;
  }

  static reference::network<W> widened(const reference::network<T>& net) {
    reference::network<W> result;
    for (const auto& l : net) {
      result.push_back({widen(l.W), l.has_bias, static_cast<long double>(l.slope)});
    }
    return result;
  }

  reference::network<W> teacher, student;
  reference::pass<W> of_teacher, of_student;
  reference::gradient<W> backward;
  reference::gauges<long double> gauges;
  bool gates_are_certain;
};

/// Errors allowed, in epsilons times the sum of absolute values of what is added.
inline constexpr double rule_epsilons = 30;

/// g_l by the rule, by backpropagation and by the reference are equal, for all layers and samples.
template <class T>
[[gnu::noinline]] void judge_gradients(const computed_rule<T>& computed,
                                       const rule_case<T>& expected) {
  for (std::size_t l = 1; l <= computed.g.size(); ++l) {
    CAPTURE(l);
    CHECK(within(matrix_view(computed.g[l - 1]), widen(computed.g_backward[l - 1]),
                 expected.gauges.g[l], rule_epsilons));
    CHECK(within(matrix_view(computed.g[l - 1]), expected.backward.g[l], expected.gauges.g[l],
                 rule_epsilons));
  }
}

/// V, V*, r, r*, A and B of sample i, and g from A and B as the papers write it.
template <class T>
[[gnu::noinline]] void judge_matrices(const computed_rule<T>& computed, const rule_case<T>& c,
                                      std::size_t i) {
  using W = wide_t<T>;
  const auto teacher_maps = reference::jacobians_of(c.teacher, c.of_teacher, i);
  const auto student_maps = reference::jacobians_of(c.student, c.of_student, i);
  const auto A = reference::carried_down(c.student, c.of_student, c.teacher, c.of_teacher, i);
  const auto B = reference::carried_down(c.student, c.of_student, c.student, c.of_student, i);
  const auto positive_teacher = reference::absolute(c.teacher);
  const auto positive_student = reference::absolute(c.student);
  const auto teacher_gauge = reference::jacobians_of(positive_teacher, c.of_teacher, i);
  const auto student_gauge = reference::jacobians_of(positive_student, c.of_student, i);
  const auto A_gauge =
      reference::carried_down(positive_student, c.of_student, positive_teacher, c.of_teacher, i);
  const auto B_gauge =
      reference::carried_down(positive_student, c.of_student, positive_student, c.of_student, i);
  for (std::size_t l = 1; l < c.student.size(); ++l) {
    CAPTURE(l);
    const auto& s = computed.layers[l - 1][i];
    CHECK(within(matrix_view(s.V), student_maps.V[l], student_gauge.V[l], rule_epsilons));
    CHECK(within(matrix_view(s.V_star), teacher_maps.V[l], teacher_gauge.V[l], rule_epsilons));
    CHECK(within(matrix_view(s.r), student_maps.r[l], student_gauge.r[l], rule_epsilons));
    CHECK(within(matrix_view(s.r_star), teacher_maps.r[l], teacher_gauge.r[l], rule_epsilons));
    CHECK(within(matrix_view(s.A), A[l], A_gauge[l], rule_epsilons));
    CHECK(within(matrix_view(s.B), B[l], B_gauge[l], rule_epsilons));
    // D [A f* - B f + V^T (r* - r)], from what the library computed.
    const std::size_t n = s.V.shape(1);
    auto g = make_matrix<T>(1, n);
    auto expected = make_matrix<W>(1, n);
    auto gauge = make_matrix<long double>(1, n);
    for (std::size_t k = 0; k < n; ++k) {
      W sum = 0;
      const auto add = [&](const W& term, const W& term_gauge) {
        sum += c.of_student.z[l](i, k) * term;
        gauge(0, k) += std::abs(c.of_student.z[l](i, k) * term_gauge);
      };
      for (std::size_t j = 0; j < s.A.shape(1); ++j) {
        const W f_star = c.of_teacher.f[l](i, j);
        add(static_cast<W>(s.A(k, j)) * f_star, A_gauge[l](k, j) * f_star);
      }
      for (std::size_t j = 0; j < n; ++j) {
        const W f = c.of_student.f[l](i, j);
        add(-static_cast<W>(s.B(k, j)) * f, B_gauge[l](k, j) * f);
      }
      for (std::size_t o = 0; o < s.V.shape(0); ++o) {
        const W remainder = static_cast<W>(s.r_star(o, 0)) - static_cast<W>(s.r(o, 0));
        add(static_cast<W>(s.V(o, k)) * remainder,
            student_gauge.V[l](o, k) * (teacher_gauge.r[l](o, 0) + student_gauge.r[l](o, 0)));
      }
      g(0, k) = static_cast<T>(sum);
      expected(0, k) = c.backward.g[l](i, k);
    }
    CHECK(within(matrix_view(g), expected, gauge, rule_epsilons));
  }
}

}  // namespace test
