// Constructed teachers, as the experiments of arXiv:1909.13458 build them (Section 7, Appendix F):
//
//   1. every layer's columns are drawn entry by entry from a list of values; none is zero, no two
//      of a layer are alike (in hidden layers: not positive multiples of one another)
//   2. polarity p: row j (from 0) of the weights of every layer above the first, which is the
//      fan-out of hidden node j, is divided by (j+1)^p, so that |v*_j| ~ 1/j^p
//   3. columns of hidden layers are scaled to |w~| = 1 (regular weights, Definition 1)
//   4. biases: constant, uniform, or tuned so that half of a sample of inputs activates each node,
//      the outputs then being standardized
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>

#include <tutelage/core/random.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/normalize_columns.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

struct teacher_settings {
  /// Entries are drawn from these, each as likely as the others.
  std::vector<double> values{-0.5, -0.25, 0, 0.25, 0.5};
  /// p: 0 makes all hidden nodes about equally strong.
  double polarity = 0;
  std::uint64_t seed = 1;
};

/// Every bias is this number, next to columns of unit norm.
struct constant_bias {
  double value = 0;
};

/// Biases are drawn from U[-half_width, half_width] and scaled with their columns.
struct uniform_bias {
  double half_width = 0.5;
};

/// Biases are tuned to the median over these inputs, outputs standardized over them.
template <class Inputs>
struct tuned_bias {
  const Inputs& inputs;
};
template <class Inputs>
tuned_bias(const Inputs&) -> tuned_bias<Inputs>;

namespace detail {
template <class B>
inline constexpr bool is_tuned_bias = false;
template <class Inputs>
inline constexpr bool is_tuned_bias<tuned_bias<Inputs>> = true;
}  // namespace detail

/// Satisfied by the three above, and by no_bias for layers that have none.
template <class B>
concept teacher_bias = std::same_as<B, constant_bias> || std::same_as<B, uniform_bias> ||
    std::same_as<B, no_bias> || detail::is_tuned_bias<B>;

namespace detail {

inline void require_settings(const teacher_settings& settings) {
  const bool finite = std::all_of(settings.values.begin(), settings.values.end(),
                                  [](double v) { return std::isfinite(v); });
  if (settings.values.empty() || !finite) {
    throw argument_error("construct_teacher: values must be a list of finite numbers, not empty");
  }
  if (!std::isfinite(settings.polarity)) {
    throw argument_error("construct_teacher: the polarity is not a finite number");
  }
}

// What makes two columns alike: their entries; in a layer whose columns are scaled, their
// direction.
inline std::vector<double> column_key(std::vector<double> column, bool scaled) {
  const auto leading = std::find_if(column.begin(), column.end(), [](double w) { return w != 0; });
  if (scaled && leading != column.end()) {
    const double unit = std::abs(*leading);
    for (double& w : column) w /= unit;
  }
  return column;
}

// `cols` columns of `rows` entries.
inline std::vector<std::vector<double>> draw_distinct_columns(std::size_t rows, std::size_t cols,
                                                              const std::vector<double>& values,
                                                              bool scaled, std::size_t layer,
                                                              stream& random) {
  constexpr std::size_t patience = 100'000;  // draws without a new column before giving up
  std::set<std::vector<double>> seen;
  std::vector<std::vector<double>> columns;
  std::vector<double> column(rows);
  while (columns.size() < cols) {
    std::size_t tries = 0;
    bool fresh = false;
    while (!fresh) {
      if (++tries > patience) {
        throw argument_error(text("construct_teacher: layer ", layer, " needs ", cols,
                                  " distinct columns of ", rows, " entries, the list of ",
                                  values.size(), " values gives ", columns.size()));
      }
      for (double& w : column) w = values[random.below(values.size())];
      const bool zero = std::all_of(column.begin(), column.end(), [](double w) { return w == 0; });
      fresh = !zero && seen.insert(column_key(column, scaled)).second;
    }
    columns.push_back(column);
  }
  return columns;
}

}  // namespace detail

/// Layer by layer from the lowest: subtracts each hidden node's median pre-activation over `inputs`
/// from its bias, so that half of them activate it (the lower median, as torch.median takes it).
/// Then scales and shifts each output to mean 0 and variance 1 over `inputs`; an output that is
/// constant there, to rounding, is only shifted. Throws shape_error for inputs of another width or
/// none, argument_error when one is not finite.
template <class Network, class Inputs>
void tune_biases(Network& teacher, const Inputs& inputs) {
  using T = typename Network::value_type;
  const std::size_t N = as_rows(inputs).rows();
  if (N == 0) throw shape_error("tune_biases: no inputs, expected at least 1");
  activations<Network> kept;
  teacher.for_each_layer([&](auto& l, std::size_t number) {
    auto values = make_matrix<T>(l.out_width(), N);  // pre-activations, [n_l, N]
    T largest = 0;                                   // of what the layer takes
    for_each_chunk(inputs, [&](matrix_view<const T> x, std::size_t first) {
      if (number == 1) detail::require_finite("tune_biases", "x", x, first);
      teacher.forward(x, kept);
      const auto below = number == 1 ? x : kept.f(number - 1);
      auto a = make_matrix<T>(x.rows(), l.out_width());
      multiply(below, l.linear_weights(), a);
      for (std::size_t i = 0; i < x.rows(); ++i) {
        for (const T value : below.row(i)) largest = std::max(largest, std::abs(value));
        for (std::size_t k = 0; k < l.out_width(); ++k) values(k, first + i) = a(i, k);
      }
    });
    for (std::size_t k = 0; k < l.out_width(); ++k) {
      T* const begin = values.data() + k * N;
      if (number < Network::depth) {
        T* const middle = begin + (N - 1) / 2;
        std::nth_element(begin, middle, begin + N);
        l.bias()[k] = -*middle;
        continue;
      }
      // The mean as a distance from one of the values: exact when all are equal.
      const accumulator_t<T> origin = begin[0];
      accumulator_t<T> mean = 0;
      for (std::size_t i = 0; i < N; ++i) mean += begin[i] - origin;
      mean = origin + mean / static_cast<accumulator_t<T>>(N);
      accumulator_t<T> variance = 0;
      for (std::size_t i = 0; i < N; ++i) variance += (begin[i] - mean) * (begin[i] - mean);
      variance /= static_cast<accumulator_t<T>>(N);
      // What the sums' rounding can make of equal inputs is no variation.
      accumulator_t<T> rounding = 0;
      for (std::size_t i = 0; i < l.in_width(); ++i) rounding += std::abs(l.weights()(i, k));
      rounding *= largest * std::numeric_limits<T>::epsilon() * static_cast<T>(l.in_width());
      const accumulator_t<T> scale = std::sqrt(variance) > rounding ? 1 / std::sqrt(variance) : 1;
      for (std::size_t i = 0; i < l.in_width(); ++i) {
        l.weights()(i, k) = static_cast<T>(l.weights()(i, k) * scale);
      }
      l.bias()[k] = static_cast<T>(-mean * scale);
    }
  });
}

/// Gives `teacher` weights by the four steps above. Throws argument_error when the list of values
/// has too few distinct columns, or a setting is not finite.
template <class Network, teacher_bias Bias>
void construct_teacher(Network& teacher, const teacher_settings& settings, const Bias& bias) {
  using T = typename Network::value_type;
  detail::require_settings(settings);
  if constexpr (std::same_as<Bias, constant_bias>) {
    if (!std::isfinite(bias.value)) {
      throw argument_error("construct_teacher: the bias is not a finite number");
    }
  }
  stream random(settings.seed, purpose::teacher);
  teacher.for_each_layer([&](auto& l, std::size_t number) {
    static_assert(std::remove_cvref_t<decltype(l)>::has_bias() != std::same_as<Bias, no_bias>,
                  "construct_teacher: no_bias is for the layers that have none");
    const bool hidden = number < Network::depth;
    const auto W = l.linear_weights();
    const auto columns =
        detail::draw_distinct_columns(W.rows(), W.cols(), settings.values, hidden, number, random);
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) W(i, k) = static_cast<T>(columns[k][i]);
    }
    if (number > 1) {
      for (std::size_t j = 1; j < W.rows(); ++j) {
        const double strength = std::pow(static_cast<double>(j + 1), -settings.polarity);
        for (T& w : W.row(j)) w *= static_cast<T>(strength);
      }
    }
    if constexpr (std::same_as<Bias, uniform_bias>) {
      random.fill_uniform(l.bias(), -bias.half_width, bias.half_width);
    }
    if (hidden) normalize_columns(l);
    if constexpr (std::same_as<Bias, constant_bias>) {
      for (T& b : l.bias()) b = static_cast<T>(bias.value);
    }
  });
  if constexpr (requires { bias.inputs; }) tune_biases(teacher, bias.inputs);
}

}  // namespace tutelage
