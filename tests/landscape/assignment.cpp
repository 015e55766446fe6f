#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <tutelage/landscape/assignment.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

double total(const matrix<double>& gain, const std::vector<std::size_t>& p) {
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) sum += gain(i, p[i]);
  return sum;
}

bool is_permutation(std::vector<std::size_t> p) {
  std::sort(p.begin(), p.end());
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] != i) return false;
  }
  return true;
}

double best_of_all(const matrix<double>& gain) {
  std::vector<std::size_t> p(gain.shape(0));
  std::iota(p.begin(), p.end(), std::size_t{0});
  double best = total(gain, p);
  while (std::next_permutation(p.begin(), p.end())) best = std::max(best, total(gain, p));
  return best;
}

// The most that rows can gain by passing columns on in a cycle: by Floyd and Warshall. An
// assignment is optimal exactly when that is nothing.
double best_exchange(const matrix<double>& gain, const std::vector<std::size_t>& p) {
  const std::size_t n = p.size();
  auto better = make_matrix<double>(n, n);  // (i, k): row i takes row k's column
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) better(i, k) = gain(i, p[k]) - gain(i, p[i]);
  }
  for (std::size_t via = 0; via < n; ++via) {
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        better(i, k) = std::max(better(i, k), better(i, via) + better(via, k));
      }
    }
  }
  double most = 0;
  for (std::size_t i = 0; i < n; ++i) most = std::max(most, better(i, i));
  return most;
}

}  // namespace

TEST_CASE("assign finds the best of all permutations") {
  stream random = random_stream(1);
  for (std::size_t n = 1; n <= 6; ++n) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      auto gain = random_matrix<double>(n, n, random);
      // Whole numbers have ties and are exact.
      if (repeat % 2 == 0) {
        for (double& g : gain) g = std::round(3 * g);
      }
      const auto p = assign(gain);
      CAPTURE(n);
      REQUIRE(is_permutation(p));
      CHECK(close_to(total(gain, p), best_of_all(gain), 16 * epsilon<double> * 10));
    }
  }
}

TEST_CASE("no cycle of exchanges makes a large assignment better") {
  stream random = random_stream(2);
  for (const std::size_t n : {12U, 31U, 40U}) {
    auto gain = random_matrix<double>(n, n, random);
    // Products of a column's and a row's number: many nearly equal assignments.
    if (n == 31) {
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t k = 0; k < n; ++k) gain(i, k) = static_cast<double>(i * k);
      }
    }
    const auto p = assign(gain);
    REQUIRE(is_permutation(p));
    CHECK(best_exchange(gain, p) <= 1000 * static_cast<double>(n) * epsilon<double>);
    if (n == 31) CHECK(p[30] == 30);  // in order: the largest with the largest
  }
}

TEST_CASE("a planted assignment is found, whatever is added to rows and columns") {
  stream random = random_stream(3);
  const std::size_t n = 50;
  const auto planted = random.permutation(n);
  auto gain = make_matrix<double>(n, n);
  const auto rows = random_matrix<double>(n, 1, random),
             columns = random_matrix<double>(1, n, random);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      gain(i, k) = 100 * (rows(i, 0) + columns(0, k)) + (planted[i] == k ? 1e-6 : 0);
    }
  }
  CHECK(assign(gain) == std::vector<std::size_t>(planted.begin(), planted.end()));
}

TEST_CASE("gains of any size are assigned as their signs are") {
  stream random = random_stream(4);
  constexpr double huge = std::numeric_limits<double>::max();
  CHECK(is_permutation(assign(matrix<double>{{huge, -huge}, {huge, -huge}})));
  for (int repeat = 0; repeat < 200; ++repeat) {
    const std::size_t n = 2 + random.below(4);
    auto sign = make_matrix<double>(n, n), gain = sign;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        sign(i, k) = static_cast<double>(random.below(3)) - 1;
        gain(i, k) = huge * sign(i, k);
      }
    }
    const auto p = assign(gain);
    REQUIRE(is_permutation(p));
    REQUIRE(total(sign, p) == best_of_all(sign));
  }
}

TEST_CASE("nothing to assign, and what cannot be assigned") {
  CHECK(assign(make_matrix<double>(0, 0)).empty());
  CHECK(message_of<shape_error>([] { assign(make_matrix<double>(3, 2)); }) ==
        "assign: gain is (3x2), expected (3x3)");
  auto gain = make_matrix<double>(2, 2);
  gain(1, 0) = std::numeric_limits<double>::infinity();
  CHECK(message_of<argument_error>([&] { assign(gain); }) ==
        "assign: gain has inf at row 1, column 0, expected finite numbers");
}
