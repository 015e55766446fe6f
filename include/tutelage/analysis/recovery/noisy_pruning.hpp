// Theorem 2 for gradients that are small and not 0: how large can the kink of a group be? From
// arXiv:1909.13458, Theorem 2, for two layers. No eta, no mu, no counts of samples.
//
//   group        nodes of both networks that share a boundary, to within a tolerance
//   K    [C]     its kink, sum_students (1 - c) v_k |w~_k| - sum_teachers (1 - c*) v*_j |w~*_j|
//   p, u         a point on the boundary of one of its nodes, and the unit normal there
//   h            the segment p + t u, |t| <= h, meets the boundary of no node outside of the group
//   D_o          second difference of g_o, a student node's gradient: g_o(h) + g_o(-h) - 2 g_o(0)
//   z_o          its gate, the same at t = -h, 0, h and not 0: o observes the boundary from p
//   s_k, q_k     distance of p to member k's boundary; cosine of u and k's normal
//
// All others are affine on the segment. A member gives f or f* the second difference
// (1 - c) v_k |w~_k| max(0, |q_k| h - |s_k|), which is (1 - c) v_k |w~_k| h on one boundary. So with
// the lack E = sum_k +-(1 - c) v_k |w~_k| (h - max(0, |q_k| h - |s_k|)), 0 for exact groups,
//
//   D_o = -z_o v_o.(h K - E),    |v_o.K| <= b_o = (|D_o| / z_o + |v_o.E|) / h.
//
// K is one vector: each observer has its own best p. With any set of O observers, row o of V being
// v_o / b_o, no entry of V K exceeds 1 and
//
//   |K| <= sqrt(O) / sigma_min(V).
//
// If no gradient exceeds G, |D_o| <= 4 G, and C observers with gates open and h >= rho give
// |K| <= 4 G sqrt(C) / (rho sigma_min(V_obs)); for G = 0 that is Theorem 2. If gradients are known
// to within +-noise only, D_o is to within 4 noise; rounding is noise of this kind.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <type_traits>

#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/recovery/lowest_gradients.hpp>
#include <tutelage/core/decompositions.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network_cast.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// How hard bound_kinks() looks.
struct kink_search {
  std::size_t samples = 64;  // nearest to each boundary: their feet on it are the points p
  double noise = 0;          // gradients are known to within so much, absolute
};

/// What gradients prove of the kink of one group, opposite groups of its boundary included.
struct kink_bound {
  double bound = std::numeric_limits<double>::infinity();  // |K| is at most so large: proved
  double kink = 0;                                         // |K|: seen on the weights
  double gauge = 0;           // sum of the norms of what its nodes add to K: what could cancel
  std::size_t points = 0;     // p, clear of other boundaries
  std::size_t observers = 0;  // student nodes that observe from one at least

  /// Is there a bound? Else the observers' fan-outs do not span the outputs.
  [[nodiscard]] bool holds() const noexcept { return std::isfinite(bound); }
};

namespace detail {

// What an observer proves: |v.K| <= ratio |v|.
struct observation {
  std::vector<double> v;  // [C], unit
  double ratio = std::numeric_limits<double>::infinity();
};

// The least sqrt(O) / sigma_min over sets of the best observers, each set twice the last one's.
inline double bound_kink(std::vector<observation> seen, std::size_t C) {
  double bound = std::numeric_limits<double>::infinity();
  std::erase_if(seen, [](const observation& o) { return !std::isfinite(o.ratio); });
  std::stable_sort(seen.begin(), seen.end(),
                   [](const observation& a, const observation& b) { return a.ratio < b.ratio; });
  for (std::size_t O = C; O <= seen.size();
       O = O == seen.size() ? O + 1 : std::min(2 * O, seen.size())) {
    const double largest = seen[O - 1].ratio;
    auto V = make_matrix<double>(O, C);
    for (std::size_t o = 0; o < O; ++o) {
      // A larger ratio is as true. Rows of like size keep sigma_min above rounding.
      const double scale = largest > 0 ? largest / std::max(seen[o].ratio, 0x1p-20 * largest) : 1;
      for (std::size_t c = 0; c < C; ++c) V(o, c) = scale * seen[o].v[c];
    }
    const auto s = singular_values(matrix_view(V));
    const double rounding =
        8 * static_cast<double>(O + C) * std::numeric_limits<double>::epsilon() * s.front();
    if (s.back() > rounding) {
      bound = std::min(bound, largest * std::sqrt(static_cast<double>(O)) / (s.back() - rounding));
    }
  }
  return bound;
}

template <class Teacher, class Student>
class kink_bounder {
  using U = typename Student::value_type;

  // A node that bends on the boundary.
  struct member {
    const regular_weights* w;
    std::size_t node;
    std::vector<double> jump;  // [C], +-(1 - c) v |w~|
    double size;               // |jump|
  };

 public:
  kink_bounder(const Teacher& teacher, const Student& student, double noise)
      : w_star_(make_regular(teacher.template layer<1>())),
        w_(make_regular(student.template layer<1>())),
        noise_(noise),
        teacher_(teacher),
        student_(student),
        gradients_(teacher, student) {}

  // The groups' nodes, and the one whose boundary is taken for all.
  void begin(const colinear_partition& partition, std::size_t boundary) {
    members_.clear();
    of_group_star_.assign(w_star_.nodes(), false);
    of_group_.assign(w_.nodes(), false);
    for (const colinear_group& group : partition.groups) {
      if (group.boundary != boundary) continue;
      for (const std::size_t k : group.students) add(student_, w_, of_group_, k, 1);
      for (const std::size_t j : group.teachers) add(teacher_, w_star_, of_group_star_, j, -1);
    }
    if (members_.empty()) throw shape_error("bound_kinks: a group without nodes");
    reference_ = std::max_element(members_.begin(), members_.end(),
                                  [](const auto& a, const auto& b) { return a.size < b.size; }) -
                 members_.begin();
    observations_.assign(w_.nodes(), {});
    points_ = 0;
  }

  // Signed distance of x to the boundary.
  [[nodiscard]] U distance(std::span<const U> x) const {
    return line_to_boundary<U>(*reference().w, reference().node, x, normal()).distance;
  }

  // What all students see from the foot of x.
  void observe(std::span<const U> x, double reach) {
    const auto u = normal();
    const std::size_t d = x.size(), C = student_.out_width();
    const U s = distance(x);
    std::vector<U> p(d);
    for (std::size_t i = 0; i < d; ++i) p[i] = x[i] - s * static_cast<U>(u[i]);
    const double h = std::min({reach, clear<U>(teacher_, w_star_, of_group_star_, p),
                               clear<U>(student_, w_, of_group_, p)});
    if (!(h > 0)) return;
    const auto points = points_of_.reshape(3, d);
    const auto absolute = absolute_.reshape(1, d);
    for (std::size_t i = 0; i < d; ++i) {
      const U step = static_cast<U>(h * u[i]);
      points(0, i) = p[i];
      points(1, i) = p[i] + step;
      points(2, i) = p[i] - step;
      absolute(0, i) = std::abs(x[i]) + std::abs(p[i]) + std::abs(step);
    }
    const auto rounding = gradients_.rounding(matrix_view<const U>(absolute));
    const auto g = gradients_(matrix_view<const U>(points));
    std::vector<double> lack(C);
    for (const member& m : members_) {
      const line_to_boundary<U> line(*m.w, m.node, p, u);
      const double bends = std::max(0.0, std::abs(static_cast<double>(line.cosine)) * h -
                                             std::abs(static_cast<double>(line.distance)));
      for (std::size_t c = 0; c < C; ++c) lack[c] += m.jump[c] * (h - bends);
    }
    ++points_;
    const auto V = student_.template layer<2>().linear_weights();
    for (std::size_t o = 0; o < w_.nodes(); ++o) {
      const double z = gradients_.gate(0, o);
      if (!(z > 0) || gradients_.gate(1, o) != z || gradients_.gate(2, o) != z) continue;
      const auto v = fan_out(V, o);
      const scaled_norm<double> norm{std::span<const double>(v)};
      if (norm.norm == 0) continue;
      double lacks = 0;
      for (std::size_t c = 0; c < C; ++c) lacks += norm.divide(v[c]) * lack[c];
      const auto D = static_cast<double>(std::abs(g(1, o) + g(2, o) - 2 * g(0, o)));
      const double seen = norm.divide(D + 4 * noise_ + rounding[o]) / z;
      const double ratio = (seen + std::abs(lacks)) / h;
      if (!(ratio < observations_[o].ratio)) continue;
      observations_[o].ratio = ratio;
      observations_[o].v.resize(C);
      for (std::size_t c = 0; c < C; ++c) observations_[o].v[c] = norm.divide(v[c]);
    }
  }

  [[nodiscard]] kink_bound result() const {
    const std::size_t C = student_.out_width();
    kink_bound found{bound_kink(observations_, C), 0, 0, points_, 0};
    std::vector<double> K(C);
    for (const member& m : members_) {
      found.gauge += m.size;
      for (std::size_t c = 0; c < C; ++c) K[c] += m.jump[c];
    }
    found.kink = length(K);
    found.observers = static_cast<std::size_t>(
        std::count_if(observations_.begin(), observations_.end(),
                      [](const observation& o) { return std::isfinite(o.ratio); }));
    return found;
  }

 private:
  template <class View>
  static std::vector<double> fan_out(const View& V, std::size_t k) {
    std::vector<double> v(V.cols());
    for (std::size_t c = 0; c < v.size(); ++c) v[c] = static_cast<double>(V(k, c));
    return v;
  }

  static double length(const std::vector<double>& v) {
    const scaled_norm<double> norm{std::span<const double>(v)};
    return std::ldexp(norm.norm, norm.exponent);
  }

  template <class Network>
  void add(const Network& net, const regular_weights& w, std::vector<bool>& of_group, std::size_t k,
           double sign) {
    if (k >= w.nodes() || of_group[k] || !w.has_boundary(k)) {
      throw shape_error(text("bound_kinks: node ", k, " of ", w.nodes(),
                             " in a group, expected each at most once and with a boundary"));
    }
    of_group[k] = true;
    const auto& layer = net.template layer<1>();
    std::vector<double> column(layer.in_width());
    for (std::size_t i = 0; i < column.size(); ++i) {
      column[i] = static_cast<double>(layer.weights()(i, k));
    }
    const double bend = sign * (1 - static_cast<double>(layer.gate().slope())) * length(column);
    member m{&w, k, fan_out(net.template layer<2>().linear_weights(), k), 0};
    for (double& v : m.jump) v *= bend;
    m.size = length(m.jump);
    members_.push_back(std::move(m));
  }

  // Nodes without a bend are in nobody's way.
  template <class V, class Network>
  [[nodiscard]] double clear(const Network& net, const regular_weights& w,
                             const std::vector<bool>& of_group, const std::vector<V>& p) const {
    if (net.template layer<1>().gate().slope() == 1) return std::numeric_limits<double>::infinity();
    return clear_length<V>(w, std::span<const V>(p), normal(),
                           [&](std::size_t i) { return of_group[i]; });
  }

  [[nodiscard]] const member& reference() const {
    return members_[static_cast<std::size_t>(reference_)];
  }
  [[nodiscard]] std::span<const double> normal() const {
    return reference().w->direction(reference().node);
  }

  regular_weights w_star_, w_;
  double noise_;
  const Teacher& teacher_;
  const Student& student_;
  lowest_gradients<Teacher, Student> gradients_;
  std::vector<member> members_;
  std::vector<bool> of_group_star_, of_group_;
  std::ptrdiff_t reference_ = 0;
  std::vector<observation> observations_;  // [n], the best of each
  std::size_t points_ = 0;
  workspace<U> points_of_, absolute_;
};

}  // namespace detail

/// What gradients prove of the kink of every group, in the partition's order; see colinear_groups.
/// A bound is true for any partition: a bad one only leaves other boundaries in the way. Computed
/// in double at least. Throws shape_error when networks, partition and inputs do not fit or there
/// is no input, argument_error for a search of no samples, noise that is negative, and weights or
/// samples that are not finite.
template <class Teacher, class Student, class Inputs>
std::vector<kink_bound> bound_kinks(const Teacher& teacher, const Student& student,
                                    const colinear_partition& partition, const Inputs& inputs,
                                    const kink_search& search = {}) {
  using T = typename Student::value_type;
  static_assert(real_scalar<T> && std::same_as<T, typename Teacher::value_type>,
                "bound_kinks: teacher and student have different scalars; see network_cast");
  static_assert(Teacher::depth == 2 && Student::depth == 2,
                "bound_kinks: networks of two layers; V changes with the region in deeper ones");
  static_assert(std::same_as<typename Teacher::template layer_type<2>::gate_type, identity> &&
                    std::same_as<typename Student::template layer_type<2>::gate_type, identity>,
                "bound_kinks: the top layers have no gate");
  using U = std::common_type_t<T, double>;
  const auto& rows = as_rows(inputs);
  const std::size_t N = rows.rows();
  if (search.samples == 0 || !(search.noise >= 0) || !std::isfinite(search.noise)) {
    throw argument_error(detail::text("bound_kinks: ", search.samples, " samples, noise ",
                                      search.noise, ", expected at least 1 and 0"));
  }
  if (N == 0 || rows.cols() != student.in_width()) {
    throw shape_error(detail::text("bound_kinks: inputs are ", shape_text(N, rows.cols()),
                                   ", expected ", student.in_width(),
                                   " columns and at least 1 row"));
  }
  if (teacher.in_width() != student.in_width() || teacher.out_width() != student.out_width()) {
    throw shape_error("bound_kinks: teacher and student have different inputs or outputs");
  }
  const auto finite = [](const auto& l, std::size_t) {
    detail::require_finite_weights("bound_kinks", l);
  };
  teacher.for_each_layer(finite);
  student.for_each_layer(finite);

  const auto wide_teacher = network_cast<U>(teacher);
  const auto wide_student = network_cast<U>(student);
  detail::kink_bounder bounder(wide_teacher, wide_student, search.noise);
  std::vector<kink_bound> result;
  std::vector<double> distance(N);
  std::vector<std::size_t> order(N);
  std::vector<U> x(rows.cols());
  for (std::size_t group = 0; group < partition.groups.size(); ++group) {
    const std::size_t boundary = partition.groups[group].boundary;
    if (boundary > group || partition.groups[boundary].boundary != boundary) {
      throw shape_error(detail::text("bound_kinks: group ", group, " has the boundary of ",
                                     boundary, ", expected the first group of it"));
    }
    if (boundary < group) {
      result.push_back(result[boundary]);
      continue;
    }
    bounder.begin(partition, boundary);
    double reach = 0;
    for_each_chunk(inputs, [&](matrix_view<const T> chunk, std::size_t first) {
      detail::require_finite("bound_kinks", "the input", chunk, first);
      for (std::size_t i = 0; i < chunk.rows(); ++i) {
        std::copy_n(chunk.row(i).begin(), x.size(), x.begin());
        distance[first + i] = std::abs(static_cast<double>(bounder.distance(x)));
        reach = std::max(reach, distance[first + i]);
      }
    });
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t count = std::min(N, search.samples);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count),
                      order.end(), [&](std::size_t a, std::size_t b) {
                        return distance[a] < distance[b] || (distance[a] == distance[b] && a < b);
                      });
    auto chosen = make_matrix<T>(count, rows.cols());
    gather(rows, std::span<const std::size_t>(order.data(), count), matrix_view<T>(chosen));
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(matrix_view<const T>(chosen).row(i).begin(), x.size(), x.begin());
      bounder.observe(x, reach);
    }
    result.push_back(bounder.result());
  }
  return result;
}

}  // namespace tutelage
