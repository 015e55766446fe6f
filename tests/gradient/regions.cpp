#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <tutelage/gradient/regions.hpp>
#include <tutelage/gradient/rule.hpp>
#include <vector>

#include "support/network_of.hpp"
#include "support/rule_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using three = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
using two = mlp<double, leaky_relu<>, dynamic, dynamic, dynamic>;

// Signs of all hidden activations of one sample.
template <class Network>
std::vector<bool> signs(const Network& net, matrix_view<const double> x, std::size_t i) {
  activations<Network> kept;
  net.forward(x.middle_rows(i, 1), kept);
  std::vector<bool> result;
  for (std::size_t l = 1; l < Network::depth; ++l) {
    for (const double f : kept.f(l).row(0)) result.push_back(f > 0);
  }
  return result;
}

}  // namespace

TEST_CASE("every sample is in the region of its gates, in the order of first visits") {
  const auto teacher = random_network<two>({2, 30, 1}, 1);
  const auto student = random_network<three>({2, 25, 20, 1}, 2);  // 75 gates: two words
  stream random = random_stream(3);
  const auto x = random_matrix<double>(700, 2, random);
  visited_regions regions(teacher, student);
  CHECK(regions.size() == 0);
  auto numbers = regions.add(matrix_view(x).middle_rows(0, 300));
  const auto more = regions.add(matrix_view(x).middle_rows(300, 400));
  numbers.insert(numbers.end(), more.begin(), more.end());
  REQUIRE(numbers.size() == 700);

  std::vector<std::vector<bool>> expected;
  std::vector<std::size_t> counts;
  for (std::size_t i = 0; i < 700; ++i) {
    auto pattern = signs(teacher, x, i);
    const auto student_signs = signs(student, x, i);
    pattern.insert(pattern.end(), student_signs.begin(), student_signs.end());
    std::size_t r = 0;
    while (r < expected.size() && expected[r] != pattern) ++r;
    if (r == expected.size()) {
      expected.push_back(pattern);
      counts.push_back(0);
      REQUIRE(r < regions.size());
      for (std::size_t k = 0; k < 2; ++k) CHECK(regions.representatives()(r, k) == x(i, k));
    }
    ++counts[r];
    CHECK(numbers[i] == r);
    CHECK(regions.find(matrix_view(x).row(i)) == std::optional(r));
  }
  REQUIRE(regions.size() == expected.size());
  CHECK(regions.size() > 100);
  CHECK(regions.size() < 690);
  for (std::size_t r = 0; r < counts.size(); ++r) CHECK(regions.count(r) == counts[r]);
  const std::vector<double> far{1e6, -1e6};
  CHECK(regions.find(std::span<const double>(far)) == std::nullopt);

  // The common regions of two networks are at least as many as those of one.
  visited_regions of_teacher(teacher);
  of_teacher.add(x);
  CHECK(of_teacher.size() < regions.size());
}

TEST_CASE("A and B of a region are those of each of its samples") {
  const auto teacher = random_network<three>({2, 4, 3, 2}, 4);
  const auto student = random_network<three>({2, 6, 5, 2}, 5);
  stream random = random_stream(6);
  const auto x = random_matrix<double>(120, 2, random);
  visited_regions regions(teacher, student);
  const auto numbers = regions.add(x);
  const auto by_region = run_rule(teacher, student, to_matrix(regions.representatives()));
  const rule_case<double> expected(reference::plain(teacher), reference::plain(student), x);
  REQUIRE(expected.gates_are_certain);
  computed_rule<double> by_sample;
  for (const auto& layer : by_region.layers) {
    auto& samples = by_sample.layers.emplace_back();
    if (layer.empty()) continue;
    for (const std::size_t r : numbers) samples.push_back(layer[r]);
  }
  for (std::size_t i = 0; i < 120; ++i) judge_matrices(by_sample, expected, i);
  CHECK(regions.size() < 80);
}

TEST_CASE("networks with other inputs") {
  const three a({2, 3, 3, 1}), b({3, 3, 3, 1});
  CHECK(message_of<shape_error>([&] { visited_regions(a, b); }) ==
        "visited_regions: the networks take 2 and 3 inputs");
  visited_regions regions(a);
  CHECK(message_of<shape_error>([&] { regions.add(make_matrix<double>(4, 3)); }) ==
        "forward: x is (4x3), expected (4x2)");
}

TEST_CASE("samples that are no numbers are in no region") {
  const auto net = random_network<three>({2, 3, 3, 1}, 1);
  visited_regions regions(net);
  auto x = make_matrix<double>(300, 2);
  x(299, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { regions.add(x); }) ==
        "visited_regions: x has nan at row 299, column 1, expected finite numbers");
  CHECK(regions.size() == 0);
  const std::vector<double> far{std::numeric_limits<double>::infinity(), 0};
  CHECK(message_of<argument_error>([&] { void(regions.find(far)); }) ==
        "visited_regions: x has inf at row 0, column 0, expected finite numbers");
}

TEST_CASE("temporaries, and regions that there are not") {
  using net_type = mlp<double, relu, dynamic, dynamic, dynamic>;
  using of_one = visited_regions<net_type>;
  using of_two = visited_regions<net_type, net_type>;
  static_assert(std::is_constructible_v<of_one, const net_type&>);
  static_assert(std::is_constructible_v<of_two, net_type&, const net_type&>);
  static_assert(!std::is_constructible_v<of_one, net_type>);
  static_assert(std::same_as<decltype(visited_regions(std::declval<of_one&>())), of_one>);
  static_assert(std::same_as<decltype(visited_regions(std::declval<net_type&>())), of_one>);
  static_assert(!std::is_constructible_v<of_two, net_type, const net_type&>);
  static_assert(!std::is_constructible_v<of_two, const net_type&, net_type>);
  static_assert(std::is_copy_constructible_v<of_one> && std::is_move_constructible_v<of_one>);
  const net_type net({2, 3, 1});
  visited_regions regions(net);
  const auto count = [&](std::size_t r) { return [&, r] { void(regions.count(r)); }; };
  CHECK(message_of<argument_error>(count(0)) == "visited_regions: region 0, expected one below 0");
  regions.add(make_matrix<double>(3, 2));
  CHECK(regions.count(0) == 3);
  CHECK_THROWS_AS(count(1)(), argument_error);
}
