#include <cmath>
#include <cstddef>
#include <ratio>

#include <tutelage/data/inputs.hpp>
#include <tutelage/landscape/memorization/one_layer.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr std::uint64_t seed = 1;

double largest(matrix_view<const double> W) {
  double result = 1;
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (const double w : W.row(i)) result = std::max(result, std::abs(w));
  }
  return result;
}

}  // namespace

TEST_CASE("three points worked by hand") {
  const matrix<double> x{{0}, {1}, {3}}, y{{1}, {-1}, {2}};
  const double eps = 4 * epsilon<double>;
  const auto net = memorize_one_layer(x, y, seed);
  CHECK(
      close_to(to_matrix(net.layer<1>().weights()), matrix<double>{{1, 1, 1}, {1.5, 0, -1}}, eps));
  CHECK(close_to(to_matrix(net.layer<2>().weights()),
                 matrix<double>{{2.0 / 3}, {-8.0 / 3}, {3.5}, {0}}, eps));
  const auto leaky = memorize_one_layer(x, y, seed, leaky_relu<std::ratio<1, 2>>{});
  CHECK(close_to(to_matrix(leaky.layer<1>().weights()), matrix<double>{{1, 1}, {1.5, -1}}, eps));
  CHECK(close_to(to_matrix(leaky.layer<2>().weights()), matrix<double>{{-5.5}, {7}, {12.75}},
                 8 * eps));
}

TEST_CASE("through random points with several outputs, for any slope and number of points") {
  for (const std::size_t N : {1U, 2U, 3U, 10U, 100U, 1000U}) {
    CAPTURE(N);
    const auto x = draw_inputs<double>(gaussian_inputs{1}, N, 5, N);
    const auto y = draw_inputs<double>(gaussian_inputs{3}, N, 2, N + 1);
    const auto check = [&](const auto& gate, std::size_t nodes) {
      const auto net = memorize_one_layer(x, y, seed, gate);
      CHECK(net.template layer<1>().out_width() == nodes);
      // Sums of N terms of the size of the weights.
      const double size = static_cast<double>(N) * largest(net.template layer<2>().weights());
      CHECK(close_to(net(x), y, 8 * epsilon<double> * size));
      CHECK(close_to(net(x), y, N <= 10 ? 1e-11 : N <= 100 ? 1e-9 : 1e-6));
    };
    check(relu{}, N);
    check(leaky_relu<dynamic_slope>(0.3), N < 3 ? 1 : N - 1);
    check(leaky_relu<dynamic_slope>(0), N);
  }
}

TEST_CASE("one point, wherever it is") {
  for (const double at : {0.0, 1e-310, -3.0, 1e16, -1e300}) {
    CAPTURE(at);
    const matrix<double> x{{at}}, y{{5}};
    CHECK(close_to(memorize_one_layer(x, y, seed)(x), y, 8 * epsilon<double>));
    const auto leaky = memorize_one_layer(x, y, seed, leaky_relu<>{});
    CHECK(close_to(leaky(x), y, 8 * epsilon<double>));
  }
}

TEST_CASE("a network that rounding or overflow keeps from its points is refused") {
  const auto refused = [](const matrix<double>& x, const matrix<double>& y) {
    return message_of<argument_error>([&] { (void)memorize_one_layer(x, y, seed); })
        .starts_with("memorize_one_layer: rounding: output ");
  };
  CHECK(refused({{0}, {1e-310}}, {{1}, {2}}));
  CHECK(refused({{0}, {1}}, {{1.7e308}, {-1.7e308}}));
  // Sums of terms up to 2^60, of which 1 should be left.
  auto x = make_matrix<double>(60, 1), y = x;
  for (std::size_t i = 0; i < 60; ++i) {
    x(i, 0) = std::ldexp(1.0, static_cast<int>(i));
    y(i, 0) = i % 2 == 0 ? 1 : -1;
  }
  CHECK(refused(x, y));
}

TEST_CASE("what cannot be memorized is an error") {
  const matrix<double> x{{0}, {1}}, y{{1}, {2}};
  CHECK(message_of<shape_error>([&] { (void)memorize_one_layer(x, matrix<double>{{1}}, seed); }) ==
        "memorize_one_layer: y is (1x1), expected (2x1)");
  CHECK(message_of<argument_error>([&] { (void)memorize_one_layer(x, y, seed, identity{}); }) ==
        "memorize_one_layer: a gate of slope 1 has no kink to memorize with, expected one in "
        "[0, 1)");
  CHECK(message_of<argument_error>([&] {
          (void)memorize_one_layer(matrix<double>{{1}, {1}}, y, seed);
        }) == "project: rows 0 and 1 are one point");
}
