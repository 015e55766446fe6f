// Gradients of the lowest layer at points of a line, and what of them is rounding.
//
//   x + t u                       a line, u a unit vector
//   g_1 = D_1 V_1^T (f* - f)      gradients of the student's nodes
//
// A sum's rounding is at most its roundings times epsilon times the sum of absolute values of all
// that is added: the same networks with absolute weights give it, at absolute inputs. A product that
// underflows loses less than epsilon times the least normal number, which is added to every sum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

#include <tutelage/core/numbers.hpp>
#include <tutelage/core/product.hpp>
#include <tutelage/gradient/patterns.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET::detail {

// The networks with absolute weights, for bounds of rounding: given absolute inputs every gate is
// open.
template <class Network>
Network absolute_weights(Network net) {
  net.for_each_layer([](auto& l, std::size_t) {
    for (std::size_t i = 0; i < l.weights().rows(); ++i) {
      for (auto& w : l.weights().row(i)) w = std::abs(w);
    }
  });
  return net;
}

// Gradients of layer 1 at points, and their rounding.
template <class Teacher, class Student>
class lowest_gradients {
  using U = typename Student::value_type;

 public:
  lowest_gradients(const Teacher& teacher, const Student& student)
      : teacher_(teacher),
        student_(student),
        absolute_teacher_(absolute_weights(teacher)),
        absolute_student_(absolute_weights(student)) {
    for (const auto& widths : {teacher.widths(), student.widths()}) {
      for (const std::size_t n : widths) roundings_ += 2 * static_cast<double>(n) + 4;
    }
  }

  // [N, n_1], valid until the next call.
  matrix_view<const U> operator()(matrix_view<const U> x) {
    const auto f_star = teacher_.forward(x, of_teacher_);
    const auto f = student_.forward(x, of_student_);
    patterns_.reset(x.rows(), hidden_nodes(teacher_, 2) + hidden_nodes(student_, 2));
    patterns_.append(teacher_, of_teacher_, 2);
    patterns_.append(student_, of_student_, 2);
    const auto r = residual_.reshape(f.rows(), f.cols());
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t c = 0; c < f.cols(); ++c) r(i, c) = f_star(i, c) - f(i, c);
    }
    matrix_view<const U> result;
    student_.backward(x, of_student_, matrix_view<U>(r), g_,
                      [&](auto l, const auto&, const auto& g_l) {
                        if constexpr (l == 1) result = matrix_view<const U>(g_l);
                      });
    return result;
  }

  // How far each of two such gradients' differences may be off, at points |x| at most, [n_1].
  [[nodiscard]] std::vector<double> rounding(matrix_view<const U> absolute_x) const {
    matrix<U> gauge = outputs_of(absolute_teacher_, absolute_x);
    gauge += outputs_of(absolute_student_, absolute_x);
    for_each_number<Student::depth - 1>([&](auto down) {
      const auto& layer = absolute_student_.template layer<Student::depth + 1 - down>();
      auto below = make_matrix<U>(1, layer.in_width());
      multiply(gauge, transposed(layer.linear_weights()), below);
      below += least;
      gauge = std::move(below);
    });
    std::vector<double> result(gauge.size());
    for (std::size_t k = 0; k < result.size(); ++k) {
      result[k] = 8 * roundings_ * static_cast<double>(std::numeric_limits<U>::epsilon()) *
                  static_cast<double>(gauge(0, k));
    }
    return result;
  }

  // Are the gates above layer 1 of both networks the same at points a and b of the last call?
  [[nodiscard]] bool equal_gates(std::size_t a, std::size_t b) const {
    const auto p = patterns_[a], q = patterns_[b];
    return std::equal(p.begin(), p.end(), q.begin());
  }

  // The gate of student node k of layer 1 at point a of the last call.
  [[nodiscard]] double gate(std::size_t a, std::size_t k) const {
    const auto f = of_student_.template f<1>();
    return static_cast<double>(student_.template layer<1>().gate().factor(f(a, k)));
  }

 private:
  static constexpr U least = std::numeric_limits<U>::min();

  // Of a network with absolute weights at absolute x, with what may have underflowed.
  template <class Network>
  static matrix<U> outputs_of(const Network& absolute, matrix_view<const U> x) {
    matrix<U> f = to_matrix(x);
    absolute.for_each_layer([&](const auto& layer, std::size_t) {
      auto above = make_matrix<U>(1, layer.out_width());
      multiply(f, layer.linear_weights(), above);
      above += least;
      if constexpr (std::remove_cvref_t<decltype(layer)>::has_bias()) {
        for (std::size_t k = 0; k < above.size(); ++k) above(0, k) += layer.bias()[k];
      }
      f = std::move(above);
    });
    return f;
  }

  const Teacher& teacher_;
  const Student& student_;
  Teacher absolute_teacher_;
  Student absolute_student_;
  double roundings_ = 0;  // of all sums that make a gradient
  activations<Teacher> of_teacher_;
  activations<Student> of_student_;
  gradients<Student> g_;
  gate_patterns patterns_;
  workspace<U> residual_;
};

// A regular node's boundary as a line meets it.
template <class U>
struct line_to_boundary {
  U distance = 0;  // from x, with sign
  U cosine = 0;    // of the line and the normal

  line_to_boundary(const regular_weights& w, std::size_t i, std::span<const U> x,
                   std::span<const double> u)
      : distance(static_cast<U>(w.bias[i])) {
    const auto direction = w.direction(i);
    for (std::size_t d = 0; d < x.size(); ++d) {
      distance += static_cast<U>(direction[d]) * x[d];
      cosine += static_cast<U>(direction[d] * u[d]);
    }
  }
};

// How far the line x + t u is clear, either way, of the boundaries of the nodes that are not
// skipped: by more than rounding.
template <class U, class Skip>
double clear_length(const regular_weights& w, std::span<const U> x, std::span<const double> u,
                    const Skip& skip) {
  double size = 0, clear = std::numeric_limits<double>::infinity();
  for (const U v : x) size += static_cast<double>(std::abs(v));
  for (std::size_t i = 0; i < w.nodes(); ++i) {
    if (skip(i) || !w.has_boundary(i)) continue;
    const line_to_boundary<U> line(w, i, x, u);
    const double rounding = 4 * static_cast<double>(x.size() + 4) *
                            std::numeric_limits<double>::epsilon() * (size + std::abs(w.bias[i]));
    const double distance = static_cast<double>(std::abs(line.distance)) - rounding;
    const double length = (1 - 0x1p-10) * distance / static_cast<double>(std::abs(line.cosine));
    clear = std::min(clear, distance > 0 ? length : 0.0);
  }
  return clear;
}

}  // namespace tutelage
