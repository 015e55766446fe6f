// The analyses of a pair of networks, as what reports show.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

#include "pair/sections.hpp"

namespace examples {

inline constexpr double section_eps = 0.1;           // of bands and of bounds
inline constexpr double section_tolerance = 0.01;    // of co-linear groups
inline constexpr double section_correlation = 0.95;  // above it a student is matched

template <class Teacher, class Student, class Inputs>
local_section describe_local(const Teacher& teacher, const Student& student, const Inputs& inputs) {
  local_section result;
  for (const auto& c : tutelage::local_certificates(teacher, student, inputs)) {
    const auto best = c.student();
    local_section::teacher t{
        c.samples, c.width, c.share(), {}, {}, best, best ? c.share_of(*best) : 0.0};
    if (c.holds()) {
      std::vector<double> distances;
      for (const auto& p : c.proofs) distances.push_back(p.distance);
      const std::size_t middle = distances.size() / 2;
      std::nth_element(distances.begin(), distances.begin() + static_cast<std::ptrdiff_t>(middle),
                       distances.end());
      t.bound = c.proofs[middle].h;
      t.distance = distances[middle];
    }
    result.teachers.push_back(t);
  }
  return result;
}

template <std::size_t l = 1, class Teacher, class Student, class Inputs>
observers_section describe_observers(const Teacher& teacher, const Student& student,
                                     const Inputs& inputs) {
  const auto counts = tutelage::observe<l>(teacher, student, inputs, section_eps);
  const auto by_band = counts.by_band();
  observers_section result{section_eps, counts.tau(), {}};
  for (std::size_t j = 0; j < counts.band.size(); ++j) {
    const auto best = by_band.best(j);
    result.teachers.push_back({counts.band[j], best, best ? counts.kappa(j, *best) : 0.0,
                               best ? counts.two_sided(j, *best) : 0.0});
  }
  return result;
}

template <class Teacher, class Student, class Inputs>
critical_section describe_critical(const Teacher& teacher, const Student& student,
                                   const Inputs& inputs) {
  const auto gradients = tutelage::measure_gradients(teacher, student, inputs);
  critical_section result;
  for (std::size_t l = 1; l <= Student::depth; ++l) {
    const auto& layer = gradients.layer(l);
    result.layers.push_back(
        {layer.max(), layer.quantile(0.5), layer.quantile(0.99), layer.batch_max()});
  }
  return result;
}

inline double eta_of(const tutelage::population_condition& c) { return c.eta; }
inline double eta_of(const tutelage::estimated_condition& c) { return c.eta_lower_bound; }

template <class Condition, class Teacher, class Student, class Inputs>
bounds_section describe_bounds(const Condition& condition, const Teacher& teacher,
                               const Student& student, const Inputs& inputs) {
  using namespace tutelage;
  const auto certificates =
      certify(agnostic_moves{}, condition, teacher, student, inputs, section_eps);
  std::vector<std::optional<misalignment_witness>> witnesses(certificates.size());
  if constexpr (Teacher::depth == 2) witnesses = find_witnesses(teacher, student, inputs);
  bounds_section result{section_eps, eta_of(condition), condition.mu, {}};
  for (const auto& t : certificates) {
    const auto& witness = witnesses[t.teacher];
    result.teachers.push_back({t.outcome == verdict::holds            ? "holds"
                               : t.outcome == verdict::in_expectation ? "in expectation"
                               : t.outcome == verdict::estimated      ? "estimated"
                                                                      : "fails",
                               t.failing(), t.observer, t.width, t.boundaries, t.samples,
                               t.required_samples, t.gradient, t.rounding, t.allowed_gradient,
                               t.smallest_eps, t.samples_needed, t.student_gap,
                               witness ? std::optional(witness->second_difference) : std::nullopt});
  }
  return result;
}

template <class Teacher, class Student, class Inputs>
pruning_section describe_pruning(const Teacher& teacher, const Student& student,
                                 const tutelage::alignment& lowest, const Inputs& inputs) {
  using namespace tutelage;
  const auto partition =
      colinear_groups(teacher.template layer<1>(), student.template layer<1>(), section_tolerance);
  pruning_section result{section_tolerance, 0, 0, 0, 0, 0, 0, {}, {}, {}};
  for (const auto& group : partition.groups) {
    result.groups += !group.students.empty();
    result.aligned_groups += !group.students.empty() && group.aligned();
  }
  const auto merged = merge_colinear<1>(student, section_tolerance);
  result.merged_width = merged.widths()[1];
  result.merged_change = output_change(student, merged, inputs).relative();

  const auto strengths = node_strengths<1>(student);
  std::vector<long double> matched;
  long double strongest = 0;
  auto kept = all_nodes(student);
  kept[0].clear();
  for (std::size_t k = 0; k < strengths.size(); ++k) {
    if (lowest.rho(lowest.best_teacher(k), k) > section_correlation) {
      matched.push_back(strengths[k]);
      kept[0].push_back(k);
    } else {
      strongest = std::max(strongest, strengths[k]);
    }
  }
  result.unmatched = strengths.size() - matched.size();
  if (matched.empty()) return result;
  const auto middle = matched.begin() + static_cast<std::ptrdiff_t>(matched.size() / 2);
  std::nth_element(matched.begin(), middle, matched.end());
  result.unmatched_strength = *middle > 0 ? static_cast<double>(strongest / *middle) : 0;
  result.pruned_change = output_change(student, keep_nodes(student, kept), inputs).relative();
  return result;
}

// Theorem 2, for gradients that are not 0.
template <class Teacher, class Student, class Inputs>
void describe_kinks(const Teacher& teacher, const Student& student, const Inputs& inputs,
                    pruning_section& result) {
  const auto partition = tutelage::colinear_groups(teacher.template layer<1>(),
                                                   student.template layer<1>(), section_tolerance);
  const auto bounds = tutelage::bound_kinks(teacher, student, partition, inputs);
  for (std::size_t g = 0; g < bounds.size(); ++g) {
    if (partition.groups[g].aligned()) continue;
    result.kink = std::max(result.kink.value_or(0), bounds[g].kink);
    result.kink_bound = std::max(result.kink_bound.value_or(0), bounds[g].bound);
  }
}

}  // namespace examples
