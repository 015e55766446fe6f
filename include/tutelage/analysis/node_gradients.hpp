// The gradient of one node of the student's lowest layer, sample by sample: the function h(x) of
// the recovery theorems (arXiv:1909.13458, Lemma 7), by backpropagation.
//
//   h(x) = g_1,k(x) = z_k(x) sum_c V_k(x)_c (f*_L(x) - f_L(x))_c
#pragma once

#include <cstddef>

#include <tutelage/core/matrix.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <vector>

namespace tutelage {

/// g_1 of student node k at every sample, for half the squared error to the teacher's outputs.
/// Throws shape_error when the networks do not take the samples or give different outputs, or k is
/// no node; argument_error when a gradient is not finite.
template <class Teacher, class Student, class Samples>
std::vector<double> node_gradients(const Teacher& teacher, const Student& student, std::size_t k,
                                   const Samples& samples) {
  using T = typename Teacher::value_type;
  if (teacher.out_width() != student.out_width() || k >= student.widths()[1]) {
    throw shape_error(detail::text("node_gradients: ", teacher.out_width(), " and ",
                                   student.out_width(), " outputs, node ", k, " of ",
                                   student.widths()[1]));
  }
  std::vector<double> result;
  activations<Teacher> f_star;
  activations<Student> f;
  gradients<Student> g;
  workspace<T> residual;
  for_each_chunk(samples, [&](matrix_view<const T> x, std::size_t) {
    const auto y = teacher.forward(x, f_star);
    const auto outputs = student.forward(x, f);
    const auto r = residual.reshape(y.rows(), y.cols());
    for (std::size_t i = 0; i < y.rows(); ++i) {
      for (std::size_t c = 0; c < y.cols(); ++c) r(i, c) = y(i, c) - outputs(i, c);
    }
    student.backward(x, f, r, g, [&](auto l, const auto&, const auto& g_l) {
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
