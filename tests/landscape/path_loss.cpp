#include <cmath>
#include <cstddef>
#include <vector>

#include <tutelage/landscape/path_loss.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using line_net = mlp<double, identity, 1, 1, 1>;

// f(x) = v w x on the one sample x = 1, y = 0.
line_net product(double w, double v) {
  line_net net;
  net.layer<1>().weights()(0, 0) = w;
  net.layer<2>().weights()(0, 0) = v;
  return net;
}

data_set<matrix<double>, matrix<double>> one_sample() {
  auto x = make_matrix<double>(1, 1);
  x(0, 0) = 1;
  return {x, make_matrix<double>(1, 1)};
}

// Not convex in the outputs: largest where |f| is small.
struct bump {
  template <scalar T>
  T evaluate(matrix_view<const T> f, std::type_identity_t<matrix_view<const T>>,
             std::type_identity_t<matrix_view<T>>) const {
    return std::exp(-1000 * f(0, 0) * f(0, 0));
  }
};

}  // namespace

TEST_CASE("losses along a line are those of its points") {
  // w = 1 - 2t, v = t: f = t - 2 t^2.
  const auto line = straight_line(product(1, 0), product(-1, 1));
  const auto points = losses_along(line, one_sample(), mean_squared_error{}, {.points = 8});
  REQUIRE(points.size() == 9);
  for (std::size_t i = 0; i <= 8; ++i) {
    const double t = static_cast<double>(i) / 8, f = t - 2 * t * t;
    CHECK(points[i].t == t);
    CHECK(close_to(points[i].loss, f * f / 2, 8 * epsilon<double>));
  }
}

TEST_CASE("a peak inside a straight segment is located") {
  // f = (1 - t)(1 + 3t): largest at t = 1/3, 4/3. No grid of 8 has it.
  const auto line = straight_line(product(1, 1), product(0, 4));
  for (const std::size_t points : {2U, 7U, 8U}) {
    const auto top = largest_loss(line, one_sample(), mean_squared_error{}, {points, 1e-7});
    CHECK(close_to(top.t, 1.0 / 3, 1e-7));
    CHECK(close_to(top.loss, 8.0 / 9, 1e-13));
  }
  // f = (1 - t)(1 + 1.05 t): largest at 1/42, before the grid's first point, of which the end is
  // higher.
  const auto early = straight_line(product(1, 1), product(0, 2.05));
  const auto top = largest_loss(early, one_sample(), mean_squared_error{}, {4, 1e-7});
  CHECK(close_to(top.t, 0.05 / 2.1, 1e-7));
  CHECK(close_to(top.position(), 0.05 / 2.1, 1e-7));
}

TEST_CASE("the largest loss of a path is that of its highest segment") {
  piecewise_path path(product(1, 0.5));
  path.append(segment_kind::top, product(1, 0));
  path.append(segment_kind::straight, product(1, 1));
  path.append(segment_kind::straight, product(0, 4));
  const auto top = largest_loss(path, one_sample(), mean_squared_error{}, {.points = 4});
  CHECK(top.segment == 2);
  CHECK(close_to(top.position(), 2 + 1.0 / 3, 1e-6));
}

TEST_CASE("on a top segment only a loss that is not convex can peak inside") {
  piecewise_path path(product(1, -1));
  path.append(segment_kind::top, product(1, 1.2));
  const auto convex = largest_loss(path, one_sample(), mean_squared_error{});
  CHECK(convex.t == 1);
  CHECK(close_to(convex.loss, 0.72, 4 * epsilon<double>));
  const auto inside = largest_loss(path, one_sample(), bump{}, {16, 1e-8});
  CHECK(close_to(inside.t, 1 / 2.2, 1e-7));
}

TEST_CASE("a search comes to an end where the tolerance is finer than numbers are") {
  // f = (1 - t)(1 + 3t) as above, and one with its peak at 0, where numbers are finest.
  const auto inside = largest_loss(straight_line(product(1, 1), product(0, 4)), one_sample(),
                                   mean_squared_error{}, {16, 1e-17});
  CHECK(close_to(inside.t, 1.0 / 3, 1e-7));
  CHECK(close_to(inside.loss, 8.0 / 9, 1e-13));
  const auto end = largest_loss(straight_line(product(1, 1), product(0, 0.5)), one_sample(),
                                mean_squared_error{}, {16, 5e-324});
  CHECK(end.t == 0);
  CHECK(end.loss == 0.5);
}

TEST_CASE("a grid has points") {
  const auto line = straight_line(product(1, 1), product(0, 4));
  CHECK(message_of<argument_error>(
            [&] { losses_along(line, one_sample(), mean_squared_error{}, {.points = 0}); }) ==
        "losses_along: 0 points and a tolerance of 1e-06, expected at least 1 and more than 0");
}
