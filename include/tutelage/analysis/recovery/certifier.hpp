// How a certificate is found: every student that sees a teacher's boundary is tried, with the widest
// band that eps allows, and the least eps that does is searched for. What is measured, and why it
// proves anything: recovery_bounds.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <tuple>

#include <tutelage/analysis/recovery/certificate.hpp>
#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/recovery/dataset_conditions.hpp>
#include <tutelage/analysis/node_gradients.hpp>
#include <tutelage/analysis/recovery/sample_complexity.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/analysis/recovery/widening_band.hpp>
#include <tutelage/data/augmentation.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
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
inline double eta_of(const population_condition& c) { return c.eta; }
inline double eta_of(const estimated_condition& c) { return c.eta_lower_bound; }

template <class Condition>
constexpr verdict best_verdict =
    std::same_as<Condition, known_condition>        ? verdict::holds
    : std::same_as<Condition, population_condition> ? verdict::in_expectation
                                                    : verdict::estimated;

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

  // The conditions of teacher j as student k sees it, for some eps.
  struct attempt {
    band_view band;
    recovery_constants constants;
    double gradient = 0, allowed = 0;
    [[nodiscard]] bool enough() const { return band.seen >= constants.samples; }
    [[nodiscard]] bool met() const { return allowed > 0 && enough() && gradient <= allowed; }
  };

  [[nodiscard]] double kink(std::size_t j, std::size_t k) const {
    return coefficient(j, k) * (1 - teacher_.template layer<1>().gate().slope());
  }

  // Everything but the gradient.
  [[nodiscard]] attempt band_of(const widening_band& samples, std::size_t j, std::size_t k,
                                double eps) const {
    attempt a;
    a.band = samples.widest(sees(k), [&](double kappa) { return constants(j, kappa).width(eps); });
    a.constants = constants(j, a.band.seen > 0 ? a.band.seen / a.band.in_band : 1);
    a.allowed = kink(j, k) * a.band.width / 5;
    return a;
  }

  // Tries every observer of j. The theorem needs one; where none will do, the most promising is
  // reported.
  void observe(std::size_t j, teacher_certificate& result) const {
    const widening_band samples(matrix_view<const double>(to_teachers_), j);
    std::optional<attempt> best;
    const auto better = [&](const attempt& a, std::size_t k) {
      // Met first; then enough samples; then the most gradient that is allowed, or most samples.
      const auto score = [&](const attempt& b, std::size_t node) {
        return std::tuple(b.met(), b.enough(),
                          coefficient(j, node) * (b.enough() ? b.band.width : b.band.seen),
                          coefficient(j, node) * active_[node]);
      };
      return !best || score(a, k) > score(*best, *result.observer);
    };
    for (std::size_t k = 0; k < students(); ++k) {
      if (active_[k] == 0) continue;
      attempt a = band_of(samples, j, k, eps_);
      a.gradient = a.enough() && a.allowed > 0 ? largest_gradient(j, k, a.band.width)
                                               : std::numeric_limits<double>::infinity();
      if (!better(a, k)) continue;
      best = a;
      result.observer = k;
    }
    if (!best) return;
    const std::size_t k = *result.observer;
    const band_view& band = best->band;
    result.constants = best->constants;
    result.width = band.width;
    result.samples = band.seen;
    result.required_samples = result.constants.samples;
    result.allowed_gradient = best->allowed;
    result.gradient =
        best->enough() && best->allowed > 0 ? best->gradient : largest_gradient(j, k, band.width);
    if (!(kink(j, k) > 0)) return;

    const band_view enough = samples.narrowest(sees(k), result.required_samples, 0);
    const auto N = static_cast<double>(samples.size());
    if (best->enough()) {
      result.samples_needed = std::ceil(N * result.required_samples / band.seen);
    } else if (enough.seen > 0) {
      // As dense as the narrowest band with enough samples, or the one with all there are.
      result.samples_needed =
          std::ceil(N * result.required_samples / enough.seen * enough.width / band.width);
    }
    result.smallest_eps = smallest_eps(samples, j, result.teacher_gap);
  }

  // Below `limit`, another teacher's boundary, and at most 1. For each observer, least first: no eps
  // does below the one that has the samples, nor below the one that allows the gradients of the
  // samples in its own band, for wider bands have no smaller ones; then up by twentieths, and back by
  // bisection.
  [[nodiscard]] double smallest_eps(const widening_band& samples, std::size_t j,
                                    double limit) const {
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < students(); ++k) {
      if (active_[k] == 0 || !(kink(j, k) > 0)) continue;
      const double required = constants(j, 1).samples;
      double eps = samples.least_cost(sees(k), required,
                                      [&](double kappa) { return constants(j, kappa).widening(); });
      double failed = 0;
      while (eps <= 1 && eps < limit && eps < best) {
        const double allows = eps_for(samples, j, k, eps);
        if (allows <= eps) break;
        failed = eps;
        eps = std::max(allows, 1.05 * eps);
      }
      if (!(eps <= 1 && eps < limit && eps < best)) continue;
      while (failed > 0 && eps > 1.001 * failed) {
        const double middle = std::sqrt(eps * failed);
        (eps_for(samples, j, k, middle) <= middle ? eps : failed) = middle;
      }
      best = eps;
    }
    return best;
  }

  // `eps` where it certifies; else an eps below which none does that is at least this one.
  [[nodiscard]] double eps_for(const widening_band& samples, std::size_t j, std::size_t k,
                               double eps) const {
    attempt a = band_of(samples, j, k, eps);
    if (!a.enough()) return eps * (1 + 0x1p-20);
    if (!(a.allowed > 0)) return std::numeric_limits<double>::infinity();
    a.gradient = largest_gradient(j, k, a.band.width);
    if (a.met()) return eps;
    // Moved samples may have smaller gradients in a wider band, the samples themselves stay.
    const double least = largest_gradient(j, k, a.band.width, false);
    return std::max(eps * (1 + 0x1p-20), 5 * least / kink(j, k) * constants(j, 1).widening());
  }

  // Over the samples in I_j(width) that k is active on, and their moves.
  [[nodiscard]] double largest_gradient(std::size_t j, std::size_t k, double width,
                                        bool moved = true) const {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < to_teachers_.shape(0); ++i) {
      if (std::abs(to_teachers_(i, j)) <= width && to_students_(i, k) > 0) chosen.push_back(i);
    }
    const auto& rows = as_rows(inputs_);
    auto x = make_matrix<T>(chosen.size(), rows.cols());
    gather(rows, std::span<const std::size_t>(chosen), matrix_view<T>(x));
    const matrix_view<const T> view(x);
    if (!moved) return largest_gradient_over(k, view);
    const double step = 2 * Moves::root(rows.cols()) * width;
    if constexpr (std::same_as<Moves, agnostic_moves>) {
      return largest_gradient_over(k, agnostic_augmentation(view, step));
    } else {
      dense<T, dynamic, dynamic, relu> node(rows.cols(), 1);
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

}  // namespace tutelage
