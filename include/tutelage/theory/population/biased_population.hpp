// The population loss of a two-layer student with biases, x ~ N(0, s^2 I), and its gradient.
//
// As in population.hpp, with two additions: each pair of nodes is a biased_pair, and the output
// bias is the fan-out of one more node, the constant 1 (zero weights, bias 1), of student and
// teacher:
//
//   -dJ/dw_i  = -sum_k A_ki (F_ki u_k + G_ki w_i/|w_i|)
//   -dJ/db_i  = -sum_k A_ki B_ki
//   -dJ/dv_i  = -sum_k K_ki a_k          the last one the output bias's
//
// Pairs are visited one by one, without products of matrices: Owen's T function is what costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include <tutelage/core/product.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/theory/kernel/biased_kernel.hpp>
#include <tutelage/theory/population/two_layer.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Satisfied by two-layer networks with biases in both layers.
template <class N>
concept biased_network = two_layer_network<N> && N::template layer_type<1>::has_bias() &&
                         N::template layer_type<2>::has_bias();

/// The loss against a teacher, of which a copy is kept.
template <biased_network Teacher>
class biased_population {
  using T = typename Teacher::value_type;
  using R = real_t<T>;

 public:
  /// Inputs are N(0, std^2 I).
  explicit biased_population(const Teacher& teacher, R std = 1)
      : teacher_(teacher), in_(teacher.in_width()), out_(teacher.out_width()), std_(std) {
    append("teacher", teacher, T(-1), teachers_);
    for (const node& u : teachers_) {
      for (const node& v : teachers_) constant_ += product(u, v) * pair(u, v).kernel() / R(2);
    }
  }

  [[nodiscard]] const Teacher& teacher() const noexcept { return teacher_; }
  [[nodiscard]] R std() const noexcept { return std_; }

  /// J. Throws shape_error when student and teacher do not fit, and argument_error when weights and
  /// bias of a node are zero.
  template <biased_network Student>
  T loss(const Student& student) {
    return visit_all_pairs(student, [](std::size_t, std::size_t, const T&, const auto&) {});
  }

  /// J; leaves the negative gradient in found.dW<1>() and found.dW<2>(). Throws like loss().
  template <biased_network Student>
  T gradient(const Student& student, gradients<Student>& found) {
    const std::size_t n = student.template layer<1>().out_width();
    const auto dW = found.template dW<1>(student);
    const auto dV = found.template dW<2>(student);
    fill_zero(dW);
    fill_zero(dV);
    return visit_all_pairs(
        student, [&](std::size_t i, std::size_t k, const T& A, const biased_pair<T>& at) {
          const node &own = students_[i], &other = k <= n ? students_[k] : teachers_[k - n - 1];
          const T K = at.kernel();
          for (std::size_t c = 0; c < out_; ++c) dV(i, c) -= K * other.fan_out[c];
          if (i == n) return;
          const T of_v = A * at.of_v(), of_w = own.norm == T(0) ? T(0) : A * at.of_w() / own.norm;
          for (std::size_t j = 0; j < in_; ++j) {
            dW(j, i) -= of_v * other.weights[j] + of_w * own.weights[j];
          }
          dW(in_, i) -= A * at.of_bias();
        });
  }

 private:
  struct node {
    std::vector<T> weights, direction, fan_out;
    T bias = 0, norm = 0;
    R slope = 0;
  };

  template <class M>
  static void fill_zero(const M& m) {
    for (std::size_t i = 0; i < m.rows(); ++i) {
      for (T& x : m.row(i)) x = T(0);
    }
  }

  // The nodes of a network, the constant 1 last, with fan-outs times `sign`, in memory kept from
  // the call before.
  template <class Network>
  static void append(const char* who, const Network& net, const T& sign, std::vector<node>& nodes) {
    const auto W = net.template layer<1>().weights();
    const auto V = net.template layer<2>().weights();
    nodes.resize(V.rows());
    for (std::size_t k = 0; k < V.rows(); ++k) {
      node& u = nodes[k];
      const bool is_one = k + 1 == V.rows();
      u.weights.assign(W.rows() - 1, T(0));
      for (std::size_t i = 0; !is_one && i < u.weights.size(); ++i) u.weights[i] = W(i, k);
      u.bias = is_one ? T(1) : W(W.rows() - 1, k);
      set_direction(who, k, u);
      if (u.norm == T(0) && u.bias == T(0)) {
        throw argument_error(detail::text("biased_population: weights and bias of ", who, " node ",
                                          k, " are zero, expected a gate"));
      }
      u.fan_out.assign(V.row(k).begin(), V.row(k).end());
      for (T& x : u.fan_out) x *= sign;
      u.slope = detail::hidden_slope(net);
    }
  }

  // Its length and direction, at any size of the weights; a node without weights has none.
  static void set_direction(const char* who, std::size_t k, node& u) {
    u.norm = T(0);
    u.direction.clear();
    bool has_weights = false;
    for (const T& w : u.weights) {
      if (!is_finite(w)) {
        throw argument_error(detail::text("biased_population: a weight of ", who, " node ", k,
                                          " is not a finite number"));
      }
      has_weights = has_weights || real_part(w) != R(0);
    }
    if (!has_weights) return;
    const detail::direction<T> along(u.weights, who);
    u.norm = along.norm();
    for (std::size_t i = 0; i < u.weights.size(); ++i) u.direction.push_back(along(i));
  }

  static T product(const node& u, const node& v) {
    T sum = 0;
    for (std::size_t c = 0; c < u.fan_out.size(); ++c) sum += u.fan_out[c] * v.fan_out[c];
    return sum;
  }

  // By the cosine, where it has not lost digits.
  static angle<T> angle_of(const node& u, const node& v) {
    if (u.norm == T(0) || v.norm == T(0)) return {T(0), T(1)};
    T cosine = 0;
    for (std::size_t i = 0; i < u.direction.size(); ++i) cosine += u.direction[i] * v.direction[i];
    if (!(std::abs(real_part(cosine)) <= R(0.9))) return angle_between<T>(u.weights, v.weights);
    return {std::sqrt((T(1) - cosine) / R(2)), std::sqrt((T(1) + cosine) / R(2))};
  }

  biased_pair<T> pair(const node& u, const node& v) const {
    return {u.norm, u.bias, v.norm, v.bias, angle_of(u, v), u.slope, v.slope, std_};
  }

  // Calls visit(i, k, A_ki, pair) for each node i of the student and each node k; returns J.
  template <class Student, class Visit>
  T visit_all_pairs(const Student& student, const Visit& visit) {
    detail::check_pair<Teacher, Student, detail::same_scalar>();
    detail::require_fit("biased_population", student, in_, out_);
    append("student", student, T(1), students_);
    T J = constant_;
    for (std::size_t i = 0; i < students_.size(); ++i) {
      std::size_t k = 0;
      for (const auto* nodes : {&students_, &teachers_}) {
        const R times = nodes == &students_ ? R(0.5) : R(1);
        for (const node& other : *nodes) {
          const auto at = pair(students_[i], other);
          const T A = product(students_[i], other);
          J += times * A * at.kernel();
          visit(i, k++, A, at);
        }
      }
    }
    return J;
  }

  Teacher teacher_;
  std::size_t in_, out_;
  R std_;
  std::vector<node> students_, teachers_;  // n + 1 and m + 1
  T constant_ = 0;                         // the teacher's own part of J
};

}  // namespace tutelage
