// One pass of SGD over fresh Gaussian inputs, x ~ N(0, s^2 I), [d], and the order parameters it has
// on average (Saad and Solla, Phys. Rev. E 52, 1995; here for ReLU and any number of inputs).
//
// A step with a batch of B samples at rate eta changes w_i by -eta/B sum x f'_i sum_a A_ai f_a, a
// over the nodes of both networks. Given S before it, exactly, as functions of S
// (order_parameters.hpp),
//
//   E[change of R]   = eta dR/dt
//   E[change of Q]   = eta dQ/dt + eta^2 (s^2 (d+2)/B N + (1 - 1/B) dW^T dW)
//   N_ik             = sum_ab A_ai A_bk E[f'_i f'_k f_a f_b]
//
// dQ/dt, dR/dt and dW are the gradient flow's. The noise N has d + 2 and not d because f' f' f f is
// homogeneous of degree 2 in x: E[|x|^2 F] = s^2 (d+2) E[F]. For d to infinity with eta d constant,
// S follows this without fluctuations; at finite d they are of order 1/sqrt(d). The fan-out is
// fixed.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <tutelage/core/random.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/theory/kernel/gate_moments.hpp>
#include <tutelage/theory/population/order_parameters.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Nodes that have the products S [k, k], one a row, [k, k]: Cholesky's factor with pivoting. What is
// below the rounding of S is 0, so nodes that are alike in S are alike.
template <real_scalar T>
matrix<long double> nodes_of_products(const matrix_view<const T>& S) {
  using W = long double;
  const std::size_t n = S.rows();
  auto U = make_matrix<W>(n, n);
  std::vector<W> left(n), scale(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (const T x : S.row(i)) {
      if (!std::isfinite(x)) {
        throw argument_error(text("online_dynamics: row ", i, " of S is not finite"));
      }
    }
    if (S(i, i) < 0) {
      throw argument_error(text("online_dynamics: S(", i, ", ", i, ") is ", S(i, i),
                                ", expected the square of a length"));
    }
    left[i] = scale[i] = static_cast<W>(S(i, i));
  }
  const W round_off = 4 * static_cast<W>(std::numeric_limits<T>::epsilon());
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = n;
    W most = round_off;
    for (std::size_t i = 0; i < n; ++i) {
      if (scale[i] > 0 && left[i] / scale[i] > most) {
        most = left[i] / scale[i];
        pivot = i;
      }
    }
    if (pivot == n) break;
    const W root = std::sqrt(left[pivot]);
    for (std::size_t i = 0; i < n; ++i) {
      if (scale[i] == 0 || left[i] == 0) continue;  // zero, or a pivot before
      W sum = static_cast<W>(S(i, pivot));
      for (std::size_t j = 0; j < k; ++j) sum -= U(i, j) * U(pivot, j);
      U(i, k) = i == pivot ? root : sum / root;
      if (i != pivot) left[i] = std::max(left[i] - U(i, k) * U(i, k), W(0));
    }
    left[pivot] = 0;
  }
  return U;
}

}  // namespace detail

struct online_settings {
  double rate = 0.01;
  std::size_t batch = 1;
};

/// The mean change of the order parameters in one step.
template <real_scalar T>
class online_dynamics {
 public:
  /// `inputs` is d. Throws argument_error unless rate and batch are positive.
  online_dynamics(order_dynamics<T> flow, std::size_t inputs, online_settings settings)
      : flow_(std::move(flow)),
        inputs_(static_cast<T>(inputs)),
        rate_(static_cast<T>(settings.rate)),
        batch_(static_cast<T>(settings.batch)),
        noise_(make_matrix<T>(flow_.students(), flow_.students())),
        products_(noise_) {
    if (!(settings.rate > 0) || settings.batch == 0) {
      throw argument_error(detail::text("online_dynamics: rate ", settings.rate, ", batch ",
                                        settings.batch, ", expected positive numbers"));
    }
  }

  [[nodiscard]] order_dynamics<T>& flow() noexcept { return flow_; }

  /// E[S after a step] - S into `change`, [n+m, n+m]; returns J. Throws shape_error.
  T drift(matrix_view<const T> S, matrix_view<T> change) {
    const T J = flow_.drift(S, change);
    for (std::size_t k = 0; k < change.rows(); ++k) {
      for (T& x : change.row(k)) x *= rate_;
    }
    noise(S, matrix_view<T>(noise_));
    flow_.gradient_products(matrix_view<T>(products_));
    const T variance = flow_.std() * flow_.std() * (inputs_ + 2);
    for (std::size_t i = 0; i < flow_.students(); ++i) {
      for (std::size_t k = 0; k < flow_.students(); ++k) {
        change(i, k) +=
            rate_ * rate_ * (variance / batch_ * noise_(i, k) + (1 - 1 / batch_) * products_(i, k));
      }
    }
    return J;
  }

  /// N, [n, n]. Its error is some epsilon of long double times the sum's absolute values, and what
  /// the rounding of S does: of nodes closer than the root of T's epsilon, S does not tell the
  /// distance. Takes (n+m)^2 n^2 / 4 moments of four gates, some microseconds each, a hundred where
  /// all four gates differ. Throws shape_error, and argument_error when S is not finite or has a
  /// negative diagonal.
  void noise(matrix_view<const T> S, matrix_view<T> N) const {
    const std::size_t n = flow_.students(), nodes = flow_.nodes();
    detail::require_shape("online_dynamics", "N", N, n, n);
    detail::require_shape("online_dynamics", "S", S, nodes, nodes);
    const auto U = detail::nodes_of_products(S);
    const auto A = [&](std::size_t a, std::size_t i) {
      return static_cast<long double>(flow_.fan_out_products()(a, i));
    };
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k <= i; ++k) {
        long double sum = 0;
        for (std::size_t a = 0; a < nodes; ++a) {
          for (std::size_t b = 0; b <= a; ++b) {
            const long double weight = A(a, i) * A(b, k) + (a == b ? 0 : A(b, i) * A(a, k));
            if (weight != 0) sum += weight * moment(U, {i, k, a, b});
          }
        }
        N(i, k) = N(k, i) = static_cast<T>(sum) * flow_.std() * flow_.std();
      }
    }
  }

 private:
  // E[f'_i f'_k f_a f_b] for unit inputs: each gate is c + (1-c) 1(h > 0).
  long double moment(const matrix<long double>& U, const std::array<std::size_t, 4>& nodes) const {
    const auto node = [&](std::size_t p) {
      return std::span<const long double>(U.data() + nodes[p] * U.shape(1), U.shape(1));
    };
    const detail::four_nodes four({node(0), node(1), node(2), node(3)});
    long double sum = 0;
    for (unsigned open = 0; open < 16; ++open) {
      detail::gate_set gates;
      long double weight = 1;
      for (std::size_t p = 0; p < 4; ++p) {
        const auto c = static_cast<long double>(flow_.slopes()[nodes[p]]);
        const bool is_gated = (open >> p & 1U) != 0;
        weight *= is_gated ? 1 - c : c;
        if (is_gated) gates.insert(p);
      }
      if (weight != 0) sum += weight * four.moment(2, 3, gates);
    }
    return sum;
  }

  order_dynamics<T> flow_;
  T inputs_, rate_, batch_;
  matrix<T> noise_, products_;
};

/// The simulation: a student that takes these steps on fresh inputs, numbered from 0, of the stream
/// (seed, inputs, number). It owns a copy of the student; the teacher must outlive it.
template <unbiased_network Teacher, unbiased_network Student>
class online_sgd {
  using T = typename Student::value_type;

 public:
  online_sgd(const Teacher& teacher, Student student, online_settings settings, std::uint64_t seed,
             double std = 1)
      : teacher_(&teacher),
        student_(std::move(student)),
        settings_(settings),
        seed_(seed),
        std_(std) {
    detail::check_pair<Teacher, Student, detail::same_scalar>();
    detail::require_fit("online_sgd", student_, teacher.in_width(), teacher.out_width());
    if (!(settings.rate > 0) || settings.batch == 0) {
      throw argument_error(detail::text("online_sgd: rate ", settings.rate, ", batch ",
                                        settings.batch, ", expected positive numbers"));
    }
  }

  [[nodiscard]] const Student& student() const noexcept { return student_; }
  [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

  /// One step. Allocates nothing after the first.
  void step() {
    const auto x = inputs_.reshape(settings_.batch, student_.in_width());
    for (std::size_t i = 0; i < x.rows(); ++i) {
      stream random(seed_, purpose::inputs, steps_ * settings_.batch + i);
      random.fill_normal(x.row(i), 0.0, std_);
    }
    const auto f_star = teacher_->forward(x, teacher_kept_);
    const auto f = student_.forward(x, kept_);
    const auto g = found_.template reshape<2>(x.rows(), f.cols());
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t c = 0; c < f.cols(); ++c) g(i, c) = f_star(i, c) - f(i, c);
    }
    const T scale = static_cast<T>(settings_.rate) / static_cast<T>(settings_.batch);
    student_.backward(x, kept_, matrix_view<const T>(g), found_,
                      [&](auto l, const auto& below, const auto& g_l) {
                        if constexpr (l == 1) {
                          auto& layer = student_.template layer<1>();
                          layer.backward_weights(below, g_l, layer.weights(), scale, T(1));
                        }
                      });
    ++steps_;
  }

 private:
  const Teacher* teacher_;
  Student student_;
  online_settings settings_;
  std::uint64_t seed_;
  double std_;
  std::uint64_t steps_ = 0;
  workspace<T> inputs_;
  activations<Teacher> teacher_kept_;
  activations<Student> kept_;
  gradients<Student> found_;
};

}  // namespace tutelage
