#include <tutelage/core/extents.hpp>

#include <doctest/doctest.h>

#include "support/widths.hpp"

using namespace test;
using namespace tutelage;

TEST_CASE("extent: a static width is its number and no other") {
  for_each_static_width([](auto w) {
    using fixed = extent<w>;
    static_assert(fixed::size() == w && fixed{}.size() == w && fixed(w).size() == w);
    for (const std::size_t n : dynamic_widths()) {
      if (n == w) {
        CHECK(fixed(n).size() == w);
      } else {
        CHECK_THROWS_AS(fixed{n}, shape_error);
      }
    }
  });
}

TEST_CASE("extent: the message names both widths") {
  CHECK_THROWS_WITH_AS(extent<10>{12}, "extent: got width 12, expected 10", shape_error);
  CHECK_THROWS_WITH_AS(extent<3>{0}, "extent: got width 0, expected 3", shape_error);
  CHECK_THROWS_WITH_AS(extent<2>{dynamic}, "extent: got width dynamic, expected 2", shape_error);
}

TEST_CASE("extent: a dynamic width is any number") {
  static_assert(extent<dynamic>{}.size() == 0);
  static_assert(extent<dynamic>(7).size() == 7);
  for (const std::size_t n : dynamic_widths()) CHECK(extent<dynamic>(n).size() == n);
}

TEST_CASE("extent: widths that may be equal") {
  static_assert(may_be_equal<3, 3> && may_be_equal<3, dynamic> && may_be_equal<dynamic, 3> &&
                may_be_equal<dynamic, dynamic>);
  static_assert(!may_be_equal<3, 4> && !may_be_equal<4, 3>);
}
