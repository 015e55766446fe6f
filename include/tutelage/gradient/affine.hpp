// Hidden layers as affine maps and gates, for following a network over a line or a plane of inputs:
// within a region every pre-activation is an affine function of the place.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/product.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <type_traits>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// One hidden layer.
template <class R>
struct affine_layer {
  matrix<R> W;     // [n_{l-1}, n_l]
  vector<R> bias;  // [n_l]
  R slope;         // c
};

/// Layers 1, ..., L-1.
template <class R, class Network>
std::vector<affine_layer<R>> affine_layers(const Network& net) {
  static_assert(piecewise_linear_network<Network>,
                "affine_layers: needs dense layers with piecewise linear gates; see fold");
  using T = typename Network::value_type;
  std::vector<affine_layer<R>> result;
  net.for_each_layer([&](const auto& layer, std::size_t l) {
    if (l == Network::depth) return;
    using Layer = std::remove_cvref_t<decltype(layer)>;
    const auto W = layer.weights();
    const std::size_t in = layer.in_width(), out = layer.out_width();
    affine_layer<R> affine{make_matrix<R>(in, out), make_vector<R>(out),
                           static_cast<R>(layer.gate().factor(T(-1)))};
    for (std::size_t k = 0; k < out; ++k) {
      for (std::size_t i = 0; i < in; ++i) affine.W(i, k) = static_cast<R>(W(i, k));
      if (Layer::has_bias()) affine.bias(k) = static_cast<R>(W(in, k));
    }
    result.push_back(std::move(affine));
  });
  return result;
}

/// Activations as affine functions: row 0 holds the values at the origin of the line or plane, the
/// others the slopes along its axes. [axes + 1, n_l]
template <class R>
using affine_map = matrix<R>;

/// The pre-activations over a region where the activations below are `f`.
template <class R>
affine_map<R> pre_activations(const affine_layer<R>& layer, const affine_map<R>& f) {
  auto a = make_matrix<R>(f.shape(0), layer.W.shape(1));
  for (std::size_t k = 0; k < a.shape(1); ++k) a(0, k) = layer.bias(k);
  multiply(f, layer.W, a, R(1), R(1));
  return a;
}

/// Throws argument_error when a number of `part` left the range of R: regions cannot be told then.
template <class Range>
void require_in_range(const char* function, const Range& part) {
  if (!all_finite(part.data(), part.size())) {
    throw argument_error(text(function, ": pre-activations are too large for their numbers"));
  }
}

/// Throws argument_error when a weight of the network is not finite.
template <class Network>
void require_finite_network(const char* function, const Network& net) {
  net.for_each_layer(
      [&](const auto& layer, std::size_t) { require_finite_weights(function, layer); });
}

/// w f, both absolute, as what rounding is relative to: a product that underflows loses less than epsilon
/// times the least normal number, for which it counts.
template <class R>
R gauge_of_product(R w, R f) {
  constexpr R least = std::numeric_limits<R>::min();
  const R product = w * f;
  return ((product >= least) | (w == 0) | (f == 0)) ? product : least;
}

/// pre_activations of absolute values, in this sense.
template <class R>
affine_map<R> gauges(const affine_layer<R>& absolute, const affine_map<R>& f) {
  auto a = make_matrix<R>(f.shape(0), absolute.W.shape(1));
  for (std::size_t k = 0; k < a.shape(1); ++k) a(0, k) = absolute.bias(k);
  for (std::size_t axis = 0; axis < f.shape(0); ++axis) {
    for (std::size_t i = 0; i < f.shape(1); ++i) {
      const R f_i = f(axis, i);
      const R* const w = &absolute.W(i, 0);
      R* const to = &a(axis, 0);
      for (std::size_t k = 0; k < a.shape(1); ++k) to[k] += gauge_of_product(w[k], f_i);
    }
  }
  return a;
}

/// Bounds of |a| through sums of absolute values, given bounds of |f| below: what rounding is
/// relative to. [n_l]
template <class R>
std::vector<R> bounds(const affine_layer<R>& layer, const std::vector<R>& below) {
  std::vector<R> result(layer.W.shape(1));
  for (std::size_t k = 0; k < result.size(); ++k) {
    result[k] = std::abs(layer.bias(k));
    for (std::size_t i = 0; i < below.size(); ++i) {
      result[k] += gauge_of_product(below[i], std::abs(layer.W(i, k)));
    }
  }
  return result;
}

/// Bits, appended one after the other.
class pattern_bits {
 public:
  void append(bool open) {
    if (size_ % 64 == 0) words_.push_back(0);
    words_.back() |= std::uint64_t{open} << (size_ % 64);
    ++size_;
  }
  [[nodiscard]] const std::vector<std::uint64_t>& words() const noexcept { return words_; }

 private:
  std::size_t size_ = 0;
  std::vector<std::uint64_t> words_;
};

}  // namespace tutelage
