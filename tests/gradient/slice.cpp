#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <tutelage/gradient/patterns.hpp>
#include <tutelage/gradient/segment.hpp>
#include <tutelage/gradient/slice.hpp>
#include <vector>

#include "support/gauge.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T>
using three = mlp<T, relu, dynamic, dynamic, dynamic, dynamic>;

template <class T>
input_slice<T> random_slice(std::size_t d, stream& random) {
  input_slice<T> slice;
  for (auto* vector : {&slice.origin, &slice.u, &slice.v}) {
    for (std::size_t i = 0; i < d; ++i) vector->push_back(random_normal<T>(random));
  }
  slice.a = {T(-2), T(1.5)};
  slice.b = {T(-1), T(3)};
  return slice;
}

template <class T>
std::vector<T> point_at(const input_slice<T>& slice, double a, double b) {
  std::vector<T> x;
  for (std::size_t i = 0; i < slice.origin.size(); ++i) {
    x.push_back(slice.origin[i] + static_cast<T>(a) * slice.u[i] + static_cast<T>(b) * slice.v[i]);
  }
  return x;
}

// By a forward pass.
template <class T, class... Networks>
std::vector<std::uint64_t> pattern_at(const std::vector<T>& x, const Networks&... networks) {
  gate_patterns patterns;
  patterns.reset(1, (hidden_nodes(networks) + ...));
  const auto append = [&](const auto& net) {
    activations<std::remove_cvref_t<decltype(net)>> kept;
    net.forward(matrix_view<const T>(x.data(), 1, x.size(), x.size()), kept);
    patterns.append(net, kept);
  };
  (append(networks), ...);
  return {patterns[0].begin(), patterns[0].end()};
}

// Twice the signed area of the triangle of a polygon's side and a point: positive on its left.
template <class R>
double side(const slice_region<R>& region, std::size_t i, double a, double b) {
  const auto& p = region.corners[i];
  const auto& q = region.corners[(i + 1) % region.corners.size()];
  return static_cast<double>(q[0] - p[0]) * (b - static_cast<double>(p[1])) -
         static_cast<double>(q[1] - p[1]) * (a - static_cast<double>(p[0]));
}

// Polygons are convex, fill the rectangle and have the gates of their points. `nearest` is how near
// to a side a forward pass is trusted, in units of the slice.
template <class T, class... Networks>
std::size_t check_slice(const input_slice<T>& slice, double nearest, stream& random,
                        const Networks&... networks) {
  const auto regions = regions_of_slice(slice, networks...);
  const auto width = static_cast<double>(slice.a[1] - slice.a[0]);
  const auto height = static_cast<double>(slice.b[1] - slice.b[0]);
  long double area = 0;
  std::set<std::vector<std::uint64_t>> patterns;
  for (const auto& region : regions) {
    REQUIRE(region.corners.size() >= 3);
    CHECK(region.area() > 0);
    area += region.area();
    patterns.insert(region.pattern);
    for (std::size_t i = 0; i < region.corners.size(); ++i) {
      const auto& corner = region.corners[(i + 2) % region.corners.size()];
      CHECK(side(region, i, static_cast<double>(corner[0]), static_cast<double>(corner[1])) >
            -64 * static_cast<double>(epsilon<T>) * width * height);
    }
  }
  CHECK(close_to(static_cast<double>(area - static_cast<long double>(width) * height), 0,
                 64 * static_cast<double>(epsilon<accumulator_t<T>>) * width * height));
  // A pattern's region is convex, and so one polygon.
  CHECK(patterns.size() == regions.size());
  std::size_t found = 0;
  for (int s = 0; s < 500; ++s) {
    const double a = static_cast<double>(slice.a[0]) + width * random.uniform();
    const double b = static_cast<double>(slice.b[0]) + height * random.uniform();
    for (const auto& region : regions) {
      double distance = 1e300;
      for (std::size_t i = 0; i < region.corners.size(); ++i) {
        distance = std::min(distance, side(region, i, a, b));
      }
      if (distance < nearest * (width + height)) continue;
      ++found;
      CHECK(pattern_at(point_at(slice, a, b), networks...) == region.pattern);
    }
  }
  CHECK(found <= 500);
  CHECK(found >= 495);
  return regions.size();
}

}  // namespace

TEST_CASE("polygons fill the slice and have the gates of their points") {
  stream random = random_stream(1);
  std::size_t regions = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const auto teacher = random_network<three<double>>({6, 5, 4, 2}, 3 * seed);
    const auto student = random_network<three<double>>({6, 12, 10, 2}, 3 * seed + 1);
    const auto leaky =
        random_network<mlp<double, leaky_relu<>, dynamic, dynamic, dynamic, dynamic>>({6, 4, 3, 1},
                                                                                      3 * seed + 2);
    regions += check_slice(random_slice<double>(6, random), 1e-9, random, teacher);
    regions += check_slice(random_slice<double>(6, random), 1e-9, random, student);
    regions += check_slice(random_slice<double>(6, random), 1e-9, random, leaky, teacher, student);
  }
  CHECK(regions > 1000);
  const auto in_float = random_network<three<float>>({6, 8, 8, 2}, 40);
  check_slice(random_slice<float>(6, random), 1e-5, random, in_float);
  const auto in_long_double = random_network<three<long double>>({6, 8, 8, 2}, 41);
  check_slice(random_slice<long double>(6, random), 1e-9, random, in_long_double);
}

TEST_CASE("a line through the slice crosses the regions of the segment") {
  stream random = random_stream(2);
  const auto net = random_network<three<double>>({3, 9, 8, 2}, 50);
  const auto slice = random_slice<double>(3, random);
  std::set<std::vector<std::uint64_t>> in_slice;
  for (const auto& region : regions_of_slice(slice, net)) in_slice.insert(region.pattern);
  for (int s = 0; s < 30; ++s) {
    const auto place = [&] {
      return point_at(slice, -2 + 3.5 * random.uniform(), -1 + 4 * random.uniform());
    };
    const auto p = place(), q = place();
    for (const auto& piece :
         regions_along(std::span<const double>(p), std::span<const double>(q), net)) {
      if (piece.end - piece.begin > 1e-10) CHECK(in_slice.count(piece.pattern) == 1);
    }
  }
}

TEST_CASE("known slices") {
  // Lines a = 0, b = 0, a + b = 1 and, where a > 0 and b > 0, a + b = 1/2.
  mlp<double, relu, 2, 3, 1, 1> net;
  auto W = net.layer<1>().weights();
  W(0, 0) = W(1, 1) = W(0, 2) = W(1, 2) = 1;
  W(2, 2) = -1;
  net.layer<2>().weights()(0, 0) = net.layer<2>().weights()(1, 0) = 1;
  net.layer<2>().bias()[0] = -0.5;
  const input_slice<double> slice{.origin = {0, 0}, .u = {1, 0}, .v = {0, 1}};
  const auto regions = regions_of_slice(slice, net);
  double area = 0;
  for (const auto& region : regions) {
    area += region.area();
    if (region.pattern == std::vector<std::uint64_t>{0b0011}) CHECK(region.area() == 0.125);
    if (region.pattern == std::vector<std::uint64_t>{0b1011}) CHECK(region.area() == 0.375);
    if (region.pattern == std::vector<std::uint64_t>{0b1111}) CHECK(region.area() == 0.5);
  }
  CHECK(area == 4);
  // The quadrants: (+, +) has 3 regions, (-, +) and (+, -) are cut where the other is 1/2, and
  // a + b < 1 there.
  CHECK(regions.size() == 8);
  // A network and a multiple of it have the same boundaries.
  auto multiple = net;
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t i = 0; i < 3; ++i) multiple.layer<1>().weights()(i, k) *= 0.3;
  }
  for (std::size_t i = 0; i < 2; ++i) multiple.layer<2>().weights()(i, 0) /= 0.3;
  CHECK(regions_of_slice(slice, net, multiple).size() == 8);
  // Without gates there is one region.
  const auto linear =
      random_network<mlp<double, identity, dynamic, dynamic, dynamic>>({2, 3, 1}, 1);
  CHECK(regions_of_slice(slice, linear).size() == 1);
}

TEST_CASE("nodes that are positive multiples of others cut nothing more") {
  stream random = random_stream(3);
  for (std::uint64_t seed = 60; seed < 70; ++seed) {
    const auto net = random_network<three<double>>({4, 8, 6, 2}, seed);
    auto multiple = net;
    for (std::size_t k = 0; k < 8; ++k) {
      const double factor = 0.1 + random.uniform();
      for (std::size_t i = 0; i < 5; ++i) multiple.layer<1>().weights()(i, k) *= factor;
      for (std::size_t j = 0; j < 6; ++j) multiple.layer<2>().weights()(k, j) /= factor;
    }
    const auto slice = random_slice<double>(4, random);
    CHECK(regions_of_slice(slice, net, multiple).size() == regions_of_slice(slice, net).size());
  }
}

TEST_CASE("lines are found in any units of weights and slice") {
  mlp<double, relu, 2, 2, 1> net;
  for (const double unit : {1e-320, 1e-170, 1e-160, 1e150, 1e300}) {
    for (const double axis : {1e-165, 1e-100, 1.0, 1e7}) {
      if (unit * axis < 1e-322) continue;
      net.layer<1>().weights()(0, 0) = net.layer<1>().weights()(1, 1) = unit;
      net.layer<1>().bias()[1] = -0.5 * unit * axis;
      double area = 0;
      const auto regions = regions_of_slice(
          input_slice<double>{.origin = {0, 0}, .u = {axis, 0}, .v = {0, axis}}, net);
      CHECK(regions.size() == 4);
      for (const auto& region : regions) {
        CHECK(region.corners.size() == 4);
        area += region.area();
      }
      CHECK(close_to(area, 4, 64 * epsilon<double>));
    }
  }
  // Heights at the ends of the range.
  net.layer<1>().weights()(0, 0) = net.layer<1>().weights()(1, 1) = 1.7e308;
  net.layer<1>().bias()[1] = 0;
  for (const auto& region :
       regions_of_slice(input_slice<double>{.origin = {0, 0}, .u = {1, 0}, .v = {0, 1}}, net)) {
    CHECK(region.area() == 1);
  }
}

TEST_CASE("slices that are not finite, and pre-activations that leave the range, are refused") {
  const double infinity = std::numeric_limits<double>::infinity();
  mlp<double, relu, 2, 1, 1, 1> net;
  net.layer<1>().weights()(0, 0) = net.layer<2>().weights()(0, 0) = 1;
  const input_slice<double> right{.origin = {0, 0}, .u = {1, 0}, .v = {0, 1}};
  CHECK(regions_of_slice(right, net).size() == 2);
  const auto refused = [&](const auto& change) {
    auto slice = right;
    change(slice);
    return message_of<argument_error>([&] { regions_of_slice(slice, net); });
  };
  CHECK(refused([](auto& s) { s.origin[0] = std::nan(""); }) ==
        "regions_of_slice: the origin has nan at row 0, column 0, expected finite numbers");
  CHECK(refused([&](auto& s) { s.u[1] = infinity; }) ==
        "regions_of_slice: u has inf at row 0, column 1, expected finite numbers");
  CHECK(refused([&](auto& s) { s.v[1] = -infinity; }) ==
        "regions_of_slice: v has -inf at row 0, column 1, expected finite numbers");
  for (const double side : {infinity, 1e308}) {
    CHECK(refused([&](auto& s) {
            s.a = {-side, side};
          }) == "regions_of_slice: the rectangle's area is not a finite number");
  }
  const std::string large = "regions_of_slice: pre-activations are too large for their numbers";
  net.layer<1>().weights()(0, 0) = net.layer<2>().weights()(0, 0) = 1e200;
  CHECK(refused([](auto&) {}) == large);
  net.layer<1>().weights()(0, 0) = 1e10;
  net.layer<2>().weights()(0, 0) = 1;
  CHECK(refused([](auto& s) {  // on the rectangle all are small, their slopes are not
          s.u[0] = 1e300;
          s.a = {-1e-300, 1e-300};
        }) == large);
  net.layer<2>().weights()(0, 0) = std::nan("");
  CHECK(refused([](auto&) {}) == "regions_of_slice: weight 0 of node 0 is not a finite number");
}

TEST_CASE("slices that do not fit") {
  const three<double> net({2, 3, 3, 1});
  CHECK(message_of<shape_error>([&] {
          regions_of_slice(input_slice<double>{.origin = {0, 0}, .u = {1, 0}, .v = {1}}, net);
        }) == "regions_of_slice: vectors of 2, 2 and 1 numbers, expected 2");
  CHECK(message_of<argument_error>([&] {
          regions_of_slice(
              input_slice<double>{.origin = {0, 0}, .u = {1, 0}, .v = {0, 1}, .a = {1, 1}}, net);
        }) == "regions_of_slice: the rectangle is empty");
}
