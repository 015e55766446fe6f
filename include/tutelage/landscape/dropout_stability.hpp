// Dropout stability: how much of a network is needed (Kuditipudi et al., arXiv:1906.06247,
// Definition 1).
//
// Of each hidden layer j at most half of the nodes are kept, 1 <= |S_j| <= h_j / 2, and their
// fan-out is multiplied by r_j. With L layers,
//
//   theta_k   theta with the weights out of the nodes outside S_j zero and the others multiplied by
//             r_j, for all j = k, ..., L-1; theta_L = theta
//
// A network is eps-dropout stable when the loss of every theta_k is at most its own plus eps.
// Biases stay as they are.
//
//   S_j   kept[j-1]     r_j   scale[j-1]     h_j   widths()[j]
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>

#include <tutelage/analysis/pruning.hpp>
#include <tutelage/core/numbers.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/train/data_set.hpp>
#include <tutelage/train/evaluate.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

template <class Network>
inline constexpr bool all_dense = false;
template <class... Layers>
inline constexpr bool all_dense<network<Layers...>> = (dense_layer<Layers> && ...);

template <class Network>
constexpr void check_dropout() {
  static_assert(all_dense<Network>, "dropout: needs dense layers");
  static_assert(Network::depth >= 2, "dropout: needs a hidden layer");
}

}  // namespace detail

/// Which nodes of each hidden layer are kept, in increasing order, and what their fan-out is
/// multiplied by.
template <class Network>
struct dropout {
  kept_nodes<Network> kept;
  std::array<double, Network::depth - 1> scale;
};

namespace detail {

/// Throws argument_error unless every hidden layer keeps at least one and at most half of its nodes,
/// in increasing order, with a scale that the network's numbers hold.
template <class Network>
void require_dropout(const char* function, const Network& net, const dropout<Network>& d) {
  check_dropout<Network>();
  for (std::size_t j = 1; j < Network::depth; ++j) {
    const auto& S = d.kept[j - 1];
    const std::size_t h = net.widths()[j];
    if (S.empty() || S.size() > h / 2) {
      throw argument_error(text(function, ": hidden layer ", j, " keeps ", S.size(), " of ", h,
                                " nodes, expected at least 1 and at most half of them"));
    }
    if (std::adjacent_find(S.begin(), S.end(), std::greater_equal<>{}) != S.end() ||
        S.back() >= h) {
      throw argument_error(text(function, ": the kept nodes of hidden layer ", j,
                                " are not increasing numbers below ", h));
    }
    constexpr auto most = std::numeric_limits<typename Network::value_type>::max();
    if (!(std::abs(d.scale[j - 1]) <= static_cast<double>(most))) {
      throw argument_error(text(function, ": the scale of hidden layer ", j, " is ", d.scale[j - 1],
                                ", expected a finite number of at most ", most));
    }
  }
}

}  // namespace detail

/// Dropout that keeps these nodes, with r_j = h_j / |S_j|: 2 for half of them. Throws argument_error
/// unless each hidden layer keeps at least one and at most half of its nodes, in increasing order.
template <class Network>
dropout<Network> keep_in_dropout(const Network& net, const kept_nodes<Network>& kept) {
  dropout<Network> result{kept, {}};
  for (std::size_t j = 0; j + 1 < Network::depth; ++j) {
    result.scale[j] = static_cast<double>(net.widths()[j + 1]) /
                      static_cast<double>(std::max<std::size_t>(kept[j].size(), 1));
  }
  detail::require_dropout("keep_in_dropout", net, result);
  return result;
}

/// Dropout that keeps a random half of every hidden layer, rounded down.
template <class Network>
dropout<Network> random_dropout(const Network& net, stream random) {
  kept_nodes<Network> kept;
  for (std::size_t j = 1; j < Network::depth; ++j) {
    const auto order = random.permutation(net.widths()[j]);
    kept[j - 1].assign(order.begin(),
                       order.begin() + static_cast<std::ptrdiff_t>(order.size() / 2));
    std::sort(kept[j - 1].begin(), kept[j - 1].end());
  }
  return keep_in_dropout(net, kept);
}

/// Dropout that keeps the half of every hidden layer with the largest |v_k| |w~_k|, rounded down.
/// These stand for more than their number: r_j is the sum of that over all nodes by the sum over the
/// kept ones, 1 where the others add nothing and h_j / |S_j| where all add the same. Throws
/// argument_error for a weight that is not finite.
template <class Network>
dropout<Network> strongest_dropout(const Network& net) {
  detail::check_dropout<Network>();
  dropout<Network> result;
  const auto choose = [&](std::size_t j, const std::vector<long double>& strengths) {
    std::vector<std::size_t> order(strengths.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return strengths[a] > strengths[b]; });
    order.resize(order.size() / 2);
    std::sort(order.begin(), order.end());
    long double kept = 0;
    for (const std::size_t k : order) kept += strengths[k];
    const long double all = std::accumulate(strengths.begin(), strengths.end(), 0.0L);
    result.kept[j - 1] = std::move(order);
    result.scale[j - 1] = kept > 0 ? static_cast<double>(all / kept) : 1;
  };
  for_each_number<Network::depth - 1>([&](auto j) { choose(j, node_strengths<j>(net)); });
  detail::require_dropout("strongest_dropout", net, result);
  return result;
}

/// theta_k for 1 <= k <= L: dropout in the hidden layers from k on, none for k = L. Throws
/// argument_error for another k, and for a dropout that is none of this network.
template <class Network>
Network with_dropout(const Network& net, const dropout<Network>& d, std::size_t k = 1) {
  detail::require_dropout("with_dropout", net, d);
  if (k < 1 || k > Network::depth) {
    throw argument_error(
        detail::text("with_dropout: k is ", k, ", expected 1 to ", Network::depth));
  }
  using T = typename Network::value_type;
  Network result = net;
  const auto W = detail::parameters_of(result);
  for (std::size_t j = k; j < Network::depth; ++j) {
    std::vector<T> factor(net.widths()[j], T(0));
    for (const std::size_t u : d.kept[j - 1]) factor[u] = static_cast<T>(d.scale[j - 1]);
    for (std::size_t u = 0; u < factor.size(); ++u) {
      for (T& w : W[j].row(u)) w = factor[u] == T(0) ? T(0) : factor[u] * w;
    }
  }
  return result;
}

/// The losses of theta_1, ..., theta_L, the last of which is the network's own.
template <class Network, class Inputs, class Targets, class Loss>
std::array<double, Network::depth> dropout_losses(const Network& net, const dropout<Network>& d,
                                                  const data_set<Inputs, Targets>& data,
                                                  const Loss& loss) {
  std::array<double, Network::depth> result;
  for (std::size_t k = 1; k <= Network::depth; ++k) {
    result[k - 1] = mean_loss(with_dropout(net, d, k), data, loss);
  }
  return result;
}

}  // namespace tutelage
