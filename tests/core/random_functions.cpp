// The functions that normal draws are made of, against the C library's long double ones.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <tutelage/core/random.hpp>
#include <vector>

#include "support/close_to.hpp"

namespace {

using namespace test;

// Words that the uniforms of Box and Muller's method come from.
constexpr std::uint64_t word_of(double uniform) {
  return static_cast<std::uint64_t>(uniform * 0x1p53) << 11;
}

// Uniforms at which ln changes its exponent or is hard, with their neighbors, and random ones.
std::vector<double> hard_uniforms() {
  std::vector<double> result{1.0, 1.0 - 0x1p-53, 0x1p-53, 0x1p-52, 0.25, 0.5, 0.75};
  for (int e = 0; e > -53; --e) {
    for (const double m :
         {1.0, 0.70710678118654746, 0.70710678118654757, 0.5000000000000001, 0.99999999999999989}) {
      result.push_back(std::ldexp(m, e));
    }
  }
  stream random(1, purpose::analysis);
  for (int i = 0; i < 200'000; ++i) result.push_back(1 - random.uniform());
  for (int i = 0; i < 20'000; ++i) {
    result.push_back(1 - std::ldexp(random.uniform(), -static_cast<int>(random.below(50))));
    result.push_back(std::ldexp(1 - random.uniform(), -static_cast<int>(random.below(52))));
  }
  return result;
}

}  // namespace

TEST_CASE("log_of_uniform: within 2 epsilon of the logarithm") {
  comparison all;
  for (const double u : hard_uniforms()) {
    const long double exact = std::log(static_cast<long double>(u));
    const auto error = std::abs(static_cast<long double>(detail::log_of_uniform(u)) - exact);
    all.add(static_cast<double>(error), 2 * epsilon<double> * std::abs(static_cast<double>(exact)),
            "ln " + std::to_string(u), detail::log_of_uniform(u), static_cast<double>(exact));
  }
  CHECK(all);
  CHECK(detail::log_of_uniform(1) == 0);
}

TEST_CASE("sin_half_pi, cos_half_pi: within 2 epsilon of the sine and cosine") {
  comparison sines, cosines;
  stream random(11, purpose::analysis);
  std::vector<double> turns{0, 0.5, -0.5, 0x1p-51, -0x1p-51, 0.25, -0.25, 1.0 / 3};
  for (int i = 0; i < 200'000; ++i) turns.push_back(random.uniform() - 0.5);
  for (const double f : turns) {
    const long double angle = static_cast<long double>(f) * 1.57079632679489661923132169163975144L;
    const long double s = std::sin(angle), c = std::cos(angle);
    sines.add(static_cast<double>(std::abs(static_cast<long double>(detail::sin_half_pi(f)) - s)),
              2 * epsilon<double> * std::abs(static_cast<double>(s)), "sin " + std::to_string(f),
              detail::sin_half_pi(f), static_cast<double>(s));
    cosines.add(static_cast<double>(std::abs(static_cast<long double>(detail::cos_half_pi(f)) - c)),
                2 * epsilon<double> * static_cast<double>(c), "cos " + std::to_string(f),
                detail::cos_half_pi(f), static_cast<double>(c));
  }
  CHECK(sines);
  CHECK(cosines);
}

TEST_CASE("normal_pairs: Box and Muller's formula in every octant and at the ends") {
  comparison all;
  std::vector<double> turns, radii{0, 1 - 0x1p-53, 0.5, 0.999, 0x1p-53};
  for (int k = 0; k < 64; ++k) turns.push_back(k / 64.0);
  for (int k = 0; k < 8; ++k) {
    turns.push_back(k / 8.0 + 0x1p-53);
    turns.push_back((k + 1) / 8.0 - 0x1p-53);
  }
  for (const double u : radii) {
    for (const double v : turns) {
      const std::array<std::uint64_t, 2> words{word_of(u) | 0x7FF, word_of(v) | 0x2A5};
      std::array<double, 2> drawn{};
      detail::normal_pairs(words.data(), drawn.data(), 1);
      const long double radius = std::sqrt(-2 * std::log(static_cast<long double>(u) + 0x1p-53L));
      const long double angle = 6.28318530717958647692528676655900577L * v;
      const std::array<long double, 2> exact{radius * std::cos(angle), radius * std::sin(angle)};
      for (std::size_t i = 0; i < 2; ++i) {
        // Relative to the radius: a long double angle is itself rounded.
        all.add(static_cast<double>(std::abs(static_cast<long double>(drawn[i]) - exact[i])),
                4 * epsilon<double> * static_cast<double>(radius),
                detail::text("u ", u, ", v ", v, ", number ", i), drawn[i],
                static_cast<double>(exact[i]));
        CHECK(std::isfinite(drawn[i]));
      }
    }
  }
  CHECK(all);
}

TEST_CASE("normal_pairs: many pairs are as many single ones") {
  stream random(12, purpose::analysis);
  std::array<std::uint64_t, 64> words{};
  for (auto& word : words) word = random.bits();
  std::array<double, 64> together{};
  detail::normal_pairs(words.data(), together.data(), 32);
  for (std::size_t i = 0; i < 64; i += 2) {
    std::array<double, 2> pair{};
    detail::normal_pairs(&words[i], pair.data(), 1);
    CHECK(pair == std::array{together[i], together[i + 1]});
  }
}
