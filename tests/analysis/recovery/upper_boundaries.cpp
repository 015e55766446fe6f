#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include <tutelage/analysis/recovery/upper_boundaries.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/random.hpp"

namespace {

using namespace test;

using three = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
using four = mlp<double, leaky_relu<>, dynamic, dynamic, dynamic, dynamic, dynamic>;

// The least eps at which one of all pieces of these samples coincides with a boundary: every node of
// layers 2 and up at every sample by finite differences of its pre-activation, which is affine.
template <class Network>
double least_gap(const Network& net, const matrix<double>& x, const std::vector<double>& u,
                 double b) {
  double least = std::numeric_limits<double>::infinity();
  const std::size_t d = net.in_width();
  // The pre-activation of node k of layer l with the gates that z has, at any point.
  const auto at = [&](std::size_t l, std::size_t k, const activations<Network>& z,
                      std::vector<double> f) {
    double a = 0;
    net.for_each_layer([&](const auto& layer, std::size_t number) {
      if (number > l) return;
      std::vector<double> next(layer.out_width());
      for (std::size_t i = 0; i < next.size(); ++i) {
        next[i] = layer.weights()(layer.in_width(), i);
        for (std::size_t q = 0; q < f.size(); ++q) next[i] += layer.weights()(q, i) * f[q];
        if (number == l && i == k) a = next[i];
        if (number < l) next[i] *= layer.gate().factor(z.f(number)(0, i));
      }
      f = next;
    });
    return a;
  };
  for (std::size_t i = 0; i < x.shape(0); ++i) {
    activations<Network> z;
    net.forward(matrix_view(x).middle_rows(i, 1), z);
    for (std::size_t l = 2; l < Network::depth; ++l) {
      for (std::size_t k = 0; k < net.widths()[l]; ++k) {
        std::vector<double> n(d), origin(d);
        const double bias = at(l, k, z, origin);
        double norm = 0, cosine = 0;
        for (std::size_t axis = 0; axis < d; ++axis) {
          origin[axis] = 1;
          n[axis] = at(l, k, z, origin) - bias;
          origin[axis] = 0;
          norm += n[axis] * n[axis];
        }
        norm = std::sqrt(norm);
        if (norm == 0) continue;
        for (std::size_t axis = 0; axis < d; ++axis) cosine += n[axis] / norm * u[axis];
        const double sine = std::sqrt(std::max(0.0, 1 - cosine * cosine));
        least = std::min(least,
                         std::max(sine, std::abs(cosine < 0 ? b + bias / norm : b - bias / norm)));
      }
    }
  }
  return least;
}

template <class Network>
void check_pieces(const std::array<std::size_t, Network::depth + 1>& widths, std::uint64_t seed) {
  const auto net = random_network<Network>(widths, seed);
  stream random = random_stream(seed + 1);
  const auto x = random_matrix<double>(40, widths[0], random);
  detail::boundary_pieces pieces(net);
  pieces.add(x);
  const std::size_t size = pieces.size();
  pieces.add(x);  // nothing is new
  CHECK(pieces.size() == size);
  for (int i = 0; i < 8; ++i) {
    std::vector<double> u(widths[0]);
    random.fill_normal(std::span<double>(u));
    const double norm = std::sqrt(std::inner_product(u.begin(), u.end(), u.begin(), 0.0));
    for (double& v : u) v /= norm;
    const double b = random.normal();
    const double expected = least_gap(net, x, u, b);
    const double gap = pieces.least_gap(u, b);
    CHECK(gap <= expected + 1e-15);
    CHECK(close_to(gap, expected, 1e-11));
  }
}

}  // namespace

TEST_CASE("pieces are where the pre-activations of upper nodes vanish, region by region") {
  check_pieces<three>({2, 3, 2, 1}, 1);
  check_pieces<three>({3, 4, 5, 2}, 2);
  check_pieces<four>({2, 3, 1, 3, 1}, 3);
}

TEST_CASE("a piece a node and pattern below") {
  // On a line: boundaries at 0 and 1; one node in layer 2, one in layer 3.
  mlp<double, relu, 1, 2, 1, 1, 1> net;
  net.layer<1>().weights()(0, 0) = net.layer<1>().weights()(0, 1) = 1;
  net.layer<1>().bias()[1] = -1;
  net.layer<2>().weights()(0, 0) = 1;
  net.layer<2>().weights()(1, 0) = -2;
  net.layer<2>().bias()[0] = -0.5;  // open between 0.5 and 1.5
  net.layer<3>().weights()(0, 0) = 1;
  auto x = make_matrix<double>(5, 1);
  for (std::size_t i = 0; i < 5; ++i) x(i, 0) = -0.25 + 0.5 * static_cast<double>(i);
  detail::boundary_pieces pieces(net);
  pieces.add(matrix_view<const double>(x).middle_rows(0, 1));
  CHECK(pieces.size() == 2);
  pieces.add(x);  // patterns of layer 1: 3; of layers 1 and 2: 5
  CHECK(pieces.size() == 3 + 5);
  const std::vector<double> u{1};
  // Layer 2's at 0.5 and 1.5, and layer 3's there.
  CHECK(pieces.least_gap(u, -0.5) == 0);
  CHECK(pieces.least_gap(u, -1.5) == 0);
  CHECK(close_to(pieces.least_gap(u, -1.25), 0.25, 1e-13));
  // Turned around it is the same boundary.
  const std::vector<double> back{-1};
  CHECK(pieces.least_gap(back, 0.5) == 0);
}

TEST_CASE(
    "a piece that rounding may have moved is taken to be near; one without weights is nowhere") {
  mlp<double, relu, 1, 2, 1, 1> net;
  net.layer<1>().weights()(0, 0) = net.layer<1>().weights()(0, 1) = 1;
  net.layer<1>().bias()[0] = net.layer<1>().bias()[1] = 1;
  auto x = make_matrix<double>(1, 1);
  const std::vector<double> u{1};
  const auto gap = [&](double first, double second) {
    net.layer<2>().weights()(0, 0) = first;
    net.layer<2>().weights()(1, 0) = second;
    net.layer<2>().bias()[0] = 7;
    detail::boundary_pieces pieces(net);
    pieces.add(x);
    return pieces.least_gap(u, 3);
  };
  CHECK(gap(1, -1) == 0);
  CHECK(gap(1, -1 + 1e-15) == 0);
  CHECK(gap(0, 0) == std::numeric_limits<double>::infinity());
  CHECK(close_to(gap(1, 0), 5, 1e-12));
}

TEST_CASE("alpha: the least over samples, of V as the rule has it") {
  const auto teacher = random_network<three>({2, 3, 4, 2}, 4);
  const auto student = random_network<three>({2, 5, 3, 2}, 5);
  stream random = random_stream(6);
  const auto x = random_matrix<double>(100, 2, random);
  gradient_rule rule(teacher, student);
  rule.evaluate(x);
  for (const std::size_t k : {0U, 4U}) {
    for (const std::size_t j : {0U, 2U}) {
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t i = 0; i < 100; ++i) {
        least = std::min(least, std::abs(rule.A<1>(i)(k, j)));
      }
      CHECK(close_to(detail::least_alpha(teacher, student, j, k, x), least, 1e-13));
    }
  }
}

TEST_CASE("pieces whose weights underflow may be anywhere, those without weights are nowhere") {
  mlp<double, relu, 1, 1, 1, 1> net;
  net.layer<1>().weights()(0, 0) = 1;
  auto x = make_matrix<double>(1, 1);
  x(0, 0) = 1;
  const double u = 1;
  const auto gap = [&](double w1, double w2) {
    net.layer<1>().weights()(0, 0) = w1;
    net.layer<2>().weights()(0, 0) = w2;
    detail::boundary_pieces pieces(net);
    pieces.add(matrix_view<const double>(x));
    CHECK(pieces.size() == 1);
    return pieces.least_gap(std::span(&u, 1), 7.0);
  };
  CHECK(gap(1, 1) > 1);
  CHECK(gap(1e-200, 1e-200) == 0);
  CHECK(std::isinf(gap(1e-200, 0)));
}
