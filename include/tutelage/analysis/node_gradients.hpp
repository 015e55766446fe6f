// The gradient of one node of the student's lowest layer, sample by sample: the function h(x) of
// the recovery theorems (arXiv:1909.13458, Lemma 7), by backpropagation.
//
//   h(x) = g_1,k(x) = z_k(x) sum_c V_k(x)_c (f*_L(x) - f_L(x))_c
#pragma once

#include <cstddef>

#include <tutelage/analysis/residuals.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// g_1 of student node k at every sample, for half the squared error to the teacher's outputs.
/// Throws shape_error when the networks do not take the samples or give different outputs, or k is
/// no node; argument_error when a gradient is not finite.
template <class Teacher, class Student, class Samples>
std::vector<double> node_gradients(const Teacher& teacher, const Student& student, std::size_t k,
                                   const Samples& samples) {
  if (k >= student.widths()[1]) {
    throw shape_error(
        detail::text("node_gradients: node ", k, ", expected one below ", student.widths()[1]));
  }
  std::vector<double> result;
  gradients<Student> g;
  for_each_residual(teacher, student, samples, [&](const auto& x, const auto& kept, const auto& r) {
    student.backward(x, kept, r, g, [&](auto l, const auto&, const auto& g_l) {
      if constexpr (l == 1) {
        for (std::size_t i = 0; i < g_l.rows(); ++i) {
          if (!is_finite(g_l(i, k))) {
            throw argument_error(
                detail::text("node_gradients: the gradient of node ", k, " is not finite"));
          }
          result.push_back(static_cast<double>(g_l(i, k)));
        }
      }
    });
  });
  return result;
}

}  // namespace tutelage
