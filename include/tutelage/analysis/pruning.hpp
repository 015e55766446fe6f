// Smaller networks of the same function, and structured pruning.
//
//   merge     co-linear nodes of a hidden layer become one: f_k = (|w~_k| / |w~_r|) f_r, so that
//             the fan-out of the node r that stays is sum_k v_k |w~_k| / |w~_r|; nodes without
//             weights are constants and become part of the next layer's bias
//   drop      nodes that change little on given inputs are left out, what is constant of them goes
//             into the next layer's bias (arXiv:1909.13458, Corollary 1: at a critical point,
//             sufficiently observed, unaligned nodes have |v_k| |w~_k| = 0)
//   mask      the nodes of least fan-out norm are switched off, a given share of each hidden layer:
//             how the experiments on images prune a trained teacher
//
// A pruned network has run-time widths. output_change() measures what pruning changed.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/core/numbers.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/dynamic_network.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Which nodes of each hidden layer stay, in increasing order, from the lowest layer.
template <class Network>
using kept_nodes = std::array<std::vector<std::size_t>, Network::depth - 1>;

/// All nodes of every hidden layer.
template <class Network>
kept_nodes<Network> all_nodes(const Network& net) {
  kept_nodes<Network> result;
  for (std::size_t l = 1; l < Network::depth; ++l) {
    result[l - 1].resize(net.widths()[l]);
    std::iota(result[l - 1].begin(), result[l - 1].end(), std::size_t{0});
  }
  return result;
}

/// The network of the kept nodes only. Throws argument_error when a layer keeps none, or its list
/// is not increasing or names a node that does not exist.
template <class Network>
dynamic_network<Network> keep_nodes(const Network& net, const kept_nodes<Network>& kept) {
  const auto widths = net.widths();
  std::array<std::vector<std::size_t>, Network::depth + 1> nodes;
  for (std::size_t l = 0; l <= Network::depth; ++l) {
    if (l == 0 || l == Network::depth) {
      nodes[l].resize(widths[l]);
      std::iota(nodes[l].begin(), nodes[l].end(), std::size_t{0});
      continue;
    }
    nodes[l] = kept[l - 1];
    const bool increasing = std::adjacent_find(nodes[l].begin(), nodes[l].end(),
                                               std::greater_equal<>{}) == nodes[l].end();
    if (nodes[l].empty() || !increasing || nodes[l].back() >= widths[l]) {
      throw argument_error(detail::text("keep_nodes: layer ", l, " has ", widths[l],
                                        " nodes, expected at least 1 of them in increasing order"));
    }
  }
  const auto select = [&](const auto& from, std::size_t l) {
    dynamic_layer<std::remove_cvref_t<decltype(from)>> to(nodes[l - 1].size(), nodes[l].size(),
                                                          from.gate());
    for (std::size_t i = 0; i < to.weights().rows(); ++i) {
      const std::size_t row = i < nodes[l - 1].size() ? nodes[l - 1][i] : from.in_width();
      for (std::size_t k = 0; k < nodes[l].size(); ++k) {
        to.weights()(i, k) = from.weights()(row, nodes[l][k]);
      }
    }
    return to;
  };
  return with_numbers<Network::depth>(
      [&](auto... l) { return dynamic_network<Network>(select(net.template layer<l>(), l)...); });
}

/// |v_k| |w~_k| of the nodes of hidden layer l: the kink that a node adds to what is above. A node
/// without weights has none: it is a constant, perhaps a large one. See node_effects. In long
/// double, where no product of two doubles overflows or vanishes. Throws argument_error for a weight
/// that is not finite.
template <std::size_t l, class Network>
std::vector<long double> node_strengths(const Network& net) {
  detail::require_finite_weights("node_strengths", net.template layer<l>());
  detail::require_finite_weights("node_strengths", net.template layer<l + 1>());
  const auto fan_outs = fan_out_norms<l>(net), norms = fan_in_norms(net.template layer<l>());
  std::vector<long double> strengths(fan_outs.begin(), fan_outs.end());
  for (std::size_t k = 0; k < norms.size(); ++k) strengths[k] *= norms[k];
  return strengths;
}

/// Hidden layer l with its co-linear nodes (see colinear_groups) merged, each group into its
/// strongest node, and its constant nodes folded into the next layer's bias, as far as it has one.
/// With a tolerance of 0 to rounding the function is the same. Throws argument_error for a negative
/// tolerance or a weight that is not finite, of this network or the merged one.
template <std::size_t l, class Network>
dynamic_network<Network> merge_colinear(const Network& net, double tolerance) {
  using T = typename Network::value_type;
  auto merged = net;
  const auto& below = net.template layer<l>();
  auto& above = merged.template layer<l + 1>();
  using next_layer = std::remove_cvref_t<decltype(above)>;
  const colinear_partition partition = colinear_groups(below, tolerance);
  const auto norms = fan_in_norms(below);
  const auto strengths = node_strengths<l>(net);
  const auto V = above.linear_weights();
  std::vector<bool> stays(norms.size());
  for (const colinear_group& group : partition.groups) {
    const std::size_t r = *std::max_element(
        group.students.begin(), group.students.end(),
        [&](std::size_t a, std::size_t b) { return strengths[a] < strengths[b]; });
    stays[r] = true;
    for (const std::size_t k : group.students) {
      if (k == r) continue;
      // What is added is at most as large as V(r), however large the ratio.
      const long double scale = static_cast<long double>(norms[k]) / norms[r];
      for (std::size_t c = 0; c < V.cols(); ++c) V(r, c) += static_cast<T>(scale * V(k, c));
    }
  }
  for (const std::size_t k : partition.constant_students) {
    const bool silent = !std::remove_cvref_t<decltype(below)>::has_bias();
    if constexpr (next_layer::has_bias()) {
      if (!silent) {
        const T f = below.gate().activate(below.weights()(below.in_width(), k));
        for (std::size_t c = 0; c < V.cols(); ++c) above.bias()[c] += f * V(k, c);
      }
    } else {
      stays[k] = !silent;
    }
  }
  // A layer keeps at least one node.
  if (std::find(stays.begin(), stays.end(), true) == stays.end()) {
    stays[0] = true;
    for (T& v : V.row(0)) v = 0;
  }
  detail::require_finite_weights("merge_colinear", above);
  kept_nodes<Network> kept = all_nodes(net);
  std::erase_if(kept[l - 1], [&](std::size_t k) { return !stays[k]; });
  return keep_nodes(merged, kept);
}

/// What a node does on samples: its activation lies within `half_range` of `middle`.
struct node_effect {
  double middle = 0, half_range = 0;
  // |v_k| half_range: what is lost when v_k middle goes into the bias above
  long double strength = 0;
};

/// The effects of the nodes of hidden layer l over `inputs`. Without a bias above nothing can take
/// the middle: it is 0, and the half range the largest |f_k|. Throws shape_error for no inputs or
/// ones of another width, argument_error for an activation or a fan-out that is not finite.
template <std::size_t l, class Network, class Inputs>
std::vector<node_effect> node_effects(const Network& net, const Inputs& inputs) {
  using T = typename Network::value_type;
  if (as_rows(inputs).rows() == 0) {
    throw shape_error("node_effects: no inputs, expected at least 1");
  }
  detail::require_finite_weights("node_effects", net.template layer<l + 1>());
  const auto fan_outs = fan_out_norms<l>(net);
  std::vector<double> least(fan_outs.size(), std::numeric_limits<double>::infinity());
  std::vector<double> most(fan_outs.size(), -std::numeric_limits<double>::infinity());
  activations<Network> kept;
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t first) {
    net.forward(x, kept);
    const auto f = kept.f(l);
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = 0; k < f.cols(); ++k) {
        const auto value = static_cast<double>(f(i, k));
        if (!is_finite(value)) {
          throw argument_error(detail::text("node_effects: the activation of node ", k,
                                            " on sample ", first + i, " is not finite"));
        }
        least[k] = std::min(least[k], value);
        most[k] = std::max(most[k], value);
      }
    }
  });
  using next_layer = typename Network::template layer_type<l + 1>;
  std::vector<node_effect> result(fan_outs.size());
  for (std::size_t k = 0; k < result.size(); ++k) {
    node_effect& e = result[k];
    if constexpr (next_layer::has_bias()) {
      e.half_range = most[k] / 2 - least[k] / 2;
      e.middle = least[k] + e.half_range;
    } else {
      e.half_range = std::max(std::abs(least[k]), std::abs(most[k]));
    }
    e.strength = static_cast<long double>(fan_outs[k]) * e.half_range;
  }
  return result;
}

/// Hidden layer l without the nodes whose strength on `inputs` (see node_effects) is at most
/// `tolerance` times the strongest's; what is constant of them goes into the bias above. The
/// strongest stays. On these inputs what goes into layer l+1 changes by no more, in norm, than the
/// sum of the strengths that were dropped: not at all, to rounding, for a tolerance of 0. Throws
/// argument_error for a negative tolerance, and as node_effects does.
template <std::size_t l, class Network, class Inputs>
dynamic_network<Network> drop_weak(const Network& net, const Inputs& inputs, double tolerance) {
  using T = typename Network::value_type;
  detail::require_tolerance("drop_weak", tolerance);
  const auto effects = node_effects<l>(net, inputs);
  const auto strongest = std::max_element(
      effects.begin(), effects.end(),
      [](const node_effect& a, const node_effect& b) { return a.strength < b.strength; });
  auto folded = net;
  auto& above = folded.template layer<l + 1>();
  kept_nodes<Network> kept = all_nodes(net);
  std::erase_if(kept[l - 1], [&](std::size_t k) {
    if (effects[k].strength > tolerance * strongest->strength ||
        k == static_cast<std::size_t>(strongest - effects.begin())) {
      return false;
    }
    if constexpr (std::remove_cvref_t<decltype(above)>::has_bias()) {
      const auto V = above.linear_weights();
      for (std::size_t c = 0; c < V.cols(); ++c) {
        above.bias()[c] += static_cast<T>(effects[k].middle) * V(k, c);
      }
    }
    return true;
  });
  return keep_nodes(folded, kept);
}

/// How much the outputs of two networks differ over samples.
struct output_difference {
  double largest = 0;    // of all samples and outputs, absolute
  double rms = 0;        // root of the mean square over samples and outputs
  double deviation = 0;  // of the first network's outputs: root of their mean variance

  /// rms / deviation; infinite when only the deviation is 0.
  [[nodiscard]] double relative() const {
    if (rms == 0) return 0;
    return deviation > 0 ? rms / deviation : std::numeric_limits<double>::infinity();
  }
};

/// Compares the outputs of two networks over `inputs`, in one pass. Throws shape_error when the
/// networks' inputs or outputs differ or there is no input, argument_error when an output is not
/// finite.
template <class Before, class After, class Inputs>
output_difference output_change(const Before& before, const After& after, const Inputs& inputs) {
  using T = typename Before::value_type;
  detail::check_pair<Before, After>();
  const std::size_t C = before.out_width(), N = as_rows(inputs).rows();
  if (after.out_width() != C || N == 0) {
    throw shape_error(detail::text("output_change: ", N, " inputs, ", C, " and ", after.out_width(),
                                   " outputs, expected inputs and equally many outputs"));
  }
  activations<Before> kept_before;
  activations<After> kept_after;
  output_difference result;
  // In long double squares of doubles neither overflow nor vanish.
  long double square = 0;
  std::vector<long double> origin(C), mean(C), variation(C);
  for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t first) {
    const auto f = before.forward(x, kept_before);
    const auto g = after.forward(x, kept_after);
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t c = 0; c < C; ++c) {
        const double output = static_cast<double>(f(i, c));
        const double change = std::abs(output - static_cast<double>(g(i, c)));
        if (!is_finite(change)) {
          throw argument_error(
              detail::text("output_change: an output of sample ", first + i, " is not finite"));
        }
        result.largest = std::max(result.largest, change);
        square += static_cast<long double>(change) * change;
        // Deviations from the first sample's output: exactly 0 for an output that never changes.
        if (first + i == 0) origin[c] = output;
        mean[c] += output - origin[c];
        variation[c] += (output - origin[c]) * (output - origin[c]);
      }
    }
  });
  const auto samples = static_cast<long double>(N), outputs = static_cast<long double>(C);
  long double variance = 0;
  for (std::size_t c = 0; c < C; ++c) {
    variance += std::max(0.0L, variation[c] / samples - (mean[c] / samples) * (mean[c] / samples));
  }
  result.rms = static_cast<double>(std::sqrt(square / (samples * outputs)));
  result.deviation = static_cast<double>(std::sqrt(variance / outputs));
  return result;
}

/// The nodes that stay when the share ratios[l-1] of hidden layer l, rounded to whole nodes, is
/// switched off: those of least fan-out norm, of equal ones the last; one node stays at least.
/// Throws argument_error unless there is a ratio in [0, 1] for every hidden layer and all weights are
/// finite.
template <class Network>
kept_nodes<Network> strongest_nodes(const Network& net, std::span<const double> ratios) {
  const bool right =
      ratios.size() == Network::depth - 1 &&
      std::all_of(ratios.begin(), ratios.end(), [](double r) { return r >= 0 && r <= 1; });
  if (!right) {
    throw argument_error(detail::text("strongest_nodes: ", ratios.size(), " ratios, expected ",
                                      Network::depth - 1, " numbers in [0, 1]"));
  }
  net.for_each_layer(
      [](const auto& l, std::size_t) { detail::require_finite_weights("strongest_nodes", l); });
  const auto norms = all_fan_out_norms(net);
  kept_nodes<Network> kept = all_nodes(net);
  for (std::size_t l = 1; l < Network::depth; ++l) {
    auto& nodes = kept[l - 1];
    const auto off =
        static_cast<std::size_t>(std::lround(ratios[l - 1] * static_cast<double>(nodes.size())));
    std::stable_sort(nodes.begin(), nodes.end(), [&](std::size_t a, std::size_t b) {
      return norms[l - 1][a] > norms[l - 1][b];
    });
    nodes.resize(std::max<std::size_t>(1, nodes.size() - off));
    std::sort(nodes.begin(), nodes.end());
  }
  return kept;
}

/// Switches off all nodes of hidden layers that are not kept: their weights, biases and fan-outs
/// become 0. The function is that of keep_nodes().
template <class Network>
void mask_nodes(Network& net, const kept_nodes<Network>& kept) {
  net.for_each_layer([&](auto& l, std::size_t number) {
    const auto W = l.weights();
    const auto kept_in = [&](std::size_t layer, std::size_t k) {
      if (layer == 0 || layer == Network::depth) return true;
      return std::binary_search(kept[layer - 1].begin(), kept[layer - 1].end(), k);
    };
    for (std::size_t i = 0; i < W.rows(); ++i) {
      const bool stays = i == l.in_width() || kept_in(number - 1, i);
      for (std::size_t k = 0; k < W.cols(); ++k) {
        if (!stays || !kept_in(number, k)) W(i, k) = 0;
      }
    }
  });
}

}  // namespace tutelage
