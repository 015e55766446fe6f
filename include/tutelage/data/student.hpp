// How a student starts: initialize(student, start, seed), overloaded on the start.
//
//   gaussian_start         weights N(0, scale^2), biases 0
//   linear_default_start   PyTorch's default for Linear and Conv2d, times a factor
//   near_start             a teacher's weights and noise
//
// theory/ has more: lucky_start, orthonormal_start, particle_start. Numbers are drawn layer by layer
// from the lowest, row by row.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include <tutelage/core/numbers.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Weights N(0, scale^2), biases 0: the start of the published two-layer experiment.
struct gaussian_start {
  double scale = 0.005;
};

/// Weights and biases U[-r, r] with r = factor / sqrt(inputs of a node): PyTorch's default for Linear
/// and Conv2d, times a factor.
struct linear_default_start {
  double factor = 1;
};

/// A teacher's weights, biases too, and N(0, noise^2) on each. Student node k of a hidden layer copies
/// teacher node k mod m; the copies of one node share its fan-out equally, so that without noise the
/// student is the teacher's function.
template <class Teacher>
struct near_start {
  const Teacher& teacher;
  double noise = 0;
};
template <class Teacher>
near_start(const Teacher&) -> near_start<Teacher>;
template <class Teacher>
near_start(const Teacher&, double) -> near_start<Teacher>;

namespace detail {
// Calls visit(layer) for every layer that has weights, those of residual blocks too.
template <class Network, class Visit>
void for_each_weights(Network& net, Visit&& visit) {
  net.for_each_layer([&](auto& l, std::size_t) {
    if constexpr (requires { l.inner(); }) {
      for_each_weights(l.inner(), visit);
    } else if constexpr (requires { l.linear_weights(); }) {
      visit(l);
    }
  });
}
}  // namespace detail

/// Draws all weights of a network; batch normalization keeps its own. A teacher that will be trained itself begins with
/// purpose::teacher. Throws argument_error for a scale that is negative or no number.
template <class Network>
void initialize(Network& student, const gaussian_start& start, std::uint64_t seed,
                purpose what = purpose::student) {
  stream random(seed, what);
  detail::for_each_weights(student, [&](auto& l) {
    const auto W = l.linear_weights();
    for (std::size_t i = 0; i < W.rows(); ++i) random.fill_normal(W.row(i), 0.0, start.scale);
    if constexpr (std::remove_cvref_t<decltype(l)>::has_bias())
      std::fill(l.bias().begin(), l.bias().end(), 0);
  });
}

template <class Network>
void initialize(Network& student, const linear_default_start& start, std::uint64_t seed,
                purpose what = purpose::student) {
  stream random(seed, what);
  detail::for_each_weights(student, [&](auto& l) {
    const double inputs = static_cast<double>(l.linear_weights().rows());
    const double radius = start.factor / std::sqrt(inputs);
    for (std::size_t i = 0; i < l.weights().rows(); ++i) {
      random.fill_uniform(l.weights().row(i), -radius, radius);
    }
  });
}

/// A layer of the student may have a bias where the teacher has none, not the other way round. Throws
/// shape_error unless the student has the teacher's inputs and outputs and at least as many nodes in
/// every hidden layer.
template <class Student, class Teacher>
void initialize(Student& student, const near_start<Teacher>& start, std::uint64_t seed,
                purpose what = purpose::student) {
  const Teacher& teacher = start.teacher;
  detail::require_pair<detail::same_depth>("near_start", teacher, student);
  detail::require_hidden_nodes("near_start", teacher, student);
  stream random(seed, what);
  using T = typename Student::value_type;
  for_each_number<Student::depth>([&](auto l) {
    const auto& from = teacher.template layer<l>();
    auto& to = student.template layer<l>();
    constexpr bool teacher_bias = std::remove_cvref_t<decltype(from)>::has_bias();
    static_assert(std::remove_cvref_t<decltype(to)>::has_bias() || !teacher_bias,
                  "near_start: the student has no bias where the teacher has one");
    const std::size_t m_in = from.in_width(), n_in = to.in_width();
    const std::size_t m_out = from.out_width();
    std::vector<T> added(to.out_width());
    for (std::size_t i = 0; i < to.weights().rows(); ++i) {
      const bool bias_row = i == n_in;
      const std::size_t source = bias_row ? m_in : i % m_in;
      // Nodes source, source + m_in, ... below n_in are copies of one teacher node.
      const std::size_t copies = bias_row ? 1 : (n_in - 1 - source) / m_in + 1;
      auto row = to.weights().row(i);
      random.fill_normal(std::span(added), 0.0, start.noise);
      for (std::size_t k = 0; k < row.size(); ++k) {  // the student may be the teacher itself
        const bool copied = teacher_bias || !bias_row;
        const T weight = copied ? static_cast<T>(from.weights()(source, k % m_out)) : T(0);
        row[k] = added[k] + weight / static_cast<T>(copies);
      }
    }
  });
}

namespace detail {
template <class Teacher, class Student>
void orient_to_last_teacher(const char* function, const Teacher& teacher, Student& student,
                            double wanted_sign) {
  require_pair(function, teacher, student);
  const auto W = student.template layer<1>().linear_weights();
  const auto W_star = teacher.template layer<1>().linear_weights();
  const std::size_t last = W_star.cols() - 1;
  for (std::size_t k = 0; k < W.cols(); ++k) {
    double product = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) {
      product += static_cast<double>(W(i, k)) * static_cast<double>(W_star(i, last));
    }
    if (product * wanted_sign < 0) {
      for (std::size_t i = 0; i < W.rows(); ++i) W(i, k) = -W(i, k);
    }
  }
}
}  // namespace detail

/// The adversarial start of the reference experiments: lowest-layer weights that point to the side
/// of the last teacher node are turned around.
template <class Teacher, class Student>
void turn_from_last_teacher(const Teacher& teacher, Student& student) {
  detail::orient_to_last_teacher("turn_from_last_teacher", teacher, student, -1);
}

/// The helpful start: lowest-layer weights that point away from the last teacher node are turned
/// around.
template <class Teacher, class Student>
void turn_to_last_teacher(const Teacher& teacher, Student& student) {
  detail::orient_to_last_teacher("turn_to_last_teacher", teacher, student, 1);
}

}  // namespace tutelage
