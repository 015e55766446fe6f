// The infinite-neuron process, with finitely many particles (Li, Ma and Zhang, arXiv:2007.04596).
//
//   f(x) = 1/m sum_i a_i relu(w_i.x)      particles (w_i, a_i), w_i ~ N(0, I), a_i = +-1
//
// moves by m times the gradient. That is gradient descent, descent.hpp, on the network of
// w_i/sqrt(m) and a_i/sqrt(m), which is how particles are kept here: W [d, m], V [m, C].
//
// With a linear term that is always at its best (linear_fit.hpp) and a target of orthonormal nodes,
// turning the input around along one of them, R x = x - 2 (x.w*) w*, changes neither f* nor the
// distribution of x. So particles that are closed under these reflections stay closed; independent
// ones are so only in the limit.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <tutelage/theory/population/two_layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
/// The columns of `axes` at length 1. Throws argument_error when one is zero or not finite.
template <real_scalar T>
matrix<T> unit_axes(const char* function, const matrix_view<const T>& axes) {
  auto unit = make_matrix<T>(axes.rows(), axes.cols());
  std::vector<T> axis(axes.rows());
  for (std::size_t r = 0; r < axes.cols(); ++r) {
    for (std::size_t i = 0; i < axis.size(); ++i) axis[i] = axes(i, r);
    const scaled_norm<T> norm{std::span<const T>(axis)};
    if (!(norm.norm > 0 && all_finite(axis.data(), axis.size()))) {
      throw argument_error(
          text(function, ": axis ", r, " is zero or not finite, expected a direction"));
    }
    for (std::size_t i = 0; i < axis.size(); ++i) unit(i, r) = norm.divide(axis[i]);
  }
  return unit;
}

/// v - 2 (v.axis) axis for column j of W and column r of axes, which has length 1.
template <real_scalar T>
void reflect(const matrix_view<const T>& W, std::size_t j, const matrix<T>& axes, std::size_t r,
             std::span<T> image) {
  T product = 0;
  for (std::size_t i = 0; i < W.rows(); ++i) product += W(i, j) * axes(i, r);
  for (std::size_t i = 0; i < W.rows(); ++i) image[i] = W(i, j) - 2 * product * axes(i, r);
}
}  // namespace detail

/// Independent particles: W ~ N(0, I/m), entries of V are +-1/sqrt(m).
struct particle_start {};

template <unbiased_network Student>
void initialize(Student& student, const particle_start& /*start*/, std::uint64_t seed) {
  stream random(seed, purpose::student);
  using T = typename Student::value_type;
  const auto W = student.template layer<1>().linear_weights();
  const auto V = student.template layer<2>().linear_weights();
  const T strength = 1 / std::sqrt(static_cast<T>(W.cols()));
  for (std::size_t i = 0; i < W.rows(); ++i) {
    random.fill_normal(W.row(i), 0.0, static_cast<double>(strength));
  }
  for (std::size_t k = 0; k < V.rows(); ++k) {
    for (T& a : V.row(k)) a = random.below(2) == 0 ? strength : -strength;
  }
}

/// Closes particles under reflections along the columns of `axes` [d, r]: the first m/2^r stay, the
/// others become their images. The axes have to be orthogonal, of any length. Throws shape_error when
/// 2^r does not divide m or the axes are of another dimension, argument_error when an axis is zero
/// or not finite.
template <unbiased_network Student>
void close_under_reflections(
    Student& student, std::type_identity_t<matrix_view<const typename Student::value_type>> axes) {
  using T = typename Student::value_type;
  const auto W = student.template layer<1>().linear_weights();
  const auto V = student.template layer<2>().linear_weights();
  detail::require_shape("close_under_reflections", "axes", axes, W.rows(), axes.cols());
  const std::size_t images = std::size_t{1} << std::min<std::size_t>(axes.cols(), 62);
  if (W.cols() % images != 0) {
    throw shape_error(detail::text("close_under_reflections: ", W.cols(), " particles, expected a ",
                                   "multiple of ", images));
  }
  const auto unit = detail::unit_axes<T>("close_under_reflections", axes);
  std::vector<T> image(W.rows());
  std::size_t done = W.cols() / images;
  for (std::size_t r = 0; r < axes.cols(); ++r, done *= 2) {
    for (std::size_t j = 0; j < done; ++j) {
      detail::reflect<T>(W, j, unit, r, image);
      for (std::size_t i = 0; i < W.rows(); ++i) W(i, done + j) = image[i];
      std::copy_n(V.row(j).data(), V.cols(), V.row(done + j).data());
    }
  }
}

/// How far particles are from closed: the largest distance of an image (R w_j, a_j) to its nearest
/// particle, over all particles and columns of `axes` [d, r], in units of particles, sqrt(m) those
/// of the network. Throws shape_error when the axes are of another dimension, argument_error when one
/// is zero or not finite.
template <unbiased_network Student>
typename Student::value_type reflection_asymmetry(
    const Student& student,
    std::type_identity_t<matrix_view<const typename Student::value_type>> axes) {
  using T = typename Student::value_type;
  const auto W = matrix_view<const T>(student.template layer<1>().linear_weights());
  const auto V = matrix_view<const T>(student.template layer<2>().linear_weights());
  detail::require_shape("reflection_asymmetry", "axes", axes, W.rows(), axes.cols());
  const auto unit = detail::unit_axes<T>("reflection_asymmetry", axes);
  std::vector<T> image(W.rows());
  T largest = 0;
  for (std::size_t r = 0; r < axes.cols(); ++r) {
    for (std::size_t j = 0; j < W.cols(); ++j) {
      detail::reflect<T>(W, j, unit, r, image);
      T nearest = std::numeric_limits<T>::infinity();
      for (std::size_t k = 0; k < W.cols(); ++k) {
        T square = 0;
        for (std::size_t i = 0; i < W.rows(); ++i) {
          square += (image[i] - W(i, k)) * (image[i] - W(i, k));
        }
        for (std::size_t c = 0; c < V.cols(); ++c) {
          square += (V(j, c) - V(k, c)) * (V(j, c) - V(k, c));
        }
        nearest = std::min(nearest, square);
      }
      largest = std::max(largest, nearest);
    }
  }
  return std::sqrt(largest * static_cast<T>(W.cols()));
}

}  // namespace tutelage
