// Who matches whom, from the alignment of a pair of networks.
#pragma once

#include <cstddef>
#include <vector>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/data/teacher.hpp>

#include "pair/layers.hpp"

namespace examples {

/// Who matches whom in each hidden layer.
template <class Teacher, class Student>
std::vector<layer_result> describe_layers(const Teacher& teacher, const Student& student,
                                          const std::vector<tutelage::alignment>& layers) {
  using namespace tutelage;
  const auto strengths = all_fan_out_norms(teacher);
  const auto norms = all_fan_out_norms(student);
  const auto weights = align_weights(teacher.template layer<1>(), student.template layer<1>());
  const auto unchanging = [](const std::vector<node_state>& states) {
    std::size_t count = 0;
    for (const auto state : states) count += state != node_state::active;
    return count;
  };
  std::vector<layer_result> results;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const alignment& a = layers[l];
    layer_result& r = results.emplace_back();
    r.rho_mean = a.rho_mean();
    for (const double t : thresholds) r.covered.push_back(a.covered(t));
    for (std::size_t j = 0; j < a.teacher_nodes(); ++j) {
      teacher_node node{strengths[l][j], a.best_student(j), a.best_rho(j), {}, {}, {}};
      if (l == 0) {
        node.angle = weights.angle(j, node.best_student);
        node.bias_gap = weights.bias_gap(j, node.best_student);
      }
      for (const double t : thresholds) node.matches.push_back(a.matches(j, t));
      r.teachers.push_back(std::move(node));
    }
    for (std::size_t k = 0; k < a.student_nodes(); ++k) {
      const std::size_t j = a.best_teacher(k);
      r.students.push_back({j, a.rho(j, k), norms[l][k]});
    }
    r.unchanging_teachers = unchanging(a.measured().teacher_states);
    r.unchanging_students = unchanging(a.measured().student_states);
  }
  return results;
}

}  // namespace examples
