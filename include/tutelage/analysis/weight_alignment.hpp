// Alignment of weights: are two nodes of the lowest layer the same half-space?
//
// A weight is made regular first: w = [w~; b] / |w~| (arXiv:1909.13458, Definition 1). Nodes j and
// k are eps-aligned when sin(angle(w~_j, w~_k)) <= eps and |b_j - b_k| <= eps (Definition 3). The
// sine forgives opposite directions, whose boundaries are one only when the biases are opposite as
// well; the angle, in [0, pi], tells them apart.
//
// Angles are 2 atan2(|u - v|, |u + v|) of the unit vectors: exact to a few epsilon everywhere,
// where acos of the cosine loses half its digits near 0 and pi.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>

#include <tutelage/model/network.hpp>
#include <utility>
#include <vector>

namespace tutelage {

namespace detail {
// |a| = norm 2^exponent: no square overflows or vanishes, and neither does the norm.
template <real_scalar T>
struct scaled_norm {
  T norm = 0;
  int exponent = 0;

  explicit scaled_norm(std::span<const T> a) {
    T largest = 0;
    for (const T x : a) largest = std::max(largest, std::abs(x));
    std::frexp(largest, &exponent);
    T sum = 0;
    for (const T x : a) sum += std::ldexp(x, -exponent) * std::ldexp(x, -exponent);
    norm = std::sqrt(sum);
  }

  // x / |a|
  [[nodiscard]] T divide(T x) const { return std::ldexp(x, -exponent) / norm; }
};
}  // namespace detail

/// The angle between two vectors, in radians. A zero vector has no direction and counts as
/// orthogonal to all: pi/2. Throws shape_error when their sizes differ.
template <real_scalar T>
T angle_between(std::span<const T> u, std::span<const T> v) {
  if (u.size() != v.size()) {
    throw shape_error(detail::text("angle_between: ", u.size(), " and ", v.size(),
                                   " elements, expected equally many"));
  }
  const detail::scaled_norm<T> norm_u(u), norm_v(v);
  if (norm_u.norm == 0 || norm_v.norm == 0) return std::numbers::pi_v<T> / 2;
  T difference = 0, sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    const T a = norm_u.divide(u[i]), b = norm_v.divide(v[i]);
    difference += (a - b) * (a - b);
    sum += (a + b) * (a + b);
  }
  return 2 * std::atan2(std::sqrt(difference), std::sqrt(sum));
}

/// Angles and bias gaps of all pairs: teacher nodes are rows, student nodes columns. A node whose
/// weights are all zero has no boundary: its angles are pi/2 and its bias gaps infinite.
struct weight_alignment {
  matrix<double> angle;     // [m, n], radians
  matrix<double> bias_gap;  // [m, n], of regular weights

  [[nodiscard]] double sine(std::size_t j, std::size_t k) const { return std::sin(angle(j, k)); }

  /// Definition 3.
  [[nodiscard]] bool eps_aligned(std::size_t j, std::size_t k, double eps) const {
    return sine(j, k) <= eps && bias_gap(j, k) <= eps;
  }
};

namespace detail {
// Columns of W~ as rows, and regular biases.
struct regular_weights {
  matrix<double> directions;  // [n, d]
  std::vector<double> bias;   // [n], infinite for zero weights
};

template <layer L>
regular_weights make_regular(const L& l) {
  regular_weights result{make_matrix<double>(l.out_width(), l.in_width()),
                         std::vector<double>(l.out_width())};
  for (std::size_t k = 0; k < l.out_width(); ++k) {
    for (std::size_t i = 0; i < l.in_width(); ++i) {
      result.directions(k, i) = static_cast<double>(l.weights()(i, k));
    }
    const scaled_norm<double> norm(matrix_view(std::as_const(result.directions)).row(k));
    const double b = L::has_bias() ? static_cast<double>(l.weights()(l.in_width(), k)) : 0.0;
    result.bias[k] = norm.norm == 0 ? std::numeric_limits<double>::infinity() : norm.divide(b);
  }
  return result;
}
}  // namespace detail

/// Compares two layers that take the same inputs. Throws shape_error when their input widths
/// differ.
template <layer TeacherLayer, layer StudentLayer>
weight_alignment align_weights(const TeacherLayer& teacher, const StudentLayer& student) {
  if (teacher.in_width() != student.in_width()) {
    throw shape_error(detail::text("align_weights: the student's layer takes ", student.in_width(),
                                   " inputs, the teacher's ", teacher.in_width()));
  }
  const auto w_star = detail::make_regular(teacher);
  const auto w = detail::make_regular(student);
  const std::size_t m = teacher.out_width(), n = student.out_width();
  weight_alignment result{make_matrix<double>(m, n), make_matrix<double>(m, n)};
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      result.angle(j, k) =
          angle_between(matrix_view(w_star.directions).row(j), matrix_view(w.directions).row(k));
      const double gap = std::abs(w_star.bias[j] - w.bias[k]);
      result.bias_gap(j, k) = std::isnan(gap) ? std::numeric_limits<double>::infinity() : gap;
    }
  }
  return result;
}

/// |v_k| of the nodes of hidden layer l: the norms of the rows of W~_{l+1}.
template <std::size_t l, class Network>
std::vector<double> fan_out_norms(const Network& net) {
  static_assert(l >= 1 && l < Network::depth, "fan_out_norms: l is the number of a hidden layer");
  const auto W = net.template layer<l + 1>().linear_weights();
  std::vector<double> norms(W.rows());
  for (std::size_t k = 0; k < W.rows(); ++k) {
    double square = 0;
    for (const auto& w : W.row(k)) square += static_cast<double>(w) * static_cast<double>(w);
    norms[k] = std::sqrt(square);
  }
  return norms;
}

/// fan_out_norms of every hidden layer, from the lowest.
template <class Network>
std::vector<std::vector<double>> all_fan_out_norms(const Network& net) {
  std::vector<std::vector<double>> result;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (result.push_back(fan_out_norms<I + 1>(net)), ...);
  }
  (std::make_index_sequence<Network::depth - 1>{});
  return result;
}

}  // namespace tutelage
