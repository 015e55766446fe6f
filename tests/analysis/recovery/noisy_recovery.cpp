#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <tutelage/analysis/recovery/noisy_recovery.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using any_layer = dense<double, dynamic, dynamic, relu>;

comparison nearly(double actual, double expected) {
  return close_to(actual, expected, 32 * epsilon<double> * std::abs(expected));
}

any_layer node(const std::vector<double>& w, double b) {
  any_layer l(w.size(), 1);
  for (std::size_t i = 0; i < w.size(); ++i) l.weights()(i, 0) = w[i];
  l.bias()[0] = b;
  return l;
}

}  // namespace

TEST_CASE("bounds by hand") {
  // d = 2: sqrt(d / 2 pi) = 1 / sqrt(pi). delta = 1/2, eps0 = 1/4: eps0^delta = 1/2.
  const noisy_setting s{.eps = 0.01,
                        .eps0 = 0.25,
                        .delta = 0.5,
                        .K = 3,
                        .d = 2,
                        .coefficient = 2,
                        .radius = 5,
                        .reach = 7};
  const auto b = noisy_recovery(s);
  const double M = 1 / std::sqrt(std::numbers::pi);
  CHECK(nearly(b.M, M));
  CHECK(nearly(b.M2, 2 * 7 * M * 3 / 2 + 5.0 / 4));
  CHECK(nearly(b.sine, M * 3 * 0.1 / 2));
  CHECK(nearly(b.bias_gap, b.M2 / 2));
}

TEST_CASE("no delta is better than 0, and the bounds are then proportional to eps") {
  noisy_setting s{
      .eps = 1e-4, .eps0 = 1e-2, .K = 8, .d = 6, .coefficient = 0.7, .radius = 0.4, .reach = 3};
  const auto best = noisy_recovery(s);
  CHECK(nearly(best.sine, 10 * 8 * 1e-4 * std::sqrt(6 / (2 * std::numbers::pi)) / (0.4 * 0.7)));
  for (const double delta : {0.01, 0.1, 0.5, 1.0, 2.0}) {
    auto other = s;
    other.delta = delta;
    CHECK(nearly(noisy_recovery(other).sine, best.sine * std::pow(100, delta)));
    CHECK(nearly(noisy_recovery(other).bias_gap, best.bias_gap * std::pow(100, 2 * delta)));
    other.eps = other.eps0;  // delta does not matter
    s.eps = s.eps0;
    CHECK(close_to(noisy_recovery(other).sine, noisy_recovery(s).sine,
                   64 * epsilon<double> * noisy_recovery(s).sine));
    s.eps = 1e-4;
  }
  s.eps /= 10;
  CHECK(nearly(noisy_recovery(s).sine, best.sine / 10));
  CHECK(nearly(noisy_recovery(s).bias_gap, best.bias_gap / 10));
}

TEST_CASE("the volume argument: slabs of the bound's width cannot fill the ball") {
  // K-1 slabs, each as wide as the bound on the sine allows, cover less than a (d-1)-ball of radius
  // r.
  for (const std::size_t d : {2U, 3U, 10U, 100U}) {
    const double K = 20, r = 0.3, c = 1.7, eps = 1e-3;
    const auto b = noisy_recovery(
        {.eps = eps, .eps0 = eps, .K = K, .d = d, .coefficient = c, .radius = r, .reach = 1});
    const double width = 2 * (5 * eps / c) / b.sine;
    const double n = static_cast<double>(d);
    // V_{d-1}(r) / V_{d-2}(r)
    const double height =
        r * std::sqrt(std::numbers::pi) * std::exp(std::lgamma(n / 2) - std::lgamma((n + 1) / 2));
    CHECK((K - 1) * width < height);
    CHECK(K * width > 0.7 * height);  // and hardly less
  }
}

TEST_CASE("the visible part of a boundary, by hand and by sampling") {
  const auto j = node({2, 0, 0}, -1);  // x_0 = 1/2
  const auto see = [&](const any_layer& k, double q) {
    return see_boundary(j, 0, k, 0, ball{{0, 0, 0}, 1}, q);
  };
  const double cut = std::sqrt(0.75);
  CHECK(nearly(see(node({1, 0, 0}, 9), 0).radius, cut));      // all of it
  CHECK(nearly(see(node({0, 1, 0}, 0), 0).radius, cut / 2));  // half of it
  CHECK(nearly(see(node({0, 1, 0}, 0.3), 0).radius, (cut + 0.3) / 2));
  CHECK(nearly(see(node({0, -5, 0}, -1.5), 0).radius, (cut - 0.3) / 2));
  CHECK(nearly(see(node({0.6, 0.8, 0}, -0.14), 0).radius, (cut + 0.2) / 2));  // oblique
  CHECK(see(node({0, 1, 0}, -0.9), 0).radius == 0);                           // beyond the slice
  CHECK(see(node({-1, 0, 0}, 0.4), 0).radius == 0);                           // not active there
  CHECK(see(node({0, 0, 0}, 1), 0).radius == see(node({1, 0, 0}, 9), 0).radius);
  CHECK(see(node({0, 0, 0}, -1), 0).radius == 0);
  CHECK(see(node({0, 1, 0}, 0), 0.5).radius == 0);  // the ball within only touches the boundary
  CHECK(nearly(see(node({1, 0, 0}, 9), 0.25).radius, std::sqrt(0.5625 - 0.25)));
  CHECK(nearly(see(node({0, 1, 0}, 0), 0.25).radius, (std::sqrt(0.5625 - 0.25) - 0.25) / 2));
  CHECK(see(node({0, 1, 0}, 0), 0).reach == 1);

  // Every point of the (d-1)-ball, moved by q in any direction, is in the region.
  stream random = random_stream(1);
  std::size_t visible = 0;
  for (int repeat = 0; repeat < 200; ++repeat) {
    any_layer a(3, 1), b(3, 1);
    fill_random(a.weights(), random);
    fill_random(b.weights(), random);
    const ball region{{0.1, -0.2, 0.3}, 1.5};
    const double q = 0.1;
    const auto found = see_boundary(a, 0, b, 0, region, q);
    const auto margin = [&](const ball& within) { return observe(a, b, within).strength(0, 0); };
    // Something is visible exactly where k's margin, q inside, is positive.
    CHECK((found.radius > 0) == (margin(ball{region.center, region.radius - q}) > q));
    visible += found.radius > 0;
    CHECK(found.radius <= region.radius - q);
    if (found.radius > 0) {
      CHECK(found.reach >= region.radius - q);
      // No more than half the width of the slice on k's side, nor than the slice.
      const auto more = see_boundary(a, 0, b, 0, region, 0);
      CHECK(more.radius > found.radius);
    }
  }
  CHECK(visible > 50);
}

TEST_CASE("nothing seen, and settings that mean nothing") {
  const noisy_setting good{
      .eps = 0.1, .eps0 = 0.1, .K = 2, .d = 2, .coefficient = 1, .radius = 1, .reach = 1};
  const double infinity = std::numeric_limits<double>::infinity();
  auto blind = good;
  blind.radius = 0;
  CHECK(noisy_recovery(blind).sine == infinity);
  blind = good;
  blind.coefficient = 0;
  CHECK(noisy_recovery(blind).bias_gap == infinity);
  const auto check = [&](auto change) {
    auto wrong = good;
    change(wrong);
    CHECK_THROWS_AS(noisy_recovery(wrong), argument_error);
  };
  for (const double x : {-1.0, std::nan(""), infinity}) {
    check([&](auto& s) { s.eps = x; });
    check([&](auto& s) { s.eps0 = x; });
    check([&](auto& s) { s.delta = x; });
    check([&](auto& s) { s.K = x; });
    check([&](auto& s) { s.coefficient = x; });
    check([&](auto& s) { s.radius = x; });
    check([&](auto& s) { s.reach = x; });
  }
  check([&](auto& s) { s.eps = 0; });
  check([&](auto& s) { s.eps = 0.2; });
  check([&](auto& s) { s.d = 1; });
  CHECK_THROWS_AS(see_boundary(node({1}, 0), 0, node({1}, 0), 0, ball{{0}, 1}, -1), argument_error);
  CHECK_THROWS_AS(see_boundary(node({1}, 0), 0, node({1}, 0), 0, ball{{0, 0}, 1}, 0),
                  argument_error);
  CHECK(see_boundary(node({0}, 1), 0, node({1}, 0), 0, ball{{0}, 1}, 0).radius == 0);
  // Shapes, before anything is read.
  const auto see = [](const any_layer& j, std::size_t at_j, const any_layer& k, std::size_t at_k) {
    return see_boundary(j, at_j, k, at_k, ball{{0, 0}, 1}, 0);
  };
  CHECK(
      message_of<shape_error>([&] {
        see(node({1, 0}, 0), 0, node({1, 0, 0, 0, 0}, 0), 0);
      }) ==
      "see_boundary: node 0 of a (2x1) layer, node 0 of a (5x1) one; expected nodes of theirs and "
      "the same inputs");
  CHECK_THROWS_AS(see(node({1, 0}, 0), 7, node({1, 0}, 0), 0), shape_error);
  CHECK_THROWS_AS(see(node({1, 0}, 0), 0, node({1, 0}, 0), 7), shape_error);
  CHECK_THROWS_AS(see(node({infinity, 0}, 0), 0, node({1, 0}, 0), 0), argument_error);
}
