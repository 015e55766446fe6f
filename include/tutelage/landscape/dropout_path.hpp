// Paths between dropout-stable networks (Kuditipudi et al., arXiv:1906.06247, Theorem 1).
//
// For networks A and B with L layers, a loss that is convex in the outputs and theta_k as in
// dropout_stability.hpp,
//
//   largest loss on the path <= max over k = 1, ..., L of {loss of A_k, loss of B_k}
//                            <= max(loss of A, loss of B) + eps when both are eps-dropout stable
//
// A node is live when weights lead from it to the outputs. The chain from theta goes down the
// layers: the top layer drops to the kept nodes (a); then, for k = L-2, ..., 1, nodes that are not
// live are written with the kept part of the layers above k (b), and the top layer changes over to
// them (a), which is theta_k. It ends with as many live nodes as are kept, in each layer: 2L-3
// segments, and one more (b) clears the others. Between two such ends, what is live of A moves out
// of the way of what is of B, when it must: its nodes are copied (b) and their fan-out goes to the
// copies (c). Then B's live part is written (b), the top layer changes over (a), and the rest becomes
// B's (b): the path has 4L-3 segments, or 4L-1.
//
// No step needs a gate of a certain kind. The source's figure has -2 L_2 at its fifth vertex; it is
// 2 L_2.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <tutelage/landscape/dropout_stability.hpp>
#include <tutelage/landscape/path_loss.hpp>
#include <tutelage/landscape/piecewise_path.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// A path and the nodes that are live at its end, of each hidden layer.
template <class Network>
struct dropout_chain {
  piecewise_path<Network> path;
  kept_nodes<Network> live;
};

/// The first `count` numbers below h that are in none of the lists.
template <class... Lists>
std::vector<std::size_t> free_nodes(std::size_t h, std::size_t count, const Lists&... taken) {
  std::vector<std::size_t> result;
  for (std::size_t u = 0; u < h && result.size() < count; ++u) {
    const auto has = [u](const auto& list) {
      return std::find(list.begin(), list.end(), u) != list.end();
    };
    if (!(has(taken) || ...)) result.push_back(u);
  }
  return result;
}

// Weights of node u, with its bias, become those of another.
template <class T>
void copy_node(const matrix_view<T>& from, std::size_t source, const matrix_view<T>& to,
               std::size_t u) {
  for (std::size_t i = 0; i < to.rows(); ++i) to(i, u) = from(i, source);
}

/// From theta down to k = 1, without the last clearing; see above.
template <class Network>
dropout_chain<Network> descend_to_dropout(const Network& net, const dropout<Network>& d) {
  using T = typename Network::value_type;
  constexpr std::size_t top = Network::depth - 1;  // of hidden layers; W[top] is the top layer
  const auto h = net.widths();
  const auto& S = d.kept;
  Network original = net, now = net;
  const auto W0 = parameters_of(original), W = parameters_of(now);
  dropout_chain<Network> chain{piecewise_path<Network>(net), {}};
  const auto switch_top = [&](const std::vector<std::size_t>& nodes) {
    for (std::size_t u = 0; u < h[top]; ++u) std::fill_n(W[top].row(u).data(), W[top].cols(), T(0));
    for (std::size_t s = 0; s < nodes.size(); ++s) {
      for (std::size_t c = 0; c < W[top].cols(); ++c) {
        W[top](nodes[s], c) = static_cast<T>(d.scale[top - 1]) * W0[top](S[top - 1][s], c);
      }
    }
    chain.path.append(segment_kind::top, now);
  };
  auto& live = chain.live;  // of layers that dropout has reached
  switch_top(live[top - 1] = S[top - 1]);
  for (std::size_t k = top - 1; k >= 1; --k) {
    kept_nodes<Network> written;
    for (std::size_t j = k + 1; j <= top; ++j) {
      written[j - 1] = free_nodes(h[j], S[j - 1].size(), live[j - 1]);
      const auto& below = j == k + 1 ? S[j - 2] : written[j - 2];  // where layer j finds S_{j-1}
      const matrix_view<T>& to = W[j - 1];
      for (std::size_t s = 0; s < S[j - 1].size(); ++s) {
        const std::size_t node = S[j - 1][s], u = written[j - 1][s];
        copy_node(W0[j - 1], node, to, u);  // for the bias
        for (std::size_t i = 0; i < h[j - 1]; ++i) to(i, u) = 0;
        for (std::size_t i = 0; i < below.size(); ++i) {
          to(below[i], u) = static_cast<T>(d.scale[j - 2]) * W0[j - 1](S[j - 2][i], node);
        }
      }
      live[j - 1] = written[j - 1];
    }
    chain.path.append(segment_kind::unseen, now);
    switch_top(live[top - 1]);
    live[k - 1] = S[k - 1];
  }
  return chain;
}

/// From the end of a path, of which `live` nodes matter, to a network of which `end_live` do. In
/// both no more than half of each layer is live, and no weight leads from other nodes to live ones.
template <class Network>
void cross(piecewise_path<Network>& path, const kept_nodes<Network>& live, Network end,
           const kept_nodes<Network>& end_live) {
  using T = typename Network::value_type;
  constexpr std::size_t top = Network::depth - 1;
  Network now = path.vertices().back(), target = end;
  const auto W = parameters_of(now), E = parameters_of(target);
  kept_nodes<Network> moved = live;
  for (std::size_t j = 0; j < top; ++j) {
    const auto room = free_nodes(now.widths()[j + 1], live[j].size(), live[j], end_live[j]);
    std::size_t used = 0;
    for (std::size_t& u : moved[j]) {
      // At least as many are free as are in both: 2 |S| <= h.
      if (std::find(end_live[j].begin(), end_live[j].end(), u) != end_live[j].end()) {
        u = room[used++];
      }
    }
  }
  if (moved != live) {
    const auto for_each_moved = [&](const auto& visit) {
      for (std::size_t j = 0; j < top; ++j) {
        for (std::size_t s = 0; s < live[j].size(); ++s) {
          if (moved[j][s] != live[j][s]) visit(j, live[j][s], moved[j][s]);
        }
      }
    };
    for_each_moved(
        [&](std::size_t j, std::size_t u, std::size_t copy) { copy_node(W[j], u, W[j], copy); });
    path.append(segment_kind::unseen, now);
    for_each_moved([&](std::size_t j, std::size_t u, std::size_t copy) {
      for (std::size_t k = 0; k < W[j + 1].cols(); ++k) {
        W[j + 1](copy, k) = W[j + 1](u, k);
        W[j + 1](u, k) = T(0);
      }
    });
    path.append(segment_kind::transfer, now);
  }
  for (std::size_t j = 0; j < top; ++j) {
    for (std::size_t u = 0; u < W[j].cols(); ++u) {
      if (std::find(moved[j].begin(), moved[j].end(), u) == moved[j].end()) {
        copy_node(E[j], u, W[j], u);
      }
    }
  }
  path.append(segment_kind::unseen, now);
  copy(E[top], W[top]);
  path.append(segment_kind::top, now);
  path.append(segment_kind::unseen, std::move(end));
}

template <class Network>
void require_dropouts(const char* function, const Network& a, const dropout<Network>& d_a,
                      const Network& b, const dropout<Network>& d_b) {
  require_same_space(function, a, b);
  require_dropout(function, a, d_a);
  require_dropout(function, b, d_b);
}

template <class Loss>
constexpr void check_convex_loss() {
  static_assert(is_convex_loss<Loss>,
                "the loss is not known to be convex in the outputs: nothing bounds it on a path; "
                "see is_convex_loss");
}

}  // namespace detail

/// From a network to one with no more nodes than dropout keeps, in whatever places, and all else
/// zero: 2L-2 segments, abab... Throws argument_error for a dropout that is none of this network.
template <class Network>
piecewise_path<Network> path_to_dropout(const Network& net, const dropout<Network>& d) {
  detail::require_dropout("path_to_dropout", net, d);
  auto [path, live] = detail::descend_to_dropout(net, d);
  Network now = path.vertices().back();
  const auto W = detail::parameters_of(now);
  for (std::size_t j = 0; j + 1 < Network::depth; ++j) {
    for (const std::size_t u : detail::free_nodes(W[j].cols(), W[j].cols(), live[j])) {
      for (std::size_t i = 0; i < W[j].rows(); ++i) W[j](i, u) = 0;
    }
  }
  path.append(segment_kind::unseen, now);
  return path;
}

/// The path of the theorem between two networks. Throws shape_error when their widths differ and
/// argument_error when their slopes do or a dropout is none of its network.
template <class Network>
piecewise_path<Network> dropout_path(const Network& a, const dropout<Network>& d_a,
                                     const Network& b, const dropout<Network>& d_b) {
  detail::require_dropouts("dropout_path", a, d_a, b, d_b);
  auto from = detail::descend_to_dropout(a, d_a);
  const auto to = detail::descend_to_dropout(b, d_b);
  detail::cross(from.path, from.live, to.path.vertices().back(), to.live);
  from.path.append_reversed(to.path);
  return from.path;
}

/// The shorter path of noise-stable networks: straight from A to A_1, across, straight from B_1 to
/// B; 7 segments, or 5 when the kept nodes have none in common. The theorem's bound is of the
/// segments between; on the straight ones the excess falls as networks become wider.
template <class Network>
piecewise_path<Network> noise_stable_path(const Network& a, const dropout<Network>& d_a,
                                          const Network& b, const dropout<Network>& d_b) {
  detail::require_dropouts("noise_stable_path", a, d_a, b, d_b);
  auto path = straight_line(a, with_dropout(a, d_a));
  detail::cross(path, d_a.kept, with_dropout(b, d_b), d_b.kept);
  path.append(segment_kind::straight, b);
  return path;
}

/// The theorem's bound on dropout_path: the largest loss of A_k and B_k, k = 1, ..., L. Only for
/// losses that are convex in the outputs.
template <class Network, class Inputs, class Targets, class Loss>
double dropout_bound(const Network& a, const dropout<Network>& d_a, const Network& b,
                     const dropout<Network>& d_b, const data_set<Inputs, Targets>& data,
                     const Loss& loss) {
  detail::check_convex_loss<Loss>();
  detail::require_dropouts("dropout_bound", a, d_a, b, d_b);
  const auto of_a = dropout_losses(a, d_a, data, loss), of_b = dropout_losses(b, d_b, data, loss);
  return std::max(*std::max_element(of_a.begin(), of_a.end()),
                  *std::max_element(of_b.begin(), of_b.end()));
}

}  // namespace tutelage
