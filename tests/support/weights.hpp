// A network's weights, apart from its type, and how far rounding can move its outputs.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <tutelage/model/network.hpp>

namespace test {

using namespace tutelage;

/// W with its bias row, layer by layer; conversion to long double changes no number.
template <class Network>
std::vector<matrix<long double>> weights_of(const Network& net) {
  std::vector<matrix<long double>> result;
  net.for_each_layer([&](const auto& l, std::size_t) {
    const auto W = l.weights();
    auto copied = make_matrix<long double>(W.rows(), W.cols());
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) copied(i, k) = W(i, k);
    }
    result.push_back(copied);
  });
  return result;
}

/// The sums of absolute values of everything that is added up to an activation, [N, n_l] for
/// l = 0, ..., L: the network of absolute weights, all gates open.
inline std::vector<matrix<long double>> activation_gauges(
    const std::vector<matrix<long double>>& weights, const matrix<long double>& x) {
  std::vector<matrix<long double>> result{x};
  for (long double& value : result[0]) value = std::abs(value);
  for (const auto& W : weights) {
    const auto& below = result.back();
    const std::size_t in = below.shape(1);
    auto sums = make_matrix<long double>(x.shape(0), W.shape(1));
    for (std::size_t i = 0; i < sums.shape(0); ++i) {
      for (std::size_t k = 0; k < sums.shape(1); ++k) {
        if (W.shape(0) > in) sums(i, k) = std::abs(W(in, k));
        for (std::size_t j = 0; j < in; ++j) sums(i, k) += below(i, j) * std::abs(W(j, k));
      }
    }
    result.push_back(sums);
  }
  return result;
}

/// The same of the outputs, [N, C].
inline matrix<long double> output_gauge(const std::vector<matrix<long double>>& weights,
                                        const matrix<long double>& x) {
  return activation_gauges(weights, x).back();
}

/// In units of epsilon times that gauge, the most by which rounding moves an output, in whatever
/// order sums are taken: each layer rounds once a term, and twice more.
inline double output_roundings(const std::vector<matrix<long double>>& weights) {
  double count = 0;
  for (const auto& W : weights) count += static_cast<double>(W.shape(0) + 2);
  return count;
}

}  // namespace test
