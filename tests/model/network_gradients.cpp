// Backpropagation of thousands of random networks, judged by plain loops, by complex steps and by
// central differences.
#include <algorithm>
#include <array>
#include <complex>
#include <optional>
#include <ratio>
#include <tutelage/model/network.hpp>
#include <tutelage/model/network_cast.hpp>
#include <vector>

#include "support/network_case.hpp"

namespace {

using namespace test;

template <class T, class Gate, class Bias = with_bias>
using hidden = dense<T, dynamic, dynamic, Gate, Bias>;

using leaky = leaky_relu<std::ratio<1, 4>>;
using sloped = leaky_relu<dynamic_slope>;

template <class Gate>
Gate make_gate() {
  if constexpr (std::is_same_v<Gate, sloped>) {
    return Gate(0.375);
  } else {
    return {};
  }
}

// J, the mean of half the squared errors. Without conjugation: a complex step differentiates it.
template <class T>
T mean_loss(const matrix<T>& f, const matrix<double>& y) {
  T sum = 0;
  for (std::size_t i = 0; i < f.shape(0); ++i) {
    for (std::size_t k = 0; k < f.shape(1); ++k) {
      const T difference = static_cast<T>(y(i, k)) - f(i, k);
      sum += difference * difference;
    }
  }
  return sum / static_cast<real_t<T>>(2 * f.shape(0));
}

struct weight {
  std::size_t layer, row, col;
};

// Calls visit with the weight number `w` of a network, as a reference.
template <class Network, class Visit>
void with_weight(Network& net, const weight& w, Visit&& visit) {
  net.for_each_layer([&](auto& l, std::size_t number) {
    if (number == w.layer) visit(l.weights()(w.row, w.col));
  });
}

// -dJ/dW for one weight, h = 1e-30: exact to round-off, for J has no difference in it.
template <class Complex>
double complex_step(Complex& net, const matrix<std::complex<double>>& x, const matrix<double>& y,
                    const weight& w) {
  constexpr double h = 1e-30;
  with_weight(net, w, [](std::complex<double>& value) { value += std::complex<double>(0, h); });
  const double slope = mean_loss(net(x), y).imag() / h;
  with_weight(net, w, [](std::complex<double>& value) { value = value.real(); });
  return -slope;
}

// While no gate flips, J is a polynomial of degree 2 in one weight: central differences are exact
// but for rounding, whatever h is. By plain loops, in long double; nothing when a gate flips.
constexpr long double difference_step = 0x1p-8L;

std::optional<double> central_difference(reference::network<long double> net,
                                         const reference::pass<long double>& here,
                                         const matrix<double>& y, const weight& w) {
  std::array<long double, 2> losses{};
  long double& value = net[w.layer - 1].W(w.row, w.col);
  const long double center = value;
  for (const std::size_t up : {0U, 1U}) {
    value = center + (up == 1 ? difference_step : -difference_step);
    const auto beside = reference::forward(net, here.f[0]);
    if (beside.z != here.z) return std::nullopt;
    losses[up] = mean_loss(beside.f.back(), y);
  }
  return static_cast<double>((losses[0] - losses[1]) / (2 * difference_step));
}

struct counts {
  std::size_t networks = 0, weights = 0, differences = 0;
};

// Some weights of some random networks of one kind.
template <class Network>
counts check_networks(std::size_t networks, std::size_t weights, stream random) {
  using gate = typename Network::template layer_type<1>::gate_type;
  counts done;
  for (std::size_t n = 0; n < networks; ++n) {
    const auto widths = random_widths<Network::depth>(random);
    Network net(widths, make_gate<gate>());
    randomize(net, random);
    const std::size_t N = 1 + random.below(6);
    const auto x = random_matrix<double>(N, net.in_width(), random);
    const auto y = random_matrix<double>(N, net.out_width(), random);
    const network_case<double> expected(reference::plain(net), x, y);
    CHECK(expected.gates_are_certain);
    const auto computed = run_passes(net, x, y);
    judge(computed, expected);
    ++done.networks;

    auto complex = network_cast<std::complex<double>>(net);
    auto complex_x = make_matrix<std::complex<double>>(N, net.in_width());
    std::copy(x.begin(), x.end(), complex_x.begin());
    for (std::size_t i = 0; i < weights; ++i) {
      const std::size_t layer = 1 + random.below(Network::depth);
      const auto& dW = computed.dW[layer - 1];
      const weight w{layer, random.below(dW.shape(0)), random.below(dW.shape(1))};
      const double found = dW(w.row, w.col);
      const auto gauge = static_cast<double>(expected.gauges.dW[layer - 1](w.row, w.col));
      // Roundings of either sign: far below the worst case of all of one sign.
      const double tolerance = 8 * epsilon<double> * gauge;
      INFO("layer ", layer, " of ", Network::depth, ", weight ", w.row, ", ", w.col);
      CHECK(close_to(complex_step(complex, complex_x, y, w), found, tolerance));
      ++done.weights;
      if (const auto slope = central_difference(expected.net, expected.forward, y, w)) {
        // J is rounded before the difference is taken.
        long double J_gauge = 0;
        for (const long double f : expected.gauges.f.back()) J_gauge += f * f;
        for (const double target : y) J_gauge += static_cast<long double>(target) * target;
        const auto rounding = static_cast<double>(expected.roundings * 8 * J_gauge *
                                                  epsilon<long double> / difference_step);
        CHECK(close_to(*slope, found, tolerance + rounding));
        ++done.differences;
      }
    }
  }
  return done;
}

template <class... Networks>
void check_kinds(std::size_t networks, std::uint64_t seed) {
  counts done;
  const auto add = [&](const counts& more) {
    done.networks += more.networks;
    done.weights += more.weights;
    done.differences += more.differences;
  };
  (add(check_networks<Networks>(networks, 6, random_stream(seed++))), ...);
  CHECK(done.networks == networks * sizeof...(Networks));
  // A difference is taken where no gate flips: as a rule.
  CHECK(done.differences > done.weights / 2);
}

using linear = hidden<double, identity>;

}  // namespace

TEST_CASE("backpropagation: depths 1 to 6") {
  using layer = hidden<double, relu>;
  check_kinds<network<linear>, network<layer, linear>, network<layer, layer, linear>,
              network<layer, layer, layer, linear>, network<layer, layer, layer, layer, linear>,
              network<layer, layer, layer, layer, layer, linear>>(250, 1);
}

TEST_CASE("backpropagation: gates and biases") {
  using bare = hidden<double, relu, no_bias>;
  using bare_linear = hidden<double, identity, no_bias>;
  // The last has a gate at the top, too.
  check_kinds<network<hidden<double, leaky>, hidden<double, leaky>, linear>,
              network<hidden<double, sloped>, hidden<double, sloped>, linear>,
              network<bare, bare, bare_linear>, network<linear, linear, linear>,
              network<hidden<double, sloped, no_bias>, linear, bare, hidden<double, leaky>>>(250,
                                                                                             11);
}
