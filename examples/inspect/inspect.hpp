// The analyses of networks of one depth; depth_2.cpp to depth_5.cpp instantiate them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>

#include <tutelage/analysis.hpp>
#include <tutelage/landscape/permutation_alignment.hpp>
#include <tutelage/tutelage.hpp>

#include "inspect/findings.hpp"
#include "pair/analyze.hpp"
#include "pair/describe_layers.hpp"

namespace examples {

template <class Network>
network_facts describe_network(const Network& net, const samples& given) {
  using namespace tutelage;
  const rows x(given.x);
  network_facts result{};
  const auto widths = net.widths();
  result.widths.assign(widths.begin(), widths.end());
  const auto fan_out = all_fan_out_norms(net);
  net.for_each_layer([&](const auto& l, std::size_t number) {
    if (number == Network::depth) return;
    result.layers.push_back(
        {fan_in_norms(l), fan_out[number - 1], std::vector<double>(l.out_width(), 0.0)});
  });
  double sum = 0;
  for_each_forward(net, x, [&](const auto&, std::size_t, const auto& kept) {
    for (std::size_t l = 1; l < Network::depth; ++l) {
      const auto f = kept.f(l);
      for (std::size_t i = 0; i < f.rows(); ++i) {
        for (std::size_t k = 0; k < f.cols(); ++k) result.layers[l - 1].open[k] += f(i, k) > 0;
      }
    }
    const auto f = kept.template f<Network::depth>();
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (const double value : f.row(i)) sum += value * value;
    }
  });
  const auto N = static_cast<double>(x.rows());
  for (auto& l : result.layers) {
    for (double& share : l.open) share /= N;
  }
  result.mean_square = sum / (N * static_cast<double>(net.out_width()));

  visited_regions<Network> visited(net);
  visited.add(x);
  result.regions = visited.size();

  const auto partition = colinear_groups(net.template layer<1>(), section_tolerance);
  result.groups = {section_tolerance, partition.groups.size(), 0,
                   partition.constant_students.size()};
  for (const auto& group : partition.groups) {
    result.groups->largest = std::max(result.groups->largest, group.students.size());
  }

  if (!given.labels.empty()) {
    const data_set<rows, std::vector<label>> labelled(x, given.labels);
    result.accuracy = accuracy(net, labelled);
    result.cross_entropy = mean_loss(net, labelled, cross_entropy{});
  }
  if (given.targets) {
    const data_set<rows, matrix<double>> targeted(x, *given.targets);
    result.squared_loss = mean_loss(net, targeted, mean_squared_error{});
  }
  return result;
}

// Without the border of remainders and means.
inline expected unbordered(const tutelage::expectation<double>& e) {
  const std::size_t n = e.mean.shape(0) - 1, m = e.mean.shape(1) - 1;
  expected result{tutelage::make_matrix<double>(n, m), tutelage::make_matrix<double>(n, m)};
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t j = 0; j < m; ++j) {
      result.mean(k, j) = e.mean(k, j);
      result.error(k, j) = e.standard_error(k, j);
    }
  }
  return result;
}

// The gradient rule's expectations and the gradients' mean squares.
template <class Network>
void add_expectations(const Network& teacher, const Network& student, const rows& x,
                      pair_facts& result) {
  using namespace tutelage;
  // Errors come from the variation between blocks: 32 of them where samples are few.
  const std::size_t block = std::clamp<std::size_t>(x.rows() / 32, 1, 256);
  expectation_accumulator<Network, Network> means(teacher, student, {.block = block, .threads = 0});
  means.add(x);
  for (std::size_t l = 1; l < Network::depth; ++l) {
    const auto e = means.result(l);
    pair_layer& layer = result.layers[l - 1];
    layer.A = unbordered(e.A);
    layer.B = unbordered(e.B);
    layer.gated_A = unbordered(e.gated_A);
    layer.gated_B = unbordered(e.gated_B);
  }
  gradients<Network> found;
  for_each_residual(teacher, student, x, [&](const auto& chunk, const auto& kept, const auto& r) {
    student.backward(chunk, kept, r, found, [&](auto l, const auto&, const auto& g_l) {
      if constexpr (l < Network::depth) {
        double sum = 0;
        for (std::size_t i = 0; i < g_l.rows(); ++i) {
          for (std::size_t k = 0; k < g_l.cols(); ++k) sum += g_l(i, k) * g_l(i, k);
        }
        result.layers[l - 1].mean_squared_gradient_norm += sum / static_cast<double>(x.rows());
      }
    });
  });
}

// How crowded bands of the inputs are was searched for, how heavy their tails are is a bound.
template <class Network>
tutelage::estimated_condition estimate_condition(const Network& teacher, const Network& student,
                                                 const rows& x) {
  using namespace tutelage;
  const auto w_star = make_regular(teacher.template layer<1>());
  const auto w = make_regular(student.template layer<1>());
  auto directions = make_matrix<double>(w_star.nodes() + w.nodes(), x.cols());
  for (std::size_t i = 0; i < directions.shape(0); ++i) {
    const auto from = i < w_star.nodes() ? w_star.direction(i) : w.direction(i - w_star.nodes());
    std::copy(from.begin(), from.end(), matrix_view<double>(directions).row(i).begin());
  }
  const auto band = densest_band(x, section_eps, matrix_view<const double>(directions));
  return {band.eta_lower_bound, mu_bound(x)};
}

// How far the second network is from the first half way between them, weight by weight.
template <class Network>
double loss_half_way(const Network& first, Network second, const rows& x) {
  using namespace tutelage;
  Network source = first;
  const auto from = detail::parameters_of(source), to = detail::parameters_of(second);
  for (std::size_t p = 0; p < to.size(); ++p) {
    for (std::size_t i = 0; i < to[p].rows(); ++i) {
      for (std::size_t k = 0; k < to[p].cols(); ++k) {
        to[p](i, k) = (from[p](i, k) + to[p](i, k)) / 2;
      }
    }
  }
  const auto f_star = outputs(first, x), f = outputs(second, x);
  double sum = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    const double difference = f_star.data()[i] - f.data()[i];
    sum += difference * difference;
  }
  return sum / (2 * static_cast<double>(x.rows()));
}

template <class Network>
permutation describe_order(const Network& first, const Network& second, const rows& x) {
  const auto aligned = tutelage::align_nodes(first, second);
  permutation result{aligned.agreement,
                     0,
                     {},
                     loss_half_way(first, second, x),
                     loss_half_way(first, aligned.network, x)};
  for (const auto& order : aligned.nodes) {
    for (std::size_t i = 0; i < order.size(); ++i) result.moved += order[i] != i;
    result.orders.push_back(order);
  }
  return result;
}

// Observers of each hidden layer; the lowest one's are a section of their own too.
template <class Network, std::size_t... l>
void add_observers(const Network& teacher, const Network& student, const rows& x,
                   pair_facts& result, std::index_sequence<l...>) {
  ((result.layers[l].observers = describe_observers<l + 1>(teacher, student, x)), ...);
}

template <class Network>
pair_facts describe_pair(const Network& first, const Network& second, const rows& x, bool taught) {
  using namespace tutelage;
  pair_facts result{};
  const auto f_star = outputs(first, x), f = outputs(second, x);
  double difference = 0, variation = 0;
  for (std::size_t c = 0; c < f.shape(1); ++c) {
    double mean = 0;
    for (std::size_t i = 0; i < f.shape(0); ++i) {
      mean += (f_star(i, c) - mean) / static_cast<double>(i + 1);
    }
    for (std::size_t i = 0; i < f.shape(0); ++i) {
      difference += (f_star(i, c) - f(i, c)) * (f_star(i, c) - f(i, c));
      variation += (f_star(i, c) - mean) * (f_star(i, c) - mean);
    }
  }
  result.loss = difference / (2 * static_cast<double>(x.rows()));
  if (variation > 0) result.relative = difference / variation;

  const auto aligned = align(first, second, x);
  const auto matches = describe_layers(first, second, aligned);
  activations<Network> of_first, of_second;
  const auto head = x.middle_rows(0, std::min(x.rows(), similarity_samples));
  first.forward(head, of_first);
  second.forward(head, of_second);
  for (std::size_t l = 1; l < Network::depth; ++l) {
    const rows a = of_first.f(l), b = of_second.f(l);
    auto canonical = cca(a, b);
    const double mean = mean_correlation(canonical);
    result.layers.push_back({matches[l - 1],
                             aligned[l - 1].measured().rho,
                             std::move(canonical),
                             mean,
                             mean_correlation(svcca(a, b)),
                             linear_cka(a, b),
                             0,
                             0,
                             {},
                             {},
                             {},
                             {},
                             {}});
  }
  if (first.widths() == second.widths()) result.order = describe_order(first, second, x);
  if (!taught) return result;

  add_expectations(first, second, x, result);
  add_observers(first, second, x, result, std::make_index_sequence<Network::depth - 1>());
  sections analyses{describe_local(first, second, x),
                    *result.layers[0].observers,
                    describe_critical(first, second, x),
                    {},
                    describe_pruning(first, second, aligned[0], x)};
  const auto condition = estimate_condition(first, second, x);
  if (condition.eta_lower_bound > 0 && condition.mu > 0) {  // too few samples are in no band
    analyses.bounds = describe_bounds(condition, first, second, x);
  }
  for (std::size_t l = 0; l < result.layers.size(); ++l) {
    result.layers[l].max_gradient = analyses.critical.layers[l].max;
  }
  if constexpr (Network::depth == 2) describe_kinks(first, second, x, analyses.pruning);
  result.analyses = std::move(analyses);
  return result;
}

template <class Gate, class Widths>
struct dense_stack;
template <class Gate, std::size_t... l>
struct dense_stack<Gate, std::index_sequence<l...>> {
  using type = tutelage::mlp<double, Gate, (static_cast<void>(l), tutelage::dynamic)...>;
};

template <std::size_t depth>
facts inspect_nodes(const question& asked, const std::vector<dense_network>& networks,
                    const samples& given) {
  using gate = tutelage::leaky_relu<tutelage::dynamic_slope>;
  using network = typename dense_stack<gate, std::make_index_sequence<depth + 1>>::type;
  std::vector<network> nets;
  facts result{std::min(given.x.shape(0), similarity_samples), {}, {}};
  for (const auto& [origin, weights] : networks) {
    std::array<std::size_t, depth + 1> widths{origin->inputs()};
    for (std::size_t l = 0; l < depth; ++l) widths[l + 1] = weights[l].shape(1);
    nets.emplace_back(widths, gate(origin->slope));
    auto from = weights.begin();
    nets.back().for_each_parameter(
        [&](const auto& W) { tutelage::copy(rows(*from++), tutelage::matrix_view<double>(W)); });
    auto& described = result.networks.emplace_back(describe_network(nets.back(), given));
    described.role = asked.role(nets.size() - 1);
    described.file = origin->file;
    described.text = origin->text;
    described.normalizations = origin->normalizations();
  }
  if (nets.size() == 2) {
    result.pair = describe_pair(nets[0], nets[1], rows(given.x), asked.taught());
  }
  return result;
}

}  // namespace examples
