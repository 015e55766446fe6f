// The analyses as a template over the depth; analyses_*.cpp instantiate it.
#pragma once

#include <cmath>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

#include "pair/analyze.hpp"
#include "specialization/analyze.hpp"

namespace examples {

// For inputs drawn as the options say.
template <class Teacher, class Student, class Inputs>
bounds_section describe_bounds(const Teacher& teacher, const Student& student, const Inputs& inputs,
                               const options& o) {
  using namespace tutelage;
  if (o.input == "gaussian") {
    return describe_bounds(condition_of(gaussian_inputs{o.std}), teacher, student, inputs);
  }
  // The uniform distribution's constants are those of the cube, not of its slices.
  const auto uniform = condition_of(uniform_inputs{o.std * std::sqrt(3.0)}, teacher.in_width());
  return describe_bounds(estimated_condition{uniform.eta, uniform.mu}, teacher, student, inputs);
}

template <std::size_t Depth>
sections analyze(const run_network<double, Depth>& teacher,
                 const run_network<double, Depth>& student, const options& o,
                 const tutelage::alignment& lowest,
                 const tutelage::matrix_view<const double>& training,
                 const tutelage::matrix_view<const double>& evaluation) {
  sections result{{},
                  describe_observers(teacher, student, training),
                  describe_critical(teacher, student, training),
                  {},
                  describe_pruning(teacher, student, lowest, evaluation)};
  if (o.loss == "mse") result.local = describe_local(teacher, student, training);
  if constexpr (Depth == 2) {
    if (o.loss == "mse") describe_kinks(teacher, student, training, result.pruning);
  }
  if (!o.reads_images() && o.loss == "mse") {
    result.bounds = describe_bounds(teacher, student, training, o);
  }
  return result;
}

}  // namespace examples
