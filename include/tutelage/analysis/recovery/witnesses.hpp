// Samples at which the kink of an unmatched teacher node shows in a student's gradient, with no
// assumption on the data (arXiv:1909.13458, Lemma 7; "evidence" in Lemma 5 of its first version). Two
// layers.
//
// For a teacher node j and a student node k, a sample x with
//
//   |w_j.[x; 1]| = l,   |w_i.[x; 1]| > h for every other node i of both networks,   l < h,
//
// k active on it: all regular weights. On the line x + t w~*_j, -h <= t <= h, no boundary but j's
// is crossed, so the gradient g_k is linear but for teacher j's kink, and its second difference
//
//   g_k(x+) + g_k(x-) - 2 g_k(x),   x+- = x +- h w~*_j
//
// is at least c (h - l) in absolute value, c = |alpha_kj| |w~*_j| (1 - c*): some gradient
// among the three is at least a quarter of that, however long training went on.
//
// What x proves of the weights: let h' > l be the distance of the nearest student's boundary. A
// student turned to j's side, at an angle of sine s, with a boundary gap b, has |h' - l| <=
// 2 sin(angle/2) |x| + b, so no student coincides with j (eps_coincident) to within
//
//   apart = (h' - l) / (1 + |x| sqrt(2 / (1 + sqrt(1 - u^2)))),   u = min(1, (h' - l) / (1 + |x|)).
//
// It does not prove that j is uncovered to within more than that: a student a little further off may
// leave a witness as well.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>

#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/node_gradients.hpp>
#include <tutelage/analysis/recovery/recovery_bounds.hpp>
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
  double apart = 0;              // no student's boundary coincides with j's to within this
};

namespace detail {
template <class T>
double norm_of(std::span<const T> x) {
  double sum = 0;
  for (const T& value : x) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

// `apart` above, for a gap h' - l and |x|.
inline double proved_apart(double gap, double x_norm) {
  if (!(gap > 0)) return 0;
  if (std::isinf(gap)) return gap;
  const double u = std::min(1.0, gap / (1 + x_norm));
  return gap / (1 + x_norm * std::sqrt(2 / (1 + std::sqrt(1 - u * u))));
}
}  // namespace detail

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
  using T = typename Teacher::value_type;
  detail::require_pair("find_witnesses", teacher, student);
  if (!(clearance > 1)) {
    throw argument_error(
        detail::text("find_witnesses: clearance is ", clearance, ", expected more than 1"));
  }
  const std::size_t m = teacher.widths()[1], n = student.widths()[1];
  const auto alpha = detail::absolute_alpha(teacher, student);
  const auto norms = fan_in_norms(teacher.template layer<1>());
  const regular_weights w_star = make_regular(teacher.template layer<1>());
  const double open = 1 - teacher.template layer<1>().gate().slope();
  boundary_distances<T> of_teacher(teacher.template layer<1>());
  boundary_distances<T> of_student(student.template layer<1>());
  std::vector<std::optional<misalignment_witness>> best(m);
  double reach = 0;  // largest |x|
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t) {
    for (std::size_t i = 0; i < x.rows(); ++i) reach = std::max(reach, detail::norm_of(x.row(i)));
  });
  if (reach == 0) reach = 1;  // nothing has a scale

  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t first) {
    const auto a_star = of_teacher(x);
    const auto a = of_student(x);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      const auto size = [&](const auto& distances, std::size_t node) {
        return std::abs(static_cast<double>(distances(i, node)));
      };
      double nearest_student = std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < n; ++k) nearest_student = std::min(nearest_student, size(a, k));
      const double x_norm = detail::norm_of(x.row(i));
      for (std::size_t j = 0; j < m; ++j) {
        if (!w_star.has_boundary(j)) continue;
        const double l = size(a_star, j);
        double nearest = nearest_student;
        for (std::size_t other = 0; other < m; ++other) {
          if (other != j) nearest = std::min(nearest, size(a_star, other));
        }
        // Strictly less, by more than rounding; and where nothing is near, no move is longer than
        // the samples' own lengths.
        constexpr double inside = 1 - 0x1p-10;
        const double h = inside * std::min(nearest, std::max(2 * clearance * l,
                                                             reach + std::abs(w_star.bias[j])));
        if (!std::isfinite(l) || !(h > clearance * l) || !(nearest > clearance * l)) continue;
        for (std::size_t k = 0; k < n; ++k) {
          if (!(a(i, k) > 0)) continue;
          const double least = alpha(k, j) * norms[j] * open * (h - l);
          if (!(least > (best[j] ? best[j]->least : 0.0))) continue;
          // Both distances are rounded, relative to what is added up: |x| and biases of that size.
          const double rounding = 2 * static_cast<double>(x.cols() + 2) *
                                  static_cast<double>(std::numeric_limits<T>::epsilon()) *
                                  (2 * x_norm + l + nearest_student);
          const double gap =
              std::isinf(nearest_student) ? nearest_student : nearest_student - l - rounding;
          best[j] = misalignment_witness{j, k, first + i, l,
                                         h, 0, least,     detail::proved_apart(gap, x_norm)};
        }
      }
    }
  });

  // Measure what was promised.
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
