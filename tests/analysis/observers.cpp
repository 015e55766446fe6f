#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include <tutelage/analysis/observers.hpp>
#include <tutelage/data/inputs.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity();
using any_layer = dense<double, dynamic, dynamic, relu>;

any_layer random_layer(std::size_t in, std::size_t out, stream& random) {
  any_layer l(in, out);
  fill_random(l.weights(), random);
  return l;
}

// One node.
any_layer node(const std::vector<double>& w, double b) {
  any_layer l(w.size(), 1);
  for (std::size_t i = 0; i < w.size(); ++i) l.weights()(i, 0) = w[i];
  l.bias()[0] = b;
  return l;
}

// The largest w_k.x + b_k on the box's edges where they cross j's boundary: a linear function on a
// polytope is largest at one of its corners, and the slice's corners lie on the box's edges.
double brute_force(const any_layer& j, const any_layer& k, const box& region) {
  const std::size_t d = region.low.size();
  const regular_weights w_j = make_regular(j), w_k = make_regular(k);
  double largest = -infinity;
  for (std::size_t axis = 0; axis < d; ++axis) {
    for (std::size_t corner = 0; corner < (std::size_t{1} << (d - 1)); ++corner) {
      long double at_j = w_j.bias[0], at_k = w_k.bias[0];
      for (std::size_t i = 0, bit = 0; i < d; ++i) {
        if (i == axis) continue;
        const long double x = (corner >> bit++ & 1) != 0 ? region.high[i] : region.low[i];
        at_j += w_j.direction(0)[i] * x;
        at_k += w_k.direction(0)[i] * x;
      }
      const long double x = -at_j / w_j.direction(0)[axis];
      if (x < region.low[axis] || x > region.high[axis]) continue;
      largest = std::max(largest, static_cast<double>(at_k + w_k.direction(0)[axis] * x));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("a box: all pairs as on the edges of the box, up to 10 dimensions") {
  stream random = random_stream(1);
  std::size_t invisible = 0, observing = 0;
  for (std::size_t d = 1; d <= 10; ++d) {
    for (int repeat = 0; repeat < 40; ++repeat) {
      box region{std::vector<double>(d), std::vector<double>(d)};
      double gauge = 0;
      for (std::size_t i = 0; i < d; ++i) {
        region.low[i] = random.normal();
        region.high[i] = region.low[i] + 2 * random.uniform() + 0.1;
        gauge += std::abs(region.low[i]) + std::abs(region.high[i]);
      }
      const auto j = random_layer(d, 1, random), k = random_layer(d, 1, random);
      const double expected = brute_force(j, k, region);
      const double found = observe(j, k, region).strength(0, 0);
      if (expected == -infinity) {
        ++invisible;
        CHECK(found == -infinity);
        continue;
      }
      observing += expected > 0;
      const double bias = std::abs(make_regular(j).bias[0]) + std::abs(make_regular(k).bias[0]);
      // The largest ratio of two weights passes the boundary's rounding on.
      double ratio = 1;
      for (std::size_t i = 0; i < d; ++i) {
        ratio = std::max(
            ratio, std::abs(make_regular(k).direction(0)[i] / make_regular(j).direction(0)[i]));
      }
      CHECK(close_to(found, expected, 8 * epsilon<double> * (gauge + bias) * ratio));
    }
  }
  CHECK(invisible > 50);
  CHECK(observing > 100);
}

TEST_CASE("a ball: the margin is the smallest of its upper bounds") {
  // On the boundary of j, w_k is w_k - t w_j for every t, which is at most so much in the ball; the
  // least of these bounds is attained.
  stream random = random_stream(2);
  std::size_t invisible = 0;
  for (const std::size_t d : {1U, 2U, 3U, 5U, 20U}) {
    for (int repeat = 0; repeat < 100; ++repeat) {
      ball region{std::vector<double>(d), 0.5 + random.uniform()};
      for (double& c : region.center) c = random.normal() / 2;
      const auto j = random_layer(d, 1, random), k = random_layer(d, 1, random);
      const regular_weights w_j = make_regular(j), w_k = make_regular(k);
      const auto bound = [&](long double t) {
        long double at_center = w_k.bias[0] - t * w_j.bias[0], square = 0;
        for (std::size_t i = 0; i < d; ++i) {
          const long double w = w_k.direction(0)[i] - t * w_j.direction(0)[i];
          at_center += w * region.center[i];
          square += w * w;
        }
        return at_center + region.radius * std::sqrt(square);
      };
      long double low = -1e4L, high = 1e4L;
      for (int step = 0; step < 200; ++step) {
        const long double third = (high - low) / 3;
        (bound(low + third) < bound(high - third) ? high : low) +=
            bound(low + third) < bound(high - third) ? -third : third;
      }
      const double found = observe(j, k, region).strength(0, 0);
      const double height = detail::distance({w_j.direction(0), w_j.bias[0]}, region.center).value;
      if (std::abs(height) >= region.radius) {
        CHECK(found == -infinity);
        ++invisible;
        continue;
      }
      const double gauge = region.radius * 4 + static_cast<double>(d) + std::abs(w_j.bias[0]) +
                           std::abs(w_k.bias[0]);
      // Near the ball's surface the cut is a root of a small difference.
      const double steep = region.radius / std::sqrt(region.radius - std::abs(height));
      CHECK(close_to(found, static_cast<double>(bound(low)), 8 * epsilon<double> * gauge * steep));
    }
  }
  CHECK(invisible > 20);
}

TEST_CASE("all space: only multiples of a direction may not observe") {
  const auto j = node({3, 4}, 10);  // regular bias 2
  const auto strength = [&](const any_layer& k) {
    return observe(j, k, all_space{}).strength(0, 0);
  };
  CHECK(strength(node({3, 4.001}, -100)) == infinity);
  CHECK(strength(node({0.3, 0.4}, 1.5)) == 1);  // b = 3, parallel: always on the active side
  CHECK(strength(node({0.3, 0.4}, 0.5)) == -1);
  CHECK(strength(node({0.3, 0.4}, 1)) == 0);      // the node itself
  CHECK(strength(node({-0.3, -0.4}, 1.5)) == 5);  // opposite: -w.x + 3 = 2 + 3 on the boundary
  CHECK(strength(node({-0.3, -0.4}, -1)) == 0);   // the same boundary from the other side
  CHECK(strength(node({-0.3, -0.4}, -1.5)) == -1);
}

TEST_CASE("a node and its copies do not observe it, in any region") {
  stream random = random_stream(3);
  std::size_t visible = 0;
  for (std::size_t d = 1; d <= 8; ++d) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto j = random_layer(d, 1, random);
      any_layer copies(d, 3);
      for (std::size_t i = 0; i <= d; ++i) {
        copies.weights()(i, 0) = j.weights()(i, 0);
        copies.weights()(i, 1) = j.weights()(i, 0) * 0.7;
        copies.weights()(i, 2) = j.weights()(i, 0) * -1.3;
      }
      const auto check = [&](const auto& region) {
        const observers found = observe(j, copies, region);
        for (std::size_t k = 0; k < 3; ++k) CHECK(!found.observes(0, k));
        visible += found.strength(0, 0) == 0;
      };
      check(ball{std::vector<double>(d, 0.25), 2});
      check(box{std::vector<double>(d, -1), std::vector<double>(d, 1.5)});
      check(all_space{});
    }
  }
  CHECK(visible > 600);
}

TEST_CASE("a large ball is all space, a box lies between its balls") {
  stream random = random_stream(4);
  for (const std::size_t d : {2U, 4U, 6U}) {
    const auto teacher = random_layer(d, 12, random), student = random_layer(d, 20, random);
    const auto all = observe(teacher, student, all_space{});
    const auto large = observe(teacher, student, ball{std::vector<double>(d), 1e6});
    const auto inner = observe(teacher, student, ball{std::vector<double>(d), 0.75});
    const auto between =
        observe(teacher, student, box{std::vector<double>(d, -0.75), std::vector<double>(d, 0.75)});
    const auto outer = observe(
        teacher, student, ball{std::vector<double>(d), 0.75 * std::sqrt(static_cast<double>(d))});
    std::size_t differ = 0;
    for (std::size_t j = 0; j < 12; ++j) {
      for (std::size_t k = 0; k < 20; ++k) {
        CHECK(all.observes(j, k));
        CHECK(large.observes(j, k));
        CHECK(inner.strength(j, k) <= between.strength(j, k));
        CHECK(between.strength(j, k) <= outer.strength(j, k));
        differ += inner.observes(j, k) != outer.observes(j, k);
      }
    }
    CHECK(differ > 0);
  }
}

TEST_CASE("who observes whom does not depend on the region's unit") {
  // Along x_0 = 0 the other node is active where x_1 > 0: up to the unit.
  dense<double, 2, 1, relu> j, k;
  j.weights()(0, 0) = k.weights()(1, 0) = 1;
  for (const double unit : {1e-300, 1e-170, 1.0, 1e170, 1e300}) {
    CHECK(close_to(observe(j, k, ball{{0, 0}, unit}).strength(0, 0), unit,
                   16 * epsilon<double> * unit));
    CHECK(close_to(observe(j, k, box{{-unit, -unit}, {unit, unit}}).strength(0, 0), unit,
                   16 * epsilon<double> * unit));
  }
}

TEST_CASE("best observers and teachers without any") {
  auto strength = make_matrix<double>(3, 3);
  strength(0, 1) = strength(0, 2) = 0.5;
  strength(1, 0) = -infinity;
  strength(2, 0) = 0.1;
  strength(2, 2) = infinity;
  const observers found(strength);
  CHECK(found.best(0) == std::optional<std::size_t>(1));  // of equal ones the first
  CHECK(found.best(1) == std::nullopt);
  CHECK(found.best(2) == std::optional<std::size_t>(2));
  CHECK(found.of(0) == std::vector<std::size_t>{1, 2});
  CHECK(found.of(1).empty());
  CHECK(found.unobserved() == std::vector<std::size_t>{1});
  CHECK(found.observed_nodes() == 3);
  CHECK(found.observing_nodes() == 3);
}

TEST_CASE("nodes without weights") {
  any_layer teacher(2, 2), student(2, 3);
  teacher.weights()(0, 0) = 1;
  teacher.bias()[1] = 1;   // no boundary
  student.bias()[0] = 1;   // always active
  student.bias()[1] = -1;  // never
  for (int region = 0; region < 3; ++region) {
    const observers found = region == 0   ? observe(teacher, student, ball{{0, 0}, 1})
                            : region == 1 ? observe(teacher, student, box{{-1, -1}, {1, 1}})
                                          : observe(teacher, student, all_space{});
    CHECK(found.strength(0, 0) == 1);
    CHECK(found.strength(0, 1) == -1);
    CHECK(found.strength(0, 2) == -1);
    for (std::size_t k = 0; k < 3; ++k) CHECK(found.strength(1, k) == -infinity);
    CHECK(found.unobserved() == std::vector<std::size_t>{1});
  }
}

TEST_CASE("an open region only sees boundaries that cross it") {
  const auto k = node({0, 1}, 5);
  const auto sees = [&](double b, const auto& region) {
    return observe(node({1, 0}, b), k, region).observes(0, 0);
  };
  const ball unit{{0, 0}, 1};
  const box square{{-1, -1}, {1, 1}};
  for (const double b : {0.0, 0.5, -0.999}) {
    CHECK(sees(b, unit));
    CHECK(sees(b, square));
  }
  for (const double b : {1.0, -1.0, 1.5}) {
    CHECK(!sees(b, unit));
    CHECK(!sees(b, square));
  }
}

TEST_CASE("regions and layers that do not fit") {
  const any_layer two(2, 1), three(3, 1);
  CHECK(message_of<shape_error>([&] { observe(two, three, all_space{}); }) ==
        "observe: the observing layer takes 3 inputs, the observed one 2");
  CHECK(message_of<argument_error>([&] {
          observe(two, two, ball{{0, 0, 0}, 1});
        }) ==
        "observe: a ball of radius 1 around 3 coordinates, expected a positive radius, 2 "
        "coordinates and finite numbers");
  CHECK_THROWS_AS(observe(two, two, ball{{0, 0}, 0}), argument_error);
  CHECK_THROWS_AS(observe(two, two, ball{{0, 0}, infinity}), argument_error);
  CHECK(message_of<argument_error>([&] {
          observe(two, two, box{{0, 0}, {1, 0}});
        }) ==
        "observe: a box of 2 low and 2 high ends, expected 2 finite ones each, low below high");
  // Whose sums leave the range of numbers.
  CHECK_THROWS_AS(observe(two, two, ball{{1e308, 0}, 1e308}), argument_error);
  CHECK_THROWS_AS(observe(two, two, box{{-1e308, -1}, {1e308, 1}}), argument_error);
  CHECK_THROWS_AS(observe(two, two, ball{{std::nan(""), 0}, 1}), argument_error);
  CHECK_THROWS_AS(observe(two, two, box{{0, 0}, {1, std::nan("")}}), argument_error);
  auto wrong = two;
  wrong.bias()[0] = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { observe(two, wrong, all_space{}); }) ==
        "observe: weight 2 of node 0 is not a finite number");
}

namespace {
// A user's region, from the concept alone: sum_i ((x_i - center_i) / axis_i)^2 < 1. With
// x = center + axis y, it is the unit ball of y.
struct ellipsoid {
  std::vector<double> center, axis;

  void require(std::size_t d) const {
    if (center.size() != d || axis.size() != d)
      throw argument_error("ellipsoid: another dimension");
  }
  [[nodiscard]] region_margin reach(const half_space& j, const half_space& k) const {
    double to_j = 0, to_k = 0, at_j = j.b, at_k = k.b, along = 0;
    for (std::size_t i = 0; i < axis.size(); ++i) {
      const double a_j = axis[i] * j.w[i], a_k = axis[i] * k.w[i];
      to_j += a_j * a_j;
      to_k += a_k * a_k;
      along += a_j * a_k;
      at_j += center[i] * j.w[i];
      at_k += center[i] * k.w[i];
    }
    const double height = at_j / std::sqrt(to_j);
    if (std::abs(height) >= 1) return region_margin::none();
    const double across = std::sqrt(std::max(0.0, to_k - along * along / to_j));
    return {at_k - height * along / std::sqrt(to_j) + std::sqrt(1 - height * height) * across};
  }
};
static_assert(input_region<ball> && input_region<box> && input_region<all_space> &&
              input_region<ellipsoid> && !input_region<std::vector<double>>);
}  // namespace

TEST_CASE("a user's region: an ellipsoid; where it is round, as the ball") {
  stream random = random_stream(31);
  std::size_t met = 0;
  for (int repeat = 0; repeat < 200; ++repeat) {
    const auto j = random_layer(2, 1, random), k = random_layer(2, 1, random);
    const std::vector<double> center{random.normal(), random.normal()};
    const ball round{center, 1.5};
    const double of_ball = observe(j, k, round).strength(0, 0);
    const double of_round = observe(j, k, ellipsoid{center, {1.5, 1.5}}).strength(0, 0);
    CHECK((of_ball == of_round || close_to(of_round, of_ball, 1e-12)));
    // The boundary cuts an ellipse in the plane at two points, one of which is the best of it.
    const ellipsoid flat{center, {2.0, 0.5}};
    const double found = observe(j, k, flat).strength(0, 0);
    const regular_weights w_j = make_regular(j), w_k = make_regular(k);
    const double u = 2.0 * w_j.direction(0)[0], v = 0.5 * w_j.direction(0)[1];
    const double at =
        w_j.bias[0] + w_j.direction(0)[0] * center[0] + w_j.direction(0)[1] * center[1];
    const double length = std::sqrt(u * u + v * v), angle = std::atan2(v, u);
    if (std::abs(at) >= length) {
      CHECK(found == -infinity);
      continue;
    }
    ++met;
    double best = -infinity;
    for (const double turn : {std::acos(-at / length), -std::acos(-at / length)}) {
      const double x = center[0] + 2.0 * std::cos(angle + turn);
      const double y = center[1] + 0.5 * std::sin(angle + turn);
      best = std::max(best, w_k.bias[0] + w_k.direction(0)[0] * x + w_k.direction(0)[1] * y);
    }
    CHECK(close_to(found, best, 1e-12 * (1 + std::abs(best)) * (1 + std::abs(at))));
  }
  CHECK(met > 50);
  CHECK(message_of<argument_error>([&] {
          observe(node({1, 2}, 0), node({1, 2}, 0), ellipsoid{{0}, {1}});
        }) == "ellipsoid: another dimension");
  CHECK(message_of<argument_error>([&] {  // the squares of its axes vanish
          observe(node({1, 2}, 0), node({2, 1}, 0), ellipsoid{{0, 0}, {1e-170, 1e-170}});
        }) == "observe: the margin of node 0 at node 0 is not a number");
}
