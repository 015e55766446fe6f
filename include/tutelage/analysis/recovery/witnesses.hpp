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
// among the three is at least a quarter of that, however long training went on. What rounding may add
// to the second difference is less, or x is no witness. Computed in double at least.
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
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>

#include <tutelage/analysis/recovery/band_conditions.hpp>
#include <tutelage/analysis/recovery/lowest_gradients.hpp>
#include <tutelage/analysis/recovery/upper_boundaries.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/network_cast.hpp>
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
  double rounding = 0;           // the second difference may be off by so much, less than `least`
  double apart = 0;              // no student's boundary coincides with j's to within this
};

namespace detail {
template <class T>
double norm_of(std::span<const T> x) {
  double sum = 0;
  for (const T& value : x) sum += static_cast<double>(value) * static_cast<double>(value);
  if (sum > 0x1p-960 && std::isfinite(sum)) return std::sqrt(sum);
  const scaled_norm<T> scaled(x);  // squares left the range
  return std::ldexp(static_cast<double>(scaled.norm), scaled.exponent);
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
  using T = typename Student::value_type;
  using U = std::common_type_t<T, double>;
  static_assert(Teacher::depth == 2 && Student::depth == 2, "find_witnesses: two layers");
  static_assert(std::same_as<typename Teacher::template layer_type<2>::gate_type, identity> &&
                    std::same_as<typename Student::template layer_type<2>::gate_type, identity>,
                "find_witnesses: the top layers have no gate");
  detail::require_pair<detail::same_scalar>("find_witnesses", teacher, student);
  if (!(clearance > 1)) {
    throw argument_error(
        detail::text("find_witnesses: clearance is ", clearance, ", expected more than 1"));
  }
  const auto wide_teacher = network_cast<U>(teacher);
  const auto wide_student = network_cast<U>(student);
  const std::size_t m = teacher.widths()[1], n = student.widths()[1], d = teacher.in_width();
  const auto alpha = detail::absolute_alpha(wide_teacher, wide_student);
  const auto norms = fan_in_norms(teacher.template layer<1>());
  const regular_weights w_star = make_regular(teacher.template layer<1>());
  const double open = 1 - teacher.template layer<1>().gate().slope();
  const auto to_teachers = detail::all_distances(wide_teacher.template layer<1>(), inputs);
  const auto to_students = detail::all_distances(wide_student.template layer<1>(), inputs);
  detail::lowest_gradients gradients(wide_teacher, wide_student);
  const std::size_t N = to_teachers.shape(0);
  double reach = 0;  // largest |x|
  for_each_chunk(inputs, [&](const auto& x, std::size_t) {
    for (std::size_t i = 0; i < x.rows(); ++i) reach = std::max(reach, detail::norm_of(x.row(i)));
  });
  if (reach == 0) reach = 1;  // nothing has a scale

  std::vector<std::optional<misalignment_witness>> best(m);
  for (std::size_t i = 0; i < N; ++i) {
    const auto to_star = matrix_view(to_teachers).row(i), to = matrix_view(to_students).row(i);
    double nearest_student = std::numeric_limits<double>::infinity();
    for (const double distance : to)
      nearest_student = std::min(nearest_student, std::abs(distance));
    for (std::size_t j = 0; j < m; ++j) {
      if (!w_star.has_boundary(j)) continue;
      const double l = std::abs(to_star[j]);
      double nearest = nearest_student;
      for (std::size_t other = 0; other < m; ++other) {
        if (other != j) nearest = std::min(nearest, std::abs(to_star[other]));
      }
      // Strictly less, by more than rounding; and where nothing is near, no move is longer than
      // the samples' own lengths.
      constexpr double inside = 1 - 0x1p-10;
      const double h =
          inside * std::min(nearest, std::max(2 * clearance * l, reach + std::abs(w_star.bias[j])));
      if (!std::isfinite(l) || !(h > clearance * l) || !(nearest > clearance * l)) continue;
      for (std::size_t k = 0; k < n; ++k) {
        if (!(to[k] > 0)) continue;
        const double least = alpha(k, j) * norms[j] * open * (h - l);
        if (!(least > (best[j] ? best[j]->least : 0.0))) continue;
        const auto x = detail::gather_as<U>(as_rows(inputs), std::span(&i, 1));
        const auto w = w_star.direction(j);
        auto points = make_matrix<U>(3, d), size = make_matrix<U>(1, d);
        for (std::size_t u = 0; u < d; ++u) {
          const U step = static_cast<U>(h * w[u]);
          points(0, u) = x(0, u);
          points(1, u) = x(0, u) + step;
          points(2, u) = x(0, u) - step;
          size(0, u) = std::abs(x(0, u)) + std::abs(step);
        }
        const double rounding = gradients.rounding(size)[k];
        if (!(least > rounding)) continue;
        const auto g = gradients(points);
        const auto second = static_cast<double>(std::abs(g(1, k) + g(2, k) - 2 * g(0, k)));
        if (!std::isfinite(second)) {
          throw argument_error(
              detail::text("find_witnesses: the gradient of node ", k, " is not finite"));
        }
        const double x_norm = detail::norm_of(matrix_view<const U>(x).row(0));
        // Both distances are rounded, relative to what is added up: |x| and biases of that size.
        const double blur = 2 * static_cast<double>(d + 2) *
                            static_cast<double>(std::numeric_limits<U>::epsilon()) *
                            (2 * x_norm + l + nearest_student);
        const double gap =
            std::isinf(nearest_student) ? nearest_student : nearest_student - l - blur;
        best[j] = misalignment_witness{
            j, k, i, l, h, second, least, rounding, detail::proved_apart(gap, x_norm)};
      }
    }
  }
  return best;
}

}  // namespace tutelage
