// Order parameters: the overlaps of all nodes, in which the population dynamics of the lower layer
// is closed (Saad and Solla, Phys. Rev. E 52, 1995, for another activation).
//
//   S   [n+m, n+m]   [Q R; R^T T] = U^T U,  Q = W^T W, R = W^T W*, T = W*^T W*: students first
//   J                = s^2/2 sum_ki A_ki (F_ki S_ki + k sin_ki |u_k||u_i|), as in population.hpp
//   dW/dt            = -s^2 U M, M [n+m, n] = A o F with D on its diagonal
//   dQ/dt            = -s^2 (Q' M + (Q' M)^T), dR^T/dt = -s^2 R' M     Q' [n, n+m], R' [m, n+m] of
//   S
//
// J is an analytic function of S wherever no two nodes are parallel. Fan-outs are fixed.
//
// S holds squares: lengths from 2^-485 to 2^500, or 0, have all their digits in it (in double), and
// order_parameters() refuses others. population.hpp takes any.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <tutelage/model/pair.hpp>
#include <tutelage/theory/kernel/kernel_matrix.hpp>
#include <tutelage/theory/population/two_layer.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// S of a teacher and a student, [n+m, n+m]. Throws shape_error when they do not fit, argument_error
/// for a node whose length is not 0 and outside of the range above.
template <unbiased_network Teacher, unbiased_network Student>
matrix<typename Student::value_type> order_parameters(const Teacher& teacher,
                                                      const Student& student) {
  using T = typename Student::value_type;
  detail::check_pair<Teacher, Student, detail::same_scalar>();
  detail::require_fit("order_parameters", student, teacher.in_width(), teacher.out_width());
  const auto W = matrix_view<const T>(student.template layer<1>().weights());
  const auto W_star = matrix_view<const T>(teacher.template layer<1>().weights());
  const std::size_t n = W.cols(), nodes = n + W_star.cols();
  auto U = make_matrix<T>(W.rows(), nodes), S = make_matrix<T>(nodes, nodes);
  detail::copy_columns(W, matrix_view(U), 0);
  detail::copy_columns(W_star, matrix_view(U), n);
  for (std::size_t k = 0; k < nodes; ++k) {
    real_t<T> largest = 0;
    for (std::size_t i = 0; i < W.rows(); ++i)
      largest = std::max(largest, std::abs(real_part(U(i, k))));
    using limits = std::numeric_limits<real_t<T>>;
    constexpr int low = (limits::min_exponent + limits::digits) / 2,
                  high = limits::max_exponent / 2 - 12;
    if (largest != 0 && !(std::ilogb(largest) >= low && std::ilogb(largest) < high)) {
      throw argument_error(detail::text("order_parameters: ", k < n ? "student" : "teacher",
                                        " node ", k < n ? k : k - n, " has a weight of ", largest,
                                        ", its square leaves the range"));
    }
  }
  multiply(transposed(U), U, S);
  return S;
}

/// The population loss and its flow as functions of S, for given fan-outs and gates.
template <scalar T>
class order_dynamics {
  using R = real_t<T>;

 public:
  /// Takes fan-outs and gates of both networks, not their weights. Inputs are N(0, std^2 I).
  template <unbiased_network Teacher, unbiased_network Student>
  order_dynamics(const Teacher& teacher, const Student& student, R std = 1)
      : n_(student.template layer<1>().out_width()), std_(std) {
    const auto V = student.template layer<2>().weights();
    detail::check_outputs<Teacher::out_extent, Student::out_extent>();
    const auto V_star = teacher.template layer<2>().weights();
    detail::require_fit("order_dynamics", student, student.in_width(), V_star.cols());
    fan_out_ = make_matrix<T>(n_ + V_star.rows(), V.cols());
    for (std::size_t k = 0; k < fan_out_.shape(0); ++k) {
      for (std::size_t c = 0; c < V.cols(); ++c) {
        fan_out_(k, c) = k < n_ ? T(V(k, c)) : -T(V_star(k - n_, c));
      }
      slopes_.push_back(k < n_ ? static_cast<R>(detail::hidden_slope(student))
                               : static_cast<R>(detail::hidden_slope(teacher)));
    }
    products_ = make_matrix<T>(nodes(), nodes());
    multiply(fan_out_, transposed(fan_out_), products_);
    M_ = make_matrix<T>(nodes(), nodes());
    moved_ = make_matrix<T>(nodes(), n_);
  }

  [[nodiscard]] std::size_t students() const noexcept { return n_; }
  [[nodiscard]] std::size_t nodes() const noexcept { return fan_out_.shape(0); }
  [[nodiscard]] R std() const noexcept { return std_; }
  /// a_k.a_l, [n+m, n+m].
  [[nodiscard]] const matrix<T>& fan_out_products() const noexcept { return products_; }
  [[nodiscard]] const std::vector<R>& slopes() const noexcept { return slopes_; }

  /// J. Throws shape_error when S has another shape.
  T loss(matrix_view<const T> S) { return visit_all_pairs(S) * std_ * std_; }

  /// dS/dt of the gradient flow, [n+m, n+m]; returns J. Throws shape_error.
  T drift(matrix_view<const T> S, matrix_view<T> dS) {
    detail::require_shape("order_dynamics", "dS", dS, nodes(), nodes());
    const T J = loss(S);
    for (std::size_t i = 0; i < n_; ++i) M_(i, i) += along_[i] * norms_.inverse()[i];
    multiply(S, student_columns(M_), matrix_view<T>(moved_), T(-std_ * std_));
    for (std::size_t k = 0; k < nodes(); ++k) {
      for (std::size_t l = 0; l < nodes(); ++l) {
        dS(k, l) = (l < n_ ? moved_(k, l) : T(0)) + (k < n_ ? moved_(l, k) : T(0));
      }
    }
    return J;
  }

  /// dW^T dW, [n, n]: products of the gradients of students after drift(S, dS).
  void gradient_products(matrix_view<T> result) const {
    // dW = -s^2 U M and moved = -s^2 S M.
    multiply(transposed(student_columns(M_)), moved_, result, T(-std_ * std_));
  }

 private:
  [[nodiscard]] matrix_view<const T> student_columns(const matrix<T>& m) const {
    return {m.data(), m.shape(0), n_, m.shape(1)};
  }

  // Leaves A o F in M_ and |u_i| D_i in along_; returns J / s^2.
  T visit_all_pairs(matrix_view<const T> S) {
    detail::require_shape("order_dynamics", "S", S, nodes(), nodes());
    norms_.resize(nodes());
    for (std::size_t k = 0; k < nodes(); ++k) norms_.set(k, S(k, k));
    along_.assign(nodes(), T(0));
    T energy = 0;
    for (std::size_t k = 0; k < nodes(); ++k) {
      for (std::size_t i = 0; i < nodes(); ++i) {
        const gate_pair<R> gates(slopes_[k], slopes_[i]);
        const T cosine = S(k, i) * norms_.inverse()[k] * norms_.inverse()[i];
        const auto [phi, sin] =
            detail::supplement_and_sine(k == i && cosine != T(0) ? T(1) : cosine);
        const T F = gates.linear + gates.curvature * phi;
        const T sine = gates.curvature * sin * norms_.norm()[k], A = products_(k, i);
        M_(k, i) = A * F;
        along_[i] += A * sine;
        energy += A * (F * S(k, i) + sine * norms_.norm()[i]) / R(2);
      }
    }
    return energy;
  }

  std::size_t n_;
  R std_;
  matrix<T> fan_out_, products_, M_, moved_;
  std::vector<R> slopes_;
  detail::node_norms<T> norms_;
  std::vector<T> along_;
};

}  // namespace tutelage
