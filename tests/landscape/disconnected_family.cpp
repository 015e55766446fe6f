#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/landscape/disconnected_family.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

}  // namespace

TEST_CASE("both networks fit, for every h") {
  for (const std::size_t h : {2U, 3U, 4U, 5U, 8U, 13U, 40U}) {
    CAPTURE(h);
    const auto made = make_disconnected_family(h);
    CHECK(made.x.shape(0) == 2 * h + 1);
    CHECK(close_to(made.teacher(made.x), made.y, 0));
    // The weights of w_i are of the order of 1 / (1 - c).
    const double size = 1 / (1 - std::cos(M_PI / static_cast<double>(h)));
    CHECK(close_to(made.other(made.x), made.y, 8 * epsilon<double> * size));
  }
}

TEST_CASE(
    "what the proof rests on: each node is active at one p, and the teacher has another sign") {
  for (const std::size_t h : {2U, 3U, 7U}) {
    CAPTURE(h);
    const auto made = make_disconnected_family(h);
    const auto W = made.other.layer<1>().weights();
    for (std::size_t k = 0; k < h; ++k) {
      CHECK(made.other.layer<2>().weights()(k, 0) > 0);
      std::size_t active = 0;
      for (std::size_t i = 0; i < 2 * h + 1; ++i) {
        double a = 0;
        for (std::size_t j = 0; j < 4; ++j) a += W(j, k) * made.x(i, j);
        if (a > 1e-9) {
          ++active;
          CHECK(i == 2 * k);
        }
      }
      CHECK(active == 1);
    }
    CHECK(made.teacher.layer<2>().weights()(1, 0) < 0);
    // Between neighbouring p lies a q.
    for (std::size_t i = 0; i < h; ++i) {
      const auto angle = [&](std::size_t row) {
        return std::atan2(made.x(row, 1), made.x(row, 0));
      };
      const double gap = std::remainder(angle(2 * i + 1) - angle(2 * i), 2 * M_PI);
      CHECK(close_to(gap, M_PI / static_cast<double>(h), 1e-14));
      CHECK(made.x(2 * i, 3) == 0);
      CHECK(made.x(2 * i + 1, 3) == 1);
    }
  }
}

TEST_CASE("one node is too few") {
  CHECK(message_of<argument_error>([] { (void)make_disconnected_family(1); }) ==
        "make_disconnected_family: h is 1, expected at least 2");
}
