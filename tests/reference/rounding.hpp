// How far rounding can move what a network computes: the same passes over absolute values, times a
// number of roundings, times epsilon.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "reference/network.hpp"

namespace reference {

/// Sums of absolute values of all that is added, indexed as in `pass` and `gradient`.
template <class R>
struct gauges {
  std::vector<matrix<R>> a;   // a[l], before the gate
  std::vector<matrix<R>> f;   // f[l]
  std::vector<matrix<R>> g;   // g[l]
  std::vector<matrix<R>> dW;  // dW[l-1]
};

/// `grad_out` is the gauge of the gradient with respect to the outputs; |f_L| where it is empty is
/// added to it, since f*_L - f_L is rounded as f_L is.
template <class T>
gauges<real_t<T>> gauge(const network<T>& net, const pass<T>& p,
                        const matrix<real_t<T>>& grad_out) {
  using R = real_t<T>;
  const auto absolute = [](const matrix<T>& m) {
    auto result = make_matrix<R>(m.shape(0), m.shape(1));
    for (std::size_t i = 0; i < m.shape(0); ++i) {
      for (std::size_t k = 0; k < m.shape(1); ++k) result(i, k) = std::abs(m(i, k));
    }
    return result;
  };
  pass<R> forward_gauge;
  network<R> positive;
  forward_gauge.a.push_back(absolute(p.f[0]));
  forward_gauge.f.push_back(absolute(p.f[0]));
  forward_gauge.z.push_back(absolute(p.f[0]));
  for (std::size_t l = 1; l <= net.size(); ++l) {
    positive.push_back({absolute(net[l - 1].W), net[l - 1].has_bias, 1});
    // A linear layer over the gauges below, then the gates as they are.
    auto a = forward<R>({positive.back()}, forward_gauge.f.back()).f[1];
    auto f = a;
    for (std::size_t i = 0; i < f.shape(0); ++i) {
      for (std::size_t k = 0; k < f.shape(1); ++k) f(i, k) *= std::abs(p.z[l](i, k));
    }
    forward_gauge.a.push_back(std::move(a));
    forward_gauge.f.push_back(std::move(f));
    forward_gauge.z.push_back(absolute(p.z[l]));
  }
  auto out = grad_out;
  for (std::size_t i = 0; i < out.shape(0); ++i) {
    for (std::size_t k = 0; k < out.shape(1); ++k) out(i, k) += forward_gauge.f.back()(i, k);
  }
  auto backward_gauge = backward<R>(positive, forward_gauge, out);
  return {forward_gauge.a, forward_gauge.f, backward_gauge.g, backward_gauge.dW};
}

/// A bound on the number of roundings on the way to any of them, in whatever order sums are taken:
/// a layer rounds once a term, once at the gate and once more, forward and backward; a mean once a
/// sample and twice more. Each is half an epsilon; twice as many are allowed.
template <class T>
double roundings(const network<T>& net, std::size_t N) {
  double count = static_cast<double>(N) + 2;
  for (const auto& l : net) count += static_cast<double>(l.W.shape(0) + l.W.shape(1)) + 4;
  return count;
}

/// By how many times its possible error the pre-activation nearest to 0 misses it. Above 1, no
/// order of summation in Computed gives other gates.
template <class Computed, class T>
double gate_margin(const network<T>& net, const pass<T>& p, const gauges<real_t<T>>& gauges) {
  const double unit = roundings(net, 0) *
                      static_cast<double>(std::numeric_limits<real_t<Computed>>::epsilon()) *
                      (is_complex<T> ? 2 : 1);
  double margin = std::numeric_limits<double>::infinity();
  for (std::size_t l = 1; l <= net.size(); ++l) {
    if (net[l - 1].slope == 1) continue;
    for (std::size_t i = 0; i < p.a[l].shape(0); ++i) {
      for (std::size_t k = 0; k < p.a[l].shape(1); ++k) {
        const auto distance = static_cast<double>(std::abs(real_part(p.a[l](i, k))));
        margin = std::min(margin, distance / (unit * static_cast<double>(gauges.a[l](i, k))));
      }
    }
  }
  return margin;
}

}  // namespace reference
