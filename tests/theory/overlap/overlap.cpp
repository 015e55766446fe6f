#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/overlap/overlap.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

// psi over one Gaussian plane by the midpoint rule in polar coordinates: fine for what is checked.
template <class Integrand>
double plane_average(const Integrand& value) {
  constexpr int rays = 2000, rings = 800;
  constexpr double reach = 9;
  double sum = 0;
  for (int i = 0; i < rays; ++i) {
    const double phi = 2 * pi * (i + 0.5) / rays;
    for (int k = 0; k < rings; ++k) {
      const double r = reach * (k + 0.5) / rings;
      sum += value(r * std::cos(phi), r * std::sin(phi)) * r * std::exp(-r * r / 2);
    }
  }
  return sum * (2 * pi / rays) * (reach / rings) / (2 * pi);
}

// The definitions in long double: r and p are standard normal along the difference and the sum of the
// two weights, X = c p + s r, Y = c p - s r, and both nodes are active where p > (h + s |r|)/c.
struct tail {
  long double d, l;
};
tail by_quadrature(double bias, double theta) {
  using real = long double;
  using rule = boost::math::quadrature::gauss<real, 30>;
  const real h = -static_cast<real>(bias), c = std::cos(static_cast<real>(theta) / 2),
             s = std::sin(static_cast<real>(theta) / 2), enough = 60;
  const auto over_p = [&](real r, auto of) {
    const real from = (h + s * std::abs(r)) / c;
    const real last = from > 0 ? std::sqrt(from * from + 2 * enough) : std::sqrt(2 * enough);
    const real first = std::max(from, -std::sqrt(2 * enough));
    real sum = 0;
    for (int k = 0; k < 2; ++k) {
      const real step = (last - first) / 2;
      sum += rule::integrate(
          [&](real p) {
            const real x = c * (p - from);  // X - h and Y - h are x and x + 2 s |r|
            return of(x * (x + 2 * s * std::abs(r))) * std::exp(-(p * p + r * r) / 2);
          },
          first + k * step, first + (k + 1) * step);
    }
    return sum;
  };
  // Where the exponent has fallen by `enough` along the boundary.
  const real far = std::sqrt(2 * enough), slope = h * s / (c * c);
  std::vector<real> breaks{
      0, h > 0 ? c * c * (std::sqrt(slope * slope + far * far / (c * c)) - slope) : far};
  if (h < 0) {  // the apex is beyond the origin: from one side of it to the other
    for (const real side : {-far, real(0), far}) {
      breaks.push_back(std::clamp((side * c - h) / s, real(0), far));
    }
    std::sort(breaks.begin(), breaks.end());
  }
  tail result{0, 0};
  for (std::size_t i = 0; i + 1 < breaks.size(); ++i) {
    constexpr int parts = 4;
    const real length = (breaks[i + 1] - breaks[i]) / parts, pi_l = std::numbers::pi_v<real>;
    for (int k = 0; k < parts && length > 0; ++k) {
      const real from = breaks[i] + k * length;
      result.d += rule::integrate([&](real r) { return over_p(r, [](real) { return real(1); }); },
                                  from, from + length) /
                  pi_l;
      result.l += rule::integrate([&](real r) { return over_p(r, [](real f) { return f; }); }, from,
                                  from + length) /
                  pi_l;
    }
  }
  return result;
}

}  // namespace

TEST_CASE("psi keeps its digits in the tails") {
  std::size_t compared = 0;
  for (const double bias :
       {-38.0, -26.0, -12.0, -7.0, -6.0, -3.0, -1.0, -0.1, -1e-3, 1e-3, 0.1, 1.0, 3.0, 5.0, 12.0}) {
    for (const double theta : {0.0, 1e-6, 0.01, 0.5, 1.0, pi / 2, 2.0, 2.8, 3.1, 3.14}) {
      const double d = gate_overlap{bias}(theta), l = activation_overlap{bias}(theta);
      CHECK(d >= 0);
      CHECK(l >= 0);
      const double cosine = std::cos(theta / 2);
      const double depth = bias < 0 ? bias * bias / (cosine * cosine) / 2 : 0;
      if (depth > 650) continue;  // near the smallest number
      const auto expected = by_quadrature(bias, theta);
      CAPTURE(bias);
      CAPTURE(theta);
      // The exponential's share, and that of the half angle near pi: its cosine's.
      const double unit = (32 + 8 * depth + 8 / cosine) * epsilon<double>;
      CHECK(std::abs(static_cast<double>(d / expected.d - 1)) <= unit);
      CHECK(std::abs(static_cast<double>(l / expected.l - 1)) <= unit);
      ++compared;
    }
  }
  CHECK(compared >= 120);
  // Known values, and what is below all numbers.
  CHECK(close_to(activation_overlap{-7}(pi / 2), 3.10e-26, 0.005e-26));
  CHECK(gate_overlap{-3}(pi) == 0);
  CHECK(activation_overlap{-3}(3.14159) == 0);
  // All digits where the biases vanish.
  for (const double theta : {0.3, 2.0, 3.1}) {
    for (const double tiny : {1e-17, 1e-150, 1e-200}) {
      for (const double bias : {tiny, -tiny}) {
        CHECK(close_to(gate_overlap{bias}(theta) / gate_overlap{}(theta), 1, 64 * epsilon<double>));
        CHECK(close_to(activation_overlap{bias}(theta) / activation_overlap{}(theta), 1,
                       256 * epsilon<double>));
      }
    }
  }
}

TEST_CASE("psi falls as the angle grows, and is never negative") {
  for (int i = 0; i <= 60; ++i) {
    const double bias = -12 + 0.25 * i;
    double d = 1, l = 1e300;
    for (int k = 0; k <= 100; ++k) {
      const double theta = pi * k / 100;
      const double next_d = gate_overlap{bias}(theta), next_l = activation_overlap{bias}(theta);
      CHECK(next_d >= 0);
      CHECK(next_l >= 0);
      CHECK(next_d <= d);
      CHECK(next_l <= l);
      d = next_d;
      l = next_l;
    }
  }
}

TEST_CASE("K and C_0 in the tails") {
  // From psi in long double, at the angles where the supremum is: the largest, moved inward.
  for (const double bias : {-6.0, -7.0, -12.0}) {
    const double most = pi / 2, chord = 0.1, turn = 2 * std::asin(chord / 2);
    const auto far = by_quadrature(bias, most), near = by_quadrature(bias, most - turn);
    const auto quotient = [&](long double a, long double b) {
      return static_cast<double>((a / b - 1) / chord);
    };
    const lipschitz_set set{most - 0.1, most, chord};
    const double K_d = quotient(near.d, far.d), K_l = quotient(near.l, far.l);
    CHECK(close_to(lipschitz_constant(gate_overlap{bias}, set), K_d, 1e-3 * K_d));
    CHECK(close_to(lipschitz_constant(activation_overlap{bias}, set), K_l, 1e-3 * K_l));
  }
  // Of the smallest moves only a derivative is left.
  for (const double chord : {1e-3, 1e-6, 1e-9, 1e-15}) {
    const double K = lipschitz_constant(activation_overlap{-7}, {1.5, 1.5, chord});
    const auto a = by_quadrature(-7, 1.5), b = by_quadrature(-7, 1.5 - 1e-6);
    const double slope = static_cast<double>((b.l / a.l - 1) / 1e-6L);
    CHECK(close_to(K, slope, (1e-3 + slope * chord) * slope));
  }
  const double C = quadratic_fall_off(activation_overlap{-7}, 0.01);
  for (const double theta_0 : {1e-3, 1e-8, 1e-15}) {
    CHECK(quadratic_fall_off(activation_overlap{-7}, theta_0) == C);
  }
}

TEST_CASE("a ratio over what underflows is an error") {
  const std::vector<double> angles{1.0};
  CHECK(std::isfinite(overlap_ratio(gate_overlap{-37}, angles)));
  CHECK(message_of<argument_error>([&] {
          static_cast<void>(overlap_ratio(gate_overlap{-38.6}, angles));
        }).starts_with("overlap_ratio: psi is "));
  CHECK(message_of<argument_error>(
            [&] { static_cast<void>(overlap_ratio(activation_overlap{-50}, angles)); }) ==
        "overlap_ratio: psi is 0 at angle 0, expected at least 2.3e-308: a ratio would have no "
        "digits");
  CHECK(message_of<argument_error>([] {
          static_cast<void>(lipschitz_constant(activation_overlap{-7}, {1, 3, 0.1}));
        }).starts_with("lipschitz_constant: psi is 0 at angle 3,"));
  CHECK(message_of<argument_error>([] {
          static_cast<void>(quadratic_fall_off(activation_overlap{-40}, 0.1));
        }).starts_with("quadratic_fall_off: psi is 0 at angle 0.1,"));
  for (const double wrong : {-0.1, 3.2, std::nan("")}) {
    CHECK_THROWS_AS(static_cast<void>(gate_overlap{-1}(wrong)), argument_error);
    CHECK_THROWS_AS(static_cast<void>(activation_overlap{-1}(wrong)), argument_error);
    CHECK_THROWS_AS(static_cast<void>(quadratic_fall_off(activation_overlap{-1}, wrong)),
                    argument_error);
  }
  CHECK(message_of<argument_error>([] { static_cast<void>(gate_overlap{INFINITY}(1)); }) ==
        "gate_overlap: angle 1, bias inf, expected an angle in [0, pi] and a bias with a finite "
        "square");
}

TEST_CASE("psi_d and psi_l are averages over inputs") {
  for (const double bias : {0.0, -1.0, 0.5}) {
    for (const double theta : {0.3, 1.5, 2.8}) {
      const auto activations = [&](double x, double y) {
        return std::pair(x + bias, std::cos(theta) * x + std::sin(theta) * y + bias);
      };
      const double d = plane_average([&](double x, double y) {
        const auto [a, b] = activations(x, y);
        return a > 0 && b > 0 ? 1.0 : 0.0;
      });
      const double l = plane_average([&](double x, double y) {
        const auto [a, b] = activations(x, y);
        return std::max(a, 0.0) * std::max(b, 0.0);
      });
      // A step function is off by a cell's share along its edges, a kink by the square of it.
      CHECK(close_to(gate_overlap{bias}(theta), d, 9.0 / 800));
      CHECK(close_to(activation_overlap{bias}(theta), l, 81.0 / 800 / 800));
    }
  }
  // No bias is the limit of a small one.
  for (const double theta : {0.0, 1.0, 3.0}) {
    CHECK(close_to(gate_overlap{0}(theta), gate_overlap{-1e-12}(theta), 2e-12));
    CHECK(close_to(activation_overlap{0}(theta), activation_overlap{-1e-12}(theta), 2e-12));
  }
  CHECK(gate_overlap{0}(0) == 0.5);
  CHECK(activation_overlap{0}(0) == 0.5);
}

TEST_CASE("eps is the largest ratio of any pair") {
  const matrix<double> W{{1, 0, 2}, {0, 3, 2}, {0, 0, 0}};
  const auto angles = pairwise_angles(W);
  CHECK(angles.size() == 3);
  CHECK(close_to(angles[0], pi / 2, 4 * epsilon<double>));
  CHECK(close_to(angles[1], pi / 4, 4 * epsilon<double>));
  CHECK(close_to(overlap_ratio(gate_overlap{}, angles), 0.75, 8 * epsilon<double>));
  CHECK(overlap_ratio(gate_overlap{}, {}) == 0);
  for (const double bias : {0.0, -2.0}) {
    double largest = 0;
    for (const double t : angles)
      largest = std::max(largest, activation_overlap{bias}(t) / activation_overlap{bias}(0));
    CHECK(overlap_ratio(activation_overlap{bias}, angles) == largest);
  }
}

TEST_CASE("K of psi_d without bias in closed form") {
  // |s - t| / (pi - t) / (2 sin(|s-t|/2)) grows in t and in |s - t|.
  for (const double most : {0.5, 1.5, 2.5}) {
    for (const double chord : {0.1, 0.4}) {
      const double shift = 2 * std::asin(chord / 2);
      const double expected = shift / chord / (pi - most);
      CHECK(close_to(lipschitz_constant(gate_overlap{}, {0, most, chord}), expected,
                     1e-6 * expected));
      CHECK(close_to(lipschitz_constant(gate_overlap{}, {most, most, chord}), expected,
                     1e-6 * expected));
    }
  }
}

TEST_CASE("K bounds what vectors in any position show, and is not much above") {
  stream random = random_stream(51);
  for (const double bias : {0.0, -1.0, -2.0}) {
    const lipschitz_set set{1.0, 1.8, 0.5};
    const auto check = [&](const auto& psi) {
      const double K = lipschitz_constant(psi, set);
      double largest = 0;
      const auto look = [&](const std::vector<double>& w, const std::vector<double>& w1,
                            const std::vector<double>& w2) {
        double square = 0;
        for (std::size_t i = 0; i < 3; ++i) square += (w1[i] - w2[i]) * (w1[i] - w2[i]);
        const double chord = std::sqrt(square);
        const double t = angle_between(std::span<const double>(w), w1).radians();
        const double s = angle_between(std::span<const double>(w), w2).radians();
        if (t < set.least || t > set.most + 1e-12 || chord > set.chord || chord < 0.01) return;
        const double needed = std::abs(psi(t) - psi(s)) / (psi(t) * chord);
        CHECK(needed <= K * (1 + 1e-6));
        largest = std::max(largest, needed);
      };
      for (int round = 0; round < 4000; ++round) {
        const auto unit = [](std::vector<double> v) {
          const double norm = std::hypot(v[0], v[1], v[2]);
          for (double& x : v) x /= norm;
          return v;
        };
        std::vector<double> w1(3), w2(3);
        random.fill_normal(std::span(w1));
        w1 = unit(w1);
        for (std::size_t i = 0; i < 3; ++i) w2[i] = w1[i] + 0.3 * random.normal();
        look({0, 0, 1}, w1, unit(w2));
      }
      // In a plane with w the bound is reached.
      for (int i = 0; i <= 40; ++i) {
        const double t = set.least + (set.most - set.least) * i / 40;
        for (double s = t - 0.51; s <= t + 0.51; s += 0.003) {
          look({0, 0, 1}, {std::sin(t), 0, std::cos(t)}, {std::sin(s), 0, std::cos(s)});
        }
      }
      CHECK(largest > 0.95 * K);
    };
    check(gate_overlap{bias});
    check(activation_overlap{bias});
  }
}

TEST_CASE("no eps is small for K over all weights: eps (1 + K) >= 1/2") {
  // The reason for K over a set. w2 = w, w1 at the teachers' angle.
  for (const double bias : {0.0, -1.0, -2.0}) {
    for (const double theta : {1.2, 1.57}) {
      const gate_overlap psi{bias};
      const double eps = psi(theta) / psi(0);
      const double K = lipschitz_constant(psi, {0, theta, 2 * std::sin(theta / 2)});
      CHECK(eps * (1 + K) >= 0.5);
      const double near = lipschitz_constant(psi, {theta - 0.1, theta + 0.1, 0.05});
      CHECK(near < K);
    }
  }
}

TEST_CASE("C_0: half the squared distance without bias, more with one") {
  // (psi(0) - psi(t)) / psi(0) = t^2/2 - ..., and |w - w*|^2 = t^2 - ...
  CHECK(close_to(quadratic_fall_off(activation_overlap{}, 1e-3), 0.5, 1e-3));
  for (const double bias : {0.0, -1.0, -2.0}) {
    const activation_overlap psi{bias};
    const double C = quadratic_fall_off(psi, 0.6);
    for (double t = 0.01; t <= 0.6; t += 0.01) {
      const double chord = 2 * std::sin(t / 2);
      CHECK(psi(0) - psi(t) <= C * psi(t) * chord * chord * (1 + 1e-6));
    }
  }
}

template <class Psi>
concept has_fall_off = requires(const Psi& psi) {
  quadratic_fall_off(psi, 1.0);
};

TEST_CASE("C_0 is a supremum: where the ratio falls from its limit at 0, that limit") {
  // Without bias the ratio is 1/2 - t/3 pi + ...
  CHECK(close_to(quadratic_fall_off(activation_overlap{}, 0.01), 0.5, 4 * epsilon<double>));
  for (const double bias : {-20.0, -7.0, -1.0, 0.0, 0.5}) {
    const activation_overlap psi{bias};
    const double C = quadratic_fall_off(psi, 0.01);
    for (double t = 2e-5; t <= 0.01; t *= 1.1) {
      const double chord = 2 * std::sin(t / 2), square = chord * chord;
      // psi has h^2/2 epsilon, more where it is not small.
      CHECK((psi(0) / psi(t) - 1) / square <= C + (8 + bias * bias) * epsilon<double> / square);
    }
  }
  static_assert(has_fall_off<activation_overlap>);
  static_assert(!has_fall_off<gate_overlap>);  // (psi_d(0) - psi_d(t)) / psi_d(0) = t/pi
}

TEST_CASE("sets that make no sense") {
  const auto refused = [](const lipschitz_set& set) {
    return message_of<argument_error>(
        [&] { static_cast<void>(lipschitz_constant(gate_overlap{}, set)); });
  };
  CHECK(refused({-1, 1, 0.1}) == "lipschitz_constant: angles -1 to 1, chord 0.1");
  CHECK(refused({2, 1, 0.1}) == "lipschitz_constant: angles 2 to 1, chord 0.1");
  CHECK(refused({0, 4, 0.1}) == "lipschitz_constant: angles 0 to 4, chord 0.1");
  CHECK(refused({0, 1, 0}) == "lipschitz_constant: angles 0 to 1, chord 0");
  CHECK(refused({0, 1, 2.5}) == "lipschitz_constant: angles 0 to 1, chord 2.5");
}
