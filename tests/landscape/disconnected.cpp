#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <tutelage/core/random.hpp>
#include <tutelage/landscape/disconnected.hpp>

#include "support/thrown.hpp"

namespace {

using namespace tutelage;

matrix<double> points() { return {{-1, 1}, {0, 1}, {1, 1}, {2, 1}, {-1, 0}}; }
matrix<double> labels() { return {{1}, {1}, {2}, {3}, {0}}; }

// max_i |f(x_i) - y_i|, written plainly.
rational misfit(const std::vector<exact_node>& nodes, const matrix<double>& x,
                  const matrix<double>& y) {
  rational worst = 0;
  for (std::size_t i = 0; i < x.shape(0); ++i) {
    rational f = 0;
    for (const auto& node : nodes) {
      const rational a = node.w[0] * rational(x(i, 0)) + node.w[1] * rational(x(i, 1));
      if (a > 0) f += node.sign * a;
    }
    const rational r = abs(rational(f - rational(y(i, 0))));
    worst = std::max(worst, r);
  }
  return worst;
}

exact_node node(int sign, int a, int b) { return {sign, {rational(a), rational(b)}}; }

bool has(const minimum_component& c, const exact_node& expected) {
  return std::any_of(c.representative.begin(), c.representative.end(), [&](const exact_node& n) {
    return n.sign == expected.sign && n.w == expected.w;
  });
}

}  // namespace

TEST_CASE("three components found from the data alone, with their exact barriers") {
  const auto found = global_minima(points(), labels(), 3);
  CHECK(found.states == 35);
  CHECK(found.cells == 7770);
  CHECK(found.least_residual == 0);
  REQUIRE(found.components.size() == 3);
  CHECK(found.components[0].cells == 37);
  CHECK(found.components[1].cells == 6);
  CHECK(found.components[2].cells == 6);
  for (const auto& c : found.components) CHECK(misfit(c.representative, points(), labels()) == 0);
  CHECK(has(found.components[0], node(1, 0, 1)));
  CHECK(has(found.components[0], node(1, 1, 0)));
  CHECK(has(found.components[0], node(0, 0, 0)));
  const std::size_t c1 = has(found.components[1], node(1, 1, 1)) ? 1 : 2, c2 = 3 - c1;
  CHECK(has(found.components[c1], node(1, -1, 0)));
  CHECK(has(found.components[c1], node(-1, -1, -1)));
  CHECK(has(found.components[c2], node(1, 0, 3)));
  CHECK(has(found.components[c2], node(1, -1, 0)));
  CHECK(has(found.components[c2], node(-1, -1, 2)));
  CHECK(found.barrier[0][c1] == rational(1, 9));
  CHECK(found.barrier[c1][0] == rational(1, 9));
  CHECK(found.barrier[0][c2] == rational(1, 4));
  CHECK(found.barrier[c1][c2] == rational(1, 4));

  // No path is lower: straight ones by way of a random network each.
  stream random(1, purpose::analysis);
  const auto value = [](const rational& r) { return r.convert_to<double>(); };
  const auto& from = found.components[0].representative;
  const auto& to = found.components[c1].representative;
  double lowest = 1e9;
  for (int round = 0; round < 100; ++round) {
    double worst = 0, middle[3][3];
    for (auto& m : middle) {
      for (double& number : m) number = random.normal();
    }
    for (int step = 0; step <= 80; ++step) {
      const double t = std::abs(step - 40) / 40.0;
      const auto& end = step < 40 ? from : to;
      for (std::size_t i = 0; i < 5; ++i) {
        double f = 0;
        for (std::size_t k = 0; k < 3; ++k) {
          const auto mix = [&](double a, double b) { return t * a + (1 - t) * b; };
          const double w0 = mix(value(end[k].w[0]), middle[k][0]);
          const double w1 = mix(value(end[k].w[1]), middle[k][1]);
          f += mix(end[k].sign, middle[k][2]) *
               std::max(0.0, w0 * points()(i, 0) + w1 * points()(i, 1));
        }
        worst = std::max(worst, std::abs(f - labels()(i, 0)));
      }
    }
    lowest = std::min(lowest, worst);
  }
  CHECK(lowest >= 1.0 / 9);
}

TEST_CASE("components and barriers scale with the data") {
  auto x = points(), y = labels();
  for (double& number : x) number *= 0.75;
  for (double& number : y) number *= 0.5;
  const auto found = global_minima(x, y, 3);
  REQUIRE(found.components.size() == 3);
  CHECK(found.barrier[0][1] + found.barrier[0][2] == rational(1, 18) + rational(1, 8));
  for (const auto& c : found.components) CHECK(misfit(c.representative, x, y) == 0);
}

TEST_CASE("one node that fits is alone; without a fit the least residual is left") {
  const matrix<double> x{{1, 0}, {-1, 0}, {0, 1}};
  const auto one = global_minima(x, matrix<double>{{2}, {0}, {0}}, 1);
  REQUIRE(one.components.size() == 1);
  CHECK(has(one.components[0], node(1, 2, 0)));
  CHECK(one.components[0].cells == 2);  // w_2 = 0, or below
  const auto none = global_minima(x, matrix<double>{{1}, {1}, {0}}, 1);
  CHECK(none.components.empty());
  CHECK(none.least_residual == 1);
  const auto both = global_minima(x, matrix<double>{{1}, {-3}, {0}}, 1);
  CHECK(both.least_residual == 1);
}

TEST_CASE("one node more joins what was apart") {
  const matrix<double> x{{-1, 0}, {1, 1}, {1, 2}, {2, 2}};
  const matrix<double> y{{0}, {0}, {1}, {0}};
  const auto two = global_minima(x, y, 2), three = global_minima(x, y, 3);
  CHECK(two.components.size() == 2);
  CHECK(two.barrier[0][1] == rational(1, 3));
  CHECK(three.components.size() == 1);
  for (const auto& m : {two, three}) {
    for (const auto& c : m.components) CHECK(misfit(c.representative, x, y) == 0);
  }
}

TEST_CASE("no nodes is an error") {
  CHECK(test::message_of<argument_error>([] { (void)global_minima(points(), labels(), 0); }) ==
        "global_minima: h is 0, expected at least 1");
}
