#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/angular/determinant_search.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double pi = std::numbers::pi;

template <class F>
found_directions best_of(const F& f, std::size_t m, determinant_search settings,
                         std::uint64_t climbs) {
  found_directions best;
  settings.seed = 41;
  for (settings.climb = 0; settings.climb < climbs; ++settings.climb) {
    auto found = maximize_min_determinant(f, m, settings);
    if (best.theta.empty() || found.score > best.score) best = found;
  }
  return best;
}

}  // namespace

TEST_CASE("the score is what it says; two students, either side of the teacher, have the best") {
  // M_1 and M_2 of [[2, 1], [1, 2]] and b = (3, 4): 2 and 5.
  cramer_determinants<double> c;
  c.compute(matrix<double>{{2, 1}, {1, 2}}, std::vector<double>{3, 4});
  CHECK(close_to(detail::determinant_score(c), 2.0 / 7, 4 * epsilon<double>));
  c.compute(matrix<double>{{2, 1}, {1, 2}}, std::vector<double>{1, 4});
  CHECK(close_to(detail::determinant_score(c), -2.0 / 9, 4 * epsilon<double>));
  c.compute(matrix<double>{{0, 0}, {0, 0}}, std::vector<double>{1, 4});
  CHECK(detail::determinant_score(c) == -1);
  // By symmetry theta = (a, -a) has det M_1 = det M_2, f(a) (f(0) - f(2 a)).
  const arc_cosine<1> f;
  const auto found = best_of(f, 2, {.evaluations = 2000, .gap = 0.01}, 8);
  CHECK(close_to(found.score, 0.5, 1e-9));
  const double a = found.theta[0];
  CHECK(close_to(found.theta[1], 2 * pi - a, 1e-6));
  CHECK(close_to(found.min_determinant, f(a) * (pi - f(2 * a)), 1e-6));
}

TEST_CASE("violations of Conjecture 5.5 are found where there are some") {
  // angular_conditions.cpp knows directions for each; these are their scores.
  const determinant_search settings{.evaluations = 3000};
  const auto triangle = [](double t) { return 1 + (t < 1 ? 1 - t : 0); };
  CHECK(best_of(triangle, 3, settings, 8).score > 0.2 / 3.8);
  const auto gate_cosine = [](double t) { return (pi - t) * std::cos(t); };
  // One of its directions is 0.04 from the teacher's line.
  CHECK(best_of(gate_cosine, 3, {.evaluations = 3000, .gap = 0.02}, 8).score > 5.17 / 36.38);
  const auto poisson = [](double t) { return 0.75 / (1.25 - std::cos(t)); };
  CHECK(best_of(poisson, 3, settings, 8).score > 0.956 / 12.176);
  const auto lemmas_met = [](double t) {
    return 1.2 + std::cos(t) + 0.01 * (std::cos(2 * t) + std::cos(3 * t) + std::cos(4 * t)) +
           0.07 * std::cos(5 * t) + 0.001 / (1.25 - std::cos(t));
  };
  CHECK(best_of(lemmas_met, 3, settings, 8).score > 0.3046 / 1.1103);
}

TEST_CASE("the search does not see f's scale") {
  const auto found = best_of(arc_cosine<1>{}, 4, {.evaluations = 500}, 4);
  for (const int power : {-200, -40, 40, 200}) {
    const auto scaled = [&](double t) { return std::scalbn(arc_cosine<1>{}(t), power); };
    const auto same = best_of(scaled, 4, {.evaluations = 500}, 4);
    CHECK(same.theta == found.theta);
    CHECK(same.score == found.score);
    CHECK(same.min_determinant == std::scalbn(found.min_determinant, 4 * power));
  }
}

TEST_CASE("starts are of four kinds") {
  std::size_t even = 0, pairs = 0, clusters = 0;
  constexpr std::size_t m = 6, draws = 400;
  for (std::uint64_t k = 0; k < draws; ++k) {
    stream random(43, purpose::analysis, k);
    const auto start = detail::draw_start(m, random);
    CHECK(start.z.size() == m + 1);
    REQUIRE(start.opposite.size() == m);
    even += std::all_of(start.z.begin(), start.z.end(), [](double z) { return z == 0; });
    bool alternate = true;
    for (std::size_t i = 1; i < m; i += 2) alternate &= start.opposite[i] != start.opposite[i - 1];
    for (std::size_t i = 1; i < m; i += 2) alternate &= start.z[i] < start.z[i - 1];
    pairs += alternate;
    // One change of sides at most, at the widest gap.
    const auto wide = std::max_element(start.z.begin(), start.z.end()) - start.z.begin();
    bool together = true;
    for (std::size_t i = 0; i < m; ++i) {
      together &= start.opposite[i] == (static_cast<std::ptrdiff_t>(i) >= wide);
    }
    clusters += together;
  }
  // A quarter each, within five standard deviations; the others have these shapes now and then.
  for (const std::size_t count : {even, pairs, clusters}) {
    CHECK(count > 57);
    CHECK(count < 160);
  }
}

TEST_CASE("no violation for the arc-cosine kernels, and lines stay apart") {
  for (const std::size_t m : {3U, 5U}) {
    const double gap = 0.3;
    const auto found = best_of(arc_cosine<1>{}, m, {.evaluations = 2000, .gap = gap}, 4);
    CHECK(found.score < 0);
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
  const determinant_search settings{.evaluations = 500, .gap = 0.2};
  const auto one = maximize_min_determinant(arc_cosine<1>{}, 4, settings);
  const auto again = maximize_min_determinant(arc_cosine<1>{}, 4, settings);
  CHECK(one.theta == again.theta);
  double random_best = -1;
  for (std::uint64_t k = 0; k < 8000; ++k) {
    random_best = std::max(
        random_best, maximize_min_determinant(
                         arc_cosine<1>{}, 4, {.evaluations = 1, .gap = 0.2, .seed = 42, .climb = k})
                         .score);
  }
  CHECK(best_of(arc_cosine<1>{}, 4, settings, 16).score > random_best);
}

TEST_CASE("evenly spaced lines leave nothing to search; settings that make no sense") {
  const auto found = maximize_min_determinant(arc_cosine<0>{}, 3, {.evaluations = 5, .gap = 1});
  for (const double x : found.theta) {
    CHECK(close_to(std::remainder(x, pi / 4), 0, 8 * epsilon<double>));
  }
  const auto refused = [](std::size_t m, const determinant_search& settings) {
    return message_of<argument_error>(
        [&] { maximize_min_determinant(arc_cosine<1>{}, m, settings); });
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
