// Is a student specialized, and which of its nodes are which teacher node's?
//
// Two layers, f(x) = sum_k v_k gate(w_k.[x; 1]) + b. Nodes whose weights are positive multiples of
// one another are a group, and E_s = sum_{k in s} v_k |w~_k| is what it adds along its direction
// (colinear_groups.hpp). A student is its teacher's function when every group has one teacher node j
// and E_s = v*_j |w*_j|, or none and E_s = 0; so it must be, to within a tolerance, where biases and
// kinks tell directions apart (arXiv:1909.13458, Theorem 1). Nodes without weights are constants and
// count with the output's bias. Nodes that are multiples to within a tolerance only are as good as
// turned to one direction u with regular bias b, the teacher's, which changes f(x) by at most
//
//   T_s max(|x|, 1)       T_s = sum_{k in s} |v_k| |w~_k| (|u_k - u| + |b_k - b|)
//
// This must be small too: large fan-outs may cancel in E_s, what turning them changes does not.
//
//   v_k  [C], fan-out     E_s  [C]
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// How exact students must be.
struct specialization_tolerance {
  double colinear = 1e-9;  // sine of the angle, and gap of regular biases, of nodes of one group
  double fan_out = 1e-8;   // error of E_s, and T_s, by the largest |v*_j| |w*_j|; at least 3 times
                           // colinear
};

/// What a student has of each teacher node: nothing, perhaps, of one that adds less than is allowed.
struct specialized_student {
  std::vector<std::vector<std::size_t>> groups;  // [m], its nodes
  std::vector<std::vector<double>> added;        // [m][C], E_j
  std::vector<double> constant;                  // [C], output bias and nodes without weights
};

namespace detail {

inline double norm_of(std::span<const double> v) { return scaled_norm<double>(v).value(); }

/// sum of v_k factor(k) over nodes.
template <class Network, class Factor>
std::vector<double> sum_of_fan_outs(const Network& net, const std::vector<std::size_t>& nodes,
                                    const Factor& factor) {
  const auto V = net.template layer<2>().linear_weights();
  std::vector<double> sum(V.cols(), 0.0);
  for (const std::size_t k : nodes) {
    for (std::size_t c = 0; c < V.cols(); ++c) sum[c] += static_cast<double>(V(k, c)) * factor(k);
  }
  return sum;
}

/// What nodes without weights add, with the output's bias.
template <class Network>
std::vector<double> constant_of(const Network& net, const std::vector<std::size_t>& nodes) {
  const auto& below = net.template layer<1>();
  auto sum = sum_of_fan_outs(net, nodes, [&](std::size_t k) {
    if constexpr (std::remove_cvref_t<decltype(below)>::has_bias()) {
      return below.gate().activate(static_cast<double>(below.bias()[k]));
    } else {
      return 0.0;
    }
  });
  const auto& top = net.template layer<2>();
  if constexpr (std::remove_cvref_t<decltype(top)>::has_bias()) {
    for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += static_cast<double>(top.bias()[c]);
  }
  return sum;
}

inline double distance(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t c = 0; c < a.size(); ++c) a[c] -= b[c];
  return norm_of(a);
}

/// T_s for nodes k of `w`, each adding v_k with norm fan_outs[k], that turn to node `to` of `target`.
inline double turned_by(const regular_weights& w, const std::vector<double>& norms,
                        const std::vector<double>& fan_outs, const std::vector<std::size_t>& nodes,
                        const regular_weights& target, std::size_t to) {
  constexpr double least = std::numeric_limits<double>::min();
  double sum = 0;
  for (const std::size_t k : nodes) {
    const double turn = angle_of_directions(w.direction(k), target.direction(to)).half_sin;
    const double adds = fan_outs[k] * norms[k];
    sum += adds * (turn + std::abs(w.bias[k] - target.bias[to]));
    if (fan_outs[k] > 0 && adds < least) sum += least;  // it underflows, and in E_s too
  }
  return sum;
}

inline std::string nodes_text(const std::vector<std::size_t>& nodes) {
  std::string result;
  for (const std::size_t k : nodes) result += (result.empty() ? "" : ", ") + std::to_string(k);
  return result;
}

}  // namespace detail

/// The groups of a student, which messages call `which`. Throws shape_error when inputs or outputs
/// differ, and argument_error when slopes do, or when the student is not specialized to within the
/// tolerance: the message says where.
template <class Teacher, class Student>
specialized_student specialized_groups(const Teacher& teacher, const Student& student,
                                       const specialization_tolerance& tolerance = {},
                                       const char* which = "student") {
  static_assert(
      Student::depth == 2 && piecewise_linear_network<Student> && piecewise_linear_network<Teacher>,
      "specialized_groups: needs two dense layers with a piecewise linear gate");
  detail::require_pair<detail::same_depth>("specialized_groups", teacher, student);
  const auto refuse = [&](const auto&... words) {
    throw argument_error(detail::text("specialized_groups: ", words...));
  };
  const double slope = student.template layer<1>().gate().slope(),
               slope_star = teacher.template layer<1>().gate().slope();
  if (slope != slope_star) {
    refuse("the slope of the teacher is ", slope_star, ", that of the ", which, " ", slope);
  }
  // 0.3 is 3 times 0.1, to rounding.
  if (!(tolerance.fan_out * (1 + 1e-12) >= 3 * tolerance.colinear)) {
    refuse("the tolerance of fan-outs is ", tolerance.fan_out, ", expected at least 3 times ",
           tolerance.colinear, ", that of weights");
  }
  const auto partition =
      colinear_groups(teacher.template layer<1>(), student.template layer<1>(), tolerance.colinear);
  const auto norms = fan_in_norms(student.template layer<1>()),
             norms_star = fan_in_norms(teacher.template layer<1>());
  std::vector<std::vector<double>> wanted;  // of each group's teachers
  const auto w = make_regular(student.template layer<1>()),
             w_star = make_regular(teacher.template layer<1>());
  const auto fan_outs = fan_out_norms<1>(student), fan_outs_star = fan_out_norms<1>(teacher);
  double largest = 0;
  for (const colinear_group& group : partition.groups) {
    wanted.push_back(detail::sum_of_fan_outs(teacher, group.teachers,
                                             [&](std::size_t j) { return norms_star[j]; }));
    largest = std::max(largest, detail::norm_of(wanted.back()));
  }
  const double allowed = tolerance.fan_out * largest;
  bool adds = false;
  for (std::size_t j = 0; j < w_star.nodes(); ++j) {
    adds = adds || (fan_outs_star[j] > 0 && w_star.has_boundary(j));
  }
  if (!std::isfinite(largest) || (adds && allowed < std::numeric_limits<double>::min())) {
    refuse("what the teacher's nodes add is ", largest, " at most, which no number can compare");
  }
  specialized_student result;
  result.groups.resize(norms_star.size());
  result.added.resize(norms_star.size());
  for (std::size_t s = 0; s < wanted.size(); ++s) {
    const colinear_group& group = partition.groups[s];
    if (group.teachers.size() > 1) {
      refuse("teacher nodes ", detail::nodes_text(group.teachers), " are co-linear to within ",
             tolerance.colinear, ", or joined by nodes of the ", which);
    }
    auto added =
        detail::sum_of_fan_outs(student, group.students, [&](std::size_t k) { return norms[k]; });
    const double error = detail::distance(added, wanted[s]);
    if (!(error <= allowed)) {
      if (group.teachers.empty()) {
        refuse("nodes ", detail::nodes_text(group.students), " of the ", which, " add ", error,
               " along no teacher node, allowed is ", allowed);
      }
      const std::size_t j = group.teachers.front();
      if (group.students.empty()) {
        refuse("no node of the ", which, " is co-linear with teacher node ", j, " to within ",
               tolerance.colinear);
      }
      refuse("nodes ", detail::nodes_text(group.students), " of the ", which, " add ",
             detail::norm_of(added), " along teacher node ", j, ", which adds ",
             detail::norm_of(wanted[s]), ": they differ by ", error, ", allowed is ", allowed);
    }
    if (!group.students.empty()) {
      const bool own = group.teachers.empty();
      const double turned =
          detail::turned_by(w, norms, fan_outs, group.students, own ? w : w_star,
                            own ? group.students.front() : group.teachers.front());
      if (!(turned <= allowed)) {
        refuse("nodes ", detail::nodes_text(group.students), " of the ", which,
               " are not quite co-linear: turning them to one direction changes the output by ",
               turned, " at an input of norm 1, allowed is ", allowed);
      }
    }
    if (group.teachers.empty()) continue;
    result.groups[group.teachers.front()] = group.students;
    result.added[group.teachers.front()] = std::move(added);
  }
  result.constant = detail::constant_of(student, partition.constant_students);
  const double error =
      detail::distance(result.constant, detail::constant_of(teacher, partition.constant_teachers));
  if (!(error <= allowed)) {
    refuse("the constant of the ", which, " is ", error, " from the teacher's, allowed is ",
           allowed);
  }
  using top = typename Student::template layer_type<2>;
  if (!top::has_bias() && detail::norm_of(result.constant) > allowed) {
    refuse("the ", which, " adds a constant and has no bias at the output to hold it");
  }
  return result;
}

}  // namespace tutelage
