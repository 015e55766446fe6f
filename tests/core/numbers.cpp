#include <cstddef>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>
#include <tutelage/core/numbers.hpp>

using namespace tutelage;

TEST_CASE("for_each_number counts from 1 to N, and N may be 0") {
  std::vector<std::size_t> seen;
  for_each_number<3>([&](auto l) {
    static_assert(l >= 1 && l <= 3);
    seen.push_back(l);
  });
  CHECK(seen == std::vector<std::size_t>{1, 2, 3});
  for_each_number<0>([&](auto l) { seen.push_back(l); });
  CHECK(seen.size() == 3);
}

TEST_CASE("with_numbers gives them together, and returns what it is given") {
  const auto t = with_numbers<3>([](auto... l) { return std::tuple(10 * l...); });
  CHECK(t == std::tuple<std::size_t, std::size_t, std::size_t>(10, 20, 30));
  static_assert(with_numbers<4>([](auto... l) { return (l + ...); }) == 10);
}
