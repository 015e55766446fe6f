// Who observes whom, from samples (arXiv:1909.13458, Section 5.1, and the reference experiments).
//
//   I_j(eps)      band of j: samples within eps of its boundary (Definition 5)
//   E_k           samples on which k is active
//   kappa_jk      N[I_j(eps) and E_k] / N[I_j(eps)], the share of j's band that k sees
//   two_sided_jk  min(N[E_k and j active], N[E_k and j not active]): k is active on both sides of
//                 j's boundary, on so many samples at least
//
// At layer l the samples are what layer l takes: the teacher's f*_{l-1} for the distances to j's
// boundary, the student's f_{l-1} for k's side. For regions instead of samples: observers.hpp.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/analysis/observers.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Counts of samples: observed nodes j are rows, observing nodes k columns.
struct sampled_observers {
  double eps = 0;
  std::size_t samples = 0;          // N
  std::vector<double> band;         // [m], N[I_j(eps)]
  std::vector<double> active;       // [n], N[E_k]
  std::vector<double> above;        // [m], N[j active]
  matrix<double> band_and_active;   // [m, n], N[I_j(eps) and E_k]
  matrix<double> above_and_active;  // [m, n], N[j active and E_k]

  /// 0 when no sample is in the band.
  [[nodiscard]] double kappa(std::size_t j, std::size_t k) const {
    return band[j] > 0 ? band_and_active(j, k) / band[j] : 0.0;
  }

  [[nodiscard]] double two_sided(std::size_t j, std::size_t k) const {
    return std::min(above_and_active(j, k), active[k] - above_and_active(j, k));
  }

  /// N[I_j(eps)] / (eps N): how visible j's boundary is.
  [[nodiscard]] double visibility(std::size_t j) const {
    return band[j] / (eps * static_cast<double>(samples));
  }

  /// tau of Assumption 3(b): the least visibility of all observed nodes.
  [[nodiscard]] double tau() const {
    double least = visibility(0);
    for (std::size_t j = 1; j < band.size(); ++j) least = std::min(least, visibility(j));
    return least;
  }

  /// Observers by kappa.
  [[nodiscard]] observers by_band() const {
    return by([&](std::size_t j, std::size_t k) { return kappa(j, k); });
  }

  /// Observers by the two-sided count.
  [[nodiscard]] observers by_sides() const {
    return by([&](std::size_t j, std::size_t k) { return two_sided(j, k); });
  }

 private:
  template <class Strength>
  [[nodiscard]] observers by(const Strength& strength) const {
    auto result = make_matrix<double>(band.size(), active.size());
    for (std::size_t j = 0; j < band.size(); ++j) {
      for (std::size_t k = 0; k < active.size(); ++k) result(j, k) = strength(j, k);
    }
    return observers(std::move(result));
  }
};

/// Collects samples of two layers; add() may be called any number of times.
template <real_scalar T>
class observer_counter {
 public:
  /// Throws argument_error when eps is not a positive number or a weight is not finite.
  template <layer Observed, layer Observing>
  observer_counter(const Observed& observed, const Observing& observing, double eps)
      : observed_(observed), observing_(observing) {
    if (!(eps > 0) || !std::isfinite(eps)) {
      throw argument_error(
          detail::text("observer_counter: eps is ", eps, ", expected a positive number"));
    }
    const std::size_t m = observed_.nodes(), n = observing_.nodes();
    counts_.eps = eps;
    counts_.band.resize(m);
    counts_.above.resize(m);
    counts_.active.resize(n);
    counts_.band_and_active = make_matrix<double>(m, n);
    counts_.above_and_active = make_matrix<double>(m, n);
  }

  /// What the observed layer takes, [N, d*], and what the observing layer takes, [N, d]. Throws
  /// shape_error when they do not fit, argument_error for a sample that is not finite.
  void add(matrix_view<const T> below_observed, matrix_view<const T> below_observing) {
    const std::size_t N = below_observed.rows(), m = observed_.nodes(), n = observing_.nodes();
    if (below_observing.rows() != N) {
      throw shape_error(detail::text("observer_counter: ", N, " and ", below_observing.rows(),
                                     " samples, expected equally many"));
    }
    if (N == 0) return;
    const auto to_j = observed_(below_observed);
    const auto to_k = observing_(below_observing);
    const auto E = active_.reshape(N, n);
    const auto I = band_.reshape(N, m), A = above_.reshape(N, m);
    // Without rounding eps to T, where it may become infinite.
    const auto is_near = [&](T distance) { return std::abs(distance) <= counts_.eps; };
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        E(i, k) = to_k(i, k) > 0 ? T(1) : T(0);
        counts_.active[k] += to_k(i, k) > 0;
      }
      for (std::size_t j = 0; j < m; ++j) {
        I(i, j) = is_near(to_j(i, j)) ? T(1) : T(0);
        A(i, j) = to_j(i, j) > 0 ? T(1) : T(0);
        counts_.band[j] += is_near(to_j(i, j));
        counts_.above[j] += to_j(i, j) > 0;
      }
    }
    add_product(I, E, counts_.band_and_active);
    add_product(A, E, counts_.above_and_active);
    counts_.samples += N;
  }

  /// Throws argument_error when there was no sample.
  [[nodiscard]] const sampled_observers& result() const {
    if (counts_.samples == 0) {
      throw argument_error("observer_counter: no samples, expected at least 1");
    }
    return counts_;
  }

 private:
  // Counts of a chunk are exact in T; sums of chunks in double.
  void add_product(matrix_view<const T> left, matrix_view<const T> right, matrix<double>& sum) {
    const auto product = product_.reshape(left.cols(), right.cols());
    multiply(transposed(left), right, product);
    for (std::size_t j = 0; j < product.rows(); ++j) {
      for (std::size_t k = 0; k < product.cols(); ++k) {
        sum(j, k) += static_cast<double>(product(j, k));
      }
    }
  }

  boundary_distances<T> observed_, observing_;
  workspace<T> active_, band_, above_, product_;
  sampled_observers counts_;
};

/// Counts at hidden layer l over `inputs`, in one pass. Throws shape_error when a network does not
/// take these inputs, argument_error as observer_counter does.
template <std::size_t l, class Teacher, class Student, class Inputs>
sampled_observers observe(const Teacher& teacher, const Student& student, const Inputs& inputs,
                          double eps) {
  using T = typename Teacher::value_type;
  static_assert(std::same_as<T, typename Student::value_type>,
                "observe: teacher and student have different scalars; see network_cast");
  static_assert(l >= 1 && l <= Teacher::depth && l <= Student::depth,
                "observe: l is the number of a layer of both");
  detail::require_pair("observe", teacher, student);
  observer_counter<T> counter(teacher.template layer<l>(), student.template layer<l>(), eps);
  activations<Teacher> of_teacher;
  activations<Student> of_student;
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t) {
    if constexpr (l == 1) {
      counter.add(x, x);
    } else {
      teacher.forward(x, of_teacher);
      student.forward(x, of_student);
      counter.add(of_teacher.f(l - 1), of_student.f(l - 1));
    }
  });
  return counter.result();
}

}  // namespace tutelage
