#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/data/inputs.hpp>
#include <tutelage/landscape/memorization/two_layers.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr std::uint64_t seed = 1;

// 1e-14 max(1, max|W_2|) q1, times the labels' size.
template <class Network>
double tolerance(const Network& net, double size) {
  double largest = 1;
  const auto W = net.template layer<2>().weights();
  for (std::size_t i = 0; i + 1 < W.rows(); ++i) {
    for (const double w : W.row(i)) largest = std::max(largest, std::abs(w));
  }
  return 1e-14 * largest * static_cast<double>(W.rows() / 2) * size;
}

}  // namespace

TEST_CASE("four points worked by hand") {
  const matrix<double> x{{0}, {1}, {2}, {3}}, y{{.5}, {-.5}, {.25}, {1}};
  const auto net = memorize_two_layers(x, y, {4, 4}, seed);
  activations<std::remove_const_t<decltype(net)>> kept;
  net.forward(matrix_view<const double>(x), kept);
  const double eps = 32 * epsilon<double>;
  // H = s(z + 1) - s(z - 1) - 1
  const auto f1 = kept.f<1>(), f2 = kept.f<2>();
  const matrix<double> phi{{-.2, 1}, {.6, 1}, {1, .6}, {1, -.2}};
  const matrix<double> before{{.5, 2.5}, {3.5, -.5}, {11.0 / 3, .25}, {1, 4.75}};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(close_to(f1(i, 2 * k) - f1(i, 2 * k + 1) - 1, phi(i, k), eps));
      CHECK(close_to(f2(i, 2 * k), std::max(0.0, before(i, k) + 1), eps));
      CHECK(close_to(f2(i, 2 * k + 1), std::max(0.0, before(i, k) - 1), eps));
    }
  }
  CHECK(
      close_to(to_matrix(net.layer<3>().weights()), matrix<double>{{1}, {-1}, {1}, {-1}, {-3}}, 0));
  CHECK(close_to(net(x), y, eps));
}

TEST_CASE(
    "through random points: any number of points, outputs and any slope, widths of all parities") {
  for (const std::size_t N : {1U, 2U, 3U, 16U, 50U, 100U}) {
    for (const std::size_t q2 : {1U, 2U, 3U, 4U, 7U}) {
      CAPTURE(N);
      CAPTURE(q2);
      const std::size_t p = 1 + N % 3;
      const auto x = draw_inputs<double>(gaussian_inputs{1}, N, 3, N);
      const auto y = draw_inputs<double>(gaussian_inputs{5}, N, p, N + 1);
      const two_layer_widths widths{2 * ((N + q2 - 1) / q2) + q2 % 2, 2 * p * q2 + N % 2};
      const auto check = [&](const auto& gate) {
        const auto net = memorize_two_layers(x, y, widths, seed, gate);
        CHECK(close_to(net(x), y, tolerance(net, 25)));
        CHECK(close_to(net(x), y, 1e-7));
      };
      check(relu{});
      check(leaky_relu<dynamic_slope>(0.25));
    }
  }
}

TEST_CASE("10,000 random points, d1 d2 = 4 N") {
  const std::size_t N = 10'000;
  const auto x = draw_inputs<double>(gaussian_inputs{1}, N, 10, 1);
  const auto y = draw_inputs<double>(uniform_inputs{1}, N, 1, 2);
  const auto widths = smallest_two_layer_widths(N, 1);
  CHECK(widths.d1 * widths.d2 == 4 * N);
  const auto net = memorize_two_layers(x, y, seed);
  CHECK(net.widths() == std::array<std::size_t, 4>{10, 200, 200, 1});
  const auto f = net(x);
  CHECK(close_to(f, y, 1e-5));
  CHECK(close_to(f, y, tolerance(net, 1)));
}

TEST_CASE("targets of any size, each output by its own") {
  const std::size_t N = 20;
  const auto x = draw_inputs<double>(gaussian_inputs{1}, N, 3, 1);
  const auto one = draw_inputs<double>(gaussian_inputs{1}, N, 1, 2);
  auto y = make_matrix<double>(N, 4);  // the last output is 0
  for (std::size_t i = 0; i < N; ++i) {
    y(i, 0) = one(i, 0);
    y(i, 1) = 0x1p-1000 * one(i, 0);
    y(i, 2) = 0x1p+1000 * one(i, 0);
  }
  const auto f = memorize_two_layers(x, y, seed)(x);
  for (std::size_t i = 0; i < N; ++i) {
    CHECK(close_to(f(i, 0), one(i, 0), 1e-10));
    CHECK(close_to(0x1p+1000 * f(i, 1), one(i, 0), 1e-10));
    CHECK(close_to(0x1p-1000 * f(i, 2), one(i, 0), 1e-10));
    CHECK(f(i, 3) == 0);
  }
  const matrix<double> far{{1e16}}, five{{5}};
  CHECK(close_to(memorize_two_layers(far, five, seed)(far), five, 16 * epsilon<double>));
}

TEST_CASE("a network that rounding or overflow keeps from its points is refused") {
  const auto refused = [](const matrix<double>& x, const matrix<double>& y) {
    return message_of<argument_error>([&] { (void)memorize_two_layers(x, y, seed); })
        .starts_with("memorize_two_layers: rounding: output 0 of row ");
  };
  CHECK(refused({{0}, {1e-310}}, {{1}, {2}}));
  // No number lies between the two groups: no slope is steep enough.
  CHECK(refused({{1}, {1 + epsilon<double>}}, {{0}, {1}}));
  auto x = make_matrix<double>(60, 1), y = x;
  for (std::size_t i = 0; i < 60; ++i) {
    x(i, 0) = std::ldexp(1.0, static_cast<int>(i));
    y(i, 0) = i % 2 == 0 ? 1 : -1;
  }
  CHECK(refused(x, y));
}

TEST_CASE("capacities and the fewest nodes") {
  CHECK(two_layer_capacity({4, 4}, 1) == 4);
  CHECK(two_layer_capacity({5, 7}, 1) == 6);
  CHECK(two_layer_capacity({10, 7}, 2) == 5);
  CHECK(two_layer_capacity({1, 100}, 1) == 0);
  for (std::size_t N = 1; N < 40; ++N) {
    for (const std::size_t p : {1U, 2U, 5U}) {
      const auto found = smallest_two_layer_widths(N, p);
      CHECK(two_layer_capacity(found, p) >= N);
      for (std::size_t d1 = 1; d1 <= 2 * N; ++d1) {
        const std::size_t d2 = found.d1 + found.d2 - 1 - std::min(d1, found.d1 + found.d2 - 1);
        CHECK(two_layer_capacity({d1, d2}, p) < N);
      }
    }
  }
}

TEST_CASE("what cannot be memorized is an error") {
  const matrix<double> x{{0}, {1}, {2}}, y{{1}, {2}, {3}};
  CHECK(message_of<shape_error>([&] {
          (void)memorize_two_layers(x, y, {4, 3}, seed);
        }) == "memorize_two_layers: widths 4 and 3 memorize 2 points with 1 outputs, got 3");
  CHECK(message_of<shape_error>([&] {
          (void)memorize_two_layers(x, matrix<double>{{1}}, {4, 4}, seed);
        }) == "memorize_two_layers: y is (1x1), expected (3x1)");
  CHECK(message_of<argument_error>([&] {
          (void)memorize_two_layers(matrix<double>{{1}, {0}, {1}}, y, {4, 4}, seed);
        }) == "project: rows 0 and 2 are one point");
  CHECK(message_of<argument_error>([&] {
          (void)memorize_two_layers(x, y, {4, 4}, seed, identity{});
        }) ==
        "memorize_two_layers: a gate of slope 1 has no kink to memorize with, expected one in "
        "[0, 1)");
  CHECK(message_of<argument_error>([] { (void)smallest_two_layer_widths(0, 1); }) ==
        "smallest_two_layer_widths: 0 points and 1 outputs, expected at least 1 of each");
  CHECK(message_of<argument_error>([] {
          (void)two_layer_capacity({4, 4}, 0);
        }) == "two_layer_capacity: p is 0, expected at least 1");
}
