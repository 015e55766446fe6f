// Batch normalization conserves the energy |w_j|^2 of the weights below it (arXiv:1905.13405,
// Theorem 3 and Lemma 1), in exact discrete form:
//
//   w_j . dW_j         = gamma_j dgamma_j eps / (var_j + eps)            0 for eps = 0
//   |w_j + rate dW_j|^2 = |w_j|^2 + 2 rate w_j . dW_j + rate^2 |dW_j|^2
//   g_f . 1 = 0,  g_f . f = gamma_j dgamma_j eps / (var_j + eps)
//
//   w_j       weights of node or channel j, its bias among them
//   dW_j      their direction of descent, a mean over the batch
//   f, g_f    the numbers that normalization takes for j in the batch, and the gradient at them; the
//             dot is the sum over samples and positions, divided by N
//   var_j     biased variance of f;  gamma_j, dgamma_j  normalization's factor and its descent
//
// It holds for Linear -> BN and Linear -> gate -> BN alike, also through pools: all that is asked is
// that f is multiplied by c > 0 when w_j is. So a flow keeps |w_j|^2 but for eps, and a step of plain
// gradient descent adds rate^2 |dW_j|^2. Momentum and weight decay do not keep it. The paper has no
// eps; its gradients are of one batch, as here.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <string>

#include <tutelage/core/numbers.hpp>
#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pool.hpp>
#include <tutelage/model/residual.hpp>
#include <type_traits>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// One node or channel below a batch normalization.
struct normalized_node {
  double energy = 0;                  // |w|^2
  double along = 0;                   // w . dW
  double leak = 0;                    // what `along` is: gamma dgamma eps / (var + eps)
  double gradient = 0;                // |dW|^2
  double along_gauge = 0;             // sum of |w_i dW_i|: rounding of `along` is relative to this
  double along_one = 0, along_f = 0;  // g_f . 1 and g_f . f
  double one_gauge = 0, f_gauge = 0;  // the sums of absolute values behind them

  /// |w|^2 after a step of plain gradient descent, w += rate dW.
  [[nodiscard]] double energy_after(double rate) const noexcept {
    return energy + 2 * rate * along + rate * rate * gradient;
  }
};

/// The nodes below one batch normalization, which is called as its blocks are: "1.", "4.0.".
struct normalized_layer {
  std::string name;
  std::vector<normalized_node> nodes;
};

namespace detail {

template <class L>
inline constexpr bool is_batch_norm = false;
template <class T, std::size_t N, class Image>
inline constexpr bool is_batch_norm<batch_norm<T, N, Image>> = true;
template <class L>
inline constexpr bool is_residual = false;
template <class... L>
inline constexpr bool is_residual<residual<L...>> = true;

// A column of weights for each node, f(c w) = c f(w) for c > 0.
template <class L>
inline constexpr bool has_columns = false;
template <class T, std::size_t In, std::size_t Out, piecewise_linear_gate Gate, class Bias>
inline constexpr bool has_columns<dense<T, In, Out, Gate, Bias>> = true;
template <class T, auto Shape, piecewise_linear_gate Gate, class Bias>
inline constexpr bool has_columns<conv2d<T, Shape, Gate, Bias>> = true;

// f(c x) = c f(x) for c > 0, node by node or channel by channel.
template <class L>
inline constexpr bool keeps_channels = false;
template <piecewise_linear_gate Gate, class T, std::size_t N, class Image>
inline constexpr bool keeps_channels<gated<Gate, T, N, Image>> = true;
template <class T>
inline constexpr bool keeps_channels<average_pool<T, image_shape>> = true;
template <class T>
inline constexpr bool keeps_channels<max_pool<T, image_shape>> = true;

// The layer whose weights layer l normalizes; 0 for none.
template <class Network, std::size_t l>
constexpr std::size_t normalized_weights() {
  if constexpr (l <= 1) {
    return 0;
  } else if constexpr (has_columns<typename Network::template layer_type<l - 1>>) {
    return l - 1;
  } else if constexpr (keeps_channels<typename Network::template layer_type<l - 1>>) {
    return normalized_weights<Network, l - 1>();
  } else {
    return 0;
  }
}

// f_{l-1} of a network in a pass over x.
template <std::size_t l, class Network, class X>
auto input_of(const X& x, const activations<Network>& kept) {
  using T = typename Network::value_type;
  if constexpr (l == 1) {
    return matrix_view<const T>(x);
  } else {
    return matrix_view<const T>(kept.template f<l - 1>());
  }
}

template <class T>
double as_double(const T& x) {
  return static_cast<double>(x);
}

// Layer l is a batch normalization, layer `below` has the weights.
template <std::size_t l, std::size_t below, class Network>
std::vector<normalized_node> normalized_nodes(
    const Network& net, const matrix_view<const typename Network::value_type>& x,
    const activations<Network>& kept, const gradients<Network>& found) {
  using T = typename Network::value_type;
  using rows = matrix_view<const T, dynamic, Network::template layer_type<l>::in_extent>;
  using rows_below = matrix_view<const T, dynamic, Network::template layer_type<below>::in_extent>;
  const auto& norm = net.template layer<l>();
  const auto& tape = kept.template tape<l>();
  if (tape.count == 0) {
    throw argument_error("energy_balance: the forward pass was none of training");
  }
  const auto to = [](matrix<T>& room) {
    return [&room](std::size_t r, std::size_t c, const auto& descent) {
      room = make_matrix<T>(r, c);
      descent(matrix_view<T>(room), T(1), T(0));
    };
  };
  matrix<T> dW, dgamma;
  const auto W = net.template layer<below>().weights();
  const rows f(input_of<l>(x, kept));
  const auto g = found.template g<l>();
  net.template layer<below>().backward_weights(rows_below(input_of<below>(x, kept)),
                                               kept.template tape<below>(),
                                               found.template g<below>(), to(dW));
  norm.backward_weights(f, tape, g, to(dgamma));
  auto g_f = make_matrix<T>(f.rows(), f.cols());
  norm.backward_input(f, tape, g, matrix_view<T, dynamic, rows::col_extent>(g_f));

  const double N = static_cast<double>(f.rows()), eps = norm.settings().eps;
  const auto statistics = tape.statistics.view();  // [3, C]: mean, 1 / sqrt(var + eps), var
  std::vector<normalized_node> nodes(norm.channels());
  for (std::size_t j = 0; j < nodes.size(); ++j) {
    normalized_node& node = nodes[j];
    for (std::size_t i = 0; i < W.rows(); ++i) {
      const double w = as_double(W(i, j)), d = as_double(dW(i, j));
      node.energy += w * w;
      node.along += w * d;
      node.along_gauge += std::abs(w * d);
      node.gradient += d * d;
    }
    const double var = as_double(statistics(2, j));
    node.leak = as_double(norm.gamma()[j]) * as_double(dgamma(0, j)) * eps / (var + eps);
    // What g_f is a difference of: rounding is relative to that.
    const double mean = as_double(statistics(0, j)), scale = as_double(statistics(1, j));
    const double gamma = std::abs(as_double(norm.gamma()[j])) * scale / N;
    const double share = N / static_cast<double>(tape.count);
    const double of_one = std::abs(as_double(dgamma(1, j))) * share;
    const double of_f = std::abs(as_double(dgamma(0, j))) * share;
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = j * norm.positions(); k < (j + 1) * norm.positions(); ++k) {
        const double value = as_double(f(i, k)), down = as_double(g_f(i, k)) / N;
        const double terms = gamma * (std::abs(as_double(g(i, k))) + of_one +
                                      std::abs((value - mean) * scale) * of_f);
        node.along_one += down;
        node.one_gauge += terms;
        node.along_f += down * value;
        node.f_gauge += terms * (std::abs(value) + std::abs(mean));
      }
    }
  }
  return nodes;
}

template <class Network>
void add_normalized(const Network& net, const matrix_view<const typename Network::value_type>& x,
                    const activations<Network>& kept, const gradients<Network>& found,
                    const std::string& prefix, std::vector<normalized_layer>& result) {
  const auto visit = [&](auto number) {
    constexpr std::size_t l = number;
    using layer_type = typename Network::template layer_type<l>;
    const std::string name = prefix + std::to_string(l - 1) + ".";
    if constexpr (is_batch_norm<layer_type>) {
      constexpr std::size_t below = normalized_weights<Network, l>();
      if constexpr (below != 0) {
        result.push_back({name, normalized_nodes<l, below>(net, x, kept, found)});
      }
    } else if constexpr (is_residual<layer_type>) {
      const auto& tape = kept.template tape<l>();
      add_normalized(net.template layer<l>().inner(), input_of<l>(x, kept), tape.inner, tape.inside,
                     name, result);
    }
  };
  for_each_number<Network::depth>(visit);
}

}  // namespace detail

/// The energy of all weights that batch normalization follows, in residual blocks too, after
/// net.forward(training{}, x, kept) and net.backward(x, kept, grad_out, found). A normalization of
/// something else, of inputs or of a sum, is left out. Throws shape_error when x is not what was
/// passed, argument_error when the forward pass was none of training.
template <class Network>
std::vector<normalized_layer> energy_balance(const Network& net,
                                             matrix_view<const typename Network::value_type> x,
                                             const activations<Network>& kept,
                                             const gradients<Network>& found) {
  static_assert(real_scalar<typename Network::value_type>, "energy_balance: numbers are real");
  detail::require_shape("energy_balance", "x", x, kept.batch(), net.in_width());
  std::vector<normalized_layer> result;
  detail::add_normalized(net, x, kept, found, std::string(), result);
  return result;
}

}  // namespace tutelage
