#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/data/student.hpp>
#include <tutelage/landscape/memorization/breakpoints.hpp>
#include <tutelage/landscape/memorization/one_layer.hpp>
#include <tutelage/landscape/memorization/two_layers.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Network>
std::vector<double> kinks(const Network& net, double from, double to) {
  const std::array<double, 1> p{from}, q{to};
  return breakpoints_along(p, q, net);
}

}  // namespace

TEST_CASE("kinks where they were put; none where slopes agree") {
  // r(x - 1) - 2 r(x - 2) + r(-x + 3) + r(x - 3) + 0 r(x - 4): the last two have one slope change of 0
  mlp<double, relu, 1, 5, 1> net;
  const std::array<double, 5> w{1, 1, -1, 1, 1}, b{-1, -2, 3, -3, -4}, v{1, -2, 1, -1, 0};
  for (std::size_t k = 0; k < 5; ++k) {
    net.layer<1>().weights()(0, k) = w[k];
    net.layer<1>().weights()(1, k) = b[k];
    net.layer<2>().weights()(k, 0) = v[k];
  }
  const auto found = kinks(net, 0, 8);
  REQUIRE(found.size() == 2);
  CHECK(close_to(found[0], 1.0 / 8, 4 * epsilon<double>));
  CHECK(close_to(found[1], 2.0 / 8, 4 * epsilon<double>));
}

TEST_CASE("never more than the widths allow, and as many as labels ask for") {
  mlp<double, relu, dynamic, dynamic, dynamic, dynamic> net({1, 7, 5, 1});
  const std::array<std::size_t, 2> widths{7, 5};
  CHECK(most_breakpoints(widths) == 7 + 5 * 8);
  CHECK(most_alternating_points(widths) == 49);
  std::size_t most = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    initialize(net, linear_default_start{3}, seed);
    most = std::max(most, kinks(net, -50, 50).size());
  }
  CHECK(most <= most_breakpoints(widths));
  CHECK(most > 7);  // more than one layer has

  for (const std::size_t N : {3U, 10U, 25U}) {
    auto x = make_matrix<double>(N, 1), y = make_matrix<double>(N, 1);
    for (std::size_t i = 0; i < N; ++i) {
      x(i, 0) = static_cast<double>(i);
      y(i, 0) = static_cast<double>(i % 2);
    }
    const double to = static_cast<double>(N) - 0.5;
    const auto one = memorize_one_layer(x, y, 1);
    CHECK(kinks(one, -0.5, to).size() == N - 1);  // one at each point but the last
    const auto two = memorize_two_layers(x, y, 1);
    const std::array<std::size_t, 2> used{two.widths()[1], two.widths()[2]};
    const std::size_t count = kinks(two, -0.5, to).size();
    CHECK(count >= N - 2);
    CHECK(count <= most_breakpoints(used));
    CHECK(N <= most_alternating_points(used));
  }
}

TEST_CASE("numbers of kinks and points that no std::size_t counts are an error") {
  const auto kinks_of = [](std::size_t layers, std::size_t width) {
    return most_breakpoints(std::vector<std::size_t>(layers, width));
  };
  const auto points_of = [](std::size_t layers, std::size_t width) {
    return most_alternating_points(std::vector<std::size_t>(layers, width));
  };
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  constexpr int bits = std::numeric_limits<std::size_t>::digits;
  const std::string count = std::to_string(most);
  CHECK(kinks_of(9, 100) == 1093685272684360900U);  // 101^9 - 1
  CHECK(message_of<argument_error>([&] { (void)kinks_of(10, 100); }) ==
        "most_breakpoints: more than " + count + " kinks");
  // 2^64 - 1 kinks are counted, as many points and two more are not, nor is a layer above them.
  CHECK(kinks_of(bits, 1) == most);
  CHECK(kinks_of(bits / 2, 3) == most);
  CHECK(most_breakpoints(std::vector<std::size_t>{most, 0}) == most);
  CHECK(message_of<argument_error>([&] { (void)kinks_of(bits + 1, 1); }) ==
        "most_breakpoints: more than " + count + " kinks");
  CHECK(message_of<argument_error>([&] { (void)points_of(bits, 1); }) ==
        "most_alternating_points: more than " + count + " points");
  CHECK(points_of(1, most - 2) == most);
  CHECK(message_of<argument_error>([&] { (void)points_of(1, most - 1); }) ==
        "most_alternating_points: more than " + count + " points");
}

TEST_CASE("no layers, no kinks; points of another width are an error") {
  CHECK(most_breakpoints({}) == 0);
  const mlp<double, relu, 2, 3, 1> net;
  CHECK(message_of<shape_error>([&] { (void)kinks(net, 0, 1); }) ==
        "regions_along: points of 1 and 1 numbers, expected 2");
}
