// Are the numbers distributed as they should be? Seeds are fixed. Every margin is a bound on the
// sampling error that a right distribution exceeds with probability below 1e-8.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <tuple>
#include <tutelage/core/random.hpp>
#include <utility>
#include <vector>

#include "support/close_to.hpp"

namespace {

using namespace test;

constexpr std::size_t draws = 200'000;

// Dvoretzky, Kiefer, Wolfowitz, Massart: P(sup |F_n - F| > d) <= 2 exp(-2 n d^2).
template <class Distribution>
void check_distribution(std::vector<double> sample, const Distribution& F) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = F(sample[i]);
    distance = std::max({distance, std::abs(expected - static_cast<double>(i) / n),
                         std::abs(static_cast<double>(i + 1) / n - expected)});
  }
  CHECK(distance < std::sqrt(std::log(2e9) / (2 * n)));
}

// Laurent, Massart: P(chi^2_k > k + 2 sqrt(k x) + 2 x) <= exp(-x). The sample is large enough for
// the statistic of counts to be chi^2.
void check_counts(const std::vector<std::size_t>& counts) {
  std::size_t total = 0;
  for (const auto c : counts) total += c;
  const double expected = static_cast<double>(total) / static_cast<double>(counts.size());
  double chi2 = 0;
  for (const auto c : counts) {
    const double difference = static_cast<double>(c) - expected;
    chi2 += difference * difference / expected;
  }
  const double k = static_cast<double>(counts.size() - 1), x = 20;
  CHECK(chi2 < k + 2 * std::sqrt(k * x) + 2 * x);
}

// The mean of draws of a known expectation and variance, within 6 standard errors.
template <class Draw>
void check_mean(Draw&& draw, double expected, double variance) {
  double sum = 0;
  for (std::size_t i = 0; i < draws; ++i) sum += draw();
  CHECK(close_to(sum / draws, expected, 6 * std::sqrt(variance / draws)));
}

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

TEST_CASE("uniform: distribution and moments") {
  std::vector<double> sample(draws);
  stream random(1, purpose::analysis);
  for (double& x : sample) x = random.uniform();
  check_distribution(sample, [](double x) { return x; });
  check_mean([&] { return random.uniform(); }, 1 / 2.0, 1 / 12.0);
  check_mean([&] { return random.uniform() * random.uniform(); }, 1 / 4.0, 7 / 144.0);
  random.fill_uniform(std::span(sample), -3, 5);
  check_distribution(sample, [](double x) { return (x + 3) / 8; });
}

TEST_CASE("bits: every bit, and the highest and lowest together") {
  stream random(2, purpose::analysis);
  std::array<std::size_t, 64> ones{};
  std::vector<std::size_t> high(64), low(64);
  for (std::size_t i = 0; i < draws; ++i) {
    const std::uint64_t word = random.bits();
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += word >> bit & 1;
    ++high[word >> 58];
    ++low[word & 63];
  }
  for (const std::size_t n : ones) check_counts({n, draws - n});
  check_counts(high);
  check_counts(low);
}

TEST_CASE("normal: distribution and moments") {
  std::vector<double> sample(draws);
  stream random(3, purpose::analysis);
  random.fill_normal(std::span(sample));
  check_distribution(sample, normal_distribution);
  const auto power = [&](int p) { return [&random, p] { return std::pow(random.normal(), p); }; };
  // E x^2p = 1 3 5 ... (2p - 1).
  check_mean(power(1), 0, 1);
  check_mean(power(2), 1, 2);
  check_mean(power(3), 0, 15);
  check_mean(power(4), 3, 105 - 9);
  check_mean(power(6), 15, 10395 - 225);
  random.fill_normal(std::span(sample), 2, 0.5);
  check_distribution(sample, [](double x) { return normal_distribution((x - 2) / 0.5); });
}

TEST_CASE("normal: the two of a pair, and neighbors, are independent") {
  stream random(4, purpose::analysis);
  const auto product = [&](int p, int q, bool same_pair) {
    return [&random, p, q, same_pair] {
      const double first = random.normal(), second = random.normal(), third = random.normal();
      random.normal();
      return std::pow(same_pair ? first : third, p) * std::pow(second, q);
    };
  };
  for (const bool same_pair : {true, false}) {
    check_mean(product(1, 1, same_pair), 0, 1);
    check_mean(product(2, 2, same_pair), 1, 9 - 1);
    check_mean(product(1, 2, same_pair), 0, 3);
    check_mean(product(3, 1, same_pair), 0, 15);
  }
  // Radius and angle of pairs.
  std::vector<double> radii(draws), angles(draws);
  for (std::size_t i = 0; i < draws; ++i) {
    const double x = random.normal(), y = random.normal();
    radii[i] = x * x + y * y;
    angles[i] = std::atan2(y, x);
  }
  check_distribution(radii, [](double r2) { return -std::expm1(-r2 / 2); });
  check_distribution(angles, [](double a) { return a / (2 * std::acos(-1.0)) + 0.5; });
}

TEST_CASE("streams of neighboring names are independent") {
  for (const int varied : {0, 1, 2}) {
    std::uint64_t i = 0;
    const auto one = [&](std::uint64_t n) {
      return stream(varied == 0 ? n : 1, varied == 1 ? purpose{n} : purpose::inputs,
                    varied == 2 ? n : 0)
          .normal();
    };
    check_mean([&] { return one(i++); }, 0, 1);
    i = 0;
    check_mean([&] { return ++i, one(i - 1) * one(i); }, 0, 1);
  }
}

TEST_CASE("below: counts of small numbers") {
  for (const std::uint64_t n : {1U, 2U, 3U, 10U, 64U, 1000U}) {
    stream random(5, purpose::analysis, n);
    std::vector<std::size_t> counts(n);
    for (std::size_t i = 0; i < draws; ++i) ++counts.at(random.below(n));
    if (n > 1) check_counts(counts);
  }
}

TEST_CASE("below: no bias where words do not divide evenly") {
  // The whole part of n word / 2^64 alone would meet a third of {0, ..., n-1} twice as often.
  const std::uint64_t third = std::uint64_t{1} << 62;
  stream random(6, purpose::analysis);
  std::vector<std::size_t> counts(3);
  for (std::size_t i = 0; i < draws; ++i) ++counts.at(random.below(3 * third) / third);
  check_counts(counts);
}

// The 128 bits of a product, from products of halves.
std::pair<std::uint64_t, std::uint64_t> high_and_low(std::uint64_t a, std::uint64_t b) {
  const std::uint64_t mask = 0xFFFFFFFF;
  const std::uint64_t low = (a & mask) * (b & mask);
  const std::uint64_t middle = (a >> 32) * (b & mask) + (low >> 32);
  const std::uint64_t other = (a & mask) * (b >> 32) + (middle & mask);
  return {(a >> 32) * (b >> 32) + (middle >> 32) + (other >> 32), a * b};
}

TEST_CASE("below: of n word / 2^64 the whole part, where the rest is not below 2^64 mod n") {
  const std::uint64_t half = std::uint64_t{1} << 63,
                      all = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t n : {std::uint64_t{1}, std::uint64_t{10}, half - 1, half, half + 1,
                                half / 2 * 3, all - 1, all}) {
    stream random(7, purpose::analysis), words = random;
    const std::uint64_t rejected = (all % n + 1) % n;
    for (int i = 0; i < 1000; ++i) {
      auto [high, low] = high_and_low(words.bits(), n);
      while (low < rejected) std::tie(high, low) = high_and_low(words.bits(), n);
      CHECK(random.below(n) == high);
    }
  }
}

TEST_CASE("permutation: every index once") {
  for (std::size_t n = 0; n <= 65; ++n) {
    auto order = stream(8, purpose::batches, n).permutation(n);
    std::sort(order.begin(), order.end());
    for (std::size_t i = 0; i < n; ++i) CHECK(order[i] == i);
    CHECK(order.size() == n);
  }
}

TEST_CASE("permutation: all orders of four are equally likely") {
  stream random(9, purpose::batches);
  std::vector<std::size_t> counts(256);
  for (std::size_t i = 0; i < draws; ++i) {
    std::size_t code = 0;
    for (const std::size_t k : random.permutation(4)) code = 4 * code + k;
    ++counts[code];
  }
  std::erase(counts, 0U);
  CHECK(counts.size() == 24);
  check_counts(counts);
}
