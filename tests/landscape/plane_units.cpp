#include <algorithm>
#include <cstddef>
#include <limits>

#include <tutelage/landscape/plane_units.hpp>

#include "support/thrown.hpp"

namespace {

using namespace tutelage;

matrix<double> points() { return {{-1, 1}, {0, 1}, {1, 1}, {2, 1}, {-1, 0}}; }
matrix<double> labels() { return {{1}, {1}, {2}, {3}, {0}}; }

}  // namespace

TEST_CASE("rays in the order of their angles, columns as defined") {
  const auto samples = make_plane_samples(points(), labels());
  const plane_units units(samples);
  CHECK(units.rays().size() == 10);
  for (std::size_t k = 0; k < 10; ++k) {
    const auto& g = units.rays()[k];
    const auto& next = units.rays()[(k + 1) % 10];
    CHECK(g[0] * next[1] - g[1] * next[0] > 0);  // the next is to the left, by less than pi
    bool on_a_line = false;
    for (std::size_t i = 0; i < 5; ++i) {
      const integer product = g[0] * samples.x[i][0] + g[1] * samples.x[i][1];
      on_a_line = on_a_line || product == 0;
      CHECK(units.columns()[k][i] == std::max(product, integer(0)));
    }
    CHECK(on_a_line);
  }
}

TEST_CASE("states: one dead, and what is above what") {
  const plane_units units(make_plane_samples(points(), labels()));
  const auto& states = units.states();
  CHECK(states.size() == 35);  // of 10 rays and 10 cones, 2 and 1 are dead
  CHECK(states[0].rays.empty());
  CHECK(units.above(0).size() == 16);
  for (std::size_t k = 1; k < states.size(); ++k) {
    const auto above = units.above(k);
    CHECK(above.size() == (states[k].rays.size() == 1 ? 2 : 0));
    for (const std::size_t i : above) {
      CHECK(states[i].sign == states[k].sign);
      CHECK(std::count(states[i].rays.begin(), states[i].rays.end(), states[k].rays[0]) == 1);
    }
  }
}

TEST_CASE("points on a common line, a point at the origin and fractions") {
  const plane_units units(
      make_plane_samples(matrix<double>{{0.5, 0.25}, {-1, -0.5}, {0, 0}, {0, 3}},
                         matrix<double>{{0.5}, {0}, {0}, {0.125}}));
  CHECK(units.rays().size() == 4);
  const auto samples =
      make_plane_samples(matrix<double>{{0.5, 0.25}, {0, 3}}, matrix<double>{{0.5}, {0.125}});
  CHECK(samples.x_scale == 4);
  CHECK(samples.y_scale == 8);
  CHECK(samples.x[0] == std::array<integer, 2>{2, 1});
  CHECK(samples.y[1] == 1);
}

TEST_CASE("what are no samples in the plane is an error") {
  const auto message = [](const matrix<double>& x, const matrix<double>& y) {
    return [x, y] { (void)make_plane_samples(x, y); };
  };
  CHECK(test::message_of<shape_error>(message({{1, 2, 3}}, {{1}})) ==
        "make_plane_samples: x is (1x3), expected (1x2)");
  CHECK(test::message_of<shape_error>(message({{1, 2}, {0, 1}}, {{1}})) ==
        "make_plane_samples: y is (1x1), expected (2x1)");
  CHECK(test::message_of<argument_error>(message({{1, 2}, {-2, -4}, {0, 0}}, {{1}, {1}, {1}})) ==
        "make_plane_samples: the 3 points lie on one line through the origin");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(test::message_of<argument_error>(message({{1, 2}, {2, nan}}, {{1}, {1}})) ==
        "make_plane_samples: x has nan at row 1, column 1, expected finite numbers");
}
