// Expectations of the gradient rule as means of every sample's matrices, by plain loops.
#pragma once

#include <cstddef>
#include <vector>

#include "reference/gradient_rule.hpp"
#include "reference/rounding.hpp"

namespace reference {

/// One sample's bordered matrices of one layer: [A ...], as in
/// <tutelage/gradient/expectations.hpp>.
template <class T>
struct rule_matrices {
  matrix<T> A, B, gated_A, gated_B, zz_star, zz, ff_star, ff;

  std::vector<matrix<T>*> all() {
    return {&A, &B, &gated_A, &gated_B, &zz_star, &zz, &ff_star, &ff};
  }
};

// Row i of m, and `last`, as a column.
template <class T>
matrix<T> bordered_row(const matrix<T>& m, std::size_t i, T last) {
  auto result = make_matrix<T>(m.shape(1) + 1, 1);
  for (std::size_t k = 0; k < m.shape(1); ++k) result(k, 0) = m(i, k);
  result(m.shape(1), 0) = last;
  return result;
}

// [V r] scaled by z^.
template <class T>
matrix<T> bordered_jacobian(const jacobians<T>& maps, std::size_t l, const matrix<T>& z) {
  const auto& V = maps.V[l];
  auto result = make_matrix<T>(V.shape(0), V.shape(1) + 1);
  for (std::size_t c = 0; c < V.shape(0); ++c) {
    for (std::size_t k = 0; k < V.shape(1); ++k) result(c, k) = V(c, k) * z(k, 0);
    result(c, V.shape(1)) = maps.r[l](c, 0) * z(V.shape(1), 0);
  }
  return result;
}

/// Sample i at layers 1, ..., L-1, and the inputs' ff and ff_star at [0].
template <class T>
std::vector<rule_matrices<T>> matrices_of(const network<T>& teacher, const pass<T>& of_teacher,
                                          const network<T>& student, const pass<T>& of_student,
                                          std::size_t i) {
  const auto teacher_maps = jacobians_of(teacher, of_teacher, i);
  const auto student_maps = jacobians_of(student, of_student, i);
  std::vector<rule_matrices<T>> result(student.size());
  for (std::size_t l = 0; l < student.size(); ++l) {
    auto& m = result[l];
    const auto f = bordered_row(of_student.f[l], i, T(1));
    const auto f_star = bordered_row(of_teacher.f[l], i, T(1));
    m.ff = product(f, mirrored(f));
    m.ff_star = product(f, mirrored(f_star));
    if (l == 0) continue;
    const auto z = bordered_row(of_student.z[l], i, T(1));
    const auto z_star = bordered_row(of_teacher.z[l], i, T(1));
    m.zz = product(z, mirrored(z));
    m.zz_star = product(z, mirrored(z_star));
    auto one = z, one_star = z_star;
    for (T& gate : one) gate = 1;
    for (T& gate : one_star) gate = 1;
    const auto V = bordered_jacobian(student_maps, l, one);
    const auto V_star = bordered_jacobian(teacher_maps, l, one_star);
    const auto VD = bordered_jacobian(student_maps, l, z);
    const auto VD_star = bordered_jacobian(teacher_maps, l, z_star);
    m.A = product(mirrored(V), V_star);
    m.B = product(mirrored(V), V);
    m.gated_A = product(mirrored(VD), VD_star);
    m.gated_B = product(mirrored(VD), VD);
  }
  return result;
}

/// A pass in which everything is the sum of absolute values of what is added, gates as they are.
template <class T>
pass<T> absolute_pass(const network<T>& net, const pass<T>& p) {
  const auto sums = gauge(net, p, make_matrix<T>(p.f[0].shape(0), p.f.back().shape(1)));
  return {sums.a, sums.f, p.z};
}

/// The means of samples first, ..., first + count - 1.
template <class T>
std::vector<rule_matrices<T>> mean_matrices(const network<T>& teacher, const pass<T>& of_teacher,
                                            const network<T>& student, const pass<T>& of_student,
                                            std::size_t first, std::size_t count) {
  std::vector<rule_matrices<T>> result;
  for (std::size_t i = first; i < first + count; ++i) {
    auto sample = matrices_of(teacher, of_teacher, student, of_student, i);
    if (result.empty()) {
      result = std::move(sample);
      continue;
    }
    for (std::size_t l = 0; l < result.size(); ++l) {
      const auto from = sample[l].all();
      const auto to = result[l].all();
      for (std::size_t e = 0; e < to.size(); ++e) {
        for (std::size_t k = 0; k < to[e]->size(); ++k) {
          to[e]->data()[k] += from[e]->data()[k];
        }
      }
    }
  }
  for (auto& layer : result) {
    for (auto* m : layer.all()) {
      for (std::size_t k = 0; k < m->size(); ++k) {
        m->data()[k] /= static_cast<T>(count);
      }
    }
  }
  return result;
}

}  // namespace reference
