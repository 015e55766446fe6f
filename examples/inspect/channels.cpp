// Networks of any sequential layers, channel by channel. A dense layer's node is a channel of one
// position.
#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/analysis/similarity.hpp>

#include "inspect/findings.hpp"
#include "pair/print.hpp"

namespace examples {

namespace {

using namespace tutelage;

constexpr std::size_t chunk = 128;  // samples in memory at once

std::vector<double> column_norms(const matrix_view<const double>& W) {
  std::vector<double> result(W.cols());
  for (std::size_t k = 0; k < W.cols(); ++k) {
    for (std::size_t i = 0; i < W.rows(); ++i) result[k] += W(i, k) * W(i, k);
    result[k] = std::sqrt(result[k]);
  }
  return result;
}

// Norms of the weights below each gate, a channel, times the scale of a normalization between.
std::vector<double> norms_below(const sequence& net, std::size_t gate) {
  std::vector<double> factors(net.layers[gate].out.channels, 1.0), result = factors;
  bool found = false;
  for (std::size_t l = gate; l-- > 0 && !found;) {
    std::visit(
        [&](const auto& layer) {
          if constexpr (requires { layer.linear_weights(); }) {
            found = true;
            const auto norms = column_norms(layer.linear_weights());
            for (std::size_t c = 0; c < result.size(); ++c) result[c] = factors[c] * norms[c];
          } else if constexpr (requires { layer.beta(); }) {
            for (std::size_t c = 0; c < factors.size(); ++c) factors[c] *= std::abs(layer.scale(c));
          }
        },
        net.layers[l].layer);
  }
  return result;
}

// Norms of the next weights that read each channel above a gate.
std::vector<double> norms_above(const sequence& net, std::size_t gate) {
  const std::size_t C = net.layers[gate].out.channels;
  std::vector<double> squares(C);
  bool found = false;
  for (std::size_t l = gate + 1; l < net.layers.size() && !found; ++l) {
    std::visit(
        [&](const auto& layer) {
          if constexpr (requires { layer.linear_weights(); }) {
            found = true;
            std::size_t groups = 1;
            if constexpr (requires { layer.settings().groups; }) groups = layer.settings().groups;
            const auto W = layer.linear_weights();
            const std::size_t of_group = C / groups, rows_of_channel = W.rows() / of_group;
            const std::size_t filters = W.cols() / groups;
            for (std::size_t c = 0; c < C; ++c) {
              const std::size_t first = c % of_group * rows_of_channel;
              for (std::size_t i = first; i < first + rows_of_channel; ++i) {
                for (std::size_t k = 0; k < filters; ++k) {
                  const double w = W(i, c / of_group * filters + k);
                  squares[c] += w * w;
                }
              }
            }
          }
        },
        net.layers[l].layer);
  }
  for (double& s : squares) s = std::sqrt(s);
  return squares;
}

std::vector<std::size_t> gates_of(const sequence& net) {
  std::vector<std::size_t> result;
  for (std::size_t l = 0; l < net.layers.size(); ++l) {
    if (net.layers[l].is_gate()) result.push_back(l);
  }
  return result;
}

std::size_t positions(const image_shape& image) { return image.height * image.width; }

// Of outputs, [N, C].
void add_losses(network_facts& result, const matrix<double>& f, const samples& given,
                std::size_t begin, double N) {
  const std::size_t C = f.shape(1);
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    const double* const row = &f(i, 0);
    double square = 0;
    for (std::size_t c = 0; c < C; ++c) square += row[c] * row[c];
    result.mean_square += square / (N * static_cast<double>(C));
    if (!given.labels.empty()) {
      const std::size_t label = given.labels[begin + i];
      const auto best = std::max_element(row, row + C);
      double sum = 0;
      for (std::size_t c = 0; c < C; ++c) sum += std::exp(row[c] - *best);
      result.cross_entropy =
          result.cross_entropy.value_or(0) + (*best - row[label] + std::log(sum)) / N;
      const bool right = static_cast<std::size_t>(best - row) == label;
      result.accuracy = result.accuracy.value_or(0) + (right ? 1 / N : 0);
    }
    if (given.targets) {
      double distance = 0;
      for (std::size_t c = 0; c < C; ++c) {
        distance += std::pow((*given.targets)(begin + i, c) - row[c], 2);
      }
      result.squared_loss = result.squared_loss.value_or(0) + distance / (2 * N);
    }
  }
}

network_facts begin_facts(const sequence& net, const std::string& role) {
  network_facts result{};
  result.role = role;
  result.file = net.file;
  result.text = net.text;
  result.normalizations = net.normalizations();
  result.widths.push_back(net.in.channels);
  for (const std::size_t gate : gates_of(net)) {
    const std::size_t C = net.layers[gate].out.channels;
    result.widths.push_back(C);
    result.layers.push_back(
        {norms_below(net, gate), norms_above(net, gate), std::vector<double>(C)});
  }
  result.widths.push_back(net.outputs());
  return result;
}

void add_open(network_facts& result, const sequence& net, const std::vector<matrix<double>>& f,
              double N) {
  const auto hidden = net.hidden();
  for (std::size_t l = 0; l < hidden.size(); ++l) {
    const std::size_t P = positions(hidden[l]);
    auto& open = result.layers[l].open;
    for (std::size_t i = 0; i < f[l].shape(0); ++i) {
      for (std::size_t c = 0; c < open.size(); ++c) {
        std::size_t count = 0;
        for (std::size_t p = 0; p < P; ++p) count += f[l](i, c * P + p) > 0;
        open[c] += static_cast<double>(count) / (N * static_cast<double>(P));
      }
    }
  }
}

layer_result describe_matches(const alignment& a, const std::vector<double>& teacher_norms,
                              const std::vector<double>& student_norms) {
  layer_result r{};
  r.rho_mean = a.rho_mean();
  for (const double t : thresholds) r.covered.push_back(a.covered(t));
  for (std::size_t j = 0; j < a.teacher_nodes(); ++j) {
    teacher_node node{teacher_norms[j], a.best_student(j), a.best_rho(j), {}, {}, {}};
    for (const double t : thresholds) node.matches.push_back(a.matches(j, t));
    r.teachers.push_back(std::move(node));
  }
  for (std::size_t k = 0; k < a.student_nodes(); ++k) {
    r.students.push_back({a.best_teacher(k), a.rho(a.best_teacher(k), k), student_norms[k]});
  }
  return r;
}

// The gradients of half the squared distance at the student's gates.
void add_gradients(const sequence& student, const rows& x, matrix<double> residual, double N,
                   std::vector<pair_layer>& layers) {
  pull_down(student, x, std::move(residual), [&](std::size_t gate, const matrix<double>& g) {
    for (const double value : g) {
      layers[gate].mean_squared_gradient_norm += value * value / N;
      layers[gate].max_gradient = std::max(layers[gate].max_gradient, std::abs(value));
    }
  });
}

}  // namespace

facts inspect_channels(const question& asked, const std::vector<sequence>& networks,
                       const samples& given) {
  const rows x(given.x);
  const auto N = static_cast<double>(x.rows());
  facts result{};
  std::vector<std::vector<image_shape>> hidden;
  for (std::size_t i = 0; i < networks.size(); ++i) {
    result.networks.push_back(begin_facts(networks[i], asked.role(i)));
    hidden.push_back(networks[i].hidden());
  }
  const bool two = networks.size() == 2;
  std::vector<correlation_accumulator<double>> correlated;
  std::size_t most_positions = 1;
  for (std::size_t l = 0; two && l < hidden[0].size(); ++l) {
    const auto &a = hidden[0][l], &b = hidden[1][l];
    if (positions(a) != positions(b)) {
      throw std::runtime_error(networks[1].file + ": hidden layer " + std::to_string(l + 1) +
                               " gives images of " + shape_text(b) + ", that of " +
                               networks[0].file + " " + shape_text(a) +
                               ": channels are compared position by position");
    }
    most_positions = std::max(most_positions, positions(a));
    correlated.emplace_back(a.channels, b.channels);
  }
  result.similarity_samples =
      std::min(x.rows(), std::max<std::size_t>(2, similarity_samples / most_positions));

  if (two) result.pair.emplace().layers.resize(hidden[0].size());
  double difference = 0;
  std::vector<double> mean(networks[0].outputs()), squares = mean;  // of the first's outputs
  std::size_t seen = 0;
  for (std::size_t begin = 0; begin < x.rows(); begin += chunk) {
    const auto part = x.middle_rows(begin, std::min(chunk, x.rows() - begin));
    std::vector<std::vector<matrix<double>>> f;
    for (std::size_t i = 0; i < networks.size(); ++i) {
      f.push_back(activations_of(networks[i], part));
      add_open(result.networks[i], networks[i], f[i], N);
      add_losses(result.networks[i], f[i].back(), given, begin, N);
    }
    if (!two) continue;
    for (std::size_t l = 0; l < correlated.size(); ++l) {
      const auto a = channels_in_columns(hidden[0][l], rows(f[0][l]));
      const auto b = channels_in_columns(hidden[1][l], rows(f[1][l]));
      correlated[l].add(rows(a), rows(b));
    }
    auto residual = f[0].back();
    for (std::size_t i = 0; i < part.rows(); ++i) {
      ++seen;
      for (std::size_t c = 0; c < mean.size(); ++c) {
        residual(i, c) -= f[1].back()(i, c);
        difference += residual(i, c) * residual(i, c);
        const double before = f[0].back()(i, c) - mean[c];
        mean[c] += before / static_cast<double>(seen);
        squares[c] += before * (f[0].back()(i, c) - mean[c]);
      }
    }
    if (asked.taught()) {
      add_gradients(networks[1], part, std::move(residual), N, result.pair->layers);
    }
  }
  if (!two) return result;

  auto& pair = *result.pair;
  pair.loss = difference / (2 * N);
  double variation = 0;
  for (const double s : squares) variation += s;
  if (variation > 0) pair.relative = difference / variation;
  const auto head = x.middle_rows(0, result.similarity_samples);
  const auto of_first = activations_of(networks[0], head);
  const auto of_second = activations_of(networks[1], head);
  for (std::size_t l = 0; l < correlated.size(); ++l) {
    const alignment aligned(correlated[l].result());
    auto& layer = pair.layers[l];
    layer.matches = describe_matches(aligned, result.networks[0].layers[l].fan_out,
                                     result.networks[1].layers[l].fan_out);
    layer.rho = aligned.measured().rho;
    const auto a = channels_in_columns(hidden[0][l], rows(of_first[l]));
    const auto b = channels_in_columns(hidden[1][l], rows(of_second[l]));
    layer.canonical = cca(rows(a), rows(b));
    layer.cca = mean_correlation(layer.canonical);
    layer.svcca = mean_correlation(svcca(rows(a), rows(b)));
    layer.cka = linear_cka(rows(a), rows(b));
  }
  return result;
}

}  // namespace examples
