#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <tutelage/landscape/dropout_stability.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using deep_net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
using list = std::vector<std::size_t>;

}  // namespace

TEST_CASE("theta_k drops the hidden layers from k on") {
  const auto net = random_network<deep_net>({3, 4, 5, 2}, 1);
  const dropout<deep_net> d{{list{1, 2}, list{4}}, {3, 7}};
  for (std::size_t k = 1; k <= 3; ++k) {
    const auto dropped = with_dropout(net, d, k);
    CHECK(to_matrix(dropped.layer<1>().weights()) == to_matrix(net.layer<1>().weights()));
    for (std::size_t c = 0; c < 5; ++c) {
      for (std::size_t u = 0; u <= 4; ++u) {  // the bias row stays
        const double factor = k > 1 || u == 4 ? 1 : u == 1 || u == 2 ? 3 : 0;
        CHECK(dropped.layer<2>().weights()(u, c) == factor * net.layer<2>().weights()(u, c));
      }
    }
    for (std::size_t u = 0; u <= 5; ++u) {
      const double factor = k > 2 || u == 5 ? 1 : u == 4 ? 7 : 0;
      CHECK(dropped.layer<3>().weights()(u, 1) == factor * net.layer<3>().weights()(u, 1));
    }
  }
}

TEST_CASE("losses of a network of pairs of equal nodes do not change") {
  using net_type = mlp<double, leaky_relu<>, dynamic, dynamic, dynamic, dynamic>;
  const auto net = random_network<net_type>({3, 2, 3, 1}, 2);
  net_type doubled({3, 4, 6, 1});
  for (std::size_t i = 0; i <= 3; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      doubled.layer<1>().weights()(i, k) = net.layer<1>().weights()(i, k / 2);
    }
  }
  for (std::size_t k = 0; k < 6; ++k) {
    for (std::size_t i = 0; i < 4; ++i) {
      doubled.layer<2>().weights()(i, k) = net.layer<2>().weights()(i / 2, k / 2) / 2;
    }
    doubled.layer<2>().bias()[k] = net.layer<2>().bias()[k / 2];
    doubled.layer<3>().weights()(k, 0) = net.layer<3>().weights()(k / 2, 0) / 2;
  }
  doubled.layer<3>().bias()[0] = net.layer<3>().bias()[0];
  stream random = random_stream(3);
  const auto x = random_matrix<double>(20, 3, random);
  const data_set data(x, make_matrix<double>(20, 1));
  const auto losses = dropout_losses(doubled, keep_in_dropout(doubled, {list{0, 3}, list{1, 2, 4}}),
                                     data, mean_squared_error{});
  for (const double loss : losses) {
    CHECK(close_to(loss, mean_loss(net, data, mean_squared_error{}), 1e-13));
  }
  // One of each pair twice is not the network.
  const auto other = dropout_losses(doubled, keep_in_dropout(doubled, {list{0, 1}, list{1, 2, 4}}),
                                    data, mean_squared_error{});
  CHECK(std::abs(other[0] - losses[0]) > 1e-3);
  CHECK(close_to(other[1], losses[1], 1e-13));
}

TEST_CASE("which nodes are kept") {
  auto net = random_network<deep_net>({3, 7, 2, 2}, 4);
  const auto random = random_dropout(net, random_stream(1));
  CHECK(random.kept[0].size() == 3);
  CHECK(random.kept[1].size() == 1);
  CHECK(random.scale[0] == 7.0 / 3);
  CHECK(random.scale[1] == 2);
  CHECK(random_dropout(net, random_stream(2)).kept[0] != random.kept[0]);

  // Strengths are the numbers 1, ..., 7 in some order, all in the weights above.
  const double strengths[] = {2, 7, 1, 6, 3, 5, 4};
  const auto norms = fan_in_norms(net.layer<1>());
  for (std::size_t u = 0; u < 7; ++u) {
    net.layer<2>().weights()(u, 0) = 0;
    net.layer<2>().weights()(u, 1) = -strengths[u] / norms[u];
  }
  const auto strongest = strongest_dropout(net);
  CHECK(strongest.kept[0] == list{1, 3, 5});
  CHECK(close_to(strongest.scale[0], 28.0 / 18, 8 * epsilon<double>));
  for (const std::size_t u : {0U, 2U, 4U, 6U}) net.layer<2>().weights()(u, 1) = 0;
  CHECK(close_to(strongest_dropout(net).scale[0], 1, 4 * epsilon<double>));

  // Whether or not their products leave the range of numbers.
  for (const double unit : {1e-200, 1e200}) {
    auto scaled = net;
    for (std::size_t u = 0; u < 7; ++u) {
      for (std::size_t i = 0; i < 4; ++i) scaled.layer<1>().weights()(i, u) *= unit;
      scaled.layer<2>().weights()(u, 1) = -strengths[u] / norms[u] * unit;
    }
    CHECK(strongest_dropout(scaled).kept[0] == list{1, 3, 5});
    CHECK(close_to(strongest_dropout(scaled).scale[0], 28.0 / 18, 16 * epsilon<double>));
  }
}

TEST_CASE("what is no dropout") {
  const auto net = random_network<deep_net>({3, 4, 5, 2}, 1);
  const auto refused = [&](list first, list second) {
    return message_of<argument_error>([&] { keep_in_dropout(net, {first, second}); });
  };
  CHECK(refused({}, {0}) ==
        "keep_in_dropout: hidden layer 1 keeps 0 of 4 nodes, expected at least 1 and at most half "
        "of them");
  CHECK(refused({0}, {0, 1, 2}) ==
        "keep_in_dropout: hidden layer 2 keeps 3 of 5 nodes, expected at least 1 and at most half "
        "of them");
  CHECK(refused({1, 1}, {0}) ==
        "keep_in_dropout: the kept nodes of hidden layer 1 are not increasing numbers below 4");
  CHECK(refused({1}, {5}) ==
        "keep_in_dropout: the kept nodes of hidden layer 2 are not increasing numbers below 5");
  auto d = random_dropout(net, random_stream(1));
  CHECK(message_of<argument_error>([&] { with_dropout(net, d, 4); }) ==
        "with_dropout: k is 4, expected 1 to 3");
  CHECK(message_of<argument_error>([&] { with_dropout(net, d, 0); }) ==
        "with_dropout: k is 0, expected 1 to 3");
  d.scale[1] = std::numeric_limits<double>::infinity();
  CHECK(message_of<argument_error>([&] { with_dropout(net, d); }) ==
        "with_dropout: the scale of hidden layer 2 is inf, expected a finite number of at most " +
            detail::text(std::numeric_limits<double>::max()));
  d.scale[1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] {
          with_dropout(net, d);
        }).starts_with("with_dropout: the scale of hidden layer 2 is nan"));
  // Infinite as a float, it would make a weight of 0 NaN.
  using float_net = mlp<float, relu, dynamic, dynamic, dynamic>;
  const float_net zero({1, 2, 1});
  CHECK(message_of<argument_error>([&] {
          with_dropout(zero, {{list{0}}, {1e300}});
        }).starts_with("with_dropout: the scale of hidden layer 1 is 1e+300"));
  const auto scaled = with_dropout(zero, {{list{0}}, {-1e38}});
  CHECK(scaled.layer<2>().weights()(0, 0) == 0);
  const deep_net narrow({3, 1, 5, 2});
  CHECK(message_of<argument_error>([&] { random_dropout(narrow, random_stream(1)); }) ==
        "keep_in_dropout: hidden layer 1 keeps 0 of 1 nodes, expected at least 1 and at most half "
        "of them");
}
