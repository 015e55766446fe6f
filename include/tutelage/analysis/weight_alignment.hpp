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

#include <tutelage/core/numbers.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

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

namespace detail {
// By sine and cosine of its half, up to a common factor: its sine is 0 for exact opposites and as
// precise near them as near 0.
struct direction_angle {
  double half_sin, half_cos;

  [[nodiscard]] double radians() const { return 2 * std::atan2(half_sin, half_cos); }
  [[nodiscard]] double sin() const {
    return 2 * half_sin * half_cos / (half_sin * half_sin + half_cos * half_cos);
  }
  [[nodiscard]] bool is_acute() const { return half_sin < half_cos; }
  [[nodiscard]] bool is_obtuse() const { return half_sin > half_cos; }
};

// The same of directions that are of unit length already, or zero.
inline direction_angle angle_of_directions(std::span<const double> u, std::span<const double> v) {
  double difference = 0, sum = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    difference += (u[i] - v[i]) * (u[i] - v[i]);
    sum += (u[i] + v[i]) * (u[i] + v[i]);
  }
  if (difference + sum == 0) return {1, 1};  // both are zero
  return {std::sqrt(difference), std::sqrt(sum)};
}
}  // namespace detail

/// Angles and bias gaps of all pairs: teacher nodes are rows, student nodes columns. A node whose
/// weights are all zero has no boundary: its angles are pi/2 and its bias gaps infinite.
struct weight_alignment {
  matrix<double> angle;         // [m, n], radians
  matrix<double> sine;          // [m, n], of the angle: 0 for opposite directions, too
  matrix<double> bias_gap;      // [m, n], |b_j - b_k| of regular weights
  matrix<double> boundary_gap;  // [m, n], |b_j - b_k| or, beyond pi/2, |b_j + b_k|

  /// Definition 3.
  [[nodiscard]] bool eps_aligned(std::size_t j, std::size_t k, double eps) const {
    return sine(j, k) <= eps && bias_gap(j, k) <= eps;
  }

  /// Are the two boundaries one to within eps, whichever side each node is active on? [w~; b] and
  /// -[w~; b] have one boundary.
  [[nodiscard]] bool eps_coincident(std::size_t j, std::size_t k, double eps) const {
    return sine(j, k) <= eps && boundary_gap(j, k) <= eps;
  }
};

/// Compares two layers that take the same inputs. Throws shape_error when their input widths
/// differ, argument_error when a weight is not finite.
template <layer TeacherLayer, layer StudentLayer>
weight_alignment align_weights(const TeacherLayer& teacher, const StudentLayer& student) {
  detail::check_inputs<TeacherLayer::in_extent, StudentLayer::in_extent>();
  if (teacher.in_width() != student.in_width()) {
    throw shape_error(detail::text("align_weights: the student's layer takes ", student.in_width(),
                                   " inputs, the teacher's ", teacher.in_width()));
  }
  detail::require_finite_weights("align_weights", teacher);
  detail::require_finite_weights("align_weights", student);
  const auto w_star = make_regular(teacher);
  const auto w = make_regular(student);
  const std::size_t m = teacher.out_width(), n = student.out_width();
  weight_alignment result{make_matrix<double>(m, n), make_matrix<double>(m, n),
                          make_matrix<double>(m, n), make_matrix<double>(m, n)};
  const auto gap = [](double difference) {
    return std::isnan(difference) ? std::numeric_limits<double>::infinity() : std::abs(difference);
  };
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      const auto angle = detail::angle_of_directions(w_star.direction(j), w.direction(k));
      result.angle(j, k) = angle.radians();
      result.sine(j, k) = angle.sin();
      result.bias_gap(j, k) = gap(w_star.bias[j] - w.bias[k]);
      result.boundary_gap(j, k) =
          angle.is_obtuse() ? gap(w_star.bias[j] + w.bias[k]) : result.bias_gap(j, k);
    }
  }
  return result;
}

/// |w~_k| of a layer's nodes.
template <layer L>
std::vector<double> fan_in_norms(const L& l) {
  std::vector<double> norms(l.out_width());
  std::vector<double> column(l.in_width());
  for (std::size_t k = 0; k < norms.size(); ++k) {
    for (std::size_t i = 0; i < column.size(); ++i) {
      column[i] = static_cast<double>(l.weights()(i, k));
    }
    norms[k] = detail::scaled_norm<double>(column).value();
  }
  return norms;
}

/// |v_k| of the nodes of hidden layer l: the norms of the rows of W~_{l+1}.
template <std::size_t l, class Network>
std::vector<double> fan_out_norms(const Network& net) {
  static_assert(l >= 1 && l < Network::depth, "fan_out_norms: l is the number of a hidden layer");
  const auto W = net.template layer<l + 1>().linear_weights();
  std::vector<double> norms(W.rows()), row(W.cols());
  for (std::size_t k = 0; k < norms.size(); ++k) {
    for (std::size_t c = 0; c < row.size(); ++c) row[c] = static_cast<double>(W(k, c));
    norms[k] = detail::scaled_norm<double>(row).value();
  }
  return norms;
}

/// fan_out_norms of every hidden layer, from the lowest.
template <class Network>
std::vector<std::vector<double>> all_fan_out_norms(const Network& net) {
  std::vector<std::vector<double>> result;
  for_each_number<Network::depth - 1>([&](auto l) { result.push_back(fan_out_norms<l>(net)); });
  return result;
}

}  // namespace tutelage
