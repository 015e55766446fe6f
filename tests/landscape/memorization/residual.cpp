#include <array>
#include <cstddef>
#include <vector>

#include <tutelage/data/inputs.hpp>
#include <tutelage/landscape/memorization/residual.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr std::uint64_t seed = 1;

struct sample_set {
  matrix<double> x, y;
  std::vector<label> labels;
};

sample_set draw(std::size_t N, std::size_t d, std::size_t p) {
  sample_set s{draw_inputs<double>(gaussian_inputs{2}, N, d, 1), make_matrix<double>(N, p), {}};
  auto random = stream(2, purpose::analysis);
  for (std::size_t i = 0; i < N; ++i) {
    s.labels.push_back(static_cast<label>(random.below(p)));
    s.y(i, s.labels[i]) = 1;
  }
  return s;
}

}  // namespace

TEST_CASE("one-hot outputs for random labels, by few and by many blocks") {
  struct size {
    std::size_t N, d, p;
  };
  for (const size& c : {size{1, 1, 2}, size{16, 3, 3}, size{100, 10, 2}, size{400, 50, 10}}) {
    const std::size_t N = c.N, d = c.d, p = c.p;
    CAPTURE(N);
    const auto s = draw(N, d, p);
    const std::size_t groups = residual_groups(s.labels, p, d);
    const auto check = [&](const auto& gate, double tolerance) {
      const std::array<std::size_t, 1> one{4 * groups + 3};
      CHECK(close_to(memorize_residual(s.x, s.labels, p, one, seed, gate)(s.x), s.y, tolerance));
      const std::array<std::size_t, 3> three{4 * (groups / 3), 0, 4 * (groups - groups / 3) + 1};
      CHECK(close_to(memorize_residual(s.x, s.labels, p, three, seed, gate)(s.x), s.y, tolerance));
    };
    check(relu{}, 1e-11);
    // A node of slope c is c z below its kink, z up to 4 spread / delta, and M times as much moves h.
    check(leaky_relu<dynamic_slope>(0.1), 1e-8);
  }
}

TEST_CASE("groups: at most d points of one class") {
  const std::vector<label> labels{0, 1, 0, 0, 2, 0, 0, 1};
  CHECK(residual_groups(labels, 3, 1) == 8);
  CHECK(residual_groups(labels, 3, 2) == 3 + 1 + 1);
  CHECK(residual_groups(labels, 3, 5) == 3);
  CHECK(residual_groups(labels, 4, 4) == 2 + 1 + 1);
}

TEST_CASE("4 N / d + 4 p nodes in blocks are always enough") {
  const auto s = draw(60, 6, 4);
  CHECK(4 * residual_groups(s.labels, 4, 6) <= 4 * 60 / 6 + 4 * 4);
}

TEST_CASE(
    "points that are not in general position are named, and other data that cannot be moved") {
  // (2, 2) of class 1 lies on the line through both points of class 0.
  const matrix<double> x{{0, 0}, {1, 1}, {2, 2}, {0, 3}};
  const auto call = [](const matrix<double>& points, const std::vector<label>& labels,
                       std::size_t width) {
    return [points, labels, width] {
      (void)memorize_residual(points, labels, 2, std::array<std::size_t, 1>{width}, seed);
    };
  };
  CHECK(message_of<argument_error>(call(x, {0, 0, 1, 1}, 8)) ==
        "memorize_residual: general position: row 2 lies on a hyperplane through 2 points of class "
        "0, row 0 the first of them");
  CHECK(message_of<shape_error>(call(x, {0, 0, 1, 1}, 7)) ==
        "memorize_residual: the blocks move 1 groups, the points are 2 groups of at most 2 of one "
        "class");
  CHECK(message_of<argument_error>(call({{0, 1}, {0, 1}}, {0, 1}, 8)) ==
        "memorize_residual: rows 0 and 1 are one point");
  CHECK(message_of<argument_error>(call({{0, 1}}, {2}, 8)) ==
        "memorize_residual: label 2 at row 0, expected one below 2");
  CHECK(message_of<argument_error>(call({{0}, {1e-310}}, {0, 1}, 8))
            .starts_with("memorize_residual: rounding: output "));
  CHECK(message_of<shape_error>(call(make_matrix<double>(0, 2), {}, 8)) ==
        "memorize_residual: x is (0x2), expected at least one point");
}
