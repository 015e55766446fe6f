#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include <tutelage/analysis/recovery/witnesses.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Gate>
using pair_type = mlp<double, Gate, dynamic, dynamic, dynamic>;

// The distance of a sample to a node's boundary.
template <class Network>
double distance(const Network& net, std::size_t k, const matrix<double>& x, std::size_t i) {
  const auto W = net.template layer<1>().weights();
  double sum = W(net.in_width(), k), norm = 0;
  for (std::size_t u = 0; u < net.in_width(); ++u) {
    sum += W(u, k) * x(i, u);
    norm += W(u, k) * W(u, k);
  }
  return sum / std::sqrt(norm);
}

}  // namespace

TEST_CASE_TEMPLATE("uncovered and observed teachers have a witness, and it is one", Gate, relu,
                   leaky_relu<std::ratio<1, 4>>) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const std::size_t d = 2 + seed % 3, m = 3, n = 5;
    pair_type<Gate> teacher({d, m, 2}), student({d, n, 2});
    stream random = random_stream(seed);
    randomize(teacher, random);
    randomize(student, random);
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 3000, d, seed);
    const auto witnesses = find_witnesses(teacher, student, x);
    REQUIRE(witnesses.size() == m);
    for (std::size_t j = 0; j < m; ++j) {
      if (!witnesses[j]) continue;
      ++found;
      const auto& w = *witnesses[j];
      CHECK(w.teacher == j);
      CHECK(close_to(w.l, std::abs(distance(teacher, j, x, w.sample)), 32 * epsilon<double>));
      CHECK(w.h > 2 * w.l);
      for (std::size_t i = 0; i < m; ++i) {
        if (i != j) CHECK(std::abs(distance(teacher, i, x, w.sample)) > w.h);
      }
      for (std::size_t k = 0; k < n; ++k) {
        CHECK(std::abs(distance(student, k, x, w.sample)) > w.h);
      }
      CHECK(distance(student, w.student, x, w.sample) > 0);
      // What it proves of the weights is so.
      const auto gaps = align_weights(teacher.template layer<1>(), student.template layer<1>());
      CHECK(w.apart > 0);
      for (std::size_t k = 0; k < n; ++k) {
        CHECK(std::max(gaps.sine(j, k), gaps.boundary_gap(j, k)) >= w.apart);
      }
      // c (h - l), and measured: exactly the kink's second difference, h - |a|.
      double alpha = 0, norm = 0;
      for (std::size_t c = 0; c < 2; ++c) {
        alpha += student.template layer<2>().weights()(w.student, c) *
                 teacher.template layer<2>().weights()(j, c);
      }
      for (std::size_t u = 0; u < d; ++u) {
        norm += std::pow(teacher.template layer<1>().weights()(u, j), 2);
      }
      const double slope = teacher.template layer<1>().gate().slope();
      const double promised = std::abs(alpha) * std::sqrt(norm) * (1 - slope) * (w.h - w.l);
      CHECK(close_to(w.least, promised, 64 * epsilon<double> * promised));
      CHECK(close_to(w.second_difference, w.least, 1e3 * epsilon<double>));
      CHECK(w.least > 0);
    }
  }
  CHECK(found > 40);
}

TEST_CASE("a covered teacher has no witness, whatever side its student is active on") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const std::size_t d = 3, m = 3;
    pair_type<relu> teacher({d, m, 2}), student({d, 5, 2});
    stream random = random_stream(seed);
    randomize(teacher, random);
    randomize(student, random);
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 3000, d, seed);
    const auto before = find_witnesses(teacher, student, x);
    const std::size_t j = seed % m;
    const double scale = seed % 2 == 0 ? 2.5 : -2.5;
    for (std::size_t u = 0; u <= d; ++u) {
      student.layer<1>().weights()(u, 1) = scale * teacher.layer<1>().weights()(u, j);
    }
    const auto after = find_witnesses(teacher, student, x);
    CHECK(!after[j]);
    for (std::size_t i = 0; i < m; ++i) {
      if (i != j && before[i] && after[i]) CHECK(after[i]->least > 0);
    }
  }
}

TEST_CASE("witnesses are exactly where a teacher is uncovered and observed") {
  for (std::size_t d = 2; d <= 6; ++d) {
    for (std::size_t m = 2; m <= 6; ++m) {
      pair_type<relu> teacher({d, m, 6}), student({d, 2 * m, 6});
      construct_teacher(teacher, {.seed = 10 * d + m}, uniform_bias{0.5});
      initialize(student, near_start{teacher}, 1);  // every node twice
      const auto x = draw_inputs<double>(gaussian_inputs{2}, 6000, d, m);
      for (const auto& none : find_witnesses(teacher, student, x)) CHECK(!none);
      for (std::size_t j = 0; j < m; ++j) {
        auto apart = student;
        std::size_t moved = 0;
        for (std::size_t k = 0; k < 2 * m; ++k) {
          double gap = 0;
          for (std::size_t u = 0; u <= d; ++u) {
            gap +=
                std::abs(student.layer<1>().weights()(u, k) - teacher.layer<1>().weights()(u, j));
          }
          if (gap > 0) continue;
          apart.layer<1>().bias()[k] += 0.7;
          ++moved;
        }
        REQUIRE(moved == 2);
        const auto found = find_witnesses(teacher, apart, x);
        INFO(d, " inputs, teacher ", j, " of ", m);
        for (std::size_t i = 0; i < m; ++i) CHECK(found[i].has_value() == (i == j));
        // Not observed: its boundary is on nobody's active side.
        auto blind = apart;
        for (double& b : blind.layer<1>().bias()) b = -1000;
        CHECK(!find_witnesses(teacher, blind, x)[j]);
      }
    }
  }
}

TEST_CASE("no witness without an active student, a coefficient or a clear sample") {
  // Teacher: x_0 = 0. Student: x_1 > -1.
  pair_type<relu> teacher({2, 1, 1}), student({2, 1, 1});
  teacher.layer<1>().weights()(0, 0) = 2;
  teacher.layer<2>().weights()(0, 0) = 3;
  student.layer<1>().weights()(1, 0) = 1;
  student.layer<1>().bias()[0] = 1;
  student.layer<2>().weights()(0, 0) = 0.5;
  auto x = make_matrix<double>(3, 2);
  x(0, 0) = 0.25;  // too far from the teacher: the student is 1 away, moves are shorter
  x(1, 0) = 0.125;
  x(2, 1) = -1.5;  // on the boundary, but the student is not active there
  const auto found = find_witnesses(teacher, student, x);
  REQUIRE(found[0]);
  CHECK(found[0]->sample == 1);
  CHECK(found[0]->l == 0.125);
  CHECK(close_to(found[0]->h, 1, 0x1p-9));
  CHECK(found[0]->h < 1);
  CHECK(close_to(found[0]->least, 3 * (found[0]->h - 0.125), 16 * epsilon<double>));
  CHECK(close_to(found[0]->second_difference, found[0]->least, 64 * epsilon<double>));
  CHECK(find_witnesses(teacher, student, x, 7.9)[0]);
  CHECK(!find_witnesses(teacher, student, x, 8)[0]);
  auto silent = student;
  silent.layer<2>().weights()(0, 0) = 0;
  CHECK(!find_witnesses(teacher, silent, x)[0]);
  auto inactive = student;
  inactive.layer<1>().bias()[0] = -1;
  CHECK(!find_witnesses(teacher, inactive, x)[0]);
}

TEST_CASE("degenerate input") {
  pair_type<relu> teacher({2, 2, 1}), student({2, 1, 1});
  auto x = make_matrix<double>(1, 2);
  for (const auto& witness : find_witnesses(teacher, student, x)) CHECK(!witness);  // no weights
  student.layer<1>().bias()[0] = 1;  // active everywhere: an observer without boundary
  student.layer<2>().weights()(0, 0) = 1;
  teacher.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = 1;
  const auto found = find_witnesses(teacher, student, x);
  REQUIRE(found[0]);
  CHECK(found[0]->h < 1);  // any move would do
  CHECK(close_to(found[0]->second_difference, found[0]->h, 8 * epsilon<double>));
  CHECK(!found[1]);
  for (std::size_t j = 0; j < 2; ++j) teacher.layer<1>().weights()(0, j) = 1;  // duplicates
  for (const auto& witness : find_witnesses(teacher, student, x)) CHECK(!witness);
  CHECK_THROWS_AS(find_witnesses(teacher, student, x, 1), argument_error);
  x(0, 0) = std::nan("");
  CHECK_THROWS_AS(find_witnesses(teacher, student, x), argument_error);
}

TEST_CASE("the kink is the teacher's, whatever gate the students have") {
  const auto check = [](auto teacher, auto student, double slope) {
    teacher.template layer<1>().weights()(0, 0) = 2;  // x_0 = 0
    teacher.template layer<2>().weights()(0, 0) = 3;
    student.template layer<1>().weights()(1, 0) = 1;  // x_1 = -1
    student.template layer<1>().bias()[0] = 1;
    student.template layer<2>().weights()(0, 0) = 0.5;
    auto x = make_matrix<double>(1, 2);
    x(0, 0) = 0.125;
    const auto found = find_witnesses(teacher, student, x);
    REQUIRE(found[0].has_value() == (slope < 1));
    if (!found[0]) return;
    CHECK(close_to(found[0]->least, 3 * (1 - slope) * (found[0]->h - 0.125), 64 * epsilon<double>));
    CHECK(close_to(found[0]->second_difference, found[0]->least, 64 * epsilon<double>));
  };
  using leaky = leaky_relu<std::ratio<99, 100>>;
  const std::array<std::size_t, 3> widths{2, 1, 1};
  check(pair_type<leaky>(widths), pair_type<relu>(widths), 0.99);
  check(pair_type<relu>(widths), pair_type<leaky>(widths), 0);
  check(pair_type<relu>(widths), pair_type<identity>(widths), 0);
  check(pair_type<identity>(widths), pair_type<relu>(widths), 1);
}

TEST_CASE("networks that do not fit are refused before they are read") {
  const auto x = make_matrix<double>(1, 2);
  CHECK(
      message_of<shape_error>([&] {
        find_witnesses(pair_type<relu>({2, 1, 1}), pair_type<relu>({2, 3, 64}), x);
      }) ==
      "find_witnesses: teacher and student give different outputs; the teacher 1, the student 64");
  CHECK_THROWS_AS(find_witnesses(pair_type<relu>({2, 1, 1}), pair_type<relu>({3, 3, 1}), x),
                  shape_error);
}

TEST_CASE("witnesses do not depend on the unit of the inputs") {
  const std::size_t d = 3, m = 3;
  pair_type<relu> teacher({d, m, 2}), student({d, 5, 2});
  stream random = random_stream(9);
  randomize(teacher, random);
  randomize(student, random);
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 500, d, 9);
  const auto ones = find_witnesses(teacher, student, x);
  for (const double unit : {0x1p-20, 0x1p20}) {
    auto scaled = x;
    for (double& value : scaled) value *= unit;
    auto t = teacher, s = student;
    for (double& b : t.layer<1>().bias()) b *= unit;
    for (double& b : s.layer<1>().bias()) b *= unit;
    const auto others = find_witnesses(t, s, scaled);
    for (std::size_t j = 0; j < m; ++j) {
      REQUIRE(ones[j].has_value() == others[j].has_value());
      if (!ones[j]) continue;
      CHECK(others[j]->sample == ones[j]->sample);
      CHECK(close_to(others[j]->l, ones[j]->l * unit, 64 * epsilon<double> * unit));
      CHECK(close_to(others[j]->h, ones[j]->h * unit, 64 * epsilon<double> * unit));
    }
  }
}

TEST_CASE("a lone teacher node and a student that is far: moves as long as the sample, at most") {
  mlp<double, relu, 2, 1, 1> teacher, student;
  teacher.layer<1>().weights()(0, 0) = 1;
  teacher.layer<2>().weights()(0, 0) = 1;
  student.layer<1>().weights()(1, 0) = 1e-300;  // its boundary is 1e300 away
  student.layer<1>().bias()[0] = 1;
  student.layer<2>().weights()(0, 0) = 1;
  const matrix<double> x{{0.001, 3}};
  const auto w = find_witnesses(teacher, student, x)[0];
  REQUIRE(w);
  CHECK(w->h <= 3.001);
  CHECK(w->h > 2.9);
  CHECK(close_to(w->second_difference, w->h - w->l, 64 * epsilon<double>));
}

TEST_CASE("the distance that a gap proves, at the ends") {
  CHECK(detail::proved_apart(0, 1) == 0);
  CHECK(detail::proved_apart(-1, 1) == 0);
  CHECK(detail::proved_apart(0.5, 0) == 0.5);  // at the origin only the gap of biases tells
  // Small: as the angle, (h' - l) / (1 + |x|); large: the sine falls behind by a factor of 2^0.5.
  CHECK(close_to(detail::proved_apart(1e-6, 3), 0.25e-6, 1e-12 * 1e-6 + 1e-18));
  CHECK(close_to(detail::proved_apart(100, 3), 100 / (1 + 3 * std::sqrt(2.0)), 1e-12));
  // No direction and bias do with less: a dense search in the plane.
  for (const double norm : {0.5, 2.0, 10.0}) {
    for (const double gap : {0.1, 0.9, 1.4, 3.0}) {
      const double proved = detail::proved_apart(gap, norm);
      double least = 1e300;
      for (int i = 0; i <= 2000; ++i) {
        const double angle = i * std::numbers::pi / 4000;
        const double b = std::max(0.0, gap - 2 * std::sin(angle / 2) * norm);
        least = std::min(least, std::max(std::sin(angle), b));
      }
      CHECK(proved <= least * (1 + 1e-12));
      CHECK(proved >= least / 1.42);
    }
  }
}

TEST_CASE("a promise that drowns in rounding is no witness") {
  // The kink is 2^-60 of what the outputs add up.
  pair_type<relu> teacher({1, 1, 1}), student({1, 1, 1});
  teacher.layer<1>().weights()(0, 0) = teacher.layer<2>().weights()(0, 0) = 1;
  student.layer<1>().weights()(0, 0) = student.layer<2>().weights()(0, 0) = 1;
  student.layer<1>().bias()[0] = 10;
  auto x = make_matrix<double>(1, 1);
  x(0, 0) = 1e-3;
  const auto seen = find_witnesses(teacher, student, x)[0];
  REQUIRE(seen);
  CHECK(seen->rounding < 1e-9 * seen->least);
  CHECK(close_to(seen->second_difference, seen->least, seen->rounding));
  teacher.layer<2>().bias()[0] = student.layer<2>().bias()[0] = 0x1p60;
  CHECK(!find_witnesses(teacher, student, x)[0]);
}

TEST_CASE("lengths whose squares leave the range") {
  for (const double unit : {1e-180, 1e180}) {
    pair_type<relu> teacher({2, 1, 1}), student({2, 1, 1});
    for (pair_type<relu>* net : {&teacher, &student}) {
      net->layer<1>().weights()(0, 0) = 1;
      net->layer<2>().weights()(0, 0) = 1;
    }
    student.layer<1>().bias()[0] = 10 * unit;
    auto x = make_matrix<double>(1, 2);
    x(0, 1) = 3 * unit;
    x(0, 0) = 1e-3 * unit;
    const auto found = find_witnesses(teacher, student, x)[0];
    REQUIRE(found);
    CHECK(found->apart > 0);
    CHECK(std::isfinite(found->apart));
    CHECK(close_to(found->second_difference / found->least, 1, 1e-9));
  }
}
