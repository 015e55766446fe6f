// The dynamics that the convergence theorems of arXiv:1905.13405 are about, in steps of a learning
// rate eta: gradients are expectations by overlaps of nodes (overlap.hpp), weights stay unit
// vectors.
//
//   Theorem 4    w_j' = P_perp(w_j) (W* d*_j - W d_j)
//   Theorem 5    w_j' = P_perp(w_j) (W* h*_j - W h_j),    V' = L* V* - L V
//
//   W*  [d, m], W  [d, n]     unit columns; student j < m belongs to teacher j
//   V*  [m, C], V  [n, C]     fan-out rows
//   d*_jk = psi_d(w_j, w*_k), d_jk = psi_d(w_j, w_k); L*, L the same with psi_l
//   h*_jk = d*_jk v_j.v*_k,   h_jk = d_jk v_j.v_k
//
// After a step a column is divided by its norm, which P_perp makes at least 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <tutelage/core/product.hpp>
#include <tutelage/theory/overlap/overlap.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Students that follow one teacher. Psi_d and Psi_l are functions of the angle.
template <angular_function<double> Psi_d, angular_function<double> Psi_l>
class overlap_dynamics {
 public:
  /// Columns of W_star and W are divided by their norms. Throws shape_error when the matrices do
  /// not fit, argument_error when a column is zero or not finite.
  overlap_dynamics(const Psi_d& psi_d, const Psi_l& psi_l, matrix_view<const double> W_star,
                   matrix_view<const double> V_star, matrix_view<const double> W,
                   matrix_view<const double> V)
      : psi_d_(psi_d),
        psi_l_(psi_l),
        teacher_(columns_of(W_star)),
        student_(columns_of(W)),
        V_star_(to_matrix(V_star)),
        V_(to_matrix(V)) {
    const std::size_t d = W_star.rows(), m = W_star.cols(), C = V_star.cols();
    detail::require_shape("overlap_dynamics", "W", W, d, std::max(m, W.cols()));
    detail::require_shape("overlap_dynamics", "V_star", V_star, m, C);
    detail::require_shape("overlap_dynamics", "V", V, W.cols(), C);
    for (auto* side : {&teacher_, &student_}) {
      for (auto& w : *side) normalize(w);
    }
    initial_ = student_;
    find_angles();
  }

  /// One step of Theorem 4: V stays, and does not count.
  void step_weights(double eta) {
    move_weights(eta, [](std::size_t, std::size_t, bool) { return 1.0; });
    find_angles();
  }

  /// One step of Theorem 5, both layers at once.
  void step_both(double eta) {
    const std::size_t m = teacher_.size(), n = student_.size(), C = V_.shape(1);
    auto dV = make_matrix<double>(n, C);
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < m; ++k) add(psi_l_(to_teacher_(j, k)), V_star_, k, dV, j);
      for (std::size_t k = 0; k < n; ++k) add(-psi_l_(to_student_(j, k)), V_, k, dV, j);
    }
    move_weights(eta, [&](std::size_t j, std::size_t k, bool of_teacher) {
      const matrix<double>& other = of_teacher ? V_star_ : V_;
      double product = 0;
      for (std::size_t c = 0; c < C; ++c) product += V_(j, c) * other(k, c);
      return product;
    });
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t c = 0; c < C; ++c) V_(j, c) += eta * dV(j, c);
    }
    find_angles();
  }

  /// The angle of student j < m and its teacher.
  [[nodiscard]] double angle_to_teacher(std::size_t j) const { return to_teacher_(j, j); }
  /// max_j sin theta_j over the u-set.
  [[nodiscard]] double largest_sine() const {
    double largest = 0;
    for (std::size_t j = 0; j < teacher_.size(); ++j) {
      largest = std::max(largest, std::sin(to_teacher_(j, j)));
    }
    return largest;
  }
  /// max_j |v_j - v*_j| over the u-set.
  [[nodiscard]] double largest_fan_out_error() const {
    double largest = 0;
    for (std::size_t j = 0; j < teacher_.size(); ++j) {
      double square = 0;
      for (std::size_t c = 0; c < V_.shape(1); ++c) {
        const double x = V_(j, c) - V_star_(j, c);
        square += x * x;
      }
      largest = std::max(largest, std::sqrt(square));
    }
    return largest;
  }
  /// max_j |v_j| over the r-set; 0 when it is empty.
  [[nodiscard]] double largest_idle_fan_out() const {
    double largest = 0;
    for (std::size_t j = teacher_.size(); j < student_.size(); ++j) {
      double square = 0;
      for (std::size_t c = 0; c < V_.shape(1); ++c) square += V_(j, c) * V_(j, c);
      largest = std::max(largest, std::sqrt(square));
    }
    return largest;
  }
  /// max_j |w_j - w_j(0)| over the r-set.
  [[nodiscard]] double largest_idle_move() const {
    double largest = 0;
    for (std::size_t j = teacher_.size(); j < student_.size(); ++j) {
      double square = 0;
      for (std::size_t i = 0; i < student_[j].size(); ++i) {
        const double x = student_[j][i] - initial_[j][i];
        square += x * x;
      }
      largest = std::max(largest, std::sqrt(square));
    }
    return largest;
  }

  [[nodiscard]] const std::vector<double>& student(std::size_t j) const { return student_[j]; }
  [[nodiscard]] const matrix<double>& V() const noexcept { return V_; }

 private:
  using columns = std::vector<std::vector<double>>;

  static columns columns_of(const matrix_view<const double>& W) {
    columns result(W.cols(), std::vector<double>(W.rows()));
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t j = 0; j < W.cols(); ++j) result[j][i] = W(i, j);
    }
    return result;
  }
  static void normalize(std::vector<double>& w) {
    const double norm = detail::direction<double>(w, "column").norm();
    for (double& x : w) x /= norm;
  }
  static void add(double factor, const matrix<double>& from, std::size_t k, matrix<double>& to,
                  std::size_t j) {
    for (std::size_t c = 0; c < to.shape(1); ++c) to(j, c) += factor * from(k, c);
  }

  // strength(j, k, of_teacher) multiplies psi_d.
  template <class Strength>
  void move_weights(double eta, const Strength& strength) {
    const std::size_t m = teacher_.size(), n = student_.size();
    columns next = student_;
    std::vector<double> step;
    for (std::size_t j = 0; j < n; ++j) {
      const auto& w = student_[j];
      step.assign(w.size(), 0.0);
      const auto pull = [&](double factor, const std::vector<double>& to) {
        for (std::size_t i = 0; i < w.size(); ++i) step[i] += factor * to[i];
      };
      for (std::size_t k = 0; k < m; ++k) {
        pull(psi_d_(to_teacher_(j, k)) * strength(j, k, true), teacher_[k]);
      }
      for (std::size_t k = 0; k < n; ++k) {
        if (k != j) pull(-psi_d_(to_student_(j, k)) * strength(j, k, false), student_[k]);
      }
      double along = 0;
      for (std::size_t i = 0; i < w.size(); ++i) along += step[i] * w[i];
      for (std::size_t i = 0; i < w.size(); ++i) next[j][i] += eta * (step[i] - along * w[i]);
      normalize(next[j]);
    }
    student_.swap(next);
  }

  void find_angles() {
    const std::size_t m = teacher_.size(), n = student_.size();
    to_teacher_ = make_matrix<double>(n, m);
    to_student_ = make_matrix<double>(n, n);
    const auto radians = [](const std::vector<double>& a, const std::vector<double>& b) {
      return angle_between(std::span<const double>(a), b).radians();
    };
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = 0; k < m; ++k) to_teacher_(j, k) = radians(student_[j], teacher_[k]);
      for (std::size_t k = 0; k < j; ++k) {
        to_student_(j, k) = to_student_(k, j) = radians(student_[j], student_[k]);
      }
    }
  }

  Psi_d psi_d_;
  Psi_l psi_l_;
  columns teacher_, student_, initial_;
  matrix<double> V_star_, V_;
  matrix<double> to_teacher_, to_student_;  // angles, [n, m] and [n, n]
};

}  // namespace tutelage
