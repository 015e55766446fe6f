// Co-linear groups, and what Theorem 2 says of each (arXiv:1909.13458; Theorem 3 of its first
// version).
//
// Nodes of one layer are co-linear when their weights [w~; b] are positive multiples of one
// another: they compute one function of the input, up to scale. Of the group s, with the common
// regular weight w_s,
//
//   sum_{k in s} v_k f_k(x) = c_s gate(w_s.[x; 1]),   c_s = sum_{k in s} v_k |w~_k|,   [C]
//
// where v_k is k's fan-out: row k of the next layer's weights. At a critical point, for a group
// without a teacher that has C independent observers (the matrix of their v, one a row, has rank
// C), c_s = 0: the group can be pruned. With a teacher, c_s is the teacher's own c. So the residual
// of a group is c_s minus its teachers' c.
//
// The papers take nodes of w and of -w for independent, but both have their kink on one boundary
// and gate(a) - gate(-a) is linear in a: a gradient of 0 only tells that the sum of both groups'
// residuals vanishes. It is called the kink here; without an opposite group it is the residual.
// What the gradient sees is the jump of the slope, so a residual is in its units: the student's
// nodes count (1 - c), the teacher's (1 - c*), by their own layers' slopes.
//
// V is constant in two-layer networks only; in deeper ones it changes from region to region, and a
// rank over all regions proves nothing: they are refused.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>

#include <tutelage/analysis/observers.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/core/decompositions.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct colinear_group {
  std::vector<std::size_t> teachers;
  std::vector<std::size_t> students;
  std::size_t boundary = 0;  // the first group with this boundary, on either side: perhaps itself

  /// Is there a teacher in it?
  [[nodiscard]] bool aligned() const noexcept { return !teachers.empty(); }
};

/// All nodes of a teacher's and a student's layer, each in one group or constant.
struct colinear_partition {
  std::vector<colinear_group> groups;  // by their first teacher, then by their first student
  std::vector<std::size_t> constant_teachers;  // nodes without weights: they have no boundary
  std::vector<std::size_t> constant_students;
};

namespace detail {

enum class multiple { none, positive, negative };

// Multiples to within a tolerance: of the angle's sine and of the gap of the regular biases.
inline multiple multiple_of(const regular_weights& a, std::size_t i, const regular_weights& b,
                            std::size_t k, double tolerance) {
  // Biases first: they settle most pairs.
  const bool equal = std::abs(a.bias[i] - b.bias[k]) <= tolerance;
  const bool opposite = std::abs(a.bias[i] + b.bias[k]) <= tolerance;
  if (!equal && !opposite) return multiple::none;
  const auto angle = angle_of_directions(a.direction(i), b.direction(k));
  if (!(angle.sin() <= tolerance)) return multiple::none;
  if (angle.is_acute()) return equal ? multiple::positive : multiple::none;
  return opposite ? multiple::negative : multiple::none;
}

// Nodes 0, ..., n-1 in sets that are joined.
class disjoint_sets {
 public:
  explicit disjoint_sets(std::size_t n) : parent_(n) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }
  std::size_t root(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  // The smaller root stays.
  void join(std::size_t i, std::size_t k) {
    const std::size_t a = root(i), b = root(k);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

inline void require_tolerance(const char* function, double tolerance) {
  if (!(tolerance >= 0) || !std::isfinite(tolerance)) {
    throw argument_error(
        text(function, ": the tolerance is ", tolerance, ", expected a number from 0 on"));
  }
}

}  // namespace detail

/// The groups of two layers that take the same inputs. Nodes are joined when their angle is below
/// 90 degrees and its sine and the gap of their regular biases are at most `tolerance`; groups are
/// what such pairs connect, boundaries what they and opposite pairs do. Rounding of a multiple is a
/// few epsilon. Throws shape_error when the layers' inputs differ and argument_error for a negative
/// tolerance or a weight that is not finite.
template <layer Teacher, layer Student>
colinear_partition colinear_groups(const Teacher& teacher, const Student& student,
                                   double tolerance) {
  detail::require_tolerance("colinear_groups", tolerance);
  detail::check_inputs<Teacher::in_extent, Student::in_extent>();
  if (teacher.in_width() != student.in_width()) {
    throw shape_error(detail::text("colinear_groups: the student's layer takes ",
                                   student.in_width(), " inputs, the teacher's ",
                                   teacher.in_width()));
  }
  detail::require_finite_weights("colinear_groups", teacher);
  detail::require_finite_weights("colinear_groups", student);
  const regular_weights w_star = make_regular(teacher), w = make_regular(student);
  const std::size_t m = w_star.nodes(), n = w.nodes();
  const auto side = [&](std::size_t i) {
    return i < m ? std::pair(&w_star, i) : std::pair(&w, i - m);
  };
  detail::disjoint_sets sets(m + n);
  std::vector<std::pair<std::size_t, std::size_t>> opposites;
  for (std::size_t i = 0; i < m + n; ++i) {
    const auto [a, node_a] = side(i);
    if (!a->has_boundary(node_a)) continue;
    for (std::size_t k = i + 1; k < m + n; ++k) {
      const auto [b, node_b] = side(k);
      if (!b->has_boundary(node_b)) continue;
      switch (detail::multiple_of(*a, node_a, *b, node_b, tolerance)) {
        case detail::multiple::positive:
          sets.join(i, k);
          break;
        case detail::multiple::negative:
          opposites.emplace_back(i, k);
          break;
        case detail::multiple::none:
          break;
      }
    }
  }
  colinear_partition result;
  std::vector<std::size_t> group_of(m + n);
  for (std::size_t i = 0; i < m + n; ++i) {
    const auto [weights, node] = side(i);
    if (!weights->has_boundary(node)) {
      (i < m ? result.constant_teachers : result.constant_students).push_back(node);
      continue;
    }
    const std::size_t root = sets.root(i);
    if (root == i) {
      group_of[i] = result.groups.size();
      result.groups.emplace_back();
    }
    colinear_group& group = result.groups[group_of[root]];
    (i < m ? group.teachers : group.students).push_back(node);
  }
  detail::disjoint_sets boundaries(result.groups.size());
  for (const auto& [i, k] : opposites) {
    boundaries.join(group_of[sets.root(i)], group_of[sets.root(k)]);
  }
  for (std::size_t g = 0; g < result.groups.size(); ++g) {
    result.groups[g].boundary = boundaries.root(g);
  }
  return result;
}

/// The groups of one layer's nodes, as students.
template <layer L>
colinear_partition colinear_groups(const L& l, double tolerance) {
  const dense<double, dynamic, dynamic, relu> none(l.in_width(), 1);
  colinear_partition result = colinear_groups(none, l, tolerance);
  result.constant_teachers.clear();
  return result;
}

/// What Theorem 2 says of one group.
struct group_balance {
  std::vector<double>
      residual;               // [C], (1 - c) c_s of its students less (1 - c*) c_s of its teachers
  double kink = 0;            // |residual|, of all groups with this boundary together
  double gauge = 0;           // sum of the norms of what all its nodes add: what could cancel
  std::size_t observers = 0;  // student nodes outside these groups that observe one
  std::size_t rank = 0;       // of their fan-outs
  bool independent = false;   // rank = C: at a critical point the kink is 0
};

/// The balance of every group of the hidden layer, in the partition's order. `seen_by` tells which
/// student nodes (columns) observe which student nodes' boundaries (rows) and `teachers_seen_by`
/// which observe which teachers': observe() of the layers over a region, or from samples. A node
/// observes a group when it observes any node of it. Throws shape_error when the networks' outputs
/// differ or an argument is of other layers, argument_error when a kink is not finite.
template <std::size_t l, class Teacher, class Student>
std::vector<group_balance> balance_groups(const Teacher& teacher, const Student& student,
                                          const colinear_partition& partition,
                                          const observers& teachers_seen_by,
                                          const observers& seen_by) {
  static_assert(l == 1 && Teacher::depth == 2 && Student::depth == 2,
                "balance_groups: networks of two layers; V changes with the region in deeper ones");
  const auto& next = student.template layer<l + 1>();
  detail::check_pair<Teacher, Student>();
  const auto& next_star = teacher.template layer<l + 1>();
  const double bend = 1 - student.template layer<l>().gate().slope();
  const double bend_star = 1 - teacher.template layer<l>().gate().slope();
  const std::size_t C = next.out_width(), m = next_star.in_width(), n = next.in_width();
  if (next_star.out_width() != C) {
    throw shape_error(detail::text("balance_groups: the student's fan-out is to ", C,
                                   " nodes, the teacher's to ", next_star.out_width()));
  }
  if (teachers_seen_by.observed_nodes() != m || teachers_seen_by.observing_nodes() != n ||
      seen_by.observed_nodes() != n || seen_by.observing_nodes() != n) {
    throw shape_error(detail::text("balance_groups: observers of ", m, " teacher and ", n,
                                   " student nodes by ", n, " student nodes are expected"));
  }
  const auto norms = fan_in_norms(student.template layer<l>());
  const auto norms_star = fan_in_norms(teacher.template layer<l>());
  std::vector<group_balance> result;
  for (const colinear_group& group : partition.groups) {
    group_balance& b = result.emplace_back();
    b.residual.resize(C);
    const auto add = [&](const auto& V, std::size_t k, double norm, double bends) {
      std::vector<double> added(C);
      for (std::size_t c = 0; c < C; ++c) {
        added[c] = static_cast<double>(V(k, c)) * norm * bends;
        b.residual[c] += added[c];
      }
      b.gauge += detail::scaled_norm<double>(added).value();
    };
    std::vector<bool> sees(n);
    for (const std::size_t k : group.students) add(next.linear_weights(), k, norms[k], bend);
    for (const std::size_t j : group.teachers) {
      add(next_star.linear_weights(), j, norms_star[j], -bend_star);
    }
    // Of one boundary, whichever side its nodes are active on.
    std::vector<const colinear_group*> sides;
    for (const colinear_group& side : partition.groups) {
      if (side.boundary == group.boundary) sides.push_back(&side);
    }
    for (const colinear_group* side : sides) {
      for (const std::size_t k : side->students) {
        for (const std::size_t o : seen_by.of(k)) sees[o] = true;
      }
      for (const std::size_t j : side->teachers) {
        for (const std::size_t o : teachers_seen_by.of(j)) sees[o] = true;
      }
    }
    for (const colinear_group* side : sides) {
      for (const std::size_t k : side->students) sees[k] = false;
    }
    b.observers = static_cast<std::size_t>(std::count(sees.begin(), sees.end(), true));
    auto fan_outs = make_matrix<double>(b.observers, C);
    for (std::size_t o = 0, row = 0; o < n; ++o) {
      if (!sees[o]) continue;
      for (std::size_t c = 0; c < C; ++c) {
        fan_outs(row, c) = static_cast<double>(next.linear_weights()(o, c));
      }
      ++row;
    }
    b.rank = numerical_rank(matrix_view(fan_outs));
    b.independent = b.rank == C;
  }
  for (std::size_t s = 0; s < result.size(); ++s) {
    std::vector<double> all(C);
    for (std::size_t other = 0; other < result.size(); ++other) {
      if (partition.groups[other].boundary != partition.groups[s].boundary) continue;
      for (std::size_t c = 0; c < C; ++c) all[c] += result[other].residual[c];
    }
    result[s].kink = detail::scaled_norm<double>(all).value();
    if (!is_finite(result[s].kink)) {
      throw argument_error(
          detail::text("balance_groups: the kink of group ", s, " is not a finite number"));
    }
  }
  return result;
}

}  // namespace tutelage
