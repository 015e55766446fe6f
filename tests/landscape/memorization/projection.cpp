#include <cmath>
#include <cstddef>
#include <limits>

#include <tutelage/data/inputs.hpp>
#include <tutelage/landscape/memorization/projection.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

line_projection project_seeded(const matrix<double>& x, std::size_t directions = 100) {
  return project(x, 1, directions);
}

}  // namespace

TEST_CASE("points in order, along a unit vector, and the least gap is what it says") {
  const auto x = draw_inputs<double>(gaussian_inputs{2}, 60, 4, 1);
  const auto line = project_seeded(x);
  REQUIRE(line.t.size() == 60);
  double norm = 0, least = 1;
  for (const double u : line.u) norm += u * u;
  CHECK(close_to(norm, 1, 4 * epsilon<double>));
  for (std::size_t k = 0; k < 60; ++k) {
    double t = 0, size = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      t += line.u[i] * x(line.order[k], i);
      size += std::abs(line.u[i] * x(line.order[k], i));
    }
    CHECK(close_to(line.t[k], t, 4 * epsilon<double> * size));
    if (k > 0) least = std::min(least, line.t[k] - line.t[k - 1]);
  }
  CHECK(line.least_gap == least / (line.t.back() - line.t.front()));
  CHECK(line.mean_gap() == (line.t.back() - line.t.front()) / 59);
}

TEST_CASE("more directions never make the least gap smaller; an axis is taken where it is best") {
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 200, 3, 2);
  CHECK(project_seeded(x, 0).least_gap <= project_seeded(x, 10).least_gap);
  CHECK(project_seeded(x, 10).least_gap <= project_seeded(x, 200).least_gap);
  matrix<double> grid = make_matrix<double>(9, 2);
  for (std::size_t i = 0; i < 9; ++i) {
    grid(i, 0) = static_cast<double>(i % 2);
    grid(i, 1) = static_cast<double>(8 - i);
  }
  const auto line = project_seeded(grid, 20);
  CHECK(line.u == std::vector<double>{0, 1});
  CHECK(line.order.front() == 8);
  CHECK(line.least_gap == 0.125);
}

TEST_CASE("one point") {
  const auto line = project_seeded(matrix<double>{{0, 0}});
  CHECK(line.least_gap == 1);
  CHECK(line.mean_gap() == 1);
  CHECK(project_seeded(matrix<double>{{-0.5}}).mean_gap() == 1);
  for (const double at : {1e16, -1e16}) {
    const auto far = project_seeded(matrix<double>{{at}});
    CHECK(far.t[0] - far.mean_gap() < far.t[0]);
  }
}

TEST_CASE("what cannot be told apart is named") {
  CHECK(message_of<argument_error>([] {
          (void)project_seeded(matrix<double>{{1, 2}, {0, 1}, {3, 1}, {0, 1}});
        }) == "project: rows 1 and 3 are one point");
  const double next = std::nextafter(1.0, 2.0);
  // 1e300 on the other axis leaves nothing of the difference.
  CHECK(message_of<argument_error>([&] {
          (void)project_seeded(matrix<double>{{1, 1e300}, {next, 1e300}, {1, -1e300}, {1, 2e300}});
        }) == "project: rows 0 and 2 are told apart by no direction");
  CHECK(message_of<argument_error>([] {
          (void)project_seeded(matrix<double>{{1e308}, {-1e308}});
        }) == "project: distances of numbers as large as 1e+308 in x may be infinite");
  CHECK(project_seeded(matrix<double>{{8e307}, {-8e307}}).least_gap == 1);
  CHECK(message_of<argument_error>([] {
          (void)project_seeded(matrix<double>{{5e307, 5e307}, {0, -5e307}});
        }) == "project: distances of numbers as large as 5e+307 in x may be infinite");
  CHECK(message_of<shape_error>([] { (void)project_seeded(make_matrix<double>(0, 3)); }) ==
        "project: x is (0x3), expected at least one point");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] {
          (void)project_seeded(matrix<double>{{1, nan}});
        }) == "project: x has nan at row 0, column 1, expected finite numbers");
}
