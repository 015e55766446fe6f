// Second derivatives of the population loss with biases: population_hessian.hpp with the closed
// forms of biased_kernel.hpp. Continuous wherever weights and bias of no node are zero both.
#pragma once

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

#include <tutelage/theory/population/biased_population.hpp>
#include <tutelage/theory/population/population_hessian.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Two nodes (w, b) and (v, d), [d+1] each, and what can be expected of them; the inputs are (x, 1)
/// with x ~ N(0, std^2 I). As gaussian_pair; lengths are the caller's business.
template <scalar T>
class biased_gaussian_pair {
  using R = real_t<T>;

 public:
  /// The slopes of the gates of both nodes.
  struct slopes {
    R w, v;
  };

  /// Throws argument_error when weights and bias of a node are zero, or one is not finite.
  void assign(std::span<const T> w, std::span<const T> v, slopes gates, R std = 1) {
    v_.assign(v.begin(), v.end());
    const std::size_t d = w.size() - 1;
    const auto norm = [d](const auto& at) { return std::sqrt(detail::sum_of_squares<T>(d, at)); };
    const T w_norm = norm([&](std::size_t i) { return w[i]; });
    const T v_norm = norm([&](std::size_t i) { return v[i]; });
    const bool directions = w_norm != T(0) && v_norm != T(0);
    theta_ = directions ? angle_between<T>(w.first(d), v.first(d)) : angle<T>{T(0), T(1)};
    pair_.emplace(w_norm, w[d], v_norm, v[d], theta_, gates.w, gates.v, std);
    std_ = std;
    w_unit_.assign(d, T(0));
    v_unit_.assign(d, T(0));
    p_.assign(d, T(0));
    q_.assign(d, T(0));
    const T length =
        std::sqrt(theta_.half_sin * theta_.half_sin + theta_.half_cos * theta_.half_cos);
    half_sin_ = theta_.half_sin / length;
    half_cos_ = theta_.half_cos / length;
    for (std::size_t i = 0; i < d; ++i) {
      if (w_norm != T(0)) w_unit_[i] = w[i] / w_norm;
      if (v_norm != T(0)) v_unit_[i] = v[i] / v_norm;
      if (!directions) continue;
      if (theta_.half_cos != T(0)) p_[i] = (w_unit_[i] + v_unit_[i]) / theta_.half_cos;
      if (theta_.half_sin != T(0)) q_[i] = (w_unit_[i] - v_unit_[i]) / theta_.half_sin;
    }
  }

  /// E[f(a) f(a')].
  [[nodiscard]] T kernel() const { return pair().kernel(); }

  /// E[(x, 1) f'(a) f(a')], [d+1].
  void gated(std::span<T> result) const {
    const T of_v = pair().of_v(), of_w = pair().of_w();
    for (std::size_t i = 0; i < p_.size(); ++i) result[i] = of_v * v_[i] + of_w * w_unit_[i];
    result[p_.size()] = pair().of_bias();
  }

  /// E[(x, 1) (x, 1)^T f'(a) f'(a')] u, [d+1].
  void gates(std::span<const T> u, std::span<T> result) const {
    const biased_gates<T> g = pair().gates();
    const std::size_t d = p_.size();
    const T w = product(w_unit_, u), v = product(v_unit_, u);
    const T p = product(p_, u), q = product(q_, u), one = u[d];
    for (std::size_t i = 0; i < d; ++i) {
      result[i] = std_ * std_ *
                      (g.all * u[i] + g.w * w * w_unit_[i] + g.v * v * v_unit_[i] +
                       g.plane * (p * p_[i] - q * q_[i])) +
                  std_ * one * (g.to_w * w_unit_[i] + g.to_v * v_unit_[i]);
    }
    result[d] = std_ * (g.to_w * w + g.to_v * v) + g.all * one;
  }

  /// E[(x, 1) (x, 1)^T f''(a) f(a')] u, [d+1].
  void boundary(std::span<const T> u, std::span<T> result) const {
    const biased_boundary<T> b = pair().boundary();
    const std::size_t d = p_.size();
    const T w = product(w_unit_, u), one = u[d];
    const T n = half_sin_ * product(p_, u) - half_cos_ * product(q_, u);
    for (std::size_t i = 0; i < d; ++i) {
      const T n_i = half_sin_ * p_[i] - half_cos_ * q_[i], w_i = w_unit_[i];
      result[i] = std_ * std_ *
                      (b.w * w * w_i + b.wn * (w * n_i + n * w_i) + b.rest * (u[i] - w * w_i) +
                       b.n * n * n_i) +
                  std_ * one * (b.to_w * w_i + b.to_n * n_i);
    }
    result[d] = std_ * (b.to_w * w + b.to_n * n) + b.rest * one;
  }

 private:
  [[nodiscard]] const biased_pair<T>& pair() const { return *pair_; }
  static T product(const std::vector<T>& a, std::span<const T> b) {
    T sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }

  std::vector<T> v_;
  std::optional<biased_pair<T>> pair_;
  angle<T> theta_{};
  T half_sin_ = 0, half_cos_ = 1;
  std::vector<T> w_unit_, v_unit_, p_, q_;  // [d]
  R std_ = 1;
};

/// The Hessian of a population loss with biases.
template <biased_network Teacher>
population_hessian<Teacher, biased_gaussian_pair<typename Teacher::value_type>> hessian_of(
    const biased_population<Teacher>& loss) {
  return population_hessian<Teacher, biased_gaussian_pair<typename Teacher::value_type>>(
      loss.teacher(), loss.std());
}

}  // namespace tutelage
