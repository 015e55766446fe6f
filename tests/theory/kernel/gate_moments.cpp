#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <tutelage/theory/kernel/gate_moments.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/random.hpp"

namespace {

using namespace test;
using detail::four_nodes, detail::gate_set;

using vectors = std::array<std::vector<long double>, 4>;

four_nodes of(const vectors& w) { return four_nodes({w[0], w[1], w[2], w[3]}); }

constexpr double epsilon_ld = static_cast<double>(epsilon<long double>);

bool close(long double actual, long double expected, double epsilons) {
  return std::abs(actual - expected) <= static_cast<long double>(epsilons * epsilon_ld);
}

gate_set set_of(std::initializer_list<std::size_t> members) {
  gate_set G;
  for (const std::size_t g : members) G.insert(g);
  return G;
}

vectors draw(std::size_t d, stream& random) {
  vectors w;
  for (auto& v : w) {
    for (std::size_t k = 0; k < d; ++k) v.push_back(random.normal());
  }
  return w;
}

}  // namespace

TEST_CASE("orthants that are known") {
  const auto all = set_of({0, 1, 2, 3});
  // Independent: 1/16. Equal correlations 1/2: 1/(n+1) (the first of n + 1 alike is the least).
  const vectors unit{{{1, 0, 0, 0}, {0, 2, 0, 0}, {0, 0, 3, 0}, {0, 0, 0, 4}}};
  CHECK(close(of(unit).orthant(all), 1.0L / 16, 1));
  const vectors alike{{{1, 0, 0, 0, -1}, {0, 1, 0, 0, -1}, {0, 0, 1, 0, -1}, {0, 0, 0, 1, -1}}};
  CHECK(close(of(alike).orthant(all), 0.2L, 4));
  CHECK(close(of(alike).orthant(set_of({0, 1, 2})), 0.25L, 4));
  CHECK(close(of(alike).orthant(set_of({1, 3})), 1.0L / 3, 4));
  // In three dimensions, four half-spaces of which three imply the fourth; then three in a plane.
  CHECK(close(of({{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}}}).orthant(all), 0.125L, 4));
  CHECK(close(of({{{1, 0, 0}, {0, 1, 0}, {1, 1, 0}, {0, 0, 1}}}).orthant(all), 0.125L, 4));
  // In the plane: the intersection of half-planes.
  CHECK(close(of({{{1, 0}, {0, 1}, {1, 1}, {1, 2}}}).orthant(all), 0.25L, 4));
  CHECK(close(of({{{1, 0}, {0, 1}, {-1, -1}, {1, 2}}}).orthant(all), 0, 4));
}

TEST_CASE("orthants do not depend on the order, and halves add up, at all scales and angles") {
  // Other vectors, another path of integration. Spread 1e-9: all nodes nearly parallel.
  stream random = random_stream(1);
  const auto all = set_of({0, 1, 2, 3});
  for (const long double spread : {1.0L, 1e-3L, 1e-6L, 1e-9L}) {
    for (int draws = 0; draws < 10; ++draws) {
      auto w = draw(4, random);
      for (std::size_t v = 0; v < 4; ++v) {
        for (std::size_t k = 0; k < 4; ++k) {
          if (v > 0 && spread < 1) w[v][k] = w[0][k] + spread * w[v][k];
        }
      }
      const long double expected = of(w).orthant(all);
      CHECK(close(of({w[0], w[2], w[1], w[3]}).orthant(all), expected, 64));
      CHECK(close(of({w[3], w[0], w[1], w[2]}).orthant(all), expected, 64));
      auto scaled = w;
      for (long double& x : scaled[1]) x *= 1e-1000L;
      CHECK(close(of(scaled).orthant(all), expected, 64));
      const long double three = of(w).orthant(set_of({0, 1, 2}));
      for (long double& x : w[3]) x = -x;
      CHECK(close(of(w).orthant(all) + expected, three, 64));
    }
  }
}

TEST_CASE("the two gates of the arc-cosine kernel") {
  // E[relu relu] = (|h||h'|)(sin + (pi - theta) cos) / (2 pi)
  const auto S = of({{{2, 0}, {1, 1}, {0, 1}, {1, 0}}});
  const long double pi = std::numbers::pi_v<long double>, theta = pi / 4;
  const long double expected =
      2 * std::sqrt(2.0L) * (std::sin(theta) + (pi - theta) * std::cos(theta)) / (2 * pi);
  CHECK(close(S.moment(0, 1, set_of({0, 1})), expected, 8));
  // One gate is half; a gate and itself one gate; a gate and its opposite none.
  CHECK(close(S.moment(0, 1, set_of({2})), 1, 4));
  CHECK(close(S.moment(0, 1, set_of({0, 3})), 1, 4));
  const auto O = of({{{2, 0}, {1, 1}, {-1, -1}, {1, 0}}});
  CHECK(O.moment(0, 1, set_of({1, 2})) == 0);
  // A node that is zero is never positive, and is 0.
  const auto Z = of({{{2, 0}, {0, 0}, {1, 1}, {1, 0}}});
  CHECK(Z.moment(0, 2, set_of({0, 1})) == 0);
  CHECK(Z.moment(1, 2, set_of({0})) == 0);
  CHECK(Z.orthant(set_of({1})) == 0);
}

TEST_CASE("moments are of degree two in each node's distance from zero, and continuous") {
  // Nodes that draw near to each other, to opposite ones, to a plane: within their distance.
  stream random = random_stream(4);
  for (int draws = 0; draws < 20; ++draws) {
    for (const int near : {0, 1, 2}) {
      auto w = draw(4, random);
      const auto end = [&](long double distance) {
        auto v = w;
        for (std::size_t k = 0; k < 4; ++k) {
          v[3][k] *= distance;
          if (near == 0) v[3][k] += w[1][k];
          if (near == 1) v[3][k] -= w[1][k];
          if (near == 2) v[3][k] += w[1][k] - w[2][k] / 2;
        }
        return of(v).moment(2, 3, set_of({0, 1, 2, 3}));
      };
      const long double limit = end(0);
      for (const long double distance : {1e-3L, 1e-6L, 1e-9L, 1e-12L, 1e-15L, 1e-18L, 1e-21L}) {
        CHECK(std::abs(end(distance) - limit) <=
              30 * distance + 100 * static_cast<long double>(epsilon_ld));
      }
    }
  }
}

TEST_CASE(
    "moments: a hundred thousand draws, within 5 standard errors, in three and more dimensions") {
  stream random = random_stream(2);
  for (int draws = 0; draws < 12; ++draws) {
    const std::size_t d = 2 + static_cast<std::size_t>(draws % 4);
    auto w = draw(d, random);
    if (draws % 3 == 1) w[2] = w[0];
    if (draws % 3 == 2) w[3] = w[0], w[2] = w[1];
    const auto expected = static_cast<double>(of(w).moment(2, 3, set_of({0, 1, 2, 3})));
    double sum = 0, square = 0;
    constexpr int samples = 100'000;
    std::vector<double> x(d);
    for (int s = 0; s < samples; ++s) {
      random.fill_normal(std::span<double>(x));
      std::array<double, 4> h{};
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t k = 0; k < d; ++k) h[i] += static_cast<double>(w[i][k]) * x[k];
      }
      const bool open = h[0] > 0 && h[1] > 0 && h[2] > 0 && h[3] > 0;
      sum += open ? h[2] * h[3] : 0;
      square += open ? h[2] * h[3] * h[2] * h[3] : 0;
    }
    const double mean = sum / samples;
    const double error = std::sqrt((square / samples - mean * mean) / samples);
    CHECK(close_to(mean, expected, 5 * error + epsilon_ld * 1e3));
  }
}

TEST_CASE("moments: in the plane, by quadrature over the angle") {
  // There the gates leave an interval of angles; E r^2 = 2.
  stream random = random_stream(3);
  for (int draws = 0; draws < 40; ++draws) {
    const auto w = draw(2, random);
    const long double found = of(w).moment(2, 3, set_of({0, 1, 2, 3}));
    const long double pi = std::numbers::pi_v<long double>;
    // Ends of the interval, in order; between two of them nothing opens or closes.
    std::vector<long double> ends;
    for (const auto& v : w) {
      for (const long double turn : {0.5L, -0.5L}) {
        ends.push_back(std::remainder(std::atan2(v[1], v[0]) + turn * pi, 2 * pi));
      }
    }
    std::sort(ends.begin(), ends.end());
    ends.push_back(ends.front() + 2 * pi);
    long double expected = 0;
    for (std::size_t e = 0; e + 1 < ends.size(); ++e) {
      const auto h = [&](std::size_t i, long double t) {
        return w[i][0] * std::cos(t) + w[i][1] * std::sin(t);
      };
      const long double middle = (ends[e] + ends[e + 1]) / 2;
      bool open = true;
      for (std::size_t i = 0; i < 4; ++i) open = open && h(i, middle) > 0;
      if (!open) continue;
      // h_2 h_3 = (p cos(2t) + q sin(2t) + r)/2
      const long double p = w[2][0] * w[3][0] - w[2][1] * w[3][1],
                        q = w[2][0] * w[3][1] + w[2][1] * w[3][0],
                        r = w[2][0] * w[3][0] + w[2][1] * w[3][1];
      const auto integral = [&](long double t) {
        return (p * std::sin(2 * t) - q * std::cos(2 * t)) / 4 + r * t / 2;
      };
      expected += (integral(ends[e + 1]) - integral(ends[e])) / pi;
    }
    CHECK(close(found, expected, 256));
  }
}
