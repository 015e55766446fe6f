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
// With biases the nodes are (w_i, b_i) and inputs (x, 1), and the output bias is the fan-out of one
// more node, (0, 1), which does not move. All are continuous wherever no student node is zero: at
// coincident and opposite nodes, the terms with f'' vanish. (Their own derivatives do not exist
// there.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tutelage/model/pair.hpp>
#include <tutelage/theory/population/parameters.hpp>
#include <tutelage/theory/population/population.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The Hessian at a student, in the order of parameters.hpp. Each call computes all pairs anew.
/// `Pair` has the closed forms of two nodes: gaussian_pair without biases, biased_gaussian_pair
/// with them. See hessian_of.
template <two_layer_network Teacher, class Pair>
class population_hessian {
  using T = typename Teacher::value_type;
  using R = real_t<T>;

 public:
  /// Keeps a copy of the teacher's weights. Inputs are N(0, std^2 I).
  explicit population_hessian(const Teacher& teacher, R std = 1)
      : d_(teacher.in_width()),
        C_(teacher.out_width()),
        std_(std),
        teacher_slope_(detail::hidden_slope(teacher)) {
    teacher_count_ = append(teacher, T(-1), teacher_);
  }

  /// The matrix, [p, p] for p parameters. Throws shape_error when student and teacher do not fit,
  /// and argument_error when a student node is zero.
  template <class FanOut = trained_fan_out, two_layer_network Student>
  matrix<T> operator()(const Student& student) {
    const std::size_t p = parameter_count<FanOut>(student);
    auto H = make_matrix<T>(p, p);
    visit<FanOut>(student, [&](std::size_t i, std::size_t k, const T& A) {
      axis_.assign(length_, T(0));
      for (std::size_t s = 0; i < n_ && s < length_; ++s) {
        axis_[s] = T(1);
        pair_.boundary(axis_, along_);
        for (std::size_t r = 0; r < length_; ++r) H(w(r, i), w(s, i)) += A * along_[r];
        if (k < n_) {
          pair_.gates(axis_, along_);
          for (std::size_t r = 0; r < length_; ++r) H(w(r, i), w(s, k)) += A * along_[r];
        }
        axis_[s] = T(0);
      }
      if constexpr (FanOut::layers == 2) {
        // G_ik in gated_: with a_k for v_i, with a_i for v_k.
        for (std::size_t c = 0; c < C_; ++c) {
          for (std::size_t r = 0; i < n_ && r < length_; ++r) {
            add_both(H, w(r, i), v(i, c), gated_[r] * fan_out(k)[c]);
            if (k < student_count_) add_both(H, w(r, i), v(k, c), gated_[r] * fan_out(i)[c]);
          }
          if (k < student_count_) H(v(i, c), v(k, c)) += pair_.kernel();
        }
      }
    });
    return H;
  }

  /// H u, [p], without the matrix. `u` is in the same order; throws like the matrix, and
  /// shape_error when a vector has another size.
  template <class FanOut = trained_fan_out, two_layer_network Student>
  void multiply(const Student& student, std::span<const T> u, std::span<T> result) {
    const std::size_t p = parameter_count<FanOut>(student);
    if (u.size() != p || result.size() != p) {
      throw shape_error(detail::text("population_hessian: vectors of ", u.size(), " and ",
                                     result.size(), " numbers, expected ", p));
    }
    std::fill(result.begin(), result.end(), T(0));
    visit<FanOut>(student, [&](std::size_t i, std::size_t k, const T& A) {
      const auto add = [&](const T& factor, const std::vector<T>& x) {
        for (std::size_t r = 0; r < length_; ++r) result[w(r, i)] += factor * x[r];
      };
      const auto direction = [&](std::size_t node) {
        axis_.resize(length_);
        for (std::size_t r = 0; r < length_; ++r) axis_[r] = u[w(r, node)];
      };
      T dK = 0;  // as w_i moves; as w_k moves it is counted at the pair (k, i)
      if (i < n_) {
        direction(i);
        pair_.boundary(axis_, along_);
        add(A, along_);
        for (std::size_t r = 0; r < length_; ++r) dK += gated_[r] * axis_[r];
        if (k < n_) {
          direction(k);
          pair_.gates(axis_, along_);
          add(A, along_);
        }
      }
      if constexpr (FanOut::layers == 2) {
        T dA = 0;
        for (std::size_t c = 0; c < C_; ++c) {
          dA += u[v(i, c)] * fan_out(k)[c];
          result[v(i, c)] += dK * fan_out(k)[c];
          if (k < student_count_) {
            dA += fan_out(i)[c] * u[v(k, c)];
            result[v(i, c)] += pair_.kernel() * u[v(k, c)];
            result[v(k, c)] += dK * fan_out(i)[c];
          }
        }
        if (i < n_) add(dA, gated_);
      }
    });
  }

 private:
  // Places of W(r, i) and V(i, c).
  [[nodiscard]] std::size_t w(std::size_t r, std::size_t i) const { return r * n_ + i; }
  [[nodiscard]] std::size_t v(std::size_t i, std::size_t c) const {
    return length_ * n_ + i * C_ + c;
  }

  static void add_both(matrix<T>& H, std::size_t i, std::size_t k, const T& x) {
    H(i, k) += x;
    H(k, i) += x;
  }

  // A network's nodes, one after the other: weights, with bias, and the fan-out times `sign`; with
  // biases the node (0, 1) is the last. Returns their number.
  template <class Network>
  static std::size_t append(const Network& net, const T& sign, std::vector<T>& nodes) {
    const auto W = net.template layer<1>().weights();
    const auto V = net.template layer<2>().weights();
    nodes.clear();
    for (std::size_t k = 0; k < V.rows(); ++k) {
      for (std::size_t i = 0; i < W.rows(); ++i) {
        nodes.push_back(k < W.cols() ? T(W(i, k)) : T(i + 1 == W.rows() ? 1 : 0));
      }
      for (std::size_t c = 0; c < V.cols(); ++c) nodes.push_back(sign * V(k, c));
    }
    return V.rows();
  }

  [[nodiscard]] std::span<const T> node(std::size_t k) const {
    const std::size_t size = length_ + C_;
    return k < student_count_ ? std::span(&student_[k * size], size)
                              : std::span(&teacher_[(k - student_count_) * size], size);
  }
  [[nodiscard]] std::span<const T> weights(std::size_t k) const { return node(k).first(length_); }
  [[nodiscard]] std::span<const T> fan_out(std::size_t k) const { return node(k).subspan(length_); }

  // Calls each(i, k, A_ik) for the student's nodes i and all nodes k, with the pair in pair_ and,
  // where i moves, G_ik in gated_.
  template <class FanOut, class Student, class Each>
  void visit(const Student& student, const Each& each) {
    detail::check_pair<Teacher, Student, detail::same_scalar>();
    detail::require_fit("population_hessian", student, d_, C_);
    const auto W = student.template layer<1>().weights();
    length_ = W.rows();
    n_ = W.cols();
    student_count_ = append(student, T(1), student_);
    for (std::size_t k = 0; k < n_; ++k) {
      const auto u = weights(k);
      if (std::all_of(u.begin(), u.end(), [](const T& x) { return x == T(0); })) {
        throw argument_error(detail::text("population_hessian: student node ", k,
                                          " is zero, the loss has a kink there"));
      }
    }
    gated_.resize(length_);
    along_.resize(length_);
    const R slope = detail::hidden_slope(student);
    for (std::size_t i = 0; i < student_count_; ++i) {
      for (std::size_t k = 0; k < student_count_ + teacher_count_; ++k) {
        pair_.assign(weights(i), weights(k), {slope, k < student_count_ ? slope : teacher_slope_},
                     std_);
        if (i < n_) pair_.gated(gated_);
        T A = 0;
        for (std::size_t c = 0; c < C_; ++c) A += fan_out(i)[c] * fan_out(k)[c];
        each(i, k, A);
      }
    }
  }

  std::size_t d_, C_;
  R std_, teacher_slope_;
  std::size_t length_ = 0;         // numbers of a node: d, or d + 1 with a bias
  std::size_t n_ = 0;              // student nodes that move
  std::size_t student_count_ = 0;  // and with the constant
  std::size_t teacher_count_ = 0;
  std::vector<T> teacher_, student_;
  Pair pair_;
  std::vector<T> gated_, along_, axis_;
};

/// The Hessian of a population loss.
template <unbiased_network Teacher>
population_hessian<Teacher, gaussian_pair<typename Teacher::value_type>> hessian_of(
    const population<Teacher>& loss) {
  return population_hessian<Teacher, gaussian_pair<typename Teacher::value_type>>(loss.teacher(),
                                                                                  loss.std());
}

}  // namespace tutelage
