// The analyses of a trained pair, as sections of the report.
#pragma once

#include <cmath>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

#include "pair/analyze.hpp"
#include "specialization/options.hpp"

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

/// Proofs, observers and gradients on the training inputs, pruning on the evaluation inputs. Proofs
/// are for the squared error, kinks for two layers, too, bounds for drawn inputs besides.
template <class Teacher, class Student, class Inputs>
sections analyze(const Teacher& teacher, const Student& student, const options& o,
                 const tutelage::alignment& lowest, const Inputs& training,
                 const Inputs& evaluation) {
  sections result{{},
                  describe_observers(teacher, student, training),
                  describe_critical(teacher, student, training),
                  {},
                  describe_pruning(teacher, student, lowest, evaluation)};
  if (o.loss == "mse") result.local = describe_local(teacher, student, training);
  if constexpr (Teacher::depth == 2) {
    if (o.loss == "mse") describe_kinks(teacher, student, training, result.pruning);
  }
  if (!o.reads_images() && o.loss == "mse") {
    result.bounds = describe_bounds(teacher, student, training, o);
  }
  return result;
}

}  // namespace examples
