#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <tutelage/landscape/dropout_path.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using list = std::vector<std::size_t>;
template <std::size_t... Any>
using any_widths = mlp<double, relu, (static_cast<void>(Any), dynamic)...>;
using deep_net = any_widths<0, 1, 2, 3>;

// Every claim of a segment's kind, at 3 points of each; the worst excess of a loss over `bound`, by
// `bound`.
template <class Network, class Data>
double check_path(const piecewise_path<Network>& path, const Data& data, double bound) {
  const matrix<double>& x = data.inputs();
  double excess = -1;
  for (std::size_t s = 0; s < path.segments(); ++s) {
    CAPTURE(path.kinds());
    CAPTURE(s);
    Network from = path.vertices()[s], to = path.vertices()[s + 1];
    const auto W = detail::parameters_of(from), next = detail::parameters_of(to);
    const auto f = from(x);
    double size = 0;
    for (const double value : f) size = std::max(size, std::abs(value));
    for (const double t : {0.0, 0.3, 0.5, 0.8, 1.0}) {
      const auto at = path.at(s, t);
      if (path.kind(s) == segment_kind::unseen) CHECK(close_to(at(x), f, 0));
      if (path.kind(s) == segment_kind::transfer) CHECK(close_to(at(x), f, 1e-13 * size));
      if (path.kind(s) != segment_kind::straight) {
        excess = std::max(excess, mean_loss(at, data, mean_squared_error{}) / bound - 1);
      }
    }
    if (path.kind(s) == segment_kind::top) {
      for (std::size_t l = 0; l + 1 < W.size(); ++l) CHECK(close_to(W[l], next[l], 0));
    }
  }
  return excess;
}

template <class Network>
bool equal(const Network& a, const Network& b) {
  Network p = a, q = b;
  const auto W = detail::parameters_of(p), V = detail::parameters_of(q);
  bool result = true;
  for (std::size_t l = 0; l < W.size(); ++l) result = result && to_matrix(W[l]) == to_matrix(V[l]);
  return result;
}

std::string expected_kinds(std::size_t depth, bool overlap) {
  std::string chain = "a";
  for (std::size_t k = 2; k < depth; ++k) chain += "ba";
  return chain + (overlap ? "bcbab" : "bab") + chain;  // a chain reads the same backwards
}

// Random pairs with random kept nodes, fewer than half or half of them.
template <class Network>
void check_pairs(std::size_t pairs) {
  bool overlapped = false;
  for (std::size_t seed = 1; seed <= pairs; ++seed) {
    CAPTURE(seed);
    stream random = random_stream(seed);
    std::array<std::size_t, Network::depth + 1> widths{};
    for (auto& h : widths) h = 2 + random.below(6);
    const auto a = random_network<Network>(widths, 10 * seed),
               b = random_network<Network>(widths, 10 * seed + 1);
    const auto x = random_matrix<double>(15, widths.front(), random);
    const data_set data(x, random_matrix<double>(15, widths.back(), random));
    const auto keep = [&](const Network& net) {
      auto d = random_dropout(net, stream(random.bits(), purpose::analysis));
      for (auto& S : d.kept) {
        while (S.size() > 1 && random.below(3) == 0) S.pop_back();
      }
      for (double& r : d.scale) r = random.normal();  // the theorem holds for any
      return d;
    };
    const auto d_a = keep(a), d_b = keep(b);
    const double bound = dropout_bound(a, d_a, b, d_b, data, mean_squared_error{});
    const auto path = dropout_path(a, d_a, b, d_b);
    const bool overlap = path.segments() != 4 * Network::depth - 3;
    overlapped = overlapped || overlap;
    CHECK(path.kinds() == expected_kinds(Network::depth, overlap));
    CHECK(equal(path.vertices().front(), a));
    CHECK(equal(path.vertices().back(), b));
    CHECK(check_path(path, data, bound) <= 1e-12);

    const auto shorter = noise_stable_path(a, d_a, b, d_b);
    CHECK((shorter.kinds() == "sbcbabs" || shorter.kinds() == "sbabs"));
    CHECK(equal(shorter.vertices().front(), a));
    CHECK(equal(shorter.vertices()[1], with_dropout(a, d_a)));
    CHECK(equal(shorter.vertices()[shorter.segments() - 1], with_dropout(b, d_b)));
    CHECK(equal(shorter.vertices().back(), b));
    CHECK(check_path(shorter, data, bound) <= 1e-12);

    // Every other vertex of the way down is theta_k, or on the way to it.
    const auto down = path_to_dropout(a, d_a);
    REQUIRE(down.segments() == 2 * Network::depth - 2);
    for (std::size_t k = Network::depth - 1; k >= 1; --k) {
      const auto at = down.vertices()[2 * (Network::depth - 1 - k) + 1](x);
      double size = 0;
      for (const double value : at) size = std::max(size, std::abs(value));
      CHECK(close_to(at, with_dropout(a, d_a, k)(x), 1e-13 * size));
    }
    // At its end no more nodes have weights than are kept.
    for (std::size_t j = 0; j + 1 < Network::depth; ++j) {
      Network end = down.vertices().back();
      const auto W = detail::parameters_of(end);
      std::size_t silent = 0;
      for (std::size_t u = 0; u < W[j].cols(); ++u) {
        double sum = 0;
        for (std::size_t i = 0; i < W[j].rows(); ++i) sum += std::abs(W[j](i, u));
        for (const double w : W[j + 1].row(u)) sum += std::abs(w);
        silent += sum == 0 ? 1 : 0;
      }
      CHECK(silent == W[j].cols() - d_a.kept[j].size());
    }
  }
  CHECK(overlapped);
}

}  // namespace

TEST_CASE("a small network, by hand") {
  // Networks without bias; rows are the weights into a node, as they are written.
  using net_type = mlp<double, relu, 2, 4, 4, 1>;
  const double W1[4][2] = {{1, 0}, {0, 1}, {1, 1}, {1, -1}};
  const double W2[4][4] = {{1, 2, 0, 1}, {0, 1, 1, -1}, {2, 0, 1, 0}, {1, 1, -1, 0}};
  const double W3[4] = {1, -1, 2, 1};
  const double X[4][2] = {{1, 0}, {0, 1}, {1, 1}, {-1, 2}};
  net_type net;
  auto x = make_matrix<double>(4, 2);
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t i = 0; i < 2; ++i) net.layer<1>().weights()(i, k) = W1[k][i];
    for (std::size_t i = 0; i < 4; ++i) net.layer<2>().weights()(i, k) = W2[k][i];
    net.layer<3>().weights()(k, 0) = W3[k];
    for (std::size_t i = 0; i < 2; ++i) x(k, i) = X[k][i];
  }
  const auto y = net(x);
  const double outputs_wanted[] = {8, 2, 8, 4};
  for (std::size_t i = 0; i < 4; ++i) CHECK(y(i, 0) == outputs_wanted[i]);
  const data_set data(x, y);
  const auto d = keep_in_dropout(net, {list{0, 1}, list{0, 1}});
  const auto losses = dropout_losses(net, d, data, mean_squared_error{});
  CHECK(losses == std::array<double, 3>{4.5, 11, 0});

  const auto path = path_to_dropout(net, d);
  CHECK(path.kinds() == "abab");
  const auto points = losses_along(path, data, mean_squared_error{}, {.points = 2});
  const double expected[] = {0, 2.75, 11, 11, 11, 4.125, 4.5, 4.5, 4.5};
  for (std::size_t i = 0; i < 9; ++i) CHECK(points[i].loss == expected[i]);
  const auto& end = path.vertices().back();
  const double top[4] = {0, 0, 2, -2};
  const double middle[4][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}, {2, 4, 0, 0}, {0, 2, 0, 0}};
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(end.layer<3>().weights()(k, 0) == top[k]);
    for (std::size_t i = 0; i < 4; ++i) CHECK(end.layer<2>().weights()(i, k) == middle[k][i]);
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(end.layer<1>().weights()(i, k) == (k < 2 ? W1[k][i] : 0));
    }
  }
}

TEST_CASE("paths of random pairs stay within the bound") {
  check_pairs<any_widths<0, 1, 2>>(8);
  check_pairs<deep_net>(8);
  check_pairs<any_widths<0, 1, 2, 3, 4>>(8);
}

TEST_CASE("kept nodes apart need no transfer") {
  const auto a = random_network<deep_net>({3, 4, 6, 2}, 1),
             b = random_network<deep_net>({3, 4, 6, 2}, 2);
  // The chain ends on S_1 in layer 1 and on the first nodes outside S_2 in layer 2.
  const auto d_a = keep_in_dropout(a, {list{0, 1}, list{3, 4, 5}}),
             d_b = keep_in_dropout(b, {list{2, 3}, list{0, 1, 2}});
  CHECK(dropout_path(a, d_a, b, d_b).kinds() == "ababababa");
  CHECK(noise_stable_path(a, d_a, b, d_b).kinds() == "sbabs");
  CHECK(dropout_path(a, d_a, b, d_a).kinds() == "ababcbababa");
  CHECK(noise_stable_path(a, d_a, b, d_a).kinds() == "sbcbabs");
}

TEST_CASE("leaky gates and static widths") {
  using net_type = mlp<double, leaky_relu<>, 3, 4, 5, 2>;
  const auto a = random_network<net_type>({3, 4, 5, 2}, 1),
             b = random_network<net_type>({3, 4, 5, 2}, 2);
  stream random = random_stream(1);
  const data_set data(random_matrix<double>(15, 3, random), random_matrix<double>(15, 2, random));
  const auto d_a = strongest_dropout(a), d_b = strongest_dropout(b);
  const double bound = dropout_bound(a, d_a, b, d_b, data, mean_squared_error{});
  CHECK(check_path(dropout_path(a, d_a, b, d_b), data, bound) <= 1e-12);
}

TEST_CASE("what has no path") {
  const deep_net a({3, 4, 5, 2}), wide({3, 4, 6, 2});
  const auto d = keep_in_dropout(a, {list{0}, list{0}});
  CHECK(message_of<shape_error>([&] { dropout_path(a, d, wide, d); }) ==
        "dropout_path: width 2 is 5 in one network and 6 in the other");
  auto none = d;
  none.kept[1].clear();
  CHECK(message_of<argument_error>([&] { dropout_path(a, d, a, none); }) ==
        "dropout_path: hidden layer 2 keeps 0 of 5 nodes, expected at least 1 and at most half of "
        "them");
  CHECK(message_of<argument_error>([&] { path_to_dropout(a, none); }) ==
        "path_to_dropout: hidden layer 2 keeps 0 of 5 nodes, expected at least 1 and at most half "
        "of them");
  none.kept[1] = {0, 1, 2};
  CHECK(message_of<argument_error>([&] { noise_stable_path(a, none, a, d); }) ==
        "noise_stable_path: hidden layer 2 keeps 3 of 5 nodes, expected at least 1 and at most "
        "half of them");
}
