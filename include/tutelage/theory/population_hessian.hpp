// Second derivatives of the population loss of population.hpp.
//
// With the nodes u_k and fan-outs a_k of student and teacher together, A_ik = a_i.a_k,
// G_ik = E[x f'(w_i.x) f(u_k.x)], and i, k students,
//
//   d2J / dw_i dw_k = A_ik E[x x^T f'(w_i.x) f'(w_k.x)]
//                     + (i = k) sum_l A_il E[x x^T f''(w_i.x) f(u_l.x)]        l of both networks
//   d2J / dv_i dw_k = v_k G_ki^T + (i = k) sum_l a_l G_il^T
//   d2J / dv_i dv_k = K_ik I
//
// All are continuous wherever no student node is zero: at coincident and opposite nodes, the terms
// with f'' vanish. (Their own derivatives do not exist there.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tutelage/theory/parameters.hpp>
#include <tutelage/theory/population.hpp>
#include <vector>

namespace tutelage {

/// The Hessian at a student, in the order of parameters.hpp. Each call computes all pairs anew.
template <unbiased_network Teacher>
class population_hessian {
  using T = typename Teacher::value_type;
  using R = real_t<T>;

 public:
  /// Keeps a copy of the teacher's weights.
  explicit population_hessian(const population<Teacher>& loss)
      : d_(loss.in_width()),
        C_(loss.out_width()),
        m_(loss.teacher_weights().shape(1)),
        std_(loss.std()),
        teacher_slope_(loss.teacher_slope()) {
    for (std::size_t j = 0; j < m_; ++j) {
      for (std::size_t i = 0; i < d_; ++i) teacher_.push_back(loss.teacher_weights()(i, j));
      for (std::size_t c = 0; c < C_; ++c) teacher_.push_back(-loss.teacher_fan_out()(j, c));
    }
  }

  /// The matrix, [p, p] for p parameters. Throws shape_error when student and teacher do not fit,
  /// and argument_error when a student node is zero.
  template <class FanOut = trained_fan_out, unbiased_network Student>
  matrix<T> operator()(const Student& student) {
    const std::size_t p = parameter_count<FanOut>(student);
    auto H = make_matrix<T>(p, p);
    visit<FanOut>(student, [&](std::size_t i, std::size_t k, const T& A) {
      axis_.assign(d_, T(0));
      for (std::size_t s = 0; s < d_; ++s) {
        axis_[s] = T(1);
        pair_.boundary(axis_, along_);
        for (std::size_t r = 0; r < d_; ++r) H(w(r, i), w(s, i)) += A * along_[r];
        if (k < n_) {
          pair_.gates(axis_, along_);
          for (std::size_t r = 0; r < d_; ++r) H(w(r, i), w(s, k)) += A * along_[r];
        }
        axis_[s] = T(0);
      }
      if constexpr (FanOut::layers == 2) {
        // G_ik in gated_: with a_k for v_i, with a_i for v_k.
        for (std::size_t c = 0; c < C_; ++c) {
          for (std::size_t r = 0; r < d_; ++r) {
            add_both(H, w(r, i), v(i, c), gated_[r] * fan_out(k)[c]);
            if (k < n_) add_both(H, w(r, i), v(k, c), gated_[r] * fan_out(i)[c]);
          }
          if (k < n_) H(v(i, c), v(k, c)) += pair_.kernel();
        }
      }
    });
    return H;
  }

  /// H u, [p], without the matrix. `u` is in the same order; throws like the matrix, and
  /// shape_error when a vector has another size.
  template <class FanOut = trained_fan_out, unbiased_network Student>
  void multiply(const Student& student, std::span<const T> u, std::span<T> result) {
    const std::size_t p = parameter_count<FanOut>(student);
    if (u.size() != p || result.size() != p) {
      throw shape_error(detail::text("population_hessian: vectors of ", u.size(), " and ",
                                     result.size(), " numbers, expected ", p));
    }
    std::fill(result.begin(), result.end(), T(0));
    visit<FanOut>(student, [&](std::size_t i, std::size_t k, const T& A) {
      const auto add = [&](const T& factor, const std::vector<T>& x) {
        for (std::size_t r = 0; r < d_; ++r) result[w(r, i)] += factor * x[r];
      };
      const auto direction = [&](std::size_t node) {
        axis_.resize(d_);
        for (std::size_t r = 0; r < d_; ++r) axis_[r] = u[w(r, node)];
      };
      direction(i);
      pair_.boundary(axis_, along_);
      add(A, along_);
      T dK = 0;  // as w_i moves; as w_k moves it is counted at the pair (k, i)
      for (std::size_t r = 0; r < d_; ++r) dK += gated_[r] * axis_[r];
      if (k < n_) {
        direction(k);
        pair_.gates(axis_, along_);
        add(A, along_);
      }
      if constexpr (FanOut::layers == 2) {
        T dA = 0;
        for (std::size_t c = 0; c < C_; ++c) {
          dA += u[v(i, c)] * fan_out(k)[c];
          result[v(i, c)] += dK * fan_out(k)[c];
          if (k < n_) {
            dA += fan_out(i)[c] * u[v(k, c)];
            result[v(i, c)] += pair_.kernel() * u[v(k, c)];
            result[v(k, c)] += dK * fan_out(i)[c];
          }
        }
        add(dA, gated_);
      }
    });
  }

 private:
  // Places of W(r, i) and V(i, c).
  [[nodiscard]] std::size_t w(std::size_t r, std::size_t i) const { return r * n_ + i; }
  [[nodiscard]] std::size_t v(std::size_t i, std::size_t c) const { return d_ * n_ + i * C_ + c; }

  static void add_both(matrix<T>& H, std::size_t i, std::size_t k, const T& x) {
    H(i, k) += x;
    H(k, i) += x;
  }

  [[nodiscard]] std::span<const T> node(std::size_t k) const {
    const std::size_t length = d_ + C_;
    return k < n_ ? std::span(&student_[k * length], length)
                  : std::span(&teacher_[(k - n_) * length], length);
  }
  [[nodiscard]] std::span<const T> weights(std::size_t k) const { return node(k).first(d_); }
  [[nodiscard]] std::span<const T> fan_out(std::size_t k) const { return node(k).subspan(d_); }

  // Calls each(i, k, A_ik) for students i and all nodes k, with the pair in pair_ and G_ik in
  // gated_.
  template <class FanOut, class Student, class Each>
  void visit(const Student& student, const Each& each) {
    detail::require_fit("population_hessian", student, d_, C_);
    const auto W = student.template layer<1>().weights();
    const auto V = student.template layer<2>().weights();
    n_ = W.cols();
    student_.clear();
    for (std::size_t k = 0; k < n_; ++k) {
      for (std::size_t i = 0; i < d_; ++i) student_.push_back(W(i, k));
      for (std::size_t c = 0; c < C_; ++c) student_.push_back(V(k, c));
    }
    for (std::size_t k = 0; k < n_; ++k) {
      const auto u = weights(k);
      if (std::all_of(u.begin(), u.end(), [](const T& x) { return x == T(0); })) {
        throw argument_error(detail::text("population_hessian: student node ", k,
                                          " is zero, the loss has a kink there"));
      }
    }
    gated_.resize(d_);
    along_.resize(d_);
    const R slope = detail::hidden_slope(student);
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t k = 0; k < n_ + m_; ++k) {
        pair_.assign(weights(i), weights(k), {slope, k < n_ ? slope : teacher_slope_}, std_);
        pair_.gated(gated_);
        T A = 0;
        for (std::size_t c = 0; c < C_; ++c) A += fan_out(i)[c] * fan_out(k)[c];
        each(i, k, A);
      }
    }
  }

  std::size_t d_, C_, m_, n_ = 0;
  R std_, teacher_slope_;
  std::vector<T> teacher_, student_;  // node by node: weights, then the fan-out in the residual
  gaussian_pair<T> pair_;
  std::vector<T> gated_, along_, axis_;
};

}  // namespace tutelage
