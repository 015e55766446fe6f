#include <array>
#include <cmath>
#include <tutelage/theory/gate_moments.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/random.hpp"

namespace {

using namespace test;
using detail::gate_covariance, detail::gate_set;

// Covariances of four vectors.
template <class T>
gate_covariance<T> of(const std::array<std::vector<double>, 4>& w) {
  gate_covariance<T> S{};
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      for (std::size_t k = 0; k < w[i].size(); ++k)
        S[i][j] += static_cast<T>(w[i][k]) * static_cast<T>(w[j][k]);
    }
  }
  return S;
}

gate_set set_of(std::initializer_list<std::size_t> members) {
  gate_set G;
  for (const std::size_t g : members) G.insert(g);
  return G;
}

std::array<std::vector<double>, 4> draw(std::size_t d, stream& random) {
  std::array<std::vector<double>, 4> w;
  for (auto& v : w) {
    for (std::size_t k = 0; k < d; ++k) v.push_back(random.normal());
  }
  return w;
}

}  // namespace

TEST_CASE("orthants that are known") {
  // Independent: 1/16. Equal correlations 1/2: 1/(n+1) (the first of n + 1 alike is the least).
  gate_covariance<double> S{};
  for (std::size_t i = 0; i < 4; ++i) S[i][i] = 1 + static_cast<double>(i);
  CHECK(close_to(detail::orthant(S, set_of({0, 1, 2, 3})), 1.0 / 16, 2 * epsilon<double>));
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) S[i][j] = i == j ? 1 : 0.5;
  }
  CHECK(close_to(detail::orthant(S, set_of({0, 1, 2, 3})), 0.2, 1e-14));
  CHECK(close_to(detail::orthant(S, set_of({0, 1, 2})), 0.25, 2 * epsilon<double>));
  CHECK(close_to(detail::orthant(S, set_of({1, 3})), 1.0 / 3, 2 * epsilon<double>));
  // In three dimensions, four half-spaces of which three imply the fourth.
  const auto T = of<double>({{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {1, 1, 1}}});
  CHECK(close_to(detail::orthant(T, set_of({0, 1, 2, 3})), 0.125, 1e-11));
}

TEST_CASE("orthants do not depend on the order, and halves add up") {
  // Another order is another path of integration.
  stream random = random_stream(1);
  for (int draws = 0; draws < 30; ++draws) {
    auto w = draw(4, random);
    const auto P = [&](std::size_t i, std::size_t j, std::size_t k, std::size_t l) {
      return detail::orthant(of<double>({w[i], w[j], w[k], w[l]}), set_of({0, 1, 2, 3}));
    };
    const double expected = P(0, 1, 2, 3);
    CHECK(close_to(P(0, 2, 1, 3), expected, 1e-12));
    CHECK(close_to(P(3, 0, 1, 2), expected, 1e-12));
    const double three = detail::orthant(of<double>(w), set_of({0, 1, 2}));
    for (double& x : w[3]) x = -x;
    CHECK(close_to(P(0, 1, 2, 3) + expected, three, 1e-12));
  }
}

TEST_CASE("the two gates of the arc-cosine kernel") {
  // E[relu relu] = (|h||h'|)(sin + (pi - theta) cos) / (2 pi)
  const auto S = of<double>({{{2, 0}, {1, 1}, {0, 1}, {1, 0}}});
  const double theta = std::numbers::pi / 4;
  const double expected = 2 * std::sqrt(2.0) *
                          (std::sin(theta) + (std::numbers::pi - theta) * std::cos(theta)) /
                          (2 * std::numbers::pi);
  CHECK(close_to(detail::gated_moment(S, 0, 1, set_of({0, 1})), expected, 8 * epsilon<double>));
  // One gate is half; a gate and itself one gate; a gate and its opposite none.
  CHECK(close_to(detail::gated_moment(S, 0, 1, set_of({2})), 1, epsilon<double>));
  CHECK(close_to(detail::gated_moment(S, 0, 1, set_of({0, 3})), 1, epsilon<double>));
  const auto O = of<double>({{{2, 0}, {1, 1}, {-1, -1}, {1, 0}}});
  CHECK(detail::gated_moment(O, 0, 1, set_of({1, 2})) == 0);
}

TEST_CASE(
    "moments: a hundred thousand draws, within 5 standard errors, in three and more dimensions") {
  stream random = random_stream(2);
  for (int draws = 0; draws < 12; ++draws) {
    const std::size_t d = 2 + draws % 4;
    auto w = draw(d, random);
    if (draws % 3 == 1) w[2] = w[0];
    if (draws % 3 == 2) w[3] = w[0], w[2] = w[1];
    const auto S = of<double>(w);
    const double expected = detail::gated_moment(S, 2, 3, set_of({0, 1, 2, 3}));
    double sum = 0, square = 0;
    constexpr int samples = 100'000;
    std::vector<double> x(d);
    for (int s = 0; s < samples; ++s) {
      random.fill_normal(std::span<double>(x));
      std::array<double, 4> h{};
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t k = 0; k < d; ++k) h[i] += w[i][k] * x[k];
      }
      const bool open = h[0] > 0 && h[1] > 0 && h[2] > 0 && h[3] > 0;
      sum += open ? h[2] * h[3] : 0;
      square += open ? h[2] * h[3] * h[2] * h[3] : 0;
    }
    const double mean = sum / samples;
    CHECK(close_to(mean, expected, 5 * std::sqrt((square / samples - mean * mean) / samples)));
  }
}

TEST_CASE("moments: in the plane, by quadrature over the angle") {
  // There the gates leave an interval of angles; E r^2 = 2.
  stream random = random_stream(3);
  for (int draws = 0; draws < 40; ++draws) {
    const auto w = draw(2, random);
    const double found = detail::gated_moment(of<double>(w), 2, 3, set_of({0, 1, 2, 3}));
    // Ends of the interval, in order; between two of them nothing opens or closes.
    std::vector<double> ends;
    for (const auto& v : w) {
      for (const double turn : {0.5, -0.5}) {
        ends.push_back(
            std::remainder(std::atan2(v[1], v[0]) + turn * std::numbers::pi, 2 * std::numbers::pi));
      }
    }
    std::sort(ends.begin(), ends.end());
    ends.push_back(ends.front() + 2 * std::numbers::pi);
    double expected = 0;
    for (std::size_t e = 0; e + 1 < ends.size(); ++e) {
      const auto h = [&](std::size_t i, double t) {
        return w[i][0] * std::cos(t) + w[i][1] * std::sin(t);
      };
      const double middle = (ends[e] + ends[e + 1]) / 2;
      bool open = true;
      for (std::size_t i = 0; i < 4; ++i) open = open && h(i, middle) > 0;
      if (!open) continue;
      // h_2 h_3 = (p cos(2t) + q sin(2t) + r)/2
      const double p = w[2][0] * w[3][0] - w[2][1] * w[3][1],
                   q = w[2][0] * w[3][1] + w[2][1] * w[3][0],
                   r = w[2][0] * w[3][0] + w[2][1] * w[3][1];
      const auto integral = [&](double t) {
        return (p * std::sin(2 * t) - q * std::cos(2 * t)) / 4 + r * t / 2;
      };
      expected += (integral(ends[e + 1]) - integral(ends[e])) / std::numbers::pi;
    }
    CHECK(close_to(found, expected, 1e-13));
  }
}
