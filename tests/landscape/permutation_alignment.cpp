#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <tutelage/landscape/path_loss.hpp>
#include <tutelage/landscape/permutation_alignment.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using deep_net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;

struct planted {
  deep_net network;
  node_orders<deep_net> nodes;  // where each node of the first network is in the second
};

// The same function with permuted nodes, each scaled by a power of 2, and noise on every weight.
planted plant(const deep_net& net, stream& random, double noise = 0, bool scales = true) {
  planted result{net, {}};
  const auto h = net.widths();
  deep_net source = net;
  const auto W = detail::parameters_of(source), to = detail::parameters_of(result.network);
  for (std::size_t l = 0; l < 2; ++l) {
    const auto place = random.permutation(h[l + 1]);
    result.nodes[l].assign(place.begin(), place.end());
    for (std::size_t u = 0; u < h[l + 1]; ++u) {
      const double scale = scales ? std::ldexp(1.0, static_cast<int>(random.below(9)) - 4) : 1;
      for (std::size_t i = 0; i < W[l].rows(); ++i) W[l](i, u) *= scale;
      for (double& v : W[l + 1].row(u)) v /= scale;
    }
  }
  for (std::size_t l = 0; l < 3; ++l) {
    for (std::size_t i = 0; i < W[l].rows(); ++i) {
      for (std::size_t k = 0; k < W[l].cols(); ++k) {
        to[l](l > 0 && i < h[l] ? result.nodes[l - 1][i] : i, l < 2 ? result.nodes[l][k] : k) =
            W[l](i, k) * (1 + noise * random.normal());
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("planted permutations are found, 100 of 100") {
  for (const std::size_t h : {30U, 50U}) {
    std::size_t found = 0;
    for (std::size_t seed = 1; seed <= 100; ++seed) {
      const auto a = random_network<deep_net>({10, h, h, 5}, seed);
      stream random = random_stream(seed);
      const auto b = plant(a, random);
      const auto aligned = align_nodes(a, b.network, {.starts = 0});
      found += aligned.nodes == b.nodes ? 1 : 0;
      CHECK(close_to(aligned.agreement, 1, 1e-12));
    }
    CHECK(found == 100);
  }
}

TEST_CASE("noise does not hide them") {
  std::size_t found = 0;
  for (std::size_t seed = 1; seed <= 10; ++seed) {
    const auto a = random_network<deep_net>({10, 30, 30, 5}, seed);
    stream random = random_stream(seed);
    const auto b = plant(a, random, 0.3);
    const auto aligned = align_nodes(a, b.network, {.starts = 2});
    found += aligned.nodes == b.nodes ? 1 : 0;
    CHECK(aligned.agreement < 0.99);
  }
  CHECK(found == 10);
}

TEST_CASE("random starts find what those from inputs and outputs do not") {
  // Layer 1 gives no hint: its nodes are nearly equal, and so do the weights out of layer 2.
  std::size_t up_and_down = 0, with_starts = 0;
  for (std::size_t seed = 1; seed <= 10; ++seed) {
    auto a = random_network<deep_net>({1, 8, 8, 1}, seed);
    stream random = random_stream(seed);
    for (std::size_t k = 0; k < 8; ++k) {
      a.layer<1>().weights()(0, k) = 1;
      a.layer<1>().bias()[k] = 1;
      a.layer<3>().weights()(k, 0) = 1;
    }
    const auto b = plant(a, random, 0.03);
    const double few = align_nodes(a, b.network, {.starts = 0}).agreement,
                 many = align_nodes(a, b.network, {.starts = 40}).agreement;
    CHECK(many >= few);
    up_and_down += few > 0.98 ? 1 : 0;
    with_starts += many > 0.98 ? 1 : 0;
  }
  CHECK(with_starts > up_and_down + 2);
  MESSAGE(up_and_down << " and " << with_starts << " of 10");
}

TEST_CASE("the aligned network is the same function, and the line to it is low") {
  const auto a = random_network<deep_net>({4, 6, 7, 3}, 1);
  stream random = random_stream(2);
  const auto b = plant(a, random);
  const auto aligned = align_nodes(a, b.network);
  const auto x = random_matrix<double>(30, 4, random);
  CHECK(close_to(aligned.network(x), b.network(x), 1e-13));
  const data_set data(x, a(x));
  const double before = largest_loss(straight_line(a, b.network), data, mean_squared_error{}).loss;
  const double after =
      largest_loss(straight_line(a, aligned.network), data, mean_squared_error{}).loss;
  CHECK(before > 1e-3);
  CHECK(after <= 1e-28);
  // Without scales nothing is rounded: the network itself comes back.
  const auto permuted = plant(a, random, 0, false);
  const auto back = align_nodes(a, permuted.network).network;
  CHECK(to_matrix(back.layer<2>().weights()) == to_matrix(a.layer<2>().weights()));
}

TEST_CASE("nodes without weights stay where they can") {
  auto a = random_network<deep_net>({4, 6, 7, 3}, 1);
  for (std::size_t i = 0; i <= 4; ++i) a.layer<1>().weights()(i, 2) = 0;
  stream random = random_stream(2);
  const auto b = plant(a, random);
  const auto aligned = align_nodes(a, b.network);
  CHECK(aligned.nodes == b.nodes);
  const deep_net zero({4, 6, 7, 3});
  CHECK(align_nodes(zero, zero).agreement == 1);
  CHECK(align_nodes(a, zero).agreement == 0);
}

TEST_CASE("agreement and order do not see the scales of layers or nodes") {
  using two_layers = mlp<double, relu, dynamic, dynamic, dynamic>;
  two_layers a({2, 2, 1}), b({2, 2, 1});
  const auto set = [](two_layers& net, double v, double w, double s) {
    for (std::size_t i = 0; i < 2; ++i) net.layer<1>().weights()(i, i) = s;
    net.layer<2>().weights()(0, 0) = s * v;
    net.layer<2>().weights()(1, 0) = s * w;
  };
  // By 4, as they stand 2 + 2 <(1, -2), (-1, 2)> / 5, exchanged 0 + 2 <(1, -2), (2, -1)> / 5.
  for (const double s : {1.0, 1e-170, 1e170, 1e-300, 1e300}) {
    set(a, 1, -2, s);
    set(b, -1, 2, s);
    const auto aligned = align_nodes(a, b);
    CHECK(close_to(aligned.agreement, 0.4, 1e-14));
    CHECK(aligned.nodes[0] == std::vector<std::size_t>{1, 0});
  }
  // Nodes whose weights are next to nothing, and out of them next to everything, and the reverse.
  set(a, 1e290, -2e-290, 1);
  set(b, -2, 1, 1);
  for (std::size_t i = 0; i < 2; ++i) {
    a.layer<1>().weights()(i, 0) *= 1e-290;
    a.layer<1>().weights()(i, 1) *= 1e290;
  }
  const auto aligned = align_nodes(a, b);
  CHECK(close_to(aligned.agreement, 0.5, 1e-14));
  CHECK(aligned.nodes[0] == std::vector<std::size_t>{1, 0});
  const auto W = aligned.network.layer<1>().weights(), V = aligned.network.layer<2>().weights();
  CHECK(close_to(W(1, 0), 1e-290, 1e-304));
  CHECK(close_to(V(0, 0), 1e290, 1e276));
}

TEST_CASE("biases of upper layers keep their share, whatever the scales below") {
  using four = mlp<double, relu, dynamic, dynamic, dynamic, dynamic, dynamic>;
  const auto a = random_network<four>({5, 6, 7, 8, 3}, 1);
  auto b = a;
  // Every hidden node of the lower two layers 2^20 times as large: the function is the same.
  for (const double v : {0x1p-20, 0x1p+20}) {
    b = a;
    for (std::size_t u = 0; u < 6; ++u) {
      for (std::size_t i = 0; i <= 5; ++i) b.layer<1>().weights()(i, u) *= v;
      for (double& w : b.layer<2>().weights().row(u)) w /= v;
    }
    for (std::size_t u = 0; u < 7; ++u) {
      for (std::size_t i = 0; i <= 6; ++i) b.layer<2>().weights()(i, u) *= v;
      for (double& w : b.layer<3>().weights().row(u)) w /= v;
    }
    CHECK(close_to(align_nodes(a, b).agreement, 1.0, 1e-12));
  }
}

TEST_CASE("nodes of subnormal weights are nodes") {
  auto a = random_network<deep_net>({4, 3, 3, 2}, 1);
  for (std::size_t i = 0; i <= 4; ++i) a.layer<1>().weights()(i, 2) *= 1e-310;
  const auto aligned = align_nodes(a, a);
  CHECK(close_to(aligned.agreement, 1.0, 1e-12));
  CHECK(aligned.nodes[0] == std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("what cannot be aligned") {
  const deep_net a({2, 3, 3, 1}), wide({2, 3, 4, 1});
  CHECK(message_of<shape_error>([&] { align_nodes(a, wide); }) ==
        "align_nodes: width 2 is 3 in one network and 4 in the other");
  auto b = a;
  b.layer<2>().weights()(1, 2) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { align_nodes(a, b); }) ==
        "align_nodes: weight 1 of node 2 is not a finite number");
  auto large = random_network<deep_net>({2, 3, 3, 1}, 1), small = large;
  for (std::size_t i = 0; i <= 2; ++i) {
    for (std::size_t u = 0; u < 3; ++u) {
      large.layer<1>().weights()(i, u) *= 1e200;
      small.layer<1>().weights()(i, u) *= 1e-200;
    }
  }
  CHECK(message_of<argument_error>([&] {
          align_nodes(large, small);
        }).starts_with("align_nodes: node 0 of layer 1 cannot have the other network's scale"));
}
