#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <tutelage/landscape/memorization/memorized.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// f(x) = x, of two outputs.
using line = mlp<double, relu, 2, 4, 2>;

line make_line() {
  line net;
  for (std::size_t o = 0; o < 2; ++o) {
    for (const double side : {1.0, -1.0}) {
      const std::size_t k = 2 * o + (side > 0 ? 0 : 1);
      net.layer<1>().weights()(o, k) = side;
      net.layer<2>().weights()(k, o) = side;
    }
  }
  return net;
}

// "" if outputs are near enough to the targets.
template <class Targets>
std::string complaint(const matrix<double>& f, const Targets& y) {
  try {
    detail::require_memorized("here", make_line(), matrix_view<const double>(f), y);
  } catch (const argument_error& e) {
    return e.what();
  }
  return "";
}

std::string complaint_of(const matrix<double>& f, const matrix<double>& y) {
  return complaint(f, matrix_view<const double>(y));
}

}  // namespace

TEST_CASE("every output is its target to within a part of that output's spread") {
  const double part = 0x1p-10;
  for (const double unit : {1.0, 0x1p-900, 0x1p+1000}) {
    for (const double offset : {0.0, 1000.0}) {
      const double low = unit * (offset - 1), high = unit * (offset + 3);
      const matrix<double> y{{low, 1}, {high, 2}};
      CHECK(complaint_of(y, y).empty());
      CHECK(complaint_of({{low + 4 * part * unit, 1}, {high, 2 - part}}, y).empty());
      CHECK(complaint_of({{low, 1}, {high - 4.01 * part * unit, 2}}, y)
                .starts_with("here: rounding: output 0 of row 1 is "));
      CHECK(complaint_of({{low, 1 + 1.01 * part}, {high, 2}}, y) ==
            "here: rounding: output 1 of row 0 is 1.00098633, expected 1 to within 0.0009765625");
    }
  }
}

TEST_CASE("targets that hardly differ are met to a part of their size") {
  for (const double unit : {1.0, -0x1p-900}) {
    const double part = 0x1p-30 * unit, almost = unit + 0x1p-50 * unit;
    for (const matrix<double>& y :
         {matrix<double>{{unit, 0}}, matrix<double>{{almost, 0}, {unit, 0}}}) {
      CHECK(complaint_of(y, y).empty());
      auto f = y;
      f(0, 0) += 0.99 * part;
      CHECK(complaint_of(f, y).empty());
      f(0, 0) += 0.02 * part;
      CHECK(complaint_of(f, y).starts_with("here: rounding: output 0 of row 0 is "));
    }
  }
  const matrix<double> zero{{0, 0}};
  CHECK(complaint_of(zero, zero).empty());
  CHECK(complaint_of({{0, 5e-324}}, zero).starts_with("here: rounding: output 1 of row 0 is "));
}

TEST_CASE("outputs that are not finite are no targets' outputs, however large these are") {
  const double most = std::numeric_limits<double>::max();
  const double infinity = std::numeric_limits<double>::infinity();
  const matrix<double> y{{most, 0}, {-most, 0}};
  CHECK(complaint_of(y, y).empty());
  CHECK(
      complaint_of({{0, 0}, {-most, 0}}, y).starts_with("here: rounding: output 0 of row 0 is 0"));
  CHECK(complaint_of({{infinity, 0}, {-most, 0}}, y).starts_with("here: rounding: output "));
  CHECK(complaint_of({{std::nan(""), 0}, {-most, 0}}, y).starts_with("here: rounding: output "));
}

TEST_CASE("every row has its own targets, however many there are") {
  auto y = make_matrix<double>(5000, 2);
  for (std::size_t i = 0; i < 5000; ++i) {
    y(i, 0) = static_cast<double>(i);
    y(i, 1) = i % 7 == 0 ? 1 : -1;
  }
  CHECK(complaint_of(y, y).empty());
}

TEST_CASE("one-hot outputs, in as many rows as there are, whatever classes they are of") {
  const double part = 0x1p-10;
  const std::vector<label> labels(1000, 1);
  const std::span<const label> all(labels);
  auto f = make_matrix<double>(1000, 2);
  for (std::size_t i = 0; i < 1000; ++i) f(i, 1) = 1;
  f(3, 0) = part;
  f(4, 1) = 1 - part;
  CHECK(complaint(f, all).empty());
  f(999, 0) = 2 * part;
  CHECK(complaint(f, all) ==
        "here: rounding: output 0 of row 999 is 0.001953125, expected 0 to within 0.0009765625");
}
