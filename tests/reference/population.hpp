// The population loss and its gradient pair by pair, with the sums of absolute values of what is
// added.
#pragma once

#include <cmath>
#include <cstddef>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>
#include <vector>

#include <tutelage/core/matrix.hpp>

namespace reference {

using namespace tutelage;

/// A two-layer network without biases.
template <class T>
struct two_layer {
  matrix<T> W, V;  // [d, n], [n, C]
  real_t<T> slope;

  [[nodiscard]] std::vector<T> node(std::size_t k) const {
    std::vector<T> result(W.shape(0));
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = W(i, k);
    return result;
  }
};

template <class Network>
two_layer<long double> plain_two_layer(const Network& net) {
  const auto copy_of = [](const auto& view) {
    auto result = make_matrix<long double>(view.rows(), view.cols());
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (std::size_t k = 0; k < view.cols(); ++k) result(i, k) = real_part(view(i, k));
    }
    return result;
  };
  return {copy_of(net.template layer<1>().linear_weights()),
          copy_of(net.template layer<2>().linear_weights()),
          net.template layer<1>().gate().factor(-1.0L)};
}

struct population {
  long double loss = 0, loss_gauge = 0;
  matrix<long double> dW, dV, dW_gauge, dV_gauge;  // negative gradients
};

inline population population_of(const two_layer<long double>& teacher,
                                const two_layer<long double>& student, long double std) {
  using L = long double;
  const std::size_t d = student.W.shape(0), n = student.W.shape(1), C = student.V.shape(1);
  struct joint_node {
    std::vector<L> w, fan_out;
    L slope, norm;
  };
  std::vector<joint_node> nodes;
  const auto add = [&](const two_layer<L>& net, L sign) {
    for (std::size_t k = 0; k < net.W.shape(1); ++k) {
      joint_node u{net.node(k), {}, net.slope, 0};
      for (std::size_t c = 0; c < C; ++c) u.fan_out.push_back(sign * net.V(k, c));
      for (const L x : u.w) u.norm = std::hypot(u.norm, x);
      nodes.push_back(u);
    }
  };
  add(student, 1);
  add(teacher, -1);
  population result;
  result.dW = result.dW_gauge = make_matrix<L>(d, n);
  result.dV = result.dV_gauge = make_matrix<L>(n, C);
  std::vector<L> gated(d);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      const auto &u = nodes[i], &v = nodes[k];
      const gaussian_pair<L> pair(u.w, v.w, {u.slope, v.slope}, std);
      const L K = pair.kernel(), K_gauge = std * std * u.norm * v.norm;
      L A = 0, A_gauge = 0;
      for (std::size_t c = 0; c < C; ++c) {
        A += u.fan_out[c] * v.fan_out[c];
        A_gauge += std::abs(u.fan_out[c] * v.fan_out[c]);
        if (i < n) {
          result.dV(i, c) -= K * v.fan_out[c];
          result.dV_gauge(i, c) += K_gauge * std::abs(v.fan_out[c]);
        }
      }
      result.loss += A * K / 2;
      result.loss_gauge += A_gauge * K_gauge / 2;
      if (i >= n || u.norm == 0) continue;
      pair.gated(gated);
      for (std::size_t j = 0; j < d; ++j) {
        result.dW(j, i) -= A * gated[j];
        result.dW_gauge(j, i) += A_gauge * std * std * v.norm;
      }
    }
  }
  return result;
}

}  // namespace reference
