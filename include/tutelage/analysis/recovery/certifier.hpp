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
#include <tuple>
#include <utility>
#include <vector>

#include <tutelage/analysis/recovery/band_conditions.hpp>
#include <tutelage/analysis/recovery/certificate.hpp>
#include <tutelage/analysis/recovery/dataset_conditions.hpp>
#include <tutelage/analysis/weight_alignment.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

inline double eta_of(const known_condition& c) { return c.eta; }
inline double eta_of(const population_condition& c) { return c.eta; }
inline double eta_of(const estimated_condition& c) { return c.eta_lower_bound; }

template <class Condition>
constexpr verdict best_verdict =
    std::same_as<Condition, known_condition>        ? verdict::holds
    : std::same_as<Condition, population_condition> ? verdict::in_expectation
                                                    : verdict::estimated;

// The least eps at which boundary j coincides with boundary k.
inline double boundary_distance(const weight_alignment& a, std::size_t j, std::size_t k) {
  return std::max(a.sine(j, k), a.boundary_gap(j, k));
}

// Everything that the certificates of one pair share.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
class certifier {
 public:
  certifier(const Teacher& teacher, const Student& student, const Inputs& inputs,
            const Condition& condition, double eps)
      : eps_(eps),
        measurer_(teacher, student, inputs, {.eta = eta_of(condition), .mu = condition.mu}),
        among_teachers_(align_weights(teacher.template layer<1>(), teacher.template layer<1>())),
        with_students_(align_weights(teacher.template layer<1>(), student.template layer<1>())) {
    if (!(eps > 0) || !std::isfinite(eps)) {
      throw argument_error(text("certify: eps is ", eps, ", expected a positive number"));
    }
  }

  teacher_certificate operator()(std::size_t j) {
    teacher_certificate result;
    result.teacher = j;
    result.eps = eps_;
    for (std::size_t i = 0; i < measurer_.teachers(); ++i) {
      if (i == j) continue;
      result.teacher_gap = std::min(result.teacher_gap, boundary_distance(among_teachers_, j, i));
    }
    for (std::size_t k = 0; k < measurer_.students(); ++k) {
      const double gap = boundary_distance(with_students_, j, k);
      if (gap >= result.student_gap) continue;
      result.student_gap = gap;
      result.student = k;
    }
    if (measurer_.w_star().has_boundary(j)) observe(j, result);
    if (result.failing().empty()) result.outcome = best_verdict<Condition>;
    return result;
  }

 private:
  static bool met(const band_conditions& a, double eps) {
    return a.allowed > 0 && a.enough() && a.gradient + a.rounding <= a.allowed &&
           a.regions.gap > eps;
  }

  // Tries every observer of j. The theorem needs one; where none will do, the most promising is
  // reported.
  void observe(std::size_t j, teacher_certificate& result) {
    const widening_band samples = measurer_.band_of(j);
    struct attempt {
      band_conditions conditions;
      bool hopeless;
    };
    std::optional<attempt> best;
    // The eps below which an observer has too few samples, and the observer.
    std::vector<std::pair<double, std::size_t>> observers;
    for (std::size_t k = 0; k < measurer_.students(); ++k) {
      const auto sees = measurer_.sees(k);
      if (std::none_of(samples.samples().begin(), samples.samples().end(),
                       [&](const auto& sample) { return sees(sample.index); })) {
        continue;
      }
      observers.emplace_back(measurer_.least_eps(samples, j, k), k);
      // Too few samples for the fewest boundaries: more boundaries only ask for more.
      attempt a{measurer_.with_fewest(samples, j, k, eps_), false};
      a.hopeless = observers.back().first > eps_ && !a.conditions.enough();
      if (!a.hopeless) a.conditions = measurer_.in_band(samples, j, k, eps_, a.conditions);
      if (a.conditions.enough() && a.conditions.allowed > 0) {
        measurer_.measure_gradient(a.conditions, samples, j, k);
      }
      // Met first; then one that is sensitive to j; then enough samples; then the most gradient that
      // is allowed, or most samples.
      const auto score = [&](const attempt& one) {
        const band_conditions& b = one.conditions;
        return std::tuple(met(b, eps_), b.allowed > 0, b.enough(), !one.hopeless,
                          b.coefficient * (b.enough() ? b.band.width : b.band.seen), b.coefficient);
      };
      if (best && !(score(a) > score(*best))) continue;
      best = a;
      result.observer = k;
    }
    if (!best) return;
    const std::size_t k = *result.observer;
    band_conditions& found = best->conditions;
    if (best->hopeless) found = measurer_.in_band(samples, j, k, eps_, found);
    if (best->hopeless || !(found.enough() && found.allowed > 0)) {
      measurer_.measure_gradient(found, samples, j, k);
    }
    const band_view& band = found.band;
    result.constants = found.constants;
    result.boundaries = found.assumed;
    result.width = band.width;
    result.samples = band.seen;
    result.required_samples = found.constants.samples;
    result.gradient = found.gradient;
    result.rounding = found.rounding;
    result.allowed_gradient = found.allowed;
    result.upper_gap = found.regions.gap;
    if (found.allowed > 0) result.samples_needed = samples_needed(samples, k, found);
    std::sort(observers.begin(), observers.end());  // what one finds limits those after it
    for (const auto& [least, o] : observers) {
      const double limit = std::min(result.teacher_gap, result.smallest_eps);
      result.smallest_eps =
          std::min(result.smallest_eps, smallest_eps(samples, j, o, least, limit));
    }
  }

  // As dense as the band, or where it has too few, the narrowest one with enough, or the one with
  // all that there are.
  [[nodiscard]] double samples_needed(const widening_band& samples, std::size_t k,
                                      const band_conditions& a) const {
    const double N = static_cast<double>(samples.size()), required = a.constants.samples;
    if (a.enough()) return std::ceil(N * required / a.band.seen);
    const band_view enough = samples.narrowest(measurer_.sees(k), required, 0);
    if (enough.seen == 0) return std::numeric_limits<double>::infinity();
    return std::ceil(N * required / enough.seen * std::max(1.0, enough.width / a.band.width));
  }

  // Below `limit` and at most 1, for one observer. No eps does below `least`, which has the samples,
  // nor below the one that allows the gradients of the samples in its own band, for wider bands have
  // no smaller ones; then up by twentieths, and back by bisection. Below epsilon weights do not tell.
  [[nodiscard]] double smallest_eps(const widening_band& samples, std::size_t j, std::size_t k,
                                    double least, double limit) {
    constexpr double none = std::numeric_limits<double>::infinity();
    double eps = std::max(least, std::numeric_limits<double>::epsilon());
    double failed = 0;
    while (eps <= 1 && eps < limit) {
      const double allows = eps_for(samples, j, k, eps);
      if (allows <= eps) break;
      failed = eps;
      eps = std::max(allows, 1.05 * eps);
    }
    if (!(eps <= 1 && eps < limit)) return none;
    while (failed > 0 && eps > 1.001 * failed) {
      const double middle = std::sqrt(eps * failed);
      (eps_for(samples, j, k, middle) <= middle ? eps : failed) = middle;
    }
    return eps;
  }

  // `eps` where it certifies; else an eps below which none does that is at least this one.
  [[nodiscard]] double eps_for(const widening_band& samples, std::size_t j, std::size_t k,
                               double eps) {
    constexpr double none = std::numeric_limits<double>::infinity();
    const double above = eps * (1 + 0x1p-20);
    band_conditions a = measurer_.in_band(samples, j, k, eps);
    const double kink = a.coefficient * measurer_.bend();
    if (!(kink > 0) || !(a.regions.gap > eps)) return none;  // wider bands have more regions
    if (!a.enough()) return std::max(above, measurer_.least_eps(samples, j, k, a.at_least));
    measurer_.measure_gradient(a, samples, j, k);
    if (met(a, eps)) return eps;
    // Moved samples may have smaller gradients in a wider band, the samples themselves stay.
    measurer_.measure_gradient(a, samples, j, k, false);
    const double least = a.gradient + a.rounding;
    return std::max(above, 5 * least / kink * measurer_.least_constants(j, 1).widening());
  }

  double eps_;
  band_measurer<Moves, Teacher, Student, Inputs> measurer_;
  weight_alignment among_teachers_, with_students_;
};

}  // namespace tutelage::detail
