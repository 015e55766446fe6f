// Gradient descent on a population loss, with or without biases.
//
//   free       dw_i = -dJ/dw_i
//   projected  dw_i = -P(w_i) dJ/dw_i,  P(w) = I - w w^T/|w|^2
//
// The projected direction is that of weight normalization, and of arXiv:1905.13405, Theorem 4: the
// flow keeps every |w_i|. w_i is the column with its bias, where there is one.
#pragma once

#include <cstddef>
#include <span>

#include <tutelage/theory/population/parameters.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Nodes move along the gradient.
struct free_motion {
  template <class T>
  static void project(const matrix_view<const T>& /*W*/, const matrix_view<T>& /*dW*/) {}
};

/// Nodes move orthogonally to themselves. A node that is zero does not move.
struct projected_motion {
  template <class T>
  static void project(const matrix_view<const T>& W, const matrix_view<T>& dW) {
    for (std::size_t k = 0; k < W.cols(); ++k) {
      T square = 0, product = 0;
      for (std::size_t i = 0; i < W.rows(); ++i) {
        square += W(i, k) * W(i, k);
        product += W(i, k) * dW(i, k);
      }
      const T part = square == T(0) ? T(0) : product / square;
      for (std::size_t i = 0; i < W.rows(); ++i) dW(i, k) -= part * W(i, k);
    }
  }
};

/// The direction in which a student moves on a population loss, into `found`; returns the loss.
/// `Loss` is population or biased_population.
template <class Motion = free_motion, class Loss, class Student>
typename Student::value_type descent_direction(Loss& loss, const Student& student,
                                               gradients<Student>& found) {
  using T = typename Student::value_type;
  const T J = loss.gradient(student, found);
  Motion::project(matrix_view<const T>(student.template layer<1>().weights()),
                  matrix_view<T>(found.template dW<1>(student)));
  return J;
}

/// One step of gradient descent; returns the loss before it. Allocates nothing after the first call
/// with the same `found`.
template <class FanOut = trained_fan_out, class Motion = free_motion, class Loss, class Student>
typename Student::value_type descend(Loss& loss, Student& student, gradients<Student>& found,
                                     typename Student::value_type rate) {
  using T = typename Student::value_type;
  const T J = descent_direction<Motion>(loss, student, found);
  const auto move = [&](const auto& weights, const auto& direction) {
    for (std::size_t i = 0; i < weights.rows(); ++i) {
      for (std::size_t k = 0; k < weights.cols(); ++k) weights(i, k) += rate * direction(i, k);
    }
  };
  move(student.template layer<1>().weights(), found.template dW<1>());
  if constexpr (FanOut::layers == 2) {
    move(student.template layer<2>().weights(), found.template dW<2>());
  }
  return J;
}

}  // namespace tutelage
