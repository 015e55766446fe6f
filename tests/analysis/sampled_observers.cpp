#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/analysis/sampled_observers.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// Counts by plain loops in long double; samples that rounding could put on the other side are far
// from all borders, as the caller sees to.
template <class Layer, class Layer2, class T>
sampled_observers count(const Layer& observed, const Layer2& observing, const matrix<T>& below_j,
                        const matrix<T>& below_k, double eps) {
  const std::size_t N = below_j.shape(0), m = observed.out_width(), n = observing.out_width();
  const auto distance = [](const auto& l, const matrix<T>& x, std::size_t i, std::size_t k) {
    const std::size_t d = l.in_width();
    long double sum = l.weights()(d, k), square = 0;
    for (std::size_t u = 0; u < d; ++u) {
      sum += static_cast<long double>(l.weights()(u, k)) * x(i, u);
      square += static_cast<long double>(l.weights()(u, k)) * l.weights()(u, k);
    }
    return sum / std::sqrt(square);
  };
  sampled_observers c;
  c.eps = eps;
  c.samples = N;
  c.band.resize(m);
  c.above.resize(m);
  c.active.resize(n);
  c.band_and_active = c.above_and_active = make_matrix<double>(m, n);
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t j = 0; j < m; ++j) {
      const bool band = std::abs(distance(observed, below_j, i, j)) <= eps;
      const bool above = distance(observed, below_j, i, j) > 0;
      c.band[j] += band;
      c.above[j] += above;
      for (std::size_t k = 0; k < n; ++k) {
        const bool active = distance(observing, below_k, i, k) > 0;
        if (j == 0) c.active[k] += active;
        c.band_and_active(j, k) += band && active;
        c.above_and_active(j, k) += above && active;
      }
    }
  }
  return c;
}

bool equal(const sampled_observers& a, const sampled_observers& b) {
  return a.eps == b.eps && a.samples == b.samples && a.band == b.band && a.active == b.active &&
         a.above == b.above && a.band_and_active == b.band_and_active &&
         a.above_and_active == b.above_and_active;
}

// Weights and inputs are multiples of 1/8 with norms that keep all samples off the borders.
template <class T>
matrix<T> coarse_inputs(std::size_t N, std::size_t d, stream& random) {
  auto x = make_matrix<T>(N, d);
  for (T& value : x) value = static_cast<T>(static_cast<double>(random.below(17)) / 8 - 1);
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("counts are those of plain loops, in any chunks", T, float, double,
                   long double) {
  stream random = random_stream(1);
  mlp<T, relu, 5, 6, 4, 2> teacher;
  mlp<T, relu, 5, 13, 7, 2> student;
  randomize(teacher, random);
  randomize(student, random);
  const auto x = coarse_inputs<T>(601, 5, random);
  const auto expected = count(teacher.template layer<1>(), student.template layer<1>(), x, x, 0.2);
  CHECK(equal(observe<1>(teacher, student, x, 0.2), expected));
  for (const std::size_t chunk : {1U, 7U, 601U}) {
    observer_counter<T> counter(teacher.template layer<1>(), student.template layer<1>(), 0.2);
    for_each_chunk(
        x, [&](matrix_view<const T> rows, std::size_t) { counter.add(rows, rows); }, chunk);
    CHECK(equal(counter.result(), expected));
  }
  // The layer above sees what each network's own layer below gives.
  activations<decltype(teacher)> f_star;
  activations<decltype(student)> f;
  teacher.forward(x, f_star);
  student.forward(x, f);
  const auto above = observe<2>(teacher, student, x, 0.2);
  CHECK(equal(above, count(teacher.template layer<2>(), student.template layer<2>(),
                           to_matrix(f_star.f(1)), to_matrix(f.f(1)), 0.2)));
  CHECK(above.band[0] > 0);
  CHECK(above.two_sided(0, 0) + above.two_sided(1, 1) > 0);
}

TEST_CASE("kappa, two-sided counts, visibility and the best observer of a hand-made pair") {
  // Teacher: boundary x = 0, and x = 100, which no sample is near. Student: y > 0, x > 1, nothing.
  dense<double, 2, 2, relu> teacher;
  teacher.weights()(0, 0) = 2;
  teacher.weights()(0, 1) = 1;
  teacher.bias()[1] = -100;
  dense<double, 2, 3, relu> student;
  student.weights()(1, 0) = 1;
  student.weights()(0, 1) = 5;
  student.bias()[1] = -5;
  const double points[][2] = {{0.1, 1}, {-0.1, 1}, {0.05, -1}, {2, 1}, {2, -1}, {-2, 3}};
  auto x = make_matrix<double>(6, 2);
  for (std::size_t i = 0; i < 6; ++i) {
    for (std::size_t u = 0; u < 2; ++u) x(i, u) = points[i][u];
  }
  observer_counter<double> counter(teacher, student, 0.1);
  counter.add(matrix_view(x), matrix_view(x));
  const auto& c = counter.result();
  CHECK(c.band == std::vector<double>{3, 0});
  CHECK(c.kappa(0, 0) == 2.0 / 3);
  CHECK(c.kappa(0, 1) == 0);
  CHECK(c.kappa(0, 2) == 0);
  CHECK(c.kappa(1, 0) == 0);  // an empty band, and no NaN
  CHECK(c.two_sided(0, 0) == 2);
  CHECK(c.two_sided(0, 1) == 0);  // active on one side only
  CHECK(c.two_sided(0, 2) == 0);
  CHECK(close_to(c.visibility(0), 3 / (0.1 * 6), 4 * epsilon<double> * 5));
  CHECK(c.tau() == 0);
  CHECK(c.by_band().best(0) == std::optional<std::size_t>(0));
  CHECK(c.by_band().unobserved() == std::vector<std::size_t>{1});
  CHECK(c.by_sides().of(0) == std::vector<std::size_t>{0});
}

TEST_CASE("many samples in a region observe what the region observes") {
  // Uniform samples of a box. Where the margin is clear on either side, the band's samples say the
  // same; kappa of a thin band tends to the share of the slice on k's side.
  stream random = random_stream(2);
  const std::size_t d = 3, N = 200'000;
  mlp<double, relu, 3, 8, 1> teacher;
  mlp<double, relu, 3, 15, 1> student;
  randomize(teacher, random);
  randomize(student, random);
  const auto x = draw_inputs<double>(uniform_inputs{1.0}, N, d, 1);
  const double eps = 0.02;
  const auto sampled = observe<1>(teacher, student, x, eps).by_band();
  const auto exact = observe(teacher.layer<1>(), student.layer<1>(),
                             box{std::vector<double>(d, -1), std::vector<double>(d, 1)});
  std::size_t observing = 0, blind = 0;
  for (std::size_t j = 0; j < 8; ++j) {
    for (std::size_t k = 0; k < 15; ++k) {
      // Samples of the band are eps away: k's side moves by as much along and as a slope allows.
      if (exact.strength(j, k) > 0.4) {
        CHECK(sampled.observes(j, k));
        ++observing;
      } else if (exact.strength(j, k) < -0.1) {
        CHECK(!sampled.observes(j, k));
        ++blind;
      }
    }
  }
  CHECK(observing > 30);
  CHECK(blind > 5);

  // A square cut by x = 0; the student sees y > 0.5, a quarter of the slice.
  dense<double, 2, 1, relu> axis, quarter;
  axis.weights()(0, 0) = 1;
  quarter.weights()(1, 0) = 1;
  quarter.bias()[0] = -0.5;
  const auto square = draw_inputs<double>(uniform_inputs{1.0}, N, 2, 2);
  observer_counter<double> counter(axis, quarter, 0.05);
  counter.add(matrix_view(square), matrix_view(square));
  const double in_band = counter.result().band[0];
  CHECK(std::abs(counter.result().kappa(0, 0) - 0.25) <= 4 * std::sqrt(0.25 * 0.75 / in_band));
  CHECK(std::abs(in_band - 0.05 * N) <= 4 * std::sqrt(0.05 * N));
}

TEST_CASE("degenerate input") {
  dense<double, 2, 2, relu> teacher, student;  // no weights at all
  student.bias()[0] = 1;
  const auto one = make_matrix<double>(1, 2);
  observer_counter<double> counter(teacher, student, 1);
  CHECK(message_of<argument_error>([&] { static_cast<void>(counter.result()); }) ==
        "observer_counter: no samples, expected at least 1");
  counter.add(matrix_view(one).middle_rows(0, 0), matrix_view(one).middle_rows(0, 0));
  CHECK_THROWS_AS(static_cast<void>(counter.result()), argument_error);
  counter.add(matrix_view(one), matrix_view(one));
  CHECK(counter.result().band == std::vector<double>{0, 0});
  CHECK(counter.result().active == std::vector<double>{1, 0});
  CHECK(counter.result().by_band().unobserved() == std::vector<std::size_t>{0, 1});
  CHECK(counter.result().tau() == 0);
  // A node without weights is near no sample, for an eps beyond all floats either; the others are.
  dense<float, 1, 2, relu> one_boundary;
  one_boundary.weights()(0, 0) = 1;
  const auto small = make_matrix<float>(3, 1);
  observer_counter<float> wide(one_boundary, one_boundary, 1e300);
  wide.add(matrix_view(small), matrix_view(small));
  CHECK(wide.result().band == std::vector<double>{3, 0});
  for (const double eps : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN(),
                           std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_AS((observer_counter<double>(teacher, student, eps)), argument_error);
  }
  auto wrong = one;
  wrong(0, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(counter.add(matrix_view(wrong), matrix_view(one)), argument_error);
  const auto two = make_matrix<double>(2, 2);
  CHECK(message_of<shape_error>([&] { counter.add(matrix_view(one), matrix_view(two)); }) ==
        "observer_counter: 1 and 2 samples, expected equally many");
}
