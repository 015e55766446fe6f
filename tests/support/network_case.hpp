// A network, a batch and targets, with what plain loops in long double say of them.
#pragma once

#include <array>
#include <cstddef>
#include <tutelage/model/network.hpp>
#include <utility>
#include <vector>

#include "reference/rounding.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"

namespace test {

/// 1 to 33 nodes on every layer.
template <std::size_t Layers>
std::array<std::size_t, Layers + 1> random_widths(stream& random) {
  std::array<std::size_t, Layers + 1> widths{};
  for (auto& w : widths) w = 1 + random.below(33);
  return widths;
}

/// f*_L - f_L.
template <class T>
matrix<T> difference(const matrix<T>& y, matrix_view<const T> f) {
  auto result = y;
  for (std::size_t i = 0; i < f.rows(); ++i) {
    for (std::size_t k = 0; k < f.cols(); ++k) result(i, k) -= f(i, k);
  }
  return result;
}

/// The reference's passes for half the squared error to targets y.
template <class T>
struct network_case {
  [[gnu::noinline]] network_case(const reference::network<T>& of, const matrix<T>& x,
                                 const matrix<T>& y) {
    for (const auto& l : of) {
      net.push_back({widen(l.W), l.has_bias, static_cast<long double>(l.slope)});
    }
    forward = reference::forward(net, widen(x));
    const auto wide_y = widen(y);
    backward = reference::backward(net, forward,
                                   difference<wide_t<T>>(wide_y, matrix_view(forward.f.back())));
    auto gauge_y = make_matrix<long double>(y.shape(0), y.shape(1));
    for (std::size_t i = 0; i < y.shape(0); ++i) {
      for (std::size_t k = 0; k < y.shape(1); ++k) gauge_y(i, k) = std::abs(wide_y(i, k));
    }
    gauges = reference::gauge(net, forward, gauge_y);
    roundings = reference::roundings(net, x.shape(0));
    gates_are_certain = reference::gate_margin<T>(net, forward, gauges) > 1;
  }

  reference::network<wide_t<T>> net;
  reference::pass<wide_t<T>> forward;
  reference::gradient<wide_t<T>> backward;
  reference::gauges<long double> gauges;
  double roundings;  // tolerances are so many epsilons times a gauge
  bool gates_are_certain;
};

/// What a network's passes computed, at [l-1] for layer l.
template <class T>
struct computed_passes {
  std::vector<matrix<T>> f, g, dW;
  bool operator==(const computed_passes&) const = default;
};

/// Forward and backward, for half the squared error to targets y.
template <class Network, class T = typename Network::value_type>
computed_passes<T> run_passes(const Network& net, const matrix<T>& x, const matrix<T>& y) {
  activations<Network> kept;
  gradients<Network> found;
  const matrix_view<const T> f_L = net.forward(x, kept);
  net.backward(x, kept, difference<T>(y, f_L), found);
  computed_passes<T> result;
  for_each_number<Network::depth>([&](auto l) {
    const matrix_view<const T> f = kept.template f<l>(), g = found.template g<l>();
    result.f.push_back(to_matrix(f));
    result.g.push_back(to_matrix(g));
    result.dW.push_back(to_matrix(found.template dW<l>()));
  });
  return result;
}

template <class T>
[[gnu::noinline]] void judge(const computed_passes<T>& computed, const network_case<T>& expected) {
  for (std::size_t l = 1; l <= expected.net.size(); ++l) {
    CAPTURE(l);
    CHECK(within(matrix_view(computed.f[l - 1]), expected.forward.f[l], expected.gauges.f[l],
                 expected.roundings));
    CHECK(within(matrix_view(computed.g[l - 1]), expected.backward.g[l], expected.gauges.g[l],
                 expected.roundings));
    CHECK(within(matrix_view(computed.dW[l - 1]), expected.backward.dW[l - 1],
                 expected.gauges.dW[l - 1], expected.roundings));
  }
}

/// A network's passes, judged by the reference. False, and nothing is judged, when rounding might
/// flip a gate.
template <class Network, class T = typename Network::value_type>
bool check_passes(const Network& net, const matrix<T>& x, const matrix<T>& y) {
  const network_case<T> expected(reference::plain(net), x, y);
  if (expected.gates_are_certain) judge(run_passes(net, x, y), expected);
  return expected.gates_are_certain;
}

}  // namespace test
