// The recursive gradient rule by plain loops: V as the product of Jacobians, and A and B carried
// down as n x n matrices (arXiv:1905.13405, Theorem 1), which forms no V.
#pragma once

#include <cstddef>
#include <vector>

#include "reference/network.hpp"

namespace reference {

template <class T>
matrix<T> product(const matrix<T>& a, const matrix<T>& b) {
  auto c = make_matrix<T>(a.shape(0), b.shape(1));
  for (std::size_t i = 0; i < a.shape(0); ++i) {
    for (std::size_t k = 0; k < a.shape(1); ++k) {
      const T factor = a(i, k);
      for (std::size_t j = 0; j < b.shape(1); ++j) c(i, j) += factor * b(k, j);
    }
  }
  return c;
}

template <class T>
matrix<T> mirrored(const matrix<T>& a) {
  auto result = make_matrix<T>(a.shape(1), a.shape(0));
  for (std::size_t i = 0; i < a.shape(0); ++i) {
    for (std::size_t j = 0; j < a.shape(1); ++j) result(j, i) = a(i, j);
  }
  return result;
}

/// W~ D(x_i): the weights of layer l without the bias, columns scaled by the gates of sample i.
template <class T>
matrix<T> gated_weights(const network<T>& net, const pass<T>& p, std::size_t l, std::size_t i) {
  const auto& W = net[l - 1].W;
  const std::size_t in = W.shape(0) - (net[l - 1].has_bias ? 1 : 0);
  auto result = make_matrix<T>(in, W.shape(1));
  for (std::size_t j = 0; j < in; ++j) {
    for (std::size_t k = 0; k < W.shape(1); ++k) result(j, k) = W(j, k) * p.z[l](i, k);
  }
  return result;
}

template <class T>
matrix<T> unit_matrix(std::size_t n) {
  auto result = make_matrix<T>(n, n);
  for (std::size_t i = 0; i < n; ++i) result(i, i) = 1;
  return result;
}

/// V_l(x_i) and r_l(x_i) at [l], l = 0, ..., L.
template <class T>
struct jacobians {
  std::vector<matrix<T>> V;  // [C, n_l]
  std::vector<matrix<T>> r;  // [C, 1]
};

template <class T>
jacobians<T> jacobians_of(const network<T>& net, const pass<T>& p, std::size_t i) {
  const std::size_t L = net.size(), C = net.back().W.shape(1);
  jacobians<T> result;
  result.V.resize(L + 1);
  result.r.resize(L + 1);
  result.V[L] = unit_matrix<T>(C);
  result.r[L] = make_matrix<T>(C, 1);
  for (std::size_t l = L; l >= 1; --l) {
    const auto W = gated_weights(net, p, l, i);
    result.V[l - 1] = product(result.V[l], mirrored(W));
    result.r[l - 1] = result.r[l];
    if (!net[l - 1].has_bias) continue;
    for (std::size_t c = 0; c < C; ++c) {
      for (std::size_t k = 0; k < W.shape(1); ++k) {
        result.r[l - 1](c, 0) += result.V[l](c, k) * p.z[l](i, k) * net[l - 1].W(W.shape(0), k);
      }
    }
  }
  return result;
}

/// V_l(x_i)^T V'_l(x_i) of two networks at [l]: B_l of one with itself, A_l of student and teacher.
template <class T>
std::vector<matrix<T>> carried_down(const network<T>& left, const pass<T>& left_pass,
                                    const network<T>& right, const pass<T>& right_pass,
                                    std::size_t i) {
  const std::size_t L = left.size();
  std::vector<matrix<T>> result(L + 1);
  result[L] = unit_matrix<T>(left.back().W.shape(1));
  for (std::size_t l = L; l >= 1; --l) {
    result[l - 1] = product(product(gated_weights(left, left_pass, l, i), result[l]),
                            mirrored(gated_weights(right, right_pass, l, i)));
  }
  return result;
}

/// The same network and pass with every number's absolute value: what these give bounds the sum of
/// absolute values of what is added.
template <class T>
network<T> absolute(network<T> net) {
  for (auto& l : net) {
    for (T& w : l.W) w = std::abs(w);
  }
  return net;
}

}  // namespace reference
