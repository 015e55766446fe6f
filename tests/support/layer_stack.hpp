// Networks of any layers, judged by complex steps: no layer's backward pass is used to judge it.
#pragma once

#include <doctest/doctest.h>

#include <complex>
#include <cstddef>
#include <tutelage/model/network.hpp>
#include <tutelage/model/network_cast.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/random.hpp"

namespace test {

/// All parameter matrices of a network.
template <class Network>
auto parameters_of(Network& net) {
  std::vector<matrix_view<typename Network::value_type>> result;
  net.for_each_parameter([&](auto W) { result.push_back(W); });
  return result;
}

/// Parameters N(0, 1/4), about 1 where they are factors: nothing stays 0 or 1.
template <class Network>
void randomize_parameters(Network& net, stream& random) {
  using T = typename Network::value_type;
  for (const auto& W : parameters_of(net)) {
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (T& w : W.row(i)) w += static_cast<real_t<T>>(0.5) * random_normal<T>(random);
    }
  }
}

template <class To, class From>
matrix<To> converted(const matrix<From>& from) {
  auto result = make_matrix<To>(from.shape(0), from.shape(1));
  for (std::size_t i = 0; i < from.size(); ++i) result.data()[i] = To(from.data()[i]);
  return result;
}

template <class T>
matrix<T> error_of(const matrix<T>& y, const matrix_view<const T>& f) {
  auto result = y;
  for (std::size_t i = 0; i < f.rows(); ++i) {
    for (std::size_t k = 0; k < f.cols(); ++k) result(i, k) -= f(i, k);
  }
  return result;
}

/// dW of `count` random parameters of each matrix against -dJ/dW by complex steps, J the mean of half
/// the squared errors; `mode` is training{} or nothing. The worst error over epsilon times the sum of
/// absolute values of what the derivative adds up, which a caller holds against a bound.
template <class Network, class... Mode>
double worst_gradient(const Network& net, const matrix<double>& x, const matrix<double>& y,
                      std::size_t count, stream& random, Mode... mode) {
  using C = std::complex<double>;
  constexpr double h = 1e-30;
  activations<Network> kept;
  gradients<Network> found;
  const matrix_view<const double> f = net.forward(mode..., x, kept);
  const auto error = error_of<double>(y, f);
  net.backward(x, kept, error, found);
  auto stepped = network_cast<C>(net);
  const auto complex_x = converted<C>(x);
  activations<decltype(stepped)> complex_kept;
  const auto weights = parameters_of(stepped);
  REQUIRE(weights.size() == Network::parameters);
  double worst = 0;
  for (std::size_t p = 0; p < weights.size(); ++p) {
    const auto dW = found.parameter(p);
    REQUIRE(dW.rows() == weights[p].rows());
    REQUIRE(dW.cols() == weights[p].cols());
    for (std::size_t n = 0; n < count; ++n) {
      const std::size_t i = random.below(static_cast<std::uint32_t>(dW.rows()));
      const std::size_t k = random.below(static_cast<std::uint32_t>(dW.cols()));
      const C before = weights[p](i, k);
      weights[p](i, k) += C(0, h);
      const matrix_view<const C> out = stepped.forward(mode..., complex_x, complex_kept);
      weights[p](i, k) = before;
      const double N = static_cast<double>(x.shape(0));
      double derivative = 0, gauge = 0;
      for (std::size_t s = 0; s < x.shape(0); ++s) {
        for (std::size_t c = 0; c < y.shape(1); ++c) {
          const double term = error(s, c) * out(s, c).imag() / h / N;
          derivative += term;
          gauge += std::abs(error(s, c)) * (1 + std::abs(out(s, c).imag() / h)) / N;
        }
      }
      worst = std::max(worst, std::abs(dW(i, k) - derivative) / (epsilon<double> * gauge));
    }
  }
  return worst;
}

}  // namespace test
