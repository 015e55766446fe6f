// What kind of critical point of the population loss a student is at: the spectrum of the Hessian.
//
// With a trained fan-out J does not change when w_i grows by a factor and v_i shrinks by it, so
// there is a flat direction for each student node, at a minimum too. More flat directions are nodes
// that share one teacher, or have no fan-out. An eigenvalue counts as zero within
//
//   16 p epsilon max|lambda| + 4 |gradient| / min_i |(w_i, v_i)|
//
// The first is the rounding of the Hessian and of LAPACK, p parameters; the second is what the flat
// directions' eigenvalues are while the gradient is not quite zero.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <span>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/theory/population_hessian.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

enum class critical_kind {
  minimum,    // all eigenvalues are positive
  saddle,     // one is negative: the loss falls along the escape direction
  degenerate  // none is negative, some are zero: a flat minimum, unless higher orders say otherwise
};

template <class T>
struct classified_point {
  critical_kind kind;
  T loss;
  T gradient_norm;             // Euclidean
  std::vector<T> eigenvalues;  // ascending
  T zero_within;
  std::size_t negative, zero, positive;  // how many there are
  /// The unit eigenvector of the lowest eigenvalue, in the order of parameters.hpp. Of a saddle,
  /// the escape direction: t along it, to either side, the loss changes by 1/2 eigenvalues[0] t^2.
  std::vector<T> lowest_direction;
};

/// Classifies the point at which `student` is. Throws argument_error when its gradient's norm is
/// above `largest_gradient` (it is no critical point) or a student node is zero, shape_error when
/// student and teacher do not fit.
template <class FanOut = trained_fan_out, class Loss, two_layer_network Student>
classified_point<typename Student::value_type> classify(
    Loss& loss, const Student& student, typename Student::value_type largest_gradient = 1e-9) {
  using T = typename Student::value_type;
  static_assert(std::same_as<T, double>, "classify: eigenvalues are found in double");
  const std::size_t p = parameter_count<FanOut>(student);
  classified_point<T> found{};
  gradients<Student> gradient;
  found.loss = loss.gradient(student, gradient);
  std::vector<T> slope(p);
  read_parameters<FanOut>(gradient, std::span<T>(slope));
  for (const T& x : slope) found.gradient_norm = std::hypot(found.gradient_norm, x);
  if (!(found.gradient_norm <= largest_gradient)) {
    throw argument_error(detail::text("classify: the gradient's norm is ", found.gradient_norm,
                                      ", expected at most ", largest_gradient));
  }

  auto hessian = hessian_of(loss);
  const auto H = hessian.template operator()<FanOut>(student);
  auto system = symmetric_eigen(H);
  found.eigenvalues = std::move(system.values);
  for (std::size_t i = 0; i < p; ++i) found.lowest_direction.push_back(system.vectors(i, 0));

  T shortest = std::numeric_limits<T>::max();
  const auto W = student.template layer<1>().weights();
  const auto V = student.template layer<2>().weights();
  for (std::size_t k = 0; k < W.cols(); ++k) {
    T length = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) length = std::hypot(length, W(i, k));
    for (const T& x : V.row(k)) length = std::hypot(length, x);
    shortest = std::min(shortest, length);
  }
  const T largest = std::max(std::abs(found.eigenvalues.front()), found.eigenvalues.back());
  found.zero_within = 16 * static_cast<T>(p) * std::numeric_limits<T>::epsilon() * largest +
                      4 * found.gradient_norm / shortest;
  for (const T& x : found.eigenvalues) {
    ++(x < -found.zero_within  ? found.negative
       : x > found.zero_within ? found.positive
                               : found.zero);
  }
  found.kind = found.negative > 0 ? critical_kind::saddle
               : found.zero > 0   ? critical_kind::degenerate
                                  : critical_kind::minimum;
  return found;
}

}  // namespace tutelage
