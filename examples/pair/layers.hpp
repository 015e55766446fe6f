// Who matches whom, a hidden layer.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

namespace examples {

inline constexpr double thresholds[] = {0.5, 0.6, 0.7, 0.8, 0.9, 0.95};

struct teacher_node {
  double fan_out_norm;
  std::size_t best_student;
  double correlation;
  std::optional<double> angle;       // lowest layer only
  std::optional<double> bias_gap;    // lowest layer only
  std::vector<std::size_t> matches;  // students above each threshold
};

struct student_node {
  std::size_t best_teacher;
  double correlation;
  double fan_out_norm;
};

struct layer_result {
  double rho_mean;
  std::vector<std::size_t> covered;  // teachers above each threshold
  std::vector<teacher_node> teachers;
  std::vector<student_node> students;
  std::size_t unchanging_teachers;  // dead or constant on the evaluation set
  std::size_t unchanging_students;
};

}  // namespace examples
