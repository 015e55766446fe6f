#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/determinant_search.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

template <class F>
found_directions best_of(const F& f, std::size_t m, const determinant_search& settings,
                         std::uint64_t climbs) {
  found_directions best;
  for (std::uint64_t k = 0; k < climbs; ++k) {
    auto found = maximize_min_determinant(f, m, settings, stream(41, purpose::analysis, k));
    if (best.theta.empty() || found.min_determinant > best.min_determinant) best = found;
  }
  return best;
}

}  // namespace

TEST_CASE("two students: the known best, on both sides of the teacher") {
  // By symmetry theta = (a, -a), and det M_1 = f(a) (f(0) - f(2 a)).
  const arc_cosine<1> f;
  double best = 0, at = 0;
  for (double a = 0; a <= pi / 2; a += 1e-6) {
    const double value = f(a) * (pi - f(2 * a));
    if (value > best) {
      best = value;
      at = a;
    }
  }
  const auto found = best_of(f, 2, {.evaluations = 2000, .gap = 0.01}, 8);
  CHECK(close_to(found.min_determinant, best, 1e-9));
  CHECK(close_to(found.theta[0], at, 1e-4));
  CHECK(close_to(found.theta[1], 2 * pi - at, 1e-4));
}

TEST_CASE("a violation of Conjecture 5.5 is found where there is one") {
  // angular_conditions.cpp knows one at (0.6, -0.6, 3); better are all students just apart.
  const auto triangle = [](double t) { return 1 + (t < 1 ? 1 - t : 0); };
  CHECK(best_of(triangle, 3, {.evaluations = 3000}, 8).min_determinant > 0.2);
}

TEST_CASE("no violation for the arc-cosine kernels, and lines stay apart") {
  for (const std::size_t m : {3U, 5U}) {
    const double gap = 0.3;
    const auto found = best_of(arc_cosine<1>{}, m, {.evaluations = 2000, .gap = gap}, 4);
    CHECK(found.min_determinant < 0);
    CHECK(std::is_sorted(found.theta.begin(), found.theta.end()));
    std::vector<double> lines{0};
    for (const double x : found.theta) lines.push_back(std::fmod(x, pi));
    std::sort(lines.begin(), lines.end());
    lines.push_back(pi);
    for (std::size_t i = 0; i <= m; ++i) {
      CHECK(lines[i + 1] - lines[i] >= gap * pi / static_cast<double>(m + 1) - 8 * epsilon<double>);
    }
    // What is reported is of these directions.
    angular_matrices<double> a;
    a.compute(arc_cosine<1>{}, std::span<const double>(found.theta));
    cramer_determinants<double> c;
    c.compute(a.M, a.b);
    CHECK(
        close_to(c.min_replaced(), found.min_determinant, 1e3 * epsilon<double> * std::pow(pi, m)));
  }
}

TEST_CASE("climbs are better than as many random draws, and repeat") {
  const determinant_search settings{.evaluations = 3000, .gap = 0.2};
  const auto one = maximize_min_determinant(arc_cosine<1>{}, 4, settings, random_stream(1));
  const auto again = maximize_min_determinant(arc_cosine<1>{}, 4, settings, random_stream(1));
  CHECK(one.theta == again.theta);
  double random_best = -1e9;
  for (std::uint64_t k = 0; k < 3000; ++k) {
    random_best = std::max(
        random_best, maximize_min_determinant(arc_cosine<1>{}, 4, {.evaluations = 1, .gap = 0.2},
                                              stream(42, purpose::analysis, k))
                         .min_determinant);
  }
  CHECK(best_of(arc_cosine<1>{}, 4, settings, 4).min_determinant > random_best / 2);
}

TEST_CASE("evenly spaced lines leave nothing to search; settings that make no sense") {
  const auto found =
      maximize_min_determinant(arc_cosine<0>{}, 3, {.evaluations = 5, .gap = 1}, random_stream(2));
  for (const double x : found.theta) {
    CHECK(close_to(std::remainder(x, pi / 4), 0, 8 * epsilon<double>));
  }
  const auto refused = [](std::size_t m, const determinant_search& settings) {
    return message_of<argument_error>(
        [&] { maximize_min_determinant(arc_cosine<1>{}, m, settings, random_stream(3)); });
  };
  const std::string expected = "; expected at least 1, at least 1, and in (0, 1]";
  CHECK(refused(0, {}) ==
        "maximize_min_determinant: m is 0, evaluations 20000, gap 0.1" + expected);
  CHECK(refused(3, {.evaluations = 0}) ==
        "maximize_min_determinant: m is 3, evaluations 0, gap 0.1" + expected);
  CHECK(refused(3, {.gap = 0}) ==
        "maximize_min_determinant: m is 3, evaluations 20000, gap 0" + expected);
  CHECK(refused(3, {.gap = 1.5}) ==
        "maximize_min_determinant: m is 3, evaluations 20000, gap 1.5" + expected);
}
