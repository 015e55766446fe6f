#include <cmath>
#include <limits>

#include <tutelage/analysis/recovery/sample_complexity.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

comparison nearly(double actual, double expected) {
  return close_to(actual, expected, 16 * epsilon<double> * std::abs(expected));
}

}  // namespace

TEST_CASE("constants by hand") {
  // d = 4: gamma = 4, root = 2. eta = 0.5, K = 3: M1' = 7 * 0.5 * 3 = 10.5.
  // mu = 5/21: (3+4) mu 3 / 5 = 1: M2' = 5 + 10.5 (0.25 + 1).
  const recovery_setting s{.K = 3, .d = 4, .bias = -0.25, .eta = 0.5, .mu = 5.0 / 21};
  const auto agnostic = constants_of(agnostic_moves{}, s);
  CHECK(agnostic.gamma == 4);
  CHECK(agnostic.root == 2);
  CHECK(nearly(agnostic.M1, 10.5));
  CHECK(nearly(agnostic.M2, 5 + 10.5 * 1.25));
  CHECK(nearly(agnostic.c, agnostic.M2 / (std::sqrt(27.0) * 2)));
  CHECK(agnostic.samples == 7 * 3 * 5);
  const double eps = 0.1;
  CHECK(nearly(agnostic.width(eps), eps / (agnostic.c * std::pow(3, 1.5) * 2)));
  CHECK(nearly(agnostic.step(eps), 2 * eps / (agnostic.c * std::pow(3, 1.5))));
  CHECK(nearly(agnostic.gradient(eps, 6, 0.25),
               6 * 0.75 * eps / (5 * agnostic.c * std::pow(3, 1.5) * 2)));
  // Aware: gamma = 2, no root. M1' = 5 * 0.5 * 3 = 7.5; mu = 1/5: 5 mu 3 / 3 = 1.
  const auto aware =
      constants_of(aware_moves{}, {.K = 3, .d = 4, .bias = 0.5, .eta = 0.5, .mu = 0.2});
  CHECK(aware.gamma == 2);
  CHECK(aware.root == 1);
  CHECK(nearly(aware.M1, 7.5));
  CHECK(nearly(aware.M2, 3 + 7.5 * 1.5));
  CHECK(aware.samples == 5 * 3 * 5);
  CHECK(nearly(aware.step(eps), 2 * aware.width(eps)));
  // A slice of which half is seen has twice the eta and the mu.
  auto half = s, doubled = s;
  half.kappa = 0.5;
  doubled.eta *= 2;
  doubled.mu *= 2;
  CHECK(constants_of(agnostic_moves{}, half).M2 == constants_of(agnostic_moves{}, doubled).M2);
  // A slice without width and bias: the angle's constant is the larger one.
  const auto thin = constants_of(aware_moves{}, {.K = 9, .d = 1, .eta = 1, .mu = 1e-9});
  CHECK(thin.widening() == thin.M1);
}

TEST_CASE("with these constants the proof's two alignment errors are at most eps") {
  for (const std::size_t d : {1U, 3U, 100U}) {
    for (const double K : {2.0, 7.0, 110.0}) {
      const auto r =
          constants_of(agnostic_moves{}, {.K = K, .d = d, .bias = 0.3, .eta = 0.7, .mu = 2});
      const double eps = 0.01;
      CHECK(r.M1 * r.width(eps) <= eps * (1 + 4 * epsilon<double>));
      CHECK(r.M2 * r.width(eps) <= eps * (1 + 4 * epsilon<double>));
      CHECK(std::max(r.M1, r.M2) * r.width(eps) >= eps * (1 - 4 * epsilon<double>));
      // Lemma 6: the other nodes' bands cannot hold all samples of the slice.
      const double covered = (1 + r.gamma) / (3 + r.gamma) * (K - 1) / K * r.samples +
                             (K - 1) * static_cast<double>(d + 1);
      CHECK(covered < r.samples);
      // Lemma 7: a move along some axis reaches across j's boundary and no other's.
      CHECK(r.step(eps) / std::sqrt(static_cast<double>(d)) >= 2 * r.width(eps) * (1 - 1e-15));
      CHECK(r.step(eps) <= r.gamma * r.width(eps) * (1 + 1e-15));
    }
  }
}

TEST_CASE("samples and gradients scale as the theorems say") {
  const auto cost = [](auto moves, double K, std::size_t d, double eps) {
    return sample_complexity(moves, {.K = K, .d = d, .bias = 0, .eta = 1, .mu = 1}, eps, 1);
  };
  const double big = 1e12;
  const std::size_t wide = 1'000'000'000;
  const auto ratio = [](double a, double b, double expected) {
    return close_to(a / b, expected, expected * 1e-3);
  };
  // Lower powers of K and d are left over: of order 1e-4 of the whole here.
  const auto at = [&](auto moves, double K, std::size_t d) { return cost(moves, K, d, 0.1); };
  CHECK(ratio(at(agnostic_moves{}, 4 * big, wide).samples, at(agnostic_moves{}, big, wide).samples,
              32));
  CHECK(ratio(at(agnostic_moves{}, big, 4 * wide).samples, at(agnostic_moves{}, big, wide).samples,
              16));
  CHECK(ratio(at(aware_moves{}, big, 4 * wide).samples, at(aware_moves{}, big, wide).samples, 4));
  CHECK(ratio(at(agnostic_moves{}, 4 * big, wide).gradient,
              at(agnostic_moves{}, big, wide).gradient, 1.0 / 8));
  CHECK(ratio(at(agnostic_moves{}, big, 4 * wide).gradient,
              at(agnostic_moves{}, big, wide).gradient, 0.5));
  CHECK(ratio(at(aware_moves{}, big, 4 * wide).gradient, at(aware_moves{}, big, wide).gradient, 1));
  CHECK(nearly(cost(agnostic_moves{}, 5, 3, 0.01).samples,
               10 * cost(agnostic_moves{}, 5, 3, 0.1).samples));
}

TEST_CASE("the calculator by hand") {
  const recovery_setting s{.K = 3, .d = 4, .bias = 0.25, .eta = 0.25, .mu = 2.5 / 21, .kappa = 0.5};
  const auto cost = sample_complexity(agnostic_moves{}, s, 0.1, 0.8);
  const double width = 0.1 / (5 + 10.5 * 1.25);
  CHECK(nearly(cost.width, width));
  CHECK(nearly(cost.samples, 105 / (0.5 * 0.8 * width)));
  CHECK(nearly(cost.gradient, width / 5));
}

TEST_CASE("settings that mean nothing") {
  const recovery_setting good{.K = 3, .d = 4, .bias = 0, .eta = 1, .mu = 1};
  const auto check = [&](auto change) {
    auto wrong = good;
    change(wrong);
    CHECK_THROWS_AS(constants_of(agnostic_moves{}, wrong), argument_error);
  };
  const double nan_number = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  for (const double x : {0.0, -1.0, nan_number, infinity}) {
    check([&](auto& s) { s.K = x; });
    check([&](auto& s) { s.eta = x; });
    check([&](auto& s) { s.mu = x; });
    check([&](auto& s) { s.kappa = x; });
    CHECK_THROWS_AS(sample_complexity(aware_moves{}, good, x, 1), argument_error);
    CHECK_THROWS_AS(sample_complexity(aware_moves{}, good, 1, x), argument_error);
  }
  check([&](auto& s) { s.d = 0; });
  check([&](auto& s) { s.bias = infinity; });
  check([&](auto& s) { s.kappa = 1.1; });
  auto wrong = good;
  wrong.kappa = 0;
  CHECK(message_of<argument_error>([&] { constants_of(aware_moves{}, wrong); }) ==
        "recovery constants: K 3, d 4, bias 0, eta 1, mu 1, kappa 0; expected K and d from 1 on, "
        "a finite bias, positive eta and mu, kappa in (0, 1]");
}
