// A network as plain loops over the formulas of the papers: what the library is judged by. Forward
// keeps pre-activations, gates are read off them, and nothing here uses the library's products.
#pragma once

#include <array>
#include <cstddef>
#include <tutelage/model/network.hpp>
#include <vector>

namespace reference {

using namespace tutelage;

template <class T>
struct layer {
  matrix<T> W;  // [In+1, Out] or [In, Out]
  bool has_bias;
  real_t<T> slope;  // c; 1 for a linear layer
};

template <class T>
using network = std::vector<layer<T>>;

/// The weights of one of the library's networks.
template <class Network>
network<typename Network::value_type> plain(const Network& net) {
  network<typename Network::value_type> result;
  net.for_each_layer([&](const auto& l, std::size_t) {
    using L = std::remove_cvref_t<decltype(l)>;
    result.push_back({to_matrix(l.weights()), L::has_bias(),
                      static_cast<real_t<typename Network::value_type>>(l.gate().slope())});
  });
  return result;
}

template <class T>
struct pass {
  std::vector<matrix<T>> a;  // a[l] pre-activations of layer l = 1, ..., L; [N, n_l]
  std::vector<matrix<T>> f;  // f[0] = x, f[l] activations
  std::vector<matrix<T>> z;  // z[l] gates
};

template <class T>
pass<T> forward(const network<T>& net, const matrix<T>& x) {
  const std::size_t N = x.shape(0);
  pass<T> p;
  p.a.push_back(x);
  p.f.push_back(x);
  p.z.push_back(x);
  for (const auto& l : net) {
    const std::size_t in = l.W.shape(0) - (l.has_bias ? 1 : 0), out = l.W.shape(1);
    auto a = make_matrix<T>(N, out), f = make_matrix<T>(N, out), z = make_matrix<T>(N, out);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t k = 0; k < out; ++k) {
        T sum = l.has_bias ? l.W(in, k) : T(0);
        for (std::size_t j = 0; j < in; ++j) sum += p.f.back()(i, j) * l.W(j, k);
        a(i, k) = sum;
        z(i, k) = real_part(sum) > 0 ? T(1) : T(l.slope);
        f(i, k) = z(i, k) * sum;
      }
    }
    p.a.push_back(a);
    p.f.push_back(f);
    p.z.push_back(z);
  }
  return p;
}

template <class T>
struct gradient {
  std::vector<matrix<T>> g;      // g[l], l = 1, ..., L; g[0] is empty
  std::vector<matrix<T>> dW;     // dW[l-1] of layer l
  std::vector<matrix<T>> gauge;  // as dW: the sum of absolute values of what was added
};

/// Backpropagation of a negative gradient with respect to the outputs, [N, C].
template <class T>
gradient<T> backward(const network<T>& net, const pass<T>& p, const matrix<T>& grad_out) {
  const std::size_t N = grad_out.shape(0), L = net.size();
  gradient<T> result;
  result.g.resize(L + 1);
  result.dW.resize(L);
  result.gauge.resize(L);
  auto e = grad_out;  // negative gradient with respect to f_l
  for (std::size_t l = L; l >= 1; --l) {
    const auto& W = net[l - 1].W;
    const std::size_t in = W.shape(0) - (net[l - 1].has_bias ? 1 : 0), out = W.shape(1);
    auto g = make_matrix<T>(N, out);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t k = 0; k < out; ++k) g(i, k) = p.z[l](i, k) * e(i, k);
    }
    auto dW = make_matrix<T>(W.shape(0), out), gauge = make_matrix<T>(W.shape(0), out);
    for (std::size_t j = 0; j < W.shape(0); ++j) {
      for (std::size_t k = 0; k < out; ++k) {
        T sum = 0;
        real_t<T> absolute = 0;
        for (std::size_t i = 0; i < N; ++i) {
          const T term = (j < in ? p.f[l - 1](i, j) : T(1)) * g(i, k);
          sum += term;
          absolute += std::abs(term);
        }
        dW(j, k) = sum / static_cast<real_t<T>>(N);
        gauge(j, k) = T(absolute / static_cast<real_t<T>>(N));
      }
    }
    auto below = make_matrix<T>(N, in);
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t j = 0; j < in; ++j) {
        T sum = 0;
        for (std::size_t k = 0; k < out; ++k) sum += W(j, k) * g(i, k);
        below(i, j) = sum;
      }
    }
    result.g[l] = g;
    result.dW[l - 1] = dW;
    result.gauge[l - 1] = gauge;
    e = below;
  }
  return result;
}

}  // namespace reference
