#include "inspect/sequence.hpp"

#include <algorithm>
#include <type_traits>
#include <utility>

#include <tutelage/model/fold.hpp>

#include "pair/print.hpp"

namespace examples {

namespace {

using namespace tutelage;

constexpr std::size_t chunk = 128;         // samples in memory at once
constexpr std::size_t most_folded = 1024;  // nodes of a hidden layer that are analysed one by one

// What a layer in evaluation gives.
matrix<double> output_of(const sequence_layer& l, const rows& x) {
  auto result = make_matrix<double>(x.rows(), l.out.size());
  std::visit(
      [&]<class Layer>(const Layer& layer) {
        if constexpr (std::is_same_v<Layer, gate_layer>) {
          for (std::size_t i = 0; i < x.rows(); ++i) {
            for (std::size_t k = 0; k < x.cols(); ++k) {
              result(i, k) = x(i, k) > 0 ? x(i, k) : layer.slope * x(i, k);
            }
          }
        } else {
          typename Layer::tape kept;
          copy(layer.forward(x, kept), matrix_view<double>(result));
        }
      },
      l.layer);
  return result;
}

// The gradient at what a layer takes.
matrix<double> gradient_below(const sequence_layer& l, const rows& x, const matrix<double>& g) {
  auto result = make_matrix<double>(x.rows(), x.cols());
  std::visit(
      [&]<class Layer>(const Layer& layer) {
        if constexpr (std::is_same_v<Layer, gate_layer>) {
          for (std::size_t i = 0; i < x.rows(); ++i) {
            for (std::size_t k = 0; k < x.cols(); ++k) {
              result(i, k) = x(i, k) > 0 ? g(i, k) : layer.slope * g(i, k);
            }
          }
        } else {
          typename Layer::tape kept;
          layer.forward(x, kept);
          layer.backward_input(x, kept, rows(g), matrix_view<double>(result));
        }
      },
      l.layer);
  return result;
}

// The layer with the value 0 at 0.
sequence_layer linear_part(sequence_layer l) {
  std::visit(
      [](auto& layer) {
        if constexpr (requires { layer.beta(); }) {
          layer = detail::without_offset(layer);
        } else if constexpr (requires { layer.bias(); }) {
          std::fill(layer.bias().begin(), layer.bias().end(), 0.0);
        }
      },
      l.layer);
  return l;
}

// Layers first, ..., last - 1 as one matrix with its bias below.
matrix<double> fold_segment(const sequence& net, std::size_t first, std::size_t last,
                            std::size_t in) {
  using dense_type = std::variant_alternative_t<0, decltype(sequence_layer::layer)>;
  const std::size_t out = net.layers[last - 1].out.size();
  auto W = make_matrix<double>(in + 1, out);
  if (last == first + 1) {
    if (const auto* alone = std::get_if<dense_type>(&net.layers[first].layer)) {
      copy(alone->weights(), matrix_view<double>(W));
      return W;
    }
  }
  std::vector<sequence_layer> linear;
  for (std::size_t l = first; l < last; ++l) linear.push_back(linear_part(net.layers[l]));
  const auto through = [&](auto from, matrix<double> x) {
    for (std::size_t l = first; l < last; ++l, ++from) x = output_of(*from, rows(x));
    return x;
  };
  const auto offset =
      through(net.layers.begin() + static_cast<std::ptrdiff_t>(first), make_matrix<double>(1, in));
  copy(rows(offset), matrix_view<double>(W).middle_rows(in, 1));
  for (std::size_t begin = 0; begin < in; begin += chunk) {
    const std::size_t count = std::min(chunk, in - begin);
    auto unit = make_matrix<double>(count, in);
    for (std::size_t i = 0; i < count; ++i) unit(i, begin + i) = 1;
    const auto values = through(linear.begin(), std::move(unit));
    copy(rows(values), matrix_view<double>(W).middle_rows(begin, count));
  }
  return W;
}

}  // namespace

std::vector<image_shape> sequence::hidden() const {
  std::vector<image_shape> result;
  for (const auto& l : layers) {
    if (l.is_gate()) result.push_back(l.out);
  }
  return result;
}

std::vector<normalization> sequence::normalizations() const {
  std::vector<normalization> result;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    std::visit(
        [&](const auto& layer) {
          if constexpr (requires { layer.beta(); }) {
            const auto gamma = layer.gamma(), beta = layer.beta();
            result.push_back({layers[l].name,
                              l + 1 < layers.size() && layers[l + 1].is_gate(),
                              {gamma.begin(), gamma.end()},
                              {beta.begin(), beta.end()}});
          }
        },
        layers[l].layer);
  }
  return result;
}

std::vector<matrix<double>> activations_of(const sequence& net, const rows& x) {
  std::vector<matrix<double>> result;
  for (const auto& image : net.hidden()) {
    result.push_back(make_matrix<double>(x.rows(), image.size()));
  }
  result.push_back(make_matrix<double>(x.rows(), net.outputs()));
  for (std::size_t begin = 0; begin < x.rows(); begin += chunk) {
    const std::size_t count = std::min(chunk, x.rows() - begin);
    const auto keep = [&](const matrix<double>& f, std::size_t place) {
      copy(rows(f), matrix_view<double>(result[place]).middle_rows(begin, count));
    };
    matrix<double> f;
    std::size_t gate = 0;
    for (std::size_t l = 0; l < net.layers.size(); ++l) {
      f = output_of(net.layers[l], l == 0 ? x.middle_rows(begin, count) : rows(f));
      if (net.layers[l].is_gate()) keep(f, gate++);
    }
    keep(f, gate);
  }
  return result;
}

void pull_down(const sequence& net, const rows& x, matrix<double> g,
               const std::function<void(std::size_t, const matrix<double>&)>& visit) {
  std::vector<matrix<double>> taken;  // by layers from the second on
  for (std::size_t l = 0; l + 1 < net.layers.size(); ++l) {
    taken.push_back(output_of(net.layers[l], l == 0 ? x : rows(taken.back())));
  }
  std::size_t gate = net.hidden().size();
  for (std::size_t l = net.layers.size(); l-- > 1 && gate > 0;) {
    g = gradient_below(net.layers[l], rows(taken[l - 1]), g);
    if (net.layers[l].is_gate()) visit(--gate, g);
  }
}

folded fold_sequence(const sequence& net) {
  folded result;
  std::size_t hidden = 0;
  for (const auto& l : net.layers) {
    if (std::holds_alternative<max_pool<double, image_shape>>(l.layer)) {
      return {{}, "maxpool is neither a linear map nor a gate of one node"};
    }
    if (!l.is_gate()) continue;
    ++hidden;
    if (l.out.size() > most_folded) {
      return {
          {},
          format("hidden layer %zu has %zu nodes as a dense layer, and at most %zu are analysed "
                 "node by node",
                 hidden, l.out.size(), most_folded)};
    }
  }
  std::size_t first = 0, in = net.inputs();
  for (std::size_t l = 0; l <= net.layers.size(); ++l) {
    if (l < net.layers.size() && !net.layers[l].is_gate()) continue;
    result.weights.push_back(fold_segment(net, first, l, in));
    in = net.layers[l - 1].out.size();
    first = l + 1;
  }
  return result;
}

matrix<double> channels_in_columns(const image_shape& image, const rows& f) {
  const std::size_t P = image.height * image.width;
  auto result = make_matrix<double>(f.rows() * P, image.channels);
  for (std::size_t i = 0; i < f.rows(); ++i) {
    for (std::size_t c = 0; c < image.channels; ++c) {
      for (std::size_t p = 0; p < P; ++p) result(i * P + p, c) = f(i, c * P + p);
    }
  }
  return result;
}

}  // namespace examples
