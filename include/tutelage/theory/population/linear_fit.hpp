// The population loss of a student that has a linear term <v, x> beside its nodes, always at its
// best: what is left of population.hpp when the part of degree 1 (hermite.hpp) is taken away.
//
//   J' = J - 1/2 sum_c |r_c|^2,   r_c = s sum_j l_j a_jc u_j   [d]
//
//   u_j, a_j   nodes and fan-outs, a student's, or a teacher's with minus; l = (1+slope)/2
//
// and the best term is v_c = -r_c/s. For ReLU, relu(z) = z/2 + |z|/2, so J' is the loss of a
// network of absolute values: it does not change when a node is turned around, w to -w (Li, Ma and
// Zhang, arXiv:2007.04596).
#pragma once

#include <cstddef>

#include <tutelage/theory/population/population.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// J' against a teacher, of which a copy is kept.
template <unbiased_network Teacher>
class population_with_linear_fit {
  using T = typename Teacher::value_type;
  using R = real_t<T>;

 public:
  /// Inputs are N(0, std^2 I).
  explicit population_with_linear_fit(const Teacher& teacher, R std = 1) : all_(teacher, std) {}

  [[nodiscard]] const Teacher& teacher() const noexcept { return all_.teacher(); }
  [[nodiscard]] R std() const noexcept { return all_.std(); }

  /// J'. Throws shape_error when student and teacher do not fit.
  template <unbiased_network Student>
  T loss(const Student& student) {
    const T J = all_.loss(student);
    return J - find_linear_part(student);
  }

  /// J'; leaves its negative gradient in found.dW<1>() and found.dW<2>(). Throws like population.
  template <unbiased_network Student>
  T gradient(const Student& student, gradients<Student>& found) {
    const T J = all_.gradient(student, found) - find_linear_part(student);
    const auto W = matrix_view<const T>(student.template layer<1>().linear_weights());
    const auto V = matrix_view<const T>(student.template layer<2>().linear_weights());
    const T factor = std() * half(student);
    multiply(linear_.view(), transposed(V), found.template dW<1>(student), factor, T(1));
    multiply(transposed(W), linear_.view(), found.template dW<2>(student), factor, T(1));
    return J;
  }

  /// v [d, C], the best linear term for the student that was looked at last.
  [[nodiscard]] matrix<T> linear_term() const {
    auto v = to_matrix(linear_.view());
    for (T& x : v) x /= -std();
    return v;
  }

 private:
  template <class Network>
  static R half(const Network& net) {
    return (1 + detail::hidden_slope(net)) / 2;
  }

  // Leaves r in linear_, [d, C]; returns 1/2 sum |r_c|^2.
  template <class Student>
  T find_linear_part(const Student& student) {
    const auto r = linear_.reshape(teacher().in_width(), teacher().out_width());
    const auto add = [&](const auto& net, R sign, T keep) {
      multiply(net.template layer<1>().linear_weights(), net.template layer<2>().linear_weights(),
               r, T(sign * std() * half(net)), keep);
    };
    add(student, 1, T(0));
    add(teacher(), -1, T(1));
    T sum = 0;
    for (std::size_t i = 0; i < r.rows(); ++i) {
      for (const T& x : r.row(i)) sum += x * x;
    }
    return sum / R(2);
  }

  population<Teacher> all_;
  workspace<T> linear_;  // r
};

}  // namespace tutelage
