// The specialization theorems as certificates: given a trained pair, does small gradient on the
// (augmented) samples prove that a teacher node of the lowest layer has a student? For two-layer
// networks arXiv:1909.13458, Theorems 3/6 (agnostic_moves) and 4/7 (aware_moves); for deeper ones
// Theorem 5. Constants and formulas: sample_complexity.hpp.
//
// Conditions, for a teacher node j and the student k that observes it best:
//
//   observer   k is active on some samples, and alpha_kj is not 0
//   samples    N[I_j(eps') and E_k] >= (gamma+3) K (d+1)
//   gradient   |g_k(x)| <= |alpha_kj| |w~*_j| (1 - c_leaky) eps' / 5 for the samples in I_j(eps')
//              and E_k and for all their moves (the proof needs no others)
//   apart      no other teacher's boundary is within eps of j's (Assumption 3a)
//
// Conclusion: some student's boundary is within eps of j's: eps-coincident (weight_alignment.hpp).
// The papers say eps-aligned; but Lemma 6 turns nodes around "without loss of generality" by
// [-w~; b], which has another boundary. Turned by [-w~; -b], as it must be, a node that is opposite
// to j agrees in boundary, not in bias.
//
// eta and mu are those of the slices D and I_j(eps') (Definition 10). Given as known_condition, a
// verdict may be "holds"; with eta searched for, from below, it is "estimated".
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <tuple>

#include <tutelage/analysis/certificate.hpp>
#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/dataset_conditions.hpp>
#include <tutelage/analysis/node_gradients.hpp>
#include <tutelage/analysis/sample_complexity.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/analysis/widening_band.hpp>
#include <tutelage/data/augmentation.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// What Theorem 5 needs of the layers above the lowest.
struct deep_boundaries {
  double Q = 0;                // boundaries that all layers of both networks draw in the inputs
  matrix<double> least_alpha;  // [n_1, m_1], least |alpha_kj(R)| over the regions R
};

namespace detail {

inline double eta_of(const known_condition& c) { return c.eta; }
inline double eta_of(const estimated_condition& c) { return c.eta_lower_bound; }

template <class Condition>
constexpr verdict best_verdict =
    std::same_as<Condition, known_condition> ? verdict::holds : verdict::estimated;

// |V_k . V*_j| of two-layer networks, [n, m].
template <class Teacher, class Student>
matrix<double> absolute_alpha(const Teacher& teacher, const Student& student) {
  const auto V = student.template layer<2>().linear_weights();
  const auto V_star = teacher.template layer<2>().linear_weights();
  auto alpha = make_matrix<double>(V.rows(), V_star.rows());
  for (std::size_t k = 0; k < V.rows(); ++k) {
    for (std::size_t j = 0; j < V_star.rows(); ++j) {
      double sum = 0;
      for (std::size_t c = 0; c < V.cols(); ++c) {
        sum += static_cast<double>(V(k, c)) * static_cast<double>(V_star(j, c));
      }
      alpha(k, j) = std::abs(sum);
    }
  }
  return alpha;
}

// The least eps at which boundary j coincides with boundary k.
inline double boundary_distance(const weight_alignment& a, std::size_t j, std::size_t k) {
  return std::max(a.sine(j, k), a.boundary_gap(j, k));
}

// Distances of all samples to all boundaries of a layer, [N, n].
template <layer L, class Inputs>
matrix<double> all_distances(const L& l, const Inputs& inputs) {
  auto result = make_matrix<double>(as_rows(inputs).rows(), l.out_width());
  boundary_distances<typename L::value_type> distances(l);
  for_each_chunk(inputs, [&](matrix_view<const typename L::value_type> x, std::size_t first) {
    const auto a = distances(x);
    for (std::size_t i = 0; i < a.rows(); ++i) {
      std::copy(a.row(i).begin(), a.row(i).end(), matrix_view(result).row(first + i).begin());
    }
  });
  return result;
}

// Everything that the certificates of one pair share.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
class certifier {
  using T = typename Teacher::value_type;

 public:
  certifier(const Teacher& teacher, const Student& student, const Inputs& inputs,
            const Condition& condition, double eps, const deep_boundaries& above)
      : teacher_(teacher),
        student_(student),
        inputs_(inputs),
        condition_(condition),
        eps_(eps),
        K_(above.Q),
        to_teachers_(all_distances(teacher.template layer<1>(), inputs)),
        to_students_(all_distances(student.template layer<1>(), inputs)),
        active_(student.widths()[1]),
        alpha_(above.least_alpha),
        w_star_(make_regular(teacher.template layer<1>())),
        norms_(fan_in_norms(teacher.template layer<1>())),
        among_teachers_(align_weights(teacher.template layer<1>(), teacher.template layer<1>())),
        with_students_(align_weights(teacher.template layer<1>(), student.template layer<1>())) {
    if (!(eps > 0) || !std::isfinite(eps)) {
      throw argument_error(text("certify: eps is ", eps, ", expected a positive number"));
    }
    require_shape("certify", "alpha", matrix_view(alpha_), students(), w_star_.nodes());
    static_cast<void>(constants(0, 1));  // K, eta and mu are numbers
    for (std::size_t i = 0; i < to_students_.shape(0); ++i) {
      for (std::size_t k = 0; k < students(); ++k) active_[k] += to_students_(i, k) > 0;
    }
  }

  teacher_certificate operator()(std::size_t j) const {
    teacher_certificate result;
    result.teacher = j;
    result.eps = eps_;
    result.teacher_gap = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < w_star_.nodes(); ++i) {
      if (i == j) continue;
      result.teacher_gap = std::min(result.teacher_gap, boundary_distance(among_teachers_, j, i));
    }
    for (std::size_t k = 0; k < students(); ++k) {
      const double gap = boundary_distance(with_students_, j, k);
      if (gap >= result.student_gap) continue;
      result.student_gap = gap;
      result.student = k;
    }
    if (w_star_.has_boundary(j)) observe(j, result);
    if (result.failing().empty()) result.outcome = best_verdict<Condition>;
    return result;
  }

 private:
  [[nodiscard]] std::size_t students() const { return to_students_.shape(1); }

  [[nodiscard]] recovery_constants constants(std::size_t j, double kappa) const {
    const double bias = w_star_.has_boundary(j) ? w_star_.bias[j] : 0;
    return constants_of(
        Moves{}, {K_, w_star_.directions.shape(1), bias, eta_of(condition_), condition_.mu, kappa});
  }

  [[nodiscard]] double coefficient(std::size_t j, std::size_t k) const {
    return alpha_(k, j) * norms_[j];
  }

  [[nodiscard]] auto sees(std::size_t k) const {
    return [this, k](std::size_t i) { return to_students_(i, k) > 0; };
  }

  // Chooses the best observer of j and measures its conditions.
  void observe(std::size_t j, teacher_certificate& result) const {
    const widening_band samples(matrix_view<const double>(to_teachers_), j);
    band_view band;
    const auto score = [&](const band_view& b, std::size_t k) {
      // Enough samples first; then the most gradient that is allowed, or the most samples.
      const bool enough = b.seen >= constants(j, 1).samples;
      return std::tuple(enough, coefficient(j, k) * (enough ? b.width : b.seen),
                        coefficient(j, k) * active_[k]);
    };
    for (std::size_t k = 0; k < students(); ++k) {
      if (active_[k] == 0) continue;
      const band_view seen =
          samples.widest(sees(k), [&](double kappa) { return constants(j, kappa).width(eps_); });
      if (!result.observer || score(seen, k) > score(band, *result.observer)) {
        result.observer = k;
        band = seen;
      }
    }
    if (!result.observer) return;
    const std::size_t k = *result.observer;
    const double kink = coefficient(j, k) * (1 - student_.template layer<1>().gate().slope());
    result.constants = constants(j, band.seen > 0 ? band.seen / band.in_band : 1);
    result.width = band.width;
    result.samples = band.seen;
    result.required_samples = result.constants.samples;
    result.allowed_gradient = kink * band.width / 5;
    result.gradient = largest_gradient(j, k, band.width);
    if (!(kink > 0)) return;

    // The narrowest band that holds the samples and allows the gradient. An empty band has no
    // gradient: that of the narrowest one with samples counts.
    const band_view enough = samples.narrowest(sees(k), result.required_samples, 0);
    const auto N = static_cast<double>(samples.size());
    if (band.seen >= result.required_samples) {
      result.samples_needed = std::ceil(N * result.required_samples / band.seen);
    } else if (enough.seen > 0) {
      // As dense as the narrowest band with enough samples, or the one with all there are.
      result.samples_needed =
          std::ceil(N * result.required_samples / enough.seen * enough.width / band.width);
    }
    if (enough.seen < result.required_samples) return;
    const double g = band.seen > 0 ? result.gradient : largest_gradient(j, k, enough.width);
    const band_view b = samples.narrowest(sees(k), result.required_samples, 5 * g / kink);
    result.smallest_eps = b.width * constants(j, b.seen / b.in_band).widening();
  }

  // Over the samples in I_j(width) that k is active on, and their moves.
  [[nodiscard]] double largest_gradient(std::size_t j, std::size_t k, double width) const {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < to_teachers_.shape(0); ++i) {
      if (std::abs(to_teachers_(i, j)) <= width && to_students_(i, k) > 0) chosen.push_back(i);
    }
    const auto& rows = as_rows(inputs_);
    auto x = make_matrix<T>(chosen.size(), rows.cols());
    gather(rows, std::span<const std::size_t>(chosen), matrix_view<T>(x));
    const matrix_view<const T> view(x);
    const double step = 2 * Moves::root(rows.cols()) * width;
    if constexpr (std::same_as<Moves, agnostic_moves>) {
      return largest_gradient_over(k, agnostic_augmentation(view, step));
    } else {
      dense<T, dynamic, dynamic> node(rows.cols(), 1);
      for (std::size_t u = 0; u < rows.cols(); ++u) {
        node.weights()(u, 0) = static_cast<T>(w_star_.directions(j, u));
      }
      // All of them: they were chosen by their distance above.
      return largest_gradient_over(
          k, aware_augmentation(view, node, std::numeric_limits<double>::max(), step));
    }
  }

  template <class Samples>
  [[nodiscard]] double largest_gradient_over(std::size_t k, const Samples& samples) const {
    double largest = 0;
    for (const double g : node_gradients(teacher_, student_, k, samples)) {
      largest = std::max(largest, std::abs(g));
    }
    return largest;
  }

  const Teacher& teacher_;
  const Student& student_;
  const Inputs& inputs_;
  Condition condition_;
  double eps_, K_;
  matrix<double> to_teachers_, to_students_;  // [N, m], [N, n]
  std::vector<double> active_;                // [n], N[E_k]
  matrix<double> alpha_;                      // [n, m]
  regular_weights w_star_;
  std::vector<double> norms_;
  weight_alignment among_teachers_, with_students_;
};

}  // namespace detail

/// The certificates of all teacher nodes of a two-layer pair, for an alignment to within eps.
/// `condition` is a known_condition or an estimated_condition of the slices; `moves` says how the
/// data are augmented. Throws shape_error when networks and inputs do not fit, argument_error for
/// eps, eta or mu that are not positive numbers and for weights, samples or gradients that are not
/// finite.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
std::vector<teacher_certificate> certify(Moves, const Condition& condition, const Teacher& teacher,
                                         const Student& student, const Inputs& inputs, double eps) {
  static_assert(Teacher::depth == 2 && Student::depth == 2,
                "certify: networks of two layers; deeper ones need their deep_boundaries");
  detail::require_pair<detail::same_scalar>("certify", teacher, student);
  const auto K = static_cast<double>(teacher.widths()[1] + student.widths()[1]);
  return certify(Moves{}, condition, teacher, student, inputs, eps,
                 deep_boundaries{K, detail::absolute_alpha(teacher, student)});
}

/// As above for deeper networks (Theorem 5): Q boundaries take the place of K nodes, and alpha that
/// of its least value over the regions. What is proved is that some of the Q boundaries coincides
/// with j's in the band; the theorem takes it for one of the lowest layer, which its proof does not
/// show: a boundary of a higher layer, bent, may lie there too.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
std::vector<teacher_certificate> certify(Moves, const Condition& condition, const Teacher& teacher,
                                         const Student& student, const Inputs& inputs, double eps,
                                         const deep_boundaries& above) {
  detail::require_pair<detail::same_scalar>("certify", teacher, student);
  if (teacher.in_width() != student.in_width() || teacher.out_width() != student.out_width()) {
    throw shape_error("certify: teacher and student have different inputs or outputs");
  }
  const detail::certifier<Moves, Condition, Teacher, Student, Inputs> of_node(
      teacher, student, inputs, condition, eps, above);
  std::vector<teacher_certificate> result;
  for (std::size_t j = 0; j < teacher.widths()[1]; ++j) result.push_back(of_node(j));
  return result;
}

}  // namespace tutelage
