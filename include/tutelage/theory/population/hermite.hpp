// ReLU nodes in Hermite polynomials, and the population loss as a series.
//
//   f(z) = sum_k c_k h_k(z)      h_k orthonormal for z ~ N(0, 1)
//   c_0 = (1-c)/sqrt(2 pi),  c_1 = (1+c)/2,  c_(k+2) = -c_k (k-1)/sqrt((k+1)(k+2)) for even k, and
//   c_k = 0 for odd k >= 3       c the slope of a leaky ReLU, 0 for ReLU: then sum c_k^2 = 1/2
//
// For unit vectors E[h_k(u.x) h_l(w.x)] = (u.w)^k where k = l and 0 elsewhere, so that
//
//   J = 1/2 sum_k sum_c q_c^T (C o ... o C) q_c,   k factors of C
//
//   C    [n+m, n+m]   cosines of all nodes, students first
//   q_c  [n+m]        c_k |u_j| a_jc, a_jc a student's fan-out to output c or minus a teacher's
//
// and every degree is a loss of its own that training has to bring to 0: degree 0 the means, 1 the
// linear parts, 2 the quadratic forms ... (Li, Ma and Zhang, arXiv:2007.04596; the sum over k is
// the closed form of population.hpp). Nodes without biases, x ~ N(0, s^2 I).
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <tutelage/core/product.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <tutelage/theory/population/two_layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// c_0, ..., c_degree.
template <real_scalar T>
std::vector<T> relu_hermite_coefficients(std::size_t degree, T slope = 0) {
  std::vector<T> c(std::max<std::size_t>(degree + 1, 2), T(0));
  c[0] = (1 - slope) * std::numbers::inv_sqrtpi_v<T> / std::numbers::sqrt2_v<T>;
  c[1] = (1 + slope) / 2;
  for (std::size_t k = 0; k + 2 <= degree; k += 2) {
    const auto K = static_cast<T>(k);
    c[k + 2] = -c[k] * (K - 1) / std::sqrt((K + 1) * (K + 2));
  }
  c.resize(degree + 1);
  return c;
}

/// J by degrees.
template <real_scalar T>
struct hermite_series {
  std::vector<T> parts;  // [degree + 1]
  T remainder;           // what all higher degrees together are at most, rounding included; they
                         // are not negative

  [[nodiscard]] T sum() const {
    T total = 0;
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) total += *part;
    return total;
  }
};

/// The parts of the population loss up to a degree, summed in double where T is float. Throws
/// shape_error when student and teacher do not fit.
template <unbiased_network Teacher, unbiased_network Student>
hermite_series<typename Student::value_type> hermite_loss(const Teacher& teacher,
                                                          const Student& student,
                                                          std::size_t degree,
                                                          typename Student::value_type std = 1) {
  using T = typename Student::value_type;
  static_assert(real_scalar<T> && std::is_same_v<T, typename Teacher::value_type>,
                "hermite_loss: student and teacher need one real scalar");
  using A = accumulator_t<T>;
  detail::check_pair<Teacher, Student>();
  detail::require_fit("hermite_loss", student, teacher.in_width(), teacher.out_width());
  const std::size_t n = student.template layer<1>().linear_weights().cols();
  const std::size_t nodes = n + teacher.template layer<1>().linear_weights().cols();
  const std::size_t C = student.out_width();
  auto U = make_matrix<A>(student.in_width(), nodes), q = make_matrix<A>(nodes, C);
  const auto add = [&](const auto& net, std::size_t first, A sign) {
    const auto W = net.template layer<1>().linear_weights();
    const auto V = net.template layer<2>().linear_weights();
    for (std::size_t j = 0; j < W.cols(); ++j) {
      std::vector<A> w(W.rows());
      for (std::size_t i = 0; i < w.size(); ++i) w[i] = W(i, j);
      const detail::scaled_norm<A> norm{std::span<const A>(w)};
      for (std::size_t i = 0; i < w.size(); ++i) {
        U(i, first + j) = norm.norm == 0 ? A(0) : norm.divide(w[i]);
      }
      // Powers of two last: |u_j| alone, or times s, may be out of the range.
      int of_std = 0;
      const A rest = std::frexp(A(std), &of_std);
      for (std::size_t c = 0; c < C; ++c) {
        int of_v = 0;
        const A v = std::frexp(A(V(j, c)), &of_v);
        q(first + j, c) = std::ldexp(sign * rest * norm.norm * v, norm.exponent + of_std + of_v);
      }
    }
  };
  add(student, 0, A(1));
  add(teacher, n, A(-1));
  auto cosines = make_matrix<A>(nodes, nodes), powers = cosines, strengths = cosines;
  multiply(transposed(U), U, cosines);
  for (A& x : cosines) x = std::clamp(x, A(-1), A(1));
  multiply(q, transposed(q), strengths);
  std::fill(powers.begin(), powers.end(), A(1));

  const auto of_student = relu_hermite_coefficients<A>(degree, detail::hidden_slope(student));
  const auto of_teacher = relu_hermite_coefficients<A>(degree, detail::hidden_slope(teacher));
  hermite_series<T> series{std::vector<T>(degree + 1, T(0)), T(0)};
  for (std::size_t k = 0; k <= degree; ++k) {
    if (k < 2 || k % 2 == 0) {
      A sum = 0;
      for (std::size_t i = 0; i < nodes; ++i) {
        const A left = i < n ? of_student[k] : of_teacher[k];
        for (std::size_t j = 0; j < nodes; ++j) {
          const A right = j < n ? of_student[k] : of_teacher[k];
          sum += left * right * strengths(i, j) * powers(i, j);
        }
      }
      series.parts[k] = static_cast<T>(sum / 2);
    }
    for (std::size_t i = 0; i < nodes * nodes; ++i) powers.data()[i] *= cosines.data()[i];
  }
  // |q^T C^k q| <= (sum |q_j|)^2, and what is left of sum c_k^2 = 1/2 for ReLU: within 2 epsilon at
  // any degree, for terms and differences fall fast enough that their rounding has a finite sum.
  constexpr A epsilon = std::numeric_limits<A>::epsilon();
  A left = A(0.5);
  for (const A c : relu_hermite_coefficients<A>(std::max<std::size_t>(degree, 1))) left -= c * c;
  left = std::max(left, A(0)) + 2 * epsilon;
  A most = 0;
  for (std::size_t c = 0; c < C; ++c) {
    A even = 0, linear = 0;
    for (std::size_t j = 0; j < nodes; ++j) {
      const A slope = j < n ? detail::hidden_slope(student) : detail::hidden_slope(teacher);
      even += std::abs((1 - slope) * q(j, c));
      linear += std::abs((1 + slope) / 2 * q(j, c));
    }
    most += (left * even * even + (degree == 0 ? linear * linear : A(0))) / 2;
  }
  // Half an epsilon an operation: of squared lengths (d), squared sums over nodes (2 each), a sum
  // over outputs, and some 20 a term.
  const auto operations = static_cast<A>(U.shape(0) + 2 * nodes + C + 20);
  most *= 1 + operations * epsilon / 2;
  if (std::any_of(q.begin(), q.end(), [](A x) { return x != 0; })) {
    series.remainder = std::nextafter(static_cast<T>(most), std::numeric_limits<T>::infinity());
  }
  return series;
}

}  // namespace tutelage
