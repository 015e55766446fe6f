// Witnesses of misalignment: one sample that proves a teacher node uncovered, with no assumption on
// the data (arXiv:1909.13458, Lemma 7; "evidence" in Lemma 5 of its first version). Two layers.
//
// For a teacher node j and a student node k, a sample x with
//
//   |w_j.[x; 1]| <= l,   |w_i.[x; 1]| > h for every other node i of both networks,   l < h,
//
// k active on it: all regular weights. On the line x + t w~*_j, -h <= t <= h, no boundary but j's
// is crossed, so the gradient g_k is linear but for teacher j's kink, and its second difference
//
//   g_k(x+) + g_k(x-) - 2 g_k(x),   x+- = x +- h w~*_j
//
// is at least c (h - l) in absolute value, c = |alpha_kj| |w~*_j| (1 - c_leaky): some gradient
// among the three is at least a quarter of that, however long training went on. A student whose
// boundary coincides with j's to within the band has |w_i.[x; 1]| <= l and leaves no witness.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>

#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/node_gradients.hpp>
#include <tutelage/analysis/recovery_bounds.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct misalignment_witness {
  std::size_t teacher = 0;
  std::size_t student = 0;       // whose gradient shows it
  std::size_t sample = 0;        // row of the inputs
  double l = 0;                  // distance to j's boundary
  double h = 0;                  // the move, less than the distance to every other boundary
  double second_difference = 0;  // measured, absolute
  double least = 0;              // c (h - l): what Lemma 7 promises
};

/// For every teacher node, the witness among `inputs` that promises most; none where there is none.
/// Samples count whose distance to every other boundary exceeds that to j's by the factor
/// `clearance` at least, 2 as in the theorems. Throws shape_error when networks and inputs do not
/// fit and argument_error for a clearance of 1 or less and for weights, samples or gradients that
/// are not finite.
template <class Teacher, class Student, class Inputs>
std::vector<std::optional<misalignment_witness>> find_witnesses(const Teacher& teacher,
                                                                const Student& student,
                                                                const Inputs& inputs,
                                                                double clearance = 2) {
  static_assert(Teacher::depth == 2 && Student::depth == 2, "find_witnesses: two layers");
  detail::require_pair<detail::same_scalar>("find_witnesses", teacher, student);
  using T = typename Teacher::value_type;
  if (!(clearance > 1)) {
    throw argument_error(
        detail::text("find_witnesses: clearance is ", clearance, ", expected more than 1"));
  }
  const std::size_t m = teacher.widths()[1], n = student.widths()[1];
  const auto alpha = detail::absolute_alpha(teacher, student);
  const auto norms = fan_in_norms(teacher.template layer<1>());
  const double open = 1 - student.template layer<1>().gate().slope();
  boundary_distances<T> of_teacher(teacher.template layer<1>());
  boundary_distances<T> of_student(student.template layer<1>());
  std::vector<std::optional<misalignment_witness>> best(m);

  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t first) {
    const auto a_star = of_teacher(x);
    const auto a = of_student(x);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const auto size = [&](const auto& distances, std::size_t node) {
        return std::abs(static_cast<double>(distances(i, node)));
      };
      double nearest_student = std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < n; ++k) nearest_student = std::min(nearest_student, size(a, k));
      for (std::size_t j = 0; j < m; ++j) {
        const double l = size(a_star, j);
        double nearest = nearest_student;
        for (std::size_t other = 0; other < m; ++other) {
          if (other != j) nearest = std::min(nearest, size(a_star, other));
        }
        // Strictly less, by more than rounding; and no move is infinite.
        constexpr double inside = 1 - 0x1p-10;
        const double h = inside * std::min(nearest, 1.0);
        if (!std::isfinite(l) || !(h > clearance * l) || !(nearest > clearance * l)) continue;
        for (std::size_t k = 0; k < n; ++k) {
          if (!(a(i, k) > 0)) continue;
          const double least = alpha(k, j) * norms[j] * open * (h - l);
          if (!(least > (best[j] ? best[j]->least : 0.0))) continue;
          best[j] = misalignment_witness{j, k, first + i, l, h, 0, least};
        }
      }
    }
  });

  // Measure what was promised.
  const regular_weights w_star = make_regular(teacher.template layer<1>());
  const auto& rows = as_rows(inputs);
  for (auto& witness : best) {
    if (!witness) continue;
    auto x = make_matrix<T>(3, rows.cols());
    const std::size_t at[3] = {witness->sample, witness->sample, witness->sample};
    gather(rows, std::span<const std::size_t>(at), matrix_view<T>(x));
    const auto w = w_star.direction(witness->teacher);
    for (std::size_t u = 0; u < rows.cols(); ++u) {
      x(1, u) += static_cast<T>(witness->h * w[u]);
      x(2, u) -= static_cast<T>(witness->h * w[u]);
    }
    const auto g = node_gradients(teacher, student, witness->student, x);
    witness->second_difference = std::abs(g[1] + g[2] - 2 * g[0]);
  }
  return best;
}

}  // namespace tutelage
