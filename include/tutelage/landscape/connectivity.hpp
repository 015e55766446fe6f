// A path between two students of one teacher, both specialized (arXiv:1909.13458, Appendix E).
//
// Each teacher node j that adds anything is a token at one node of its group in the student
// (specialization.hpp), and E_j is what that group adds. Tokens travel:
//
//   V  all w_k stay and V goes straight from one V of this function to another (kind top):
//      constant when the students are exact, and else at most the larger end for a convex loss
//   W  nodes with v_k = 0 change their weights (kind unseen): constant
//
// First each E_j is collected in the token's node, unless what is about to move has v_k = 0
// already. Then, in rounds, tokens whose node in the second student is free go there, and those whose
// node is not make room on spare nodes: W writes the weights, V moves the token. At the end the rest
// becomes the second student's. Two rounds, so at most 7 segments, suffice with as many spare nodes
// as tokens, which students of twice the teacher's nodes have; with one, a cycle of m tokens takes m+1
// rounds. A student of as many nodes as the teacher has none and cannot move: not even a node be
// rescaled, since (w, v) and (g w, v/g) are not joined by a straight line of equal functions.
//
// Two corrections: the source's last step ends at w_1 of the second student, not at w_2 of the first;
// nodes without weights are constants, and their part moves to the output's bias.
//
//   w_k  [d+1], bias last     v_k  [C], fan-out     E_j  [C]     n nodes, m tokens
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/landscape/specialization.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// The travel of the tokens; see above.
template <class Student>
class token_travel {
  using T = typename Student::value_type;
  using list = std::vector<std::size_t>;

 public:
  token_travel(const Student& first, const Student& second, const specialized_student& a,
               const specialized_student& b)
      : a_(a),
        b_(b),
        now_(first),
        second_(second),
        W_(now_.template layer<1>().weights()),
        V_(now_.template layer<2>().weights()),
        W2_(second_.template layer<1>().weights()),
        V2_(second_.template layer<2>().weights()),
        path_(first) {
    choose_nodes(fan_in_norms(first.template layer<1>()), fan_in_norms(second.template layer<1>()));
  }
  token_travel(const token_travel&) = delete;  // it has views of its own networks
  token_travel& operator=(const token_travel&) = delete;

  piecewise_path<Student> path() {
    bool finished = false;
    while (!finished && !all_arrived()) {
      list next = position_;
      write(plan(next));
      position_ = next;
      finished = every_fan_out_has_its_weights();
      if (finished) {
        take_second_fan_out();
      } else {
        collect();
      }
    }
    list own(nodes());
    std::iota(own.begin(), own.end(), std::size_t{0});
    write(own);
    take_second_fan_out();
    return std::move(path_);
  }

 private:
  [[nodiscard]] std::size_t nodes() const { return W_.cols(); }

  // Is node k's weight that of node `of` in the second student?
  [[nodiscard]] bool has_weights(std::size_t k, std::size_t of) const {
    for (std::size_t i = 0; i < W_.rows(); ++i) {
      if (W_(i, k) != W2_(i, of)) return false;
    }
    return true;
  }
  template <class View>
  static bool has_fan_out(const View& V, std::size_t k) {
    return std::any_of(V.row(k).begin(), V.row(k).end(), [](const T& v) { return v != T(0); });
  }
  static bool contains(const list& l, std::size_t k) {
    return std::find(l.begin(), l.end(), k) != l.end();
  }

  // Where tokens begin and end. One whose node has the same weights in both students stays there.
  void choose_nodes(const std::vector<double>& norms, const std::vector<double>& norms2) {
    // Of the preferred ones that with the largest weights: its fan-out is what is divided by them.
    const auto best = [](const list& group, const std::vector<double>& norm,
                         const auto& preferred) {
      return *std::max_element(group.begin(), group.end(), [&](std::size_t k, std::size_t l) {
        return std::pair(preferred(k), norm[k]) < std::pair(preferred(l), norm[l]);
      });
    };
    const std::size_t m = a_.groups.size();
    position_.assign(m, nodes());
    target_.assign(m, nodes());
    for (std::size_t j = 0; j < m; ++j) {
      list shared = a_.groups[j];
      std::erase_if(
          shared, [&](std::size_t k) { return !contains(b_.groups[j], k) || !has_weights(k, k); });
      if (!shared.empty()) {
        position_[j] = target_[j] = best(shared, norms, [](std::size_t) { return true; });
        continue;
      }
      position_[j] = best(a_.groups[j], norms, [&](std::size_t k) {
        return std::none_of(b_.groups.begin(), b_.groups.end(),
                            [&](const list& group) { return contains(group, k); });
      });
    }
    for (std::size_t j = 0; j < m; ++j) {
      if (target_[j] < nodes()) continue;
      target_[j] =
          best(b_.groups[j], norms2, [&](std::size_t k) { return !contains(position_, k); });
    }
  }

  [[nodiscard]] bool arrived(std::size_t j) const {
    return position_[j] == target_[j] && has_weights(position_[j], target_[j]);
  }
  [[nodiscard]] bool all_arrived() const {
    for (std::size_t j = 0; j < position_.size(); ++j) {
      if (!arrived(j)) return false;
    }
    return true;
  }

  // One round: where each token goes, in `next`, and whose weights in the second student each node
  // gets; for the tokens' own nodes, none.
  list plan(list& next) const {
    list weights(nodes(), nodes());
    list spares;
    for (std::size_t k = 0; k < nodes(); ++k) {
      if (contains(position_, k)) continue;
      weights[k] = k;
      spares.push_back(k);
    }
    // Those first that the second student has no use for.
    std::stable_partition(spares.begin(), spares.end(),
                          [&](std::size_t k) { return !has_fan_out(V2_, k); });
    list blocked;
    for (std::size_t j = 0; j < position_.size(); ++j) {
      if (arrived(j)) continue;
      if (weights[target_[j]] == nodes()) {
        blocked.push_back(j);
      } else {
        next[j] = target_[j];
        std::erase(spares, target_[j]);
      }
    }
    for (const std::size_t j : blocked) {
      if (spares.empty()) break;
      // Only a token that is in the way makes room.
      bool in_the_way = false;
      for (std::size_t i = 0; i < position_.size(); ++i) {
        in_the_way = in_the_way || (!arrived(i) && target_[i] == position_[j]);
      }
      if (!in_the_way) continue;
      next[j] = spares.front();
      weights[spares.front()] = target_[j];
      spares.erase(spares.begin());
    }
    if (next == position_) {
      throw argument_error(text("student_path: all ", nodes(),
                                " nodes are needed and not in the same places: no spare node to "
                                "move over"));
    }
    return weights;
  }

  // W: node k gets the second student's weights of node from[k], where there is one.
  void write(const list& from) {
    list changing;
    for (std::size_t k = 0; k < nodes(); ++k) {
      if (from[k] < nodes() && !has_weights(k, from[k])) changing.push_back(k);
    }
    if (changing.empty()) return;
    if (std::any_of(changing.begin(), changing.end(),
                    [&](std::size_t k) { return has_fan_out(V_, k); })) {
      collect();
    }
    for (const std::size_t k : changing) {
      for (std::size_t i = 0; i < W_.rows(); ++i) W_(i, k) = W2_(i, from[k]);
    }
    path_.append(segment_kind::unseen, now_);
  }

  // V: all fan-out to the tokens' nodes. What has the second student's weights adds what it adds there.
  void collect() {
    const auto norms = fan_in_norms(now_.template layer<1>());
    for (std::size_t k = 0; k < nodes(); ++k) std::fill_n(V_.row(k).data(), V_.cols(), T(0));
    bool all_second = true;
    for (std::size_t j = 0; j < position_.size(); ++j) {
      const std::size_t k = position_[j];
      const bool second = has_weights(k, target_[j]);
      all_second = all_second && second;
      const auto& added = second ? b_.added[j] : a_.added[j];
      for (std::size_t c = 0; c < V_.cols(); ++c) V_(k, c) = static_cast<T>(added[c] / norms[k]);
    }
    if constexpr (Student::template layer_type<2>::has_bias()) {
      const auto& constant = all_second ? b_.constant : a_.constant;
      for (std::size_t c = 0; c < V_.cols(); ++c) V_(nodes(), c) = static_cast<T>(constant[c]);
    }
    path_.append(segment_kind::top, now_);
  }

  [[nodiscard]] bool every_fan_out_has_its_weights() const {
    for (std::size_t k = 0; k < nodes(); ++k) {
      if (has_fan_out(V2_, k) && !has_weights(k, k)) return false;
    }
    return true;
  }
  void take_second_fan_out() {
    if (to_matrix(V_) == to_matrix(V2_)) return;
    copy(V2_, V_);
    path_.append(segment_kind::top, now_);
  }

  const specialized_student &a_, &b_;
  Student now_, second_;
  matrix_view<T> W_, V_, W2_, V2_;  // of these two
  piecewise_path<Student> path_;
  list position_, target_;  // [m], nodes
};

}  // namespace detail

/// The path of segments V and W (kinds top and unseen) from `first` to `second`. Throws shape_error
/// when widths differ, and argument_error when a student is not specialized to within the tolerance
/// (see specialized_groups) or when a node must move and none is spare.
template <class Teacher, class Student>
piecewise_path<Student> student_path(const Teacher& teacher, const Student& first,
                                     const Student& second,
                                     const specialization_tolerance& tolerance = {}) {
  detail::require_same_space("student_path", first, second);
  auto a = specialized_groups(teacher, first, tolerance, "first student");
  auto b = specialized_groups(teacher, second, tolerance, "second student");
  // A teacher node that one student may do without is no token.
  for (std::size_t j = a.groups.size(); j-- > 0;) {
    if (!a.groups[j].empty() && !b.groups[j].empty()) continue;
    for (specialized_student* s : {&a, &b}) {
      s->groups.erase(s->groups.begin() + static_cast<std::ptrdiff_t>(j));
      s->added.erase(s->added.begin() + static_cast<std::ptrdiff_t>(j));
    }
  }
  return detail::token_travel(first, second, a, b).path();
}

}  // namespace tutelage
