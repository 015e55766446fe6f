#include <cstddef>
#include <vector>

#include <tutelage/core/random.hpp>
#include <tutelage/landscape/exact_program.hpp>

#include "support/thrown.hpp"

namespace {

using namespace tutelage;

integer draw(stream& random, int low, int high) {
  return integer(low) + integer(random.below(static_cast<std::uint64_t>(high - low + 1)));
}

// x is feasible, y is a bound, and both have the value: nothing better exists.
bool is_proved(const exact_program& p, const exact_optimum& found) {
  rational value = 0, bound = 0;
  bool holds = true;
  for (std::size_t j = 0; j < p.c.size(); ++j) {
    rational sum = 0;
    for (std::size_t i = 0; i < p.b.size(); ++i) sum += p.A[i][j] * found.multipliers[i];
    holds = holds && found.x[j] >= 0 && sum >= p.c[j];
    value += p.c[j] * found.x[j];
  }
  for (std::size_t i = 0; i < p.b.size(); ++i) {
    rational sum = 0;
    for (std::size_t j = 0; j < p.c.size(); ++j) sum += p.A[i][j] * found.x[j];
    holds = holds && found.multipliers[i] >= 0 && sum <= p.b[i];
    bound += p.b[i] * found.multipliers[i];
  }
  return holds && value == found.value && bound == found.value;
}

}  // namespace

TEST_CASE("a program worked by hand") {
  // 3 x + 5 y, x <= 4, 2 y <= 12, 3 x + 2 y <= 18: at (2, 6)
  const exact_program p{{{1, 0}, {0, 2}, {3, 2}}, {4, 12, 18}, {3, 5}};
  const auto found = maximize(p);
  REQUIRE(found.has_value());
  CHECK(found->value == 36);
  CHECK(found->x == std::vector<rational>{2, 6});
  CHECK(found->multipliers == std::vector<rational>{0, rational(3, 2), 1});
}

TEST_CASE("the textbook's largest-coefficient cycle is no cycle under Bland's rule") {
  // Beale's program, times 100.
  const exact_program p{
      {{25, -6000, -4, 900}, {50, -9000, -2, 300}, {0, 0, 1, 0}}, {0, 0, 1}, {75, -15000, 2, -600}};
  const auto found = maximize(p);
  REQUIRE(found.has_value());
  CHECK(found->value == 5);
  CHECK(is_proved(p, *found));
}

TEST_CASE("random programs: every optimum comes with its proof, degenerate ones too") {
  stream random(1, purpose::analysis);
  std::size_t bounded = 0, unbounded = 0;
  for (int round = 0; round < 60; ++round) {
    const std::size_t m = 1 + random.below(5), n = 1 + random.below(6);
    exact_program p{std::vector(m, std::vector<integer>(n)), std::vector<integer>(m),
                    std::vector<integer>(n)};
    for (auto& row : p.A) {
      for (auto& a : row) a = draw(random, -6, 9);
    }
    for (auto& b : p.b) b = round % 2 == 0 ? integer(0) : draw(random, 0, 20);
    for (auto& c : p.c) c = draw(random, -5, 9);
    const auto found = maximize(p);
    if (found.has_value()) {
      ++bounded;
      CHECK(is_proved(p, *found));
    } else {
      ++unbounded;
    }
  }
  CHECK(bounded > 10);
  CHECK(unbounded > 10);
}

TEST_CASE("numbers of any size") {
  const integer large = pow(integer(10), 40);
  const auto found = maximize({{{large + 1}}, {large * large}, {1}});
  CHECK(found->value == rational(large * large, large + 1));
}

TEST_CASE("what is no program is an error") {
  CHECK(test::message_of<shape_error>([] {
          (void)maximize({{{1, 2}}, {1}, {1}});
        }) == "maximize: 1 rows of A and 1 numbers of b, 1 of c; rows of A must be as long as c");
  CHECK(test::message_of<argument_error>([] {
          (void)maximize({{{1}, {1}}, {1, -1}, {1}});
        }) == "maximize: b[1] is negative");
}
