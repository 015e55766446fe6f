// The conditions of the specialization theorems for one teacher node, one observer and one eps,
// measured: recovery_bounds.hpp says what they are and why they prove anything.
//
// Everything is computed in double at least. What a gradient may be off by rounding counts against
// it: that bounds also how far distances and moves are, so that a band which rounding does not
// resolve proves nothing.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include <tutelage/analysis/recovery/lowest_gradients.hpp>
#include <tutelage/analysis/recovery/sample_complexity.hpp>
#include <tutelage/analysis/recovery/upper_boundaries.hpp>
#include <tutelage/analysis/recovery/widening_band.hpp>
#include <tutelage/data/augmentation.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/regular_weights.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

// Rows `chosen` of a source, as U.
template <class U, class Rows>
matrix<U> gather_as(const Rows& rows, std::span<const std::size_t> chosen) {
  auto x = make_matrix<typename Rows::value_type>(chosen.size(), rows.cols());
  gather(rows, chosen, matrix_view<typename Rows::value_type>(x));
  if constexpr (std::same_as<U, typename Rows::value_type>) {
    return x;
  } else {
    auto result = make_matrix<U>(chosen.size(), rows.cols());
    std::copy(x.begin(), x.end(), result.begin());
    return result;
  }
}

// Distances of all samples to all boundaries of a layer, [N, n].
template <layer L, class Inputs>
matrix<double> all_distances(const L& l, const Inputs& inputs) {
  using U = typename L::value_type;
  auto result = make_matrix<double>(as_rows(inputs).rows(), l.out_width());
  boundary_distances<U> distances(l);
  workspace<U> wide;
  for_each_chunk(inputs, [&](const auto& x, std::size_t first) {
    const auto rows = wide.reshape(x.rows(), x.cols());
    for (std::size_t i = 0; i < x.rows(); ++i) {
      std::copy(x.row(i).begin(), x.row(i).end(), rows.row(i).begin());
    }
    const auto a = distances(matrix_view<const U>(rows));
    for (std::size_t i = 0; i < a.rows(); ++i) {
      std::copy(a.row(i).begin(), a.row(i).end(), matrix_view(result).row(first + i).begin());
    }
  });
  return result;
}

// Which node is active on which sample: [n, N] of 0 and 1.
inline std::vector<std::uint8_t> positive_columns(const matrix<double>& distances) {
  const std::size_t N = distances.shape(0), n = distances.shape(1);
  std::vector<std::uint8_t> result(n * N);
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < n; ++k) result[k * N + i] = distances(i, k) > 0;
  }
  return result;
}

// What was measured.
struct band_conditions {
  band_view band;  // eps' and its samples
  recovery_constants constants;
  region_census regions;
  double assumed = 0;      // Q of the constants: those counted, or more
  double at_least = 0;     // of Q, for this eps and all that are larger
  double coefficient = 0;  // |alpha_kj| |w~*_j|
  double gradient = 0, rounding = 0, allowed = 0;

  [[nodiscard]] bool enough() const { return band.seen >= constants.samples; }
};

// Networks and inputs, and every sample's distance to every boundary.
template <class Moves, class Teacher, class Student, class Inputs>
class band_measurer {
  using U = typename Student::value_type;

 public:
  // `setting` has eta and mu. The networks must outlive this, as must the inputs.
  band_measurer(const Teacher& teacher, const Student& student, const Inputs& inputs,
                const recovery_setting& setting)
      : teacher_(teacher),
        student_(student),
        inputs_(inputs),
        setting_(setting),
        gradients_(teacher, student),
        to_teachers_(all_distances(teacher.template layer<1>(), inputs)),
        active_(positive_columns(all_distances(student.template layer<1>(), inputs))),
        w_star_(make_regular(teacher.template layer<1>())),
        norms_(fan_in_norms(teacher.template layer<1>())) {
    if constexpr (Student::depth == 2) alpha_ = absolute_alpha(teacher, student);
    setting_.d = teacher.in_width();
    setting_.K = static_cast<double>(teachers() + students());
    static_cast<void>(constants(0, 1, setting_.K));  // eta and mu are numbers
  }

  [[nodiscard]] std::size_t teachers() const { return to_teachers_.shape(1); }
  [[nodiscard]] std::size_t students() const { return student_.template layer<1>().out_width(); }
  [[nodiscard]] const regular_weights& w_star() const noexcept { return w_star_; }
  [[nodiscard]] widening_band band_of(std::size_t j) const {
    return {matrix_view<const double>(to_teachers_), j};
  }
  [[nodiscard]] auto sees(std::size_t k) const {
    const std::uint8_t* const of_k = active_.data() + k * to_teachers_.shape(0);
    return [of_k](std::size_t i) { return of_k[i] != 0; };
  }
  // 1 - c*
  [[nodiscard]] double bend() const { return 1 - teacher_.template layer<1>().gate().slope(); }

  // For K boundaries, the least there can be.
  [[nodiscard]] recovery_constants least_constants(std::size_t j, double kappa) const {
    return constants(j, kappa, setting_.K);
  }

  // No eps below has enough samples for Q boundaries; infinite when there are too few.
  [[nodiscard]] double least_eps(const widening_band& samples, std::size_t j, std::size_t k,
                                 double Q) const {
    return samples.least_cost(sees(k), constants(j, 1, Q).samples,
                              [&](double kappa) { return constants(j, kappa, Q).widening(); });
  }
  [[nodiscard]] double least_eps(const widening_band& samples, std::size_t j, std::size_t k) const {
    return least_eps(samples, j, k, setting_.K);
  }

  // Teacher j's band as student k sees it, for this eps: everything but the gradient. Wider bands
  // have more boundaries, which ask for narrower ones: Q is assumed, then counted in the band that
  // it allows. The least that will do is searched for to within a twentieth.
  [[nodiscard]] band_conditions in_band(const widening_band& samples, std::size_t j, std::size_t k,
                                        double eps) {
    return in_band(samples, j, k, eps, with_fewest(samples, j, k, eps));
  }
  // The same from what with_fewest found.
  [[nodiscard]] band_conditions in_band(const widening_band& samples, std::size_t j, std::size_t k,
                                        double eps, band_conditions found) {
    double too_few = 0;
    // This ends: Q grows by a twentieth at least, the boundaries of all regions are finitely many.
    while (found.assumed < found.regions.boundaries) {
      too_few = found.assumed;
      found = with(std::max(1.05 * too_few, found.regions.boundaries), samples, j, k, eps);
    }
    while (too_few > 0 && found.assumed > 1.05 * std::max(too_few, found.regions.boundaries)) {
      const double middle = std::max(found.regions.boundaries, std::sqrt(too_few * found.assumed));
      band_conditions fewer = with(middle, samples, j, k, eps);
      if (fewer.assumed >= fewer.regions.boundaries) {
        found = fewer;
      } else {
        too_few = middle;
      }
    }
    found.at_least = std::max(too_few, found.regions.boundaries);
    return found;
  }

  // The same with Q = K assumed, whatever is counted; at_least is not set.
  [[nodiscard]] band_conditions with_fewest(const widening_band& samples, std::size_t j,
                                            std::size_t k, double eps) {
    return with(setting_.K, samples, j, k, eps);
  }

  // The largest |g_k| over the samples of a band that k is active on, with or without their moves,
  // and its rounding.
  void measure_gradient(band_conditions& found, const widening_band& samples, std::size_t j,
                        std::size_t k, bool moved = true) {
    const auto x = samples_in(samples, k, found.band.width);
    found.gradient = found.rounding = 0;
    if (x.shape(0) == 0) return;
    const auto absolute = absolute_.reshape(1, x.shape(1));
    for (std::size_t u = 0; u < x.shape(1); ++u) absolute(0, u) = 0;
    const auto visit = [&](matrix_view<const U> rows, std::size_t) {
      const auto g = gradients_(rows);
      for (std::size_t i = 0; i < rows.rows(); ++i) {
        const auto size = static_cast<double>(std::abs(g(i, k)));
        if (!std::isfinite(size)) {
          throw argument_error(text("certify: the gradient of node ", k, " is not finite"));
        }
        found.gradient = std::max(found.gradient, size);
        for (std::size_t u = 0; u < rows.cols(); ++u) {
          absolute(0, u) = std::max(absolute(0, u), std::abs(rows(i, u)));
        }
      }
    };
    if (moved) {
      visit_moved(x, j, found.band.width, [&](const auto& all) { for_each_chunk(all, visit); });
    } else {
      for_each_chunk(x, visit);
    }
    found.rounding = gradients_.rounding(matrix_view<const U>(absolute))[k];
  }

 private:
  [[nodiscard]] recovery_constants constants(std::size_t j, double kappa, double Q) const {
    recovery_setting s = setting_;
    s.K = Q;
    s.bias = w_star_.has_boundary(j) ? w_star_.bias[j] : 0;
    s.kappa = kappa;
    return constants_of(Moves{}, s);
  }

  // The same for a number of boundaries that is assumed.
  band_conditions with(double Q, const widening_band& samples, std::size_t j, std::size_t k,
                       double eps) {
    band_conditions found;
    found.assumed = Q;
    found.band =
        samples.widest(sees(k), [&](double kappa) { return constants(j, kappa, Q).width(eps); });
    found.constants =
        constants(j, found.band.seen > 0 ? found.band.seen / found.band.in_band : 1, Q);
    found.regions = census_of(samples, j, k, found.band);
    found.coefficient = found.regions.alpha * norms_[j];
    found.allowed = found.coefficient * bend() * found.band.width / 5;
    if (!std::isfinite(found.allowed)) {
      throw argument_error(
          text("certify: |alpha| |w| of teacher node ", j, " and student node ", k, " overflows"));
    }
    return found;
  }

  region_census census_of(const widening_band& samples, std::size_t j, std::size_t k,
                          const band_view& band) {
    region_census census{setting_.K, 0};
    if constexpr (Student::depth == 2) {
      census.alpha = alpha_(k, j);
    } else if (band.seen > 0) {
      const auto x = samples_in(samples, k, band.width);
      visit_moved(x, j, band.width, [&](const auto& all) {
        census = take_census(teacher_, student_, w_star_, j, k, matrix_view<const U>(x), all);
      });
    } else {  // no region is visited: alpha is that of the nearest sample
      for (const auto& [distance, i] : samples.samples()) {
        if (!sees(k)(i)) continue;
        const auto x = gather_as<U>(as_rows(inputs_), std::span(&i, 1));
        census.alpha = least_alpha(teacher_, student_, j, k, matrix_view<const U>(x));
        break;
      }
    }
    return census;
  }

  // Those of j's band, band_of(j), that k is active on, in the inputs' order.
  [[nodiscard]] matrix<U> samples_in(const widening_band& samples, std::size_t k,
                                     double width) const {
    const auto active = sees(k);
    std::vector<std::size_t> chosen;
    for (const auto& [distance, i] : samples.samples()) {
      if (distance > width) break;
      if (active(i)) chosen.push_back(i);
    }
    std::sort(chosen.begin(), chosen.end());
    return gather_as<U>(as_rows(inputs_), chosen);
  }

  // Calls visit with samples x and their moves for a band of this width.
  template <class Visit>
  void visit_moved(const matrix<U>& x, std::size_t j, double width, const Visit& visit) const {
    const std::size_t d = x.shape(1);
    const double step = std::max(2 * Moves::root(d) * width, std::numeric_limits<double>::min());
    const matrix_view<const U> view(x);
    if constexpr (std::same_as<Moves, agnostic_moves>) {
      visit(agnostic_augmentation(view, step));
    } else {
      dense<U, dynamic, dynamic, relu> node(d, 1);
      for (std::size_t u = 0; u < d; ++u)
        node.weights()(u, 0) = static_cast<U>(w_star_.directions(j, u));
      // All of them: they were chosen by their distance above.
      visit(aware_augmentation(view, node, std::numeric_limits<double>::max(), step));
    }
  }

  const Teacher& teacher_;
  const Student& student_;
  const Inputs& inputs_;
  recovery_setting setting_;
  lowest_gradients<Teacher, Student> gradients_;
  matrix<double> to_teachers_;        // [N, m]
  std::vector<std::uint8_t> active_;  // [n, N], 1 where student k is active on sample i
  regular_weights w_star_;
  std::vector<double> norms_;  // |w~*_j|
  matrix<double> alpha_;       // [n, m], of two layers
  workspace<U> absolute_;
};

}  // namespace tutelage::detail
