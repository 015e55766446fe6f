#include <cstddef>
#include <tutelage/gradient/patterns.hpp>
#include <vector>

#include "support/network_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using leaky = dense<double, dynamic, dynamic, leaky_relu<std::ratio<1, 4>>>;
using linear = dense<double, dynamic, dynamic, identity>;
using bare = dense<double, dynamic, dynamic, relu, no_bias>;
using mixed = network<leaky, linear, bare, linear>;

bool bit(const gate_patterns& p, std::size_t i, std::size_t b) {
  return (p[i][b / 64] >> (b % 64) & 1) != 0;
}

}  // namespace

TEST_CASE("bits are the gates of the hidden layers, one network after the other") {
  stream random = random_stream(1);
  mixed first({3, 40, 33, 5, 4}), second({3, 2, 1, 70, 4});
  randomize(first, random);
  randomize(second, random);
  CHECK(hidden_nodes(first) == 78);
  CHECK(hidden_nodes(first, 2) == 38);
  CHECK(hidden_nodes(first, 4) == 0);
  const auto x = random_matrix<double>(50, 3, random);
  activations<mixed> of_first, of_second;
  first.forward(x, of_first);
  second.forward(x, of_second);
  gate_patterns p;
  for (const std::size_t lowest : {1U, 2U, 3U, 4U}) {  // fewer bits than before
    p.reset(50, hidden_nodes(first, lowest) + hidden_nodes(second, lowest));
    p.append(first, of_first, lowest);
    p.append(second, of_second, lowest);
    CHECK(p.samples() == 50);
    for (std::size_t i = 0; i < 50; ++i) {
      std::size_t b = 0;
      for (const auto* kept : {&of_first, &of_second}) {
        for (std::size_t l = lowest; l < 4; ++l) {
          for (const double f : kept->f(l).row(i)) CHECK(bit(p, i, b++) == (l == 2 || f > 0));
        }
      }
      for (; b < 64 * p[i].size(); ++b) CHECK(!bit(p, i, b));
    }
  }
}

TEST_CASE("groups are the samples of equal pattern") {
  stream random = random_stream(2);
  using net_type = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
  pattern_groups groups;
  for (const std::size_t N : {300U, 1U, 0U, 200U}) {
    net_type net({2, 3, 3, 1});
    randomize(net, random);
    activations<net_type> kept;
    net.forward(random_matrix<double>(N, 2, random), kept);
    gate_patterns p;
    p.reset(N, hidden_nodes(net));
    p.append(net, kept);
    groups.find(p);
    const auto equal = [&](std::size_t a, std::size_t b) {
      for (std::size_t k = 0; k < 6; ++k) {
        if (bit(p, a, k) != bit(p, b, k)) return false;
      }
      return true;
    };
    std::vector<std::size_t> first;
    for (std::size_t i = 0; i < N; ++i) {
      std::size_t g = 0;
      while (g < first.size() && !equal(first[g], i)) ++g;
      if (g == first.size()) first.push_back(i);
      CHECK(groups.of(i) == g);
    }
    REQUIRE(groups.size() == first.size());
    CHECK((N < 200 || (groups.size() > 4 && groups.size() < 50)));
    for (std::size_t g = 0; g < first.size(); ++g) {
      CHECK(groups.first(g) == first[g]);
      std::size_t count = 0;
      for (std::size_t i = 0; i < N; ++i) count += groups.of(i) == g;
      CHECK(groups.count(g) == count);
    }
  }
}

TEST_CASE("gates that were not announced") {
  mixed net({1, 60, 1, 4, 1});
  activations<mixed> kept;
  net.forward(make_matrix<double>(2, 1), kept);
  gate_patterns p;
  p.reset(2, 65);
  p.append(net, kept);
  CHECK(message_of<shape_error>([&] { p.append(net, kept); }) ==
        "gate_patterns: 65 gates of 2 samples, room for 63 of 2");
  p.reset(3, 65);
  CHECK(message_of<shape_error>([&] { p.append(net, kept); }) ==
        "gate_patterns: 65 gates of 2 samples, room for 128 of 3");
}
