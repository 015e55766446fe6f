#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/contraction_bounds.hpp>
#include <tutelage/theory/overlap_dynamics.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

// Orthogonal nodes of bias -h, students within theta_0 of them.
struct constants {
  double eps_d, eps_l, K_d, K_l, C_0;
};
constants of_orthogonal(double bias, double theta_0, double reach) {
  const gate_overlap psi_d{bias};
  const activation_overlap psi_l{bias};
  const double chord = std::max(2 * std::sin(theta_0 / 2), reach);
  const double turn = 2 * std::asin(chord / 2);
  const auto K = [&](const auto& psi) {
    return std::max(lipschitz_constant(psi, {pi / 2 - 2 * turn, pi / 2 + 2 * turn, chord}),
                    lipschitz_constant(psi, {0, turn, chord}));
  };
  return {psi_d(pi / 2) / psi_d(0), psi_l(pi / 2) / psi_l(0), K(psi_d), K(psi_l),
          quadratic_fall_off(psi_l, theta_0)};
}

// Of Gaussian inputs and nodes with two students more than teachers.
theorem_5_setting gaussian_setting(double bias, double theta_0, double reach) {
  const gate_overlap psi_d{bias};
  const activation_overlap psi_l{bias};
  const auto c = of_orthogonal(bias, theta_0, reach);
  return {2,
          4,
          theta_0,
          c.eps_d,
          c.eps_l,
          c.K_d,
          c.K_l,
          c.C_0,
          psi_d(theta_0),
          psi_l(theta_0),
          psi_d(0),
          psi_l(0),
          1,
          1,
          0.1,
          1000};
}

// Nodes that hardly overlap, in no particular space.
theorem_5_setting separated_setting() {
  return {3, 6, 0.05, 1e-4, 2e-4, 1.5, 2, 0.5, 0.4, 0.45, 0.5, 0.5, 0.9, 1.1, 0.2, 0.1};
}

// The largest gamma below `top` with gamma <= G(gamma), looked for on a grid from above; C_r from
// its own fixed point at that gamma. Slow and plain.
template <class Rules>
double largest_feasible(const theorem_5_setting& s) {
  const double moved = 2 * std::sin(s.theta_0 / 2);
  theorem_5_bound b{s.K_d * moved, 0, s.K_l * moved, 0, 0, 0, 0, 0, 0, 0};
  const double top = std::min(Rules::bottom(s, b), Rules::top(s, b));
  for (int i = 0; i < 20000; ++i) {
    const double gamma = top * (1 - i / 20000.0);
    b.C_dr = b.C_lr = b.R = 0;
    for (int k = 0; k < 200; ++k) {
      b.lambda_bar = Rules::lambda_bar(s, b);
      if (b.lambda_bar <= 0) break;
      const double lost = b.lambda_bar * gamma;
      b.R = Rules::displacement(s, b) / (lost * (2 - s.eta * lost));
      b.C_dr = s.K_d * b.R;
      b.C_lr = s.K_l * b.R;
      if (!(b.C_dr < 1e6)) break;
    }
    if (!(b.C_dr < 1e6) || b.lambda_bar <= 0) continue;
    if (gamma <= Rules::bottom(s, b) && gamma <= Rules::top(s, b)) return gamma;
  }
  return 0;
}

}  // namespace

TEST_CASE("Theorem 4's constants by hand") {
  // K = 1, theta_0 = pi/3: sin(theta_0/2) = 1/2, so M = 2 * 4 / cos(pi/6).
  const auto b = bound_theorem_4({3, pi / 3, 0.01, 1, 0.25});
  CHECK(close_to(b.M_d, 8 / std::cos(pi / 6), 16 * epsilon<double>));
  CHECK(close_to(b.gamma, 0.5 - 2 * 0.01 * b.M_d, 4 * epsilon<double>));
  CHECK(std::abs(b.d_bar) <= 2 * epsilon<double>);
  const auto near = bound_theorem_4({3, 0.02, 0.01, 1, 0.25});
  CHECK(near.holds());
  CHECK(close_to(near.d_bar, (1 - 2 * std::sin(0.01)) * 0.25, epsilon<double>));
  CHECK(close_to(near.rate(0.1), 1 - 0.1 * near.d_bar * near.gamma, epsilon<double>));
  CHECK_FALSE(bound_theorem_4({100, 0.02, 0.05, 1, 0.25}).holds());
}

TEST_CASE("Theorem 4 bounds the simulation") {
  stream random = random_stream(61);
  for (const double bias : {-1.5, -2.0, -2.5, -3.0}) {
    for (const std::size_t m : {2U, 3U, 4U}) {
      const double theta_0 = 0.02, eta = 0.2;
      const std::size_t d = m + 2;
      auto W_star = make_matrix<double>(d, m), W = W_star;
      for (std::size_t j = 0; j < m; ++j) W_star(j, j) = 1;
      for (std::size_t j = 0; j < m; ++j) {
        std::vector<double> u(d);
        random.fill_normal(std::span(u));
        u[j] = 0;
        double square = 0;
        for (const double x : u) square += x * x;
        const double t = theta_0 * (j == 0 ? 1 : random.uniform());
        for (std::size_t i = 0; i < d; ++i) W(i, j) = std::sin(t) * u[i] / std::sqrt(square);
        W(j, j) = std::cos(t);
      }
      const auto none = make_matrix<double>(m, 1);
      overlap_dynamics students(gate_overlap{bias}, activation_overlap{bias}, W_star, none, W,
                                none);
      const auto c = of_orthogonal(bias, theta_0, 0);
      const auto b = bound_theorem_4({m, theta_0, c.eps_d, c.K_d, gate_overlap{bias}(theta_0)});
      if (bias <= -2.0) CHECK(b.holds());
      if (!b.holds()) continue;
      double sine = students.largest_sine();
      CHECK(close_to(sine, std::sin(theta_0), 4 * epsilon<double>));
      double slowest = 0;
      for (int t = 0; t < 200; ++t) {
        students.step_weights(eta);
        const double next = students.largest_sine();
        CHECK(next <= sine * b.rate(eta) * (1 + 8 * epsilon<double>)+4 * epsilon<double>);
        slowest = std::max(slowest, next / sine);
        sine = next;
      }
      // The bound is not idle: the measured decay is not much faster.
      if (b.gamma > 0.8) CHECK(1 - slowest <= 2 * (1 - b.rate(eta)));
    }
  }
}

TEST_CASE_TEMPLATE("Theorem 5's gamma solves its equations and is the largest", Rules,
                   repaired_theorem_5, printed_theorem_5) {
  auto s = separated_setting();
  for (const std::size_t n : {3U, 4U, 6U, 9U}) {
    s.n = n;
    const auto b = bound_theorem_5(s, Rules{});
    CAPTURE(n);
    REQUIRE(b.holds());
    CHECK(b.gamma == std::min(b.gamma_bottom, b.gamma_top));
    CHECK(close_to(b.gamma_bottom, Rules::bottom(s, b), 1e-12));
    CHECK(close_to(b.gamma_top, Rules::top(s, b), 1e-12));
    CHECK(close_to(b.C_dr, s.K_d * b.R, 1e-9 * (b.C_dr + 1e-300)));
    CHECK(close_to(b.C_lr, s.K_l * b.R, 1e-9 * (b.C_lr + 1e-300)));
    const double lost = b.lambda_bar * b.gamma;
    CHECK(close_to(b.R * lost * (2 - s.eta * lost), Rules::displacement(s, b), 1e-9));
    const double found = largest_feasible<Rules>(s);
    CHECK(found <= b.gamma * (1 + 1e-9));
    CHECK(found >= b.gamma * (1 - 1e-3));
  }
  CHECK(bound_theorem_5(s, Rules{}).R > 0);
}

TEST_CASE("the repaired terms by hand") {
  // sin theta_0 = cos(theta_0/2) = sqrt(3)/2, so e = 1; v = 2.5.
  const theorem_5_setting s{2,    4,   pi / 3, 0.01, 0.001, 1, 1,   0.1,
                            0.25, 0.2, 0.5,    0.4,  1,     2, 0.5, 0.1};
  theorem_5_bound b{1, 2, 1, 2, 0, 0, 0, 0, 0, 0};
  const double root = std::sqrt(3.0) / 2, unit = 16 * epsilon<double>;
  using rules = repaired_theorem_5;
  CHECK(rules::lambda_bar(s, b) == 0.2);
  CHECK(close_to(rules::bottom(s, b), 0.25 - 0.01 * 2 * 2 * 2.5 * (4 + 1 + 12) / root, unit));
  CHECK(close_to(rules::top(s, b), 1 - 0.5 - 0.001 * 2 * 2 * (6 + 24), unit));
  CHECK(close_to(rules::displacement(s, b), 0.01 * 0.5 * 3 * 2 * (2 * (4 + 1) + 6), unit));
  auto idle = s;  // where the r-set is what limits V
  idle.C_0 = 0;
  idle.l_0 = 0.2;
  idle.B_dv = 2;
  b.C_lr = 20;
  CHECK(close_to(rules::top(idle, b), 1 - 0.001 * 21 * (2 * (2 + 4) / 2.0 + 21), unit));
}

TEST_CASE_TEMPLATE("no feasible gamma", Rules, repaired_theorem_5, printed_theorem_5) {
  const auto s = separated_setting();
  const auto with = [&](auto change) {
    auto changed = s;
    change(changed);
    return bound_theorem_5(changed, Rules{});
  };
  CHECK(with([](auto&) {}).holds());
  for (const auto& b : {with([](auto& x) { x.eps_d = 0.5; }), with([](auto& x) { x.eps_l = 0.5; }),
                        with([](auto& x) { x.K_d = 3000; }), with([](auto& x) { x.n = 40000; }),
                        with([](auto& x) { x.B_dv = 1.1; }), with([](auto& x) { x.theta_0 = 1.6; }),
                        with([](auto& x) { x.eta = 10; })}) {
    CHECK_FALSE(b.holds());
    CHECK(b.gamma == 0);
  }
  // Each constant costs something.
  const double gamma = bound_theorem_5(s, Rules{}).gamma;
  CHECK(with([](auto& x) { x.eps_d *= 1.1; }).gamma < gamma);
  CHECK(with([](auto& x) { x.K_d *= 1.1; }).gamma < gamma);
}

TEST_CASE("the repaired Theorem 5 bounds the simulation") {
  const double bias = -3.5, theta_0 = 0.05, reach = 0.06;
  stream random = random_stream(62);
  const std::size_t m = 2, n = 4, d = 6, C = 3;
  auto W_star = make_matrix<double>(d, m), W = make_matrix<double>(d, n);
  auto V_star = make_matrix<double>(m, C), V = make_matrix<double>(n, C);
  for (std::size_t j = 0; j < n; ++j) W(j, j) = 1;
  for (std::size_t j = 0; j < m; ++j) {
    W_star(j, j) = 1;
    W(j, j) = std::cos(theta_0);
    W(d - 1 - j, j) = std::sin(theta_0);
    V_star(j, j) = 1;
  }
  // K is asked for where the r-set can be; R has to stay in there.
  const auto s = gaussian_setting(bias, theta_0, reach);
  const auto b = bound_theorem_5(s);
  REQUIRE(b.holds());
  CHECK(b.gamma > 0.5);
  CHECK(b.R <= reach);
  // As printed, R is above 1 and nothing follows.
  CHECK_FALSE(bound_theorem_5(s, printed_theorem_5{}).holds());
  for (int round = 0; round < 3; ++round) {
    for (std::size_t j = 0; j < n; ++j) {
      double square = 0;
      for (std::size_t c = 0; c < C; ++c) {
        V(j, c) = random.normal();
        square += V(j, c) * V(j, c);
      }
      const double length = j < m ? s.B_dv : s.B_v;
      for (std::size_t c = 0; c < C; ++c) {
        V(j, c) = V(j, c) * length / std::sqrt(square) + (j < m ? V_star(j, c) : 0);
      }
    }
    overlap_dynamics students(gate_overlap{bias}, activation_overlap{bias}, W_star, V_star, W, V);
    double allowed = 1;
    for (int t = 0; t <= 400; ++t) {
      const double slack = allowed * (1 + 1e-9) + 16 * epsilon<double>;
      CHECK(students.largest_sine() <= std::sin(theta_0) * slack);
      CHECK(students.largest_fan_out_error() <= s.B_dv * slack);
      CHECK(students.largest_idle_fan_out() <= s.B_v * slack);
      CHECK(students.largest_idle_move() <= b.R);
      students.step_both(s.eta);
      allowed *= b.rate(s.eta);
    }
    CHECK(allowed < 1e-3);  // the bound says something
    CHECK(students.largest_sine() < 1e-3 * std::sin(theta_0));
  }
}
