// The residuals of a pair: r = f*_L - f_L, what a student's gradients start from.
#pragma once

#include <concepts>
#include <cstddef>

#include <tutelage/core/matrix.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Calls visit(x, kept, r) for consecutive chunks of `inputs`, after a forward pass of both
/// networks: `kept` are the student's activations, r [N, C] the residuals, which `visit` may
/// overwrite. Throws shape_error when a network does not take the inputs or the two have different ends.
template <class Teacher, class Student, class Inputs, class Visit>
void for_each_residual(const Teacher& teacher, const Student& student, const Inputs& inputs,
                       Visit&& visit) {
  using T = typename Teacher::value_type;
  static_assert(std::same_as<T, typename Student::value_type>,
                "for_each_residual: teacher and student have different scalars; see network_cast");
  detail::require_pair("for_each_residual", teacher, student);
  activations<Teacher> of_teacher;
  activations<Student> kept;
  workspace<T> residual;
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t) {
    const auto f_star = teacher.forward(x, of_teacher);
    const auto f = student.forward(x, kept);
    const auto r = residual.reshape(f.rows(), f.cols());
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t c = 0; c < f.cols(); ++c) r(i, c) = f_star(i, c) - f(i, c);
    }
    visit(x, kept, matrix_view<T>(r));
  });
}

}  // namespace tutelage
