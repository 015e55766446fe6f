#include <type_traits>

#include <doctest/doctest.h>
#include <tutelage/model/dynamic_network.hpp>

using namespace tutelage;

TEST_CASE("run-time widths in place of static ones, all else as it was") {
  using net = network<dense<float, 3, dynamic, leaky_relu<dynamic_slope>>,
                      dense<float, dynamic, 2, identity, no_bias>>;
  using expected = network<dense<float, dynamic, dynamic, leaky_relu<dynamic_slope>>,
                           dense<float, dynamic, dynamic, identity, no_bias>>;
  static_assert(std::is_same_v<dynamic_network<net>, expected>);
  static_assert(std::is_same_v<dynamic_network<expected>, expected>);
  static_assert(std::is_same_v<dynamic_layer<dense<double, 4, 2, relu>>,
                               dense<double, dynamic, dynamic, relu>>);
  const dynamic_network<net> made({7, 5, 3}, leaky_relu<dynamic_slope>(0.25));
  CHECK(made.widths() == std::array<std::size_t, 3>{7, 5, 3});
  CHECK(made.layer<1>().gate().slope() == 0.25);
}
