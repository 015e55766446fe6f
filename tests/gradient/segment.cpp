#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <ratio>
#include <span>
#include <string>
#include <tutelage/gradient/regions.hpp>
#include <tutelage/gradient/segment.hpp>
#include <vector>

#include "support/gauge.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T, class Gate, class Bias = with_bias>
using any = dense<T, dynamic, dynamic, Gate, Bias>;
template <class T>
using deep = mlp<T, relu, dynamic, dynamic, dynamic, dynamic, dynamic>;
using mixed = network<any<double, leaky_relu<std::ratio<1, 4>>>, any<double, identity>,
                      any<double, relu, no_bias>, any<double, identity>>;

template <class T>
std::vector<T> random_point(std::size_t d, stream& random) {
  std::vector<T> p(d);
  for (T& x : p) x = 3 * random_normal<T>(random);
  return p;
}

// Bits of all networks at t, by forward passes.
template <class T, class... Networks>
std::vector<std::uint64_t> pattern_at(const std::vector<T>& p, const std::vector<T>& q, double t,
                                      const Networks&... networks) {
  auto x = make_matrix<T>(1, p.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    x(0, i) = static_cast<T>(p[i] + static_cast<T>(t) * (q[i] - p[i]));
  }
  gate_patterns patterns;
  patterns.reset(1, (hidden_nodes(networks) + ...));
  const auto append = [&](const auto& net) {
    activations<std::remove_cvref_t<decltype(net)>> kept;
    net.forward(x, kept);
    patterns.append(net, kept);
  };
  (append(networks), ...);
  return {patterns[0].begin(), patterns[0].end()};
}

// Pieces fill [0, 1] in order; neighbours differ; points of a piece, also next to its ends, have
// its gates.
template <class T, class... Networks>
std::size_t check_segment(std::size_t d, double nearest, stream& random,
                          const Networks&... networks) {
  const auto p = random_point<T>(d, random), q = random_point<T>(d, random);
  const auto pieces = regions_along(std::span<const T>(p), std::span<const T>(q), networks...);
  REQUIRE(!pieces.empty());
  CHECK(pieces.front().begin == 0);
  CHECK(pieces.back().end == 1);
  std::size_t looked = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto begin = static_cast<double>(pieces[i].begin);
    const auto length = static_cast<double>(pieces[i].end) - begin;
    CHECK(length > 0);
    if (i > 0) {
      CHECK(pieces[i].begin == pieces[i - 1].end);
      CHECK(pieces[i].pattern != pieces[i - 1].pattern);
    }
    const double margin = nearest / length;
    if (margin > 0.4) continue;  // forward passes cannot tell it
    ++looked;
    CHECK(pattern_at(p, q, begin + margin * length, networks...) == pieces[i].pattern);
    CHECK(pattern_at(p, q, begin + (1 - margin) * length, networks...) == pieces[i].pattern);
    for (int s = 0; s < 5; ++s) {
      const double share = margin + (1 - 2 * margin) * random.uniform();
      CHECK(pattern_at(p, q, begin + share * length, networks...) == pieces[i].pattern);
    }
  }
  CHECK(looked + 2 >= pieces.size());
  return pieces.size();
}

}  // namespace

TEST_CASE("pieces have the gates of their points") {
  stream random = random_stream(1);
  std::size_t pieces = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto teacher = random_network<deep<double>>({5, 6, 7, 8, 2}, 3 * seed);
    const auto student = random_network<deep<double>>({5, 20, 15, 20, 2}, 3 * seed + 1);
    const auto other = random_network<mixed>({5, 9, 8, 7, 1}, 3 * seed + 2);
    pieces += check_segment<double>(5, 1e-10, random, teacher);
    pieces += check_segment<double>(5, 1e-10, random, student);
    pieces += check_segment<double>(5, 1e-10, random, other, teacher, student);
  }
  CHECK(pieces > 600);
  const auto in_float = random_network<deep<float>>({5, 6, 7, 8, 2}, 40);
  check_segment<float>(5, 1e-4, random, in_float);
  const auto in_long_double = random_network<deep<long double>>({5, 6, 7, 8, 2}, 41);
  check_segment<long double>(5, 1e-10, random, in_long_double);
}

TEST_CASE("a known segment") {
  // Kinks of |x| and of |x| - 1/4 over [-1, 1]: t = 3/8, 1/2, 5/8.
  mlp<double, relu, 1, 2, 1, 1> net;
  net.layer<1>().weights()(0, 0) = 1;
  net.layer<1>().weights()(0, 1) = -1;
  net.layer<2>().weights()(0, 0) = net.layer<2>().weights()(1, 0) = 1;
  net.layer<2>().bias()[0] = -0.25;
  const std::array<double, 1> p{-1}, q{1};
  const auto pieces = regions_along(std::span<const double>(p), std::span<const double>(q), net);
  REQUIRE(pieces.size() == 4);
  CHECK(pieces[0].end == 0.375);
  CHECK(pieces[1].end == 0.5);
  CHECK(pieces[2].end == 0.625);
  CHECK(pieces[0].pattern == std::vector<std::uint64_t>{0b110});
  CHECK(pieces[1].pattern == std::vector<std::uint64_t>{0b010});
  CHECK(pieces[2].pattern == std::vector<std::uint64_t>{0b001});
  CHECK(pieces[3].pattern == std::vector<std::uint64_t>{0b101});
  // A network and its copy have the same pieces; so have nodes that are multiples of each other.
  CHECK(regions_along(std::span<const double>(p), std::span<const double>(q), net, net).size() ==
        4);
  // No length, no kink.
  const auto point = regions_along(std::span<const double>(p), std::span<const double>(p), net);
  CHECK(point.size() == 1);
  CHECK(point[0].pattern == pieces[0].pattern);
}

TEST_CASE("nodes that are positive multiples of others cut nothing more") {
  auto net = random_network<deep<double>>({4, 10, 6, 5, 2}, 50);
  auto multiple = net;
  stream random = random_stream(51);
  for (std::size_t k = 0; k < 10; ++k) {
    const double factor = 0.1 + random.uniform();
    for (std::size_t i = 0; i < 5; ++i) multiple.layer<1>().weights()(i, k) *= factor;
    for (std::size_t j = 0; j < 6; ++j) multiple.layer<2>().weights()(k, j) /= factor;
  }
  for (int s = 0; s < 20; ++s) {
    const auto p = random_point<double>(4, random), q = random_point<double>(4, random);
    const std::span<const double> from(p), to(q);
    CHECK(regions_along(from, to, net, multiple).size() == regions_along(from, to, net).size());
  }
}

namespace {

// The same network around another origin: f(x + origin) of the result is f(x) of net.
template <class Net>
Net around(Net net, const std::vector<double>& origin) {
  auto& layer = net.template layer<1>();
  for (std::size_t k = 0; k < layer.out_width(); ++k) {
    for (std::size_t i = 0; i < origin.size(); ++i) {
      layer.bias()[k] -= origin[i] * layer.weights()(i, k);
    }
  }
  return net;
}

// Multiples of the nodes of layer 1: the same function.
template <class Net>
Net rescaled(Net net, stream& random) {
  for (std::size_t k = 0; k < net.template layer<1>().out_width(); ++k) {
    const double factor = 0.1 + random.uniform();
    for (double& w : net.template layer<2>().weights().row(k)) w /= factor;
    for (std::size_t i = 0; i <= net.in_width(); ++i) {
      net.template layer<1>().weights()(i, k) *= factor;
    }
  }
  return net;
}

}  // namespace

TEST_CASE("far from the origin rounding makes no regions") {
  // There a kink is known to a millionth or less of the segment, not to 64 epsilon.
  stream random = random_stream(52);
  std::size_t pieces = 0;
  for (const double far : {1e3, 1e6, 1e8}) {
    for (int s = 0; s < 20; ++s) {
      auto p = random_point<double>(4, random), q = random_point<double>(4, random);
      std::vector<double> origin(4);
      for (double& x : origin) x = far * random_normal<double>(random);
      for (std::size_t i = 0; i < 4; ++i) {
        p[i] += origin[i];
        q[i] += origin[i];
      }
      const auto net = around(random_network<deep<double>>({4, 10, 6, 5, 2}, 50), origin);
      const auto multiple = rescaled(net, random);
      const std::span<const double> from(p), to(q);
      const auto alone = regions_along(from, to, net),
                 both = regions_along(from, to, net, multiple);
      pieces += alone.size();
      CHECK(both.size() == alone.size());
    }
  }
  CHECK(pieces > 300);
}

TEST_CASE("regions do not depend on the units of inputs and weights") {
  stream random = random_stream(53);
  const auto net = random_network<deep<double>>({4, 10, 6, 5, 2}, 54);
  for (const double unit : {1e-100, 1e-3, 1e3, 1e100}) {
    const auto p = random_point<double>(4, random), q = random_point<double>(4, random);
    auto p_scaled = p, q_scaled = q;
    for (double& x : p_scaled) x *= unit;
    for (double& x : q_scaled) x *= unit;
    auto inputs = net, weights = net;  // of all layers, biases of those above as they are scaled
    double scale = unit;
    inputs.for_each_layer([&](auto& layer, std::size_t) {
      for (double& b : layer.bias()) b *= unit;
    });
    weights.for_each_layer([&](auto& layer, std::size_t l) {
      if (l > 2) return;  // two layers reach 1e200
      for (std::size_t i = 0; i < layer.in_width(); ++i) {
        for (double& w : layer.weights().row(i)) w *= unit;
      }
      for (double& b : layer.bias()) b *= scale;
      scale *= unit;
    });
    for (double& b : weights.layer<3>().bias()) b *= scale / unit;
    const auto expected =
        regions_along(std::span<const double>(p), std::span<const double>(q), net);
    const auto check = [&](const auto& found) {
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].pattern == expected[i].pattern);
        CHECK(close_to(found[i].end, expected[i].end, 1e-11));  // nearest kinks are farther apart
      }
    };
    CHECK(expected.size() > 5);
    check(regions_along(std::span<const double>(p_scaled), std::span<const double>(q_scaled),
                        inputs));
    check(regions_along(std::span<const double>(p), std::span<const double>(q), weights));
  }
}

TEST_CASE("near an end that lies at 0 regions are told apart however long the segment") {
  mlp<double, relu, 1, 3, 1> net;
  for (std::size_t k = 0; k < 3; ++k) {
    net.layer<1>().weights()(0, k) = 1;
    net.layer<1>().bias()[k] = -1 - static_cast<double>(k);
  }
  const std::array<double, 1> p{0};
  for (const double length : {4.0, 1e3, 1e20, 1e200}) {
    const std::array<double, 1> q{length};
    const auto pieces = regions_along(std::span<const double>(p), std::span<const double>(q), net);
    REQUIRE(pieces.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
      const double kink = static_cast<double>(i) + 1;
      CHECK(close_to(pieces[i].end * length, kink, 4 * epsilon<double> * kink));
    }
  }
  // Nearer than rounding: one piece, not none.
  const std::array<double, 1> one{1}, next{std::nextafter(1.0, 2.0)};
  CHECK(regions_along(std::span<const double>(one), std::span<const double>(next), net).size() ==
        1);
}

TEST_CASE("segments that do not fit") {
  const auto net = random_network<deep<double>>({4, 3, 2, 5, 2}, 60);
  const std::vector<double> three(3), four(4);
  CHECK(message_of<shape_error>([&] {
          regions_along(std::span<const double>(four), std::span<const double>(three), net);
        }) == "regions_along: points of 4 and 3 numbers, expected 4");
  auto none = four;
  none[2] = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] {
          regions_along(std::span<const double>(four), std::span<const double>(none), net);
        }) == "regions_along: q has nan at row 0, column 2, expected finite numbers");
}

TEST_CASE("segments whose pre-activations leave the range, or weights that do, are refused") {
  mlp<double, relu, 1, 2, 1> net;
  net.layer<1>().weights()(0, 0) = net.layer<1>().weights()(0, 1) = 1;
  net.layer<1>().bias()[1] = 1e307;
  const auto along = [&](double from, double to) {
    return regions_along(std::span<const double>(&from, 1), std::span<const double>(&to, 1), net)
        .size();
  };
  const std::string large = "regions_along: pre-activations are too large for their numbers";
  CHECK(along(-8e307, 8e307) == 3);
  CHECK(message_of<argument_error>([&] { along(-1.7e308, 1.7e308); }) == large);
  net.layer<1>().weights()(0, 0) = 4;
  CHECK(message_of<argument_error>([&] { along(-8e307, 8e307); }) == large);
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    net.layer<1>().weights()(0, 1) = wrong;
    CHECK(message_of<argument_error>([&] { along(-1, 1); }) ==
          "regions_along: weight 0 of node 1 is not a finite number");
  }
}

TEST_CASE("where products lose their digits to underflow, rounding makes no regions either") {
  // Pre-activations of about 1e-320: a node and a multiple of it meet 0 a thousandth apart.
  mlp<double, relu, 2, 2, 1> net;
  stream random = random_stream(55);
  std::size_t regions = 0;
  for (int s = 0; s < 100; ++s) {
    for (std::size_t i = 0; i < 2; ++i) {
      net.layer<1>().weights()(i, 0) = 1e-160 * random.normal();
      net.layer<1>().weights()(i, 1) = 0.7 * net.layer<1>().weights()(i, 0);
    }
    std::vector<double> p(2), q(2);
    for (double* x : {&p[0], &p[1], &q[0], &q[1]}) *x = 1e-160 * random.normal();
    const auto found =
        regions_along(std::span<const double>(p), std::span<const double>(q), net).size();
    CHECK(found <= 2);
    regions += found;
  }
  CHECK(regions > 120);
}
