// The dynamics of deep ReLU networks by moments of the layers: arXiv:1905.13405, Theorem 2.
//
//   dW_l = L*_{l-1} W*_l H*_l^T - L_{l-1} W_l H_l
//
//   L*_{l-1} = E[f_{l-1} f*_{l-1}^T]        [n_{l-1}, m_{l-1}]    L_{l-1} with the student itself
//   H*_l     = E[A_l] o E[z_l z*_l^T]       [n_l, m_l]            H_l with the student itself
//
// It rests on the paper's Assumption 1, that expectations of V, of gates and of activations
// separate: exact for one sample, without gates, and at the top layer, where H = I; otherwise it is
// off by what separation_errors() measures. The paper has no biases above layer l. Here f, z and V
// are bordered by 1, 1 and r as in gradient/expectations.hpp, and W by its bias row, so that the
// same formula holds with them. (The paper leaves out that H*_l is to be transposed.)
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include <tutelage/core/numbers.hpp>
#include <tutelage/gradient/expectations.hpp>
#include <tutelage/gradient/rule.hpp>
#include <tutelage/model/network.hpp>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

/// E[beta] o E[z z^T]: H* from A and zz_star, H from B and zz. Bordered as they are.
template <class R>
matrix<R> separated_H(const expectation<R>& beta, const expectation<R>& gates) {
  auto result = beta.mean;
  for (std::size_t i = 0; i < result.size(); ++i) result.data()[i] *= gates.mean.data()[i];
  return result;
}

namespace detail {

// [W~ 0; b 1] where a layer gives [f; 1]; [W~; b] at the top. In the scalar of expectations.
template <class R, class Layer>
matrix<R> bordered_weights(const Layer& layer, bool top) {
  const auto W = layer.weights();
  const std::size_t in = layer.in_width(), out = layer.out_width();
  auto result = make_matrix<R>(in + 1, out + (top ? 0 : 1));
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (std::size_t k = 0; k < out; ++k) result(i, k) = static_cast<R>(W(i, k));
  }
  if (!top) result(in, out) = 1;
  return result;
}

// L W H^T, the columns of the student's own nodes; H = I at the top, where it is empty.
template <class R>
void add_product(const matrix<R>& L, const matrix<R>& W, const matrix<R>& H, R alpha,
                 matrix<R>& result) {
  auto LW = make_matrix<R>(L.shape(0), W.shape(1));
  multiply(L, W, LW);
  if (H.size() == 0) {
    for (std::size_t i = 0; i < LW.size(); ++i) result.data()[i] += alpha * LW.data()[i];
    return;
  }
  const matrix_view<const R> own(H.data(), result.shape(1), H.shape(1), H.shape(1));
  multiply(LW, transposed(own), matrix_view(result), alpha, R(1));
}

// Matrices as they are, or of absolute values: sums of those are what rounding is relative to.
struct as_is {
  template <class M>
  const M& operator()(const M& m) const {
    return m;
  }
};
struct absolute_values {
  template <class R>
  matrix<R> operator()(matrix<R> m) const {
    for (R& entry : m) entry = std::abs(entry);
    return m;
  }
};

// L*W*H*^T + sign LWH^T for each layer, of the matrices that `of` makes of them.
template <class Teacher, class Student, class R, class Of>
std::array<matrix<R>, Student::depth> separated_sums(
    const Teacher& teacher, const Student& student,
    const expectation_accumulator<Teacher, Student>& data, R sign, Of of) {
  constexpr std::size_t L = Student::depth;
  std::array<matrix<R>, L> result;
  auto below = data.result(0);
  const auto update = [&]<std::size_t l>(std::integral_constant<std::size_t, l>) {
    using Layer = typename Student::template layer_type<l>;
    const auto& layer = student.template layer<l>();
    matrix<R> H_star = make_matrix<R>(0, 0), H = H_star;
    layer_expectations<R> here;
    if constexpr (l < L) {
      here = data.result(l);
      H_star = separated_H(here.A, here.zz_star);
      H = separated_H(here.B, here.zz);
    }
    const auto W_star = bordered_weights<R>(teacher.template layer<l>(), l == L);
    auto dW = make_matrix<R>(layer.in_width() + 1, layer.out_width());
    add_product<R>(of(below.ff_star.mean), of(W_star), of(H_star), R(1), dW);
    add_product<R>(of(below.ff.mean), of(bordered_weights<R>(layer, l == L)), of(H), sign, dW);
    const std::size_t rows = layer.in_width() + (Layer::has_bias() ? 1 : 0);
    result[l - 1] = to_matrix(matrix_view(dW).middle_rows(0, rows));
    below = std::move(here);
  };
  for_each_number<L>(update);
  return result;
}

// E[of([f_{l-1}; 1]) g^T] for each layer, g(rule, number of the layer) given: [samples, n_l].
template <class R, class Teacher, class Student, class T, class G, class Of>
std::array<matrix<R>, Student::depth> mean_updates(const Teacher& teacher, const Student& student,
                                                   matrix_view<const T> x, std::size_t chunk,
                                                   G&& g_of, Of of) {
  constexpr std::size_t L = Student::depth;
  std::array<matrix<R>, L> result;
  student.for_each_layer([&](const auto& layer, std::size_t l) {
    result[l - 1] = make_matrix<R>(layer.weights().rows(), layer.out_width());
  });
  const R share = R(1) / static_cast<R>(x.rows());
  for_each_rule(teacher, student, x, chunk, [&](auto& rule, std::size_t first) {
    const auto add = [&]<std::size_t l>(std::integral_constant<std::size_t, l> number) {
      const auto& g = g_of(rule, number);
      auto& dW = result[l - 1];
      for (std::size_t i = 0; i < rule.samples(); ++i) {
        for (std::size_t j = 0; j < dW.shape(0); ++j) {
          R f = 1;
          if (j < student.template layer<l>().in_width()) {
            if constexpr (l == 1) {
              f = static_cast<R>(x(first + i, j));
            } else {
              f = static_cast<R>(rule.student_activations().template f<l - 1>()(i, j));
            }
          }
          for (std::size_t k = 0; k < dW.shape(1); ++k) {
            dW(j, k) += share * of(f) * static_cast<R>(g(i, k));
          }
        }
      }
    };
    for_each_number<L>(add);
  });
  return result;
}

// |D V^T f*_L| + |D V^T f_L|, the two whose difference is g_l: [samples, n_l].
template <class R, std::size_t L, std::size_t l, class Rule, class Layer>
matrix<R> gradient_sizes(const Rule& rule, const Layer& layer) {
  const auto f_star = rule.teacher_activations().template f<L>();
  const auto f_L = rule.student_activations().template f<L>();
  const auto f = rule.student_activations().template f<l>();
  auto result = make_matrix<R>(f.rows(), f.cols());
  for (std::size_t i = 0; i < f.rows(); ++i) {
    for (std::size_t k = 0; k < f.cols(); ++k) {
      R of_teacher = 0, of_student = 0;
      if constexpr (l == L) {
        of_teacher = static_cast<R>(f_star(i, k));
        of_student = static_cast<R>(f_L(i, k));
      } else {
        const auto V = rule.template V<l>(i);
        const R z = static_cast<R>(layer.gate().factor(f(i, k)));
        for (std::size_t c = 0; c < V.rows(); ++c) {
          of_teacher += z * static_cast<R>(V(c, k)) * static_cast<R>(f_star(i, c));
          of_student += z * static_cast<R>(V(c, k)) * static_cast<R>(f_L(i, c));
        }
      }
      result(i, k) = std::abs(of_teacher) + std::abs(of_student);
    }
  }
  return result;
}

}  // namespace detail

/// The update of each layer by Theorem 2, from expectations over data, [n_{l-1}+1, n_l] at [l-1]
/// with the bias in the last row; without bias in the student's layer [n_{l-1}, n_l].
template <class Teacher, class Student, class R = accumulator_t<typename Student::value_type>>
std::array<matrix<R>, Student::depth> separated_updates(
    const Teacher& teacher, const Student& student,
    const expectation_accumulator<Teacher, Student>& data) {
  return detail::separated_sums(teacher, student, data, R(-1), detail::as_is{});
}

/// E[[f_{l-1}; 1] g_l^T] by the gradient rule, no separation assumed; shapes as above. Takes
/// `chunk` samples at a time. Throws argument_error when there is no sample.
template <class Teacher, class Student, class T = typename Student::value_type,
          class R = accumulator_t<T>>
std::array<matrix<R>, Student::depth> exact_updates(const Teacher& teacher, const Student& student,
                                                    matrix_view<const T> x,
                                                    std::size_t chunk = 16) {
  if (x.rows() == 0) throw argument_error("exact_updates: no samples, expected at least 1");
  const auto g = [](auto& rule, auto l) { return rule.template g<l()>(); };
  return detail::mean_updates<R>(teacher, student, x, chunk, g, detail::as_is{});
}

/// How wrong Assumption 1 is for each layer's update over samples x, [N, n_0]: |separated - exact|
/// over the size of what is added to them, Frobenius norms both. An update is a difference, of the
/// teacher's term and the student's, that nears 0 as the student learns; the size is that of the
/// terms, of both kinds:
///
///   E[|f_{l-1}| (|D V^T f*_L| + |D V^T f_L|)^T] + |L*||W*||H*|^T + |L||W||H|^T
///
/// Between 0 and 1, and 0 where all terms are. Throws argument_error when a size is not finite.
template <class Teacher, class Student, class T = typename Student::value_type>
std::array<double, Student::depth> separation_errors(const Teacher& teacher, const Student& student,
                                                     matrix_view<const T> x) {
  using R = accumulator_t<T>;
  expectation_accumulator data(teacher, student);
  data.add(x);
  const detail::absolute_values absolute;
  const auto separated = separated_updates(teacher, student, data);
  const auto separated_size = detail::separated_sums(teacher, student, data, R(1), absolute);
  const auto exact = exact_updates(teacher, student, x);
  const auto exact_size = detail::mean_updates<R>(
      teacher, student, x, 16,
      [&](auto& rule, auto l) {
        return detail::gradient_sizes<R, Student::depth, l()>(rule, student.template layer<l()>());
      },
      [](R f) { return std::abs(f); });
  std::array<double, Student::depth> result{};
  for (std::size_t l = 0; l < result.size(); ++l) {
    R sum = 0, largest = 0;
    const auto size = [&](std::size_t i) {
      return separated_size[l].data()[i] + exact_size[l].data()[i];
    };
    for (std::size_t i = 0; i < exact[l].size(); ++i) {
      largest = std::max(largest, size(i));
      sum += size(i);
    }
    if (!is_finite(sum)) {
      throw argument_error(detail::text("separation_errors: the update of layer ", l + 1,
                                        " is not finite, expected finite weights and samples"));
    }
    if (largest == 0) continue;
    R difference = 0, norm = 0;  // relative to the largest, lest squares leave the range
    for (std::size_t i = 0; i < exact[l].size(); ++i) {
      const R d = (separated[l].data()[i] - exact[l].data()[i]) / largest, s = size(i) / largest;
      difference += d * d;
      norm += s * s;
    }
    result[l] = static_cast<double>(std::sqrt(difference / norm));
  }
  return result;
}

/// A step of Theorem 2 in place of gradient descent: W_l += rate dW_l for every layer, with
/// expectations over samples x, [N, n_0].
template <class Teacher, class Student, class T = typename Student::value_type>
void separated_step(const Teacher& teacher, Student& student, matrix_view<const T> x, double rate) {
  expectation_accumulator data(teacher, student);
  data.add(x);
  const auto updates = separated_updates(teacher, std::as_const(student), data);
  student.for_each_layer([&](auto& layer, std::size_t l) {
    const auto W = layer.weights();
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) {
        W(i, k) += static_cast<T>(static_cast<accumulator_t<T>>(rate) * updates[l - 1](i, k));
      }
    }
  });
}

}  // namespace tutelage
