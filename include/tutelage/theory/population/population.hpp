// The population loss of a two-layer student without biases, x ~ N(0, s^2 I), and its gradient.
//
//   J = 1/2 E |V*^T f(W*^T x) - V^T f(W^T x)|^2
//
// Teacher and student are one set of nodes u_1, ..., u_{n+m} with fan-outs a_k, v_k for a student's
// and -v*_j for a teacher's: their network's output is the negative residual. With A_ki = a_k.a_i
//
//   J         = 1/2 sum_ki A_ki K_ki
//   -dJ/dw_i  = -sum_k A_ki E[x f'(w_i.x) f(u_k.x)] = -s^2 (sum_k A_ki F_ki u_k + D_i w_i)
//   -dJ/dv_i  = -sum_k K_ki a_k
//
// f is homogeneous: u_k and s are divided by powers of two and a_k multiplied by them, exactly, so
// that lengths may have any size. J, its parts and the gradient have to be in the range.
//
//   U    [d, n+m]    nodes, students first
//   a    [n+m, C]    fan-outs
//   P    [n+m, n]    U^T W, then K
//   A    [n+m, n]    a V^T, then A o F with D on its diagonal
//
// K, F and the sines in D are those of kernel_matrix.hpp, so the gradient is four products and one
// pass over pairs. It is within some epsilon times its sum of absolute values; the sign is the
// descent direction's. J is twice differentiable wherever no student node is zero. Sources: Cho and
// Saul, NIPS 2009, for K; arXiv:1909.13458 (2019 version), Theorem 6, for the gradient.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/model/pair.hpp>
#include <tutelage/theory/kernel/kernel_matrix.hpp>
#include <tutelage/theory/population/two_layer.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The loss against a teacher, of which a copy is kept.
template <unbiased_network Teacher>
class population {
  using T = typename Teacher::value_type;
  using R = real_t<T>;

 public:
  /// Inputs are N(0, std^2 I).
  explicit population(const Teacher& teacher, R std = 1)
      : teacher_(teacher), std_(std), power_(std), rest_(std * power_.inverse()) {
    const std::size_t m = V_star().rows();
    const R slope = detail::hidden_slope(teacher);
    auto U = make_matrix<T>(W_star().rows(), m), a = make_matrix<T>(m, V_star().cols());
    auto K = make_matrix<T>(m, m), A = make_matrix<T>(m, m);
    copy(W_star(), matrix_view<T>(U));
    copy(V_star(), matrix_view<T>(a));
    scale(matrix_view<T>(U), matrix_view<T>(a));
    gaussian_kernel_matrix<T>(U, U, {slope, slope}, rest_, matrix_view(K));
    multiply(a, transposed(a), A);
    for (std::size_t k = 0; k < m * m; ++k) constant_ += A.data()[k] * K.data()[k] / R(2);
  }

  [[nodiscard]] const Teacher& teacher() const noexcept { return teacher_; }
  [[nodiscard]] R std() const noexcept { return std_; }

  /// J. Throws shape_error when student and teacher do not fit.
  template <unbiased_network Student>
  T loss(const Student& student) {
    return visit_all_pairs(student);
  }

  /// J; leaves the negative gradient in found.dW<1>() and found.dW<2>(). Allocates nothing after
  /// the first call. Throws shape_error when student and teacher do not fit, and argument_error
  /// when a student node that has a fan-out is zero: J has a kink there.
  template <unbiased_network Student>
  T gradient(const Student& student, gradients<Student>& found) {
    const T J = visit_all_pairs(student);
    const auto A = A_.view();
    for (std::size_t i = 0; i < A.cols(); ++i) {
      if (norms_.norm()[i] == T(0) && !is_zero(student.template layer<2>().weights().row(i))) {
        throw argument_error(
            detail::text("population: student node ", i, " is zero, the loss has a kink there"));
      }
      A(i, i) += along_[i] * norms_.inverse()[i];
    }
    // In the student's own units.
    const auto P = P_.view();
    for (std::size_t k = 0; k < A.rows(); ++k) {
      for (std::size_t i = 0; i < A.cols(); ++i) {
        A(k, i) *= norms_.factor(i);
        P(k, i) *= fan_out_scale_[i];
      }
    }
    const T square(-rest_ * rest_);
    multiply(U_.view(), A, found.template dW<1>(student), square);
    multiply(transposed(P), a_.view(), found.template dW<2>(student), square);
    return J;
  }

 private:
  [[nodiscard]] matrix_view<const T> W_star() const {  // [d, m]
    return teacher_.template layer<1>().weights();
  }
  [[nodiscard]] matrix_view<const T> V_star() const {  // [m, C]
    return teacher_.template layer<2>().weights();
  }

  static bool is_zero(std::span<const T> v) {
    return std::all_of(v.begin(), v.end(), [](const T& x) { return x == T(0); });
  }

  // Divides nodes and s by powers of two, by which their fan-outs are multiplied.
  void scale(const matrix_view<T>& U, const matrix_view<T>& a) {
    norms_.scale_columns(U);
    fan_out_scale_.resize(a.rows());
    for (std::size_t k = 0; k < a.rows(); ++k) {
      fan_out_scale_[k] = std::scalbn(R(1), norms_.exponent(k) + power_.exponent);
      for (T& x : a.row(k)) x *= fan_out_scale_[k];
    }
  }

  // Leaves K / s^2 in P_, A o F in A_ and |w_i| D_i in along_, of scaled nodes; returns J.
  template <class Student>
  T visit_all_pairs(const Student& student) {
    detail::check_pair<Teacher, Student, detail::same_scalar>();
    detail::require_fit("population", student, teacher_.in_width(), teacher_.out_width());
    const auto W = matrix_view<const T>(student.template layer<1>().linear_weights());
    const auto V = matrix_view<const T>(student.template layer<2>().linear_weights());
    const std::size_t n = W.cols(), nodes = n + W_star().cols();
    const auto U = U_.reshape(W.rows(), nodes), a = a_.reshape(nodes, V.cols());
    detail::copy_columns(W, U, 0);
    detail::copy_columns(W_star(), U, n);
    copy(V, a.middle_rows(0, n));
    for (std::size_t k = n; k < nodes; ++k) {
      for (std::size_t c = 0; c < V.cols(); ++c) a(k, c) = -V_star()(k - n, c);
    }
    scale(U, a);
    const auto P = P_.reshape(nodes, n), A = A_.reshape(nodes, n);
    const matrix_view<const T> students(U.data(), U.rows(), n, U.stride());
    multiply(transposed(U), students, P);
    multiply(a, transposed(a.middle_rows(0, n)), A);
    along_.assign(n, T(0));
    energy_.assign(n, T(0));
    const R slope = detail::hidden_slope(student), slope_star = detail::hidden_slope(teacher_);
    for (std::size_t k = 0; k < nodes; ++k) {
      // A pair of students is met twice, one of student and teacher once.
      visit_row(k, k < n ? gate_pair<R>(slope, slope) : gate_pair<R>(slope, slope_star),
                k < n ? R(0.5) : R(1));
    }
    T J = constant_;
    for (const T& part : energy_) J += rest_ * rest_ * part;
    return J;
  }

  void visit_row(std::size_t k, const gate_pair<R>& gates, R times) {
    T* const P = P_.view().row(k).data();
    T* const A = A_.view().row(k).data();
    const T norm = norms_.norm()[k];
    detail::visit_pairs(
        P, norms_.inverse()[k], norms_.inverse(), along_.size(), gates,
        [&]<class X>(const auto& piece, std::size_t i, const X& F, const X& S, const X& product) {
          const X a = piece.load(A + i), sine = S * X(norm);
          const X K = F * product + sine * piece.load(norms_.norm() + i);
          piece.store(P + i, K);
          piece.store(A + i, a * F);
          piece.store(&along_[i], piece.load(&along_[i]) + a * sine);
          piece.store(&energy_[i], piece.load(&energy_[i]) + X(times) * a * K);
        });
  }

  Teacher teacher_;
  R std_;
  detail::power_of_two<R> power_;  // of std
  R rest_;                         // std over it
  T constant_ = 0;                 // the teacher's own part of J
  workspace<T> U_, a_, P_, A_;
  detail::node_norms<T> norms_;
  std::vector<R> fan_out_scale_;   // [n+m]
  std::vector<T> along_, energy_;  // [n]
};

}  // namespace tutelage
