#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/analysis/recovery/noisy_pruning.hpp>
#include <tutelage/model/network_cast.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/split_student.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct true_kink {
  long double kink = 0, gauge = 0;
};

// |sum (1 - c) v |w~| - sum (1 - c*) v* |w~*|| of all groups of a boundary, by plain loops.
template <class Teacher, class Student>
true_kink kink_of(const Teacher& teacher, const Student& student,
                  const colinear_partition& partition, std::size_t boundary) {
  std::vector<long double> sum(student.out_width());
  true_kink result;
  const auto add = [&](const auto& net, std::size_t k, long double sign) {
    const auto W = net.template layer<1>().linear_weights();
    const auto V = net.template layer<2>().linear_weights();
    long double square = 0, size = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) square += std::pow<long double>(W(i, k), 2);
    const long double bend = (1 - net.template layer<1>().gate().slope()) * std::sqrt(square);
    for (std::size_t c = 0; c < V.cols(); ++c) {
      sum[c] += sign * bend * V(k, c);
      size += std::pow(bend * V(k, c), 2);
    }
    result.gauge += std::sqrt(size);
  };
  for (const auto& group : partition.groups) {
    if (group.boundary != boundary) continue;
    for (const std::size_t k : group.students) add(student, k, 1);
    for (const std::size_t j : group.teachers) add(teacher, j, -1);
  }
  long double square = 0;
  for (const long double s : sum) square += s * s;
  result.kink = std::sqrt(square);
  return result;
}

// How many groups have a bound. No bound may be false.
template <class Teacher, class Student, class T>
std::size_t check_true(const Teacher& teacher, const Student& student,
                       const colinear_partition& partition, const matrix<T>& x,
                       const kink_search& search = {}) {
  std::size_t holds = 0;
  const auto bounds = bound_kinks(teacher, student, partition, x, search);
  REQUIRE(bounds.size() == partition.groups.size());
  for (std::size_t g = 0; g < bounds.size(); ++g) {
    const auto truth = kink_of(teacher, student, partition, partition.groups[g].boundary);
    const auto rounding = 64 * epsilon<double> * static_cast<double>(truth.gauge);
    CHECK(static_cast<double>(truth.kink) <= bounds[g].bound + rounding);
    CHECK(std::abs(bounds[g].kink - static_cast<double>(truth.kink)) <= rounding);
    CHECK(std::abs(bounds[g].gauge - static_cast<double>(truth.gauge)) <= rounding);
    CHECK(!std::isnan(bounds[g].bound));
    holds += bounds[g].holds();
  }
  return holds;
}

template <class Teacher, class Student>
colinear_partition groups_of(const Teacher& teacher, const Student& student, double tolerance) {
  return colinear_groups(teacher.template layer<1>(), student.template layer<1>(), tolerance);
}

}  // namespace

TEST_CASE_TEMPLATE("no bound is false: random pairs of any gates", Gates, std::pair<relu, relu>,
                   std::pair<leaky_relu<std::ratio<99, 100>>, relu>, std::pair<identity, relu>,
                   std::pair<relu, leaky_relu<std::ratio<1, 2>>>, std::pair<relu, identity>) {
  using teacher_type = mlp<double, typename Gates::first_type, dynamic, dynamic, dynamic>;
  using student_type = mlp<double, typename Gates::second_type, dynamic, dynamic, dynamic>;
  std::size_t bounds = 0;
  for (std::uint64_t seed = 1; seed <= 24; ++seed) {
    const std::size_t d = 1 + seed % 4, C = 1 + seed % 3;
    teacher_type teacher({d, 3, C});
    student_type student({d, 9, C});
    stream random = random_stream(seed);
    randomize(teacher, random);
    randomize(student, random);
    auto W = student.template layer<1>().weights();
    const auto W_star = teacher.template layer<1>().weights();
    for (std::size_t u = 0; u <= d; ++u) {
      W(u, 0) = W_star(u, 0) * (1 + 0.02 * random.normal());
      W(u, 1) = -2 * W_star(u, 0);  // opposite
      W(u, 2) = u < d ? 0 : -1;     // dead
      W(u, 3) = u < d ? 0 : 1;      // constant
      W(u, 4) = W_star(u, 1) + 0.01 * random.normal();
      W(u, 5) = W(u, 6) / 3;
    }
    const double scale = std::ldexp(1.0, static_cast<int>(random.below(21)) - 10);
    const double out = std::ldexp(1.0, static_cast<int>(random.below(21)) - 10);
    for (std::size_t k = 0; k < 9; ++k) student.template layer<1>().bias()[k] *= scale;
    for (std::size_t k = 0; k < 3; ++k) teacher.template layer<1>().bias()[k] *= scale;
    for (std::size_t c = 0; c < C; ++c) {
      for (std::size_t k = 0; k <= 9; ++k) student.template layer<2>().weights()(k, c) *= out;
      for (std::size_t j = 0; j <= 3; ++j) teacher.template layer<2>().weights()(j, c) *= out;
    }
    const auto x = draw_inputs<double>(gaussian_inputs{scale}, 200, d, seed);
    for (const double tolerance : {1e-12, 0.05, 0.5}) {
      bounds += check_true(teacher, student, groups_of(teacher, student, tolerance), x);
    }
    // Any partition will do: all nodes in one group.
    colinear_partition all;
    all.groups.resize(1);
    for (const std::size_t k : {0U, 1U, 4U, 5U, 6U, 7U, 8U}) all.groups[0].students.push_back(k);
    all.groups[0].teachers = {0, 1, 2};
    check_true(teacher, student, all, x);
  }
  CHECK(bounds > 200);
}

TEST_CASE("an exact student: what is redundant is proved to be, to rounding") {
  for (const double scale : {0x1p-10, 1.0, 0x1p10}) {
    auto s = make_split_student(8, 4, 3, 3, 1);
    const auto partition = groups_of(s.teacher, s.student, 16 * epsilon<double>);
    for (auto* net : {&s.teacher, &s.student}) {
      for (std::size_t k = 0; k <= net->layer<2>().in_width(); ++k) {
        for (double& v : net->layer<2>().weights().row(k)) v *= scale;
      }
    }
    const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 1000, 8, 1);
    CHECK(check_true(s.teacher, s.student, partition, x) == 5);
    for (const auto& b : bound_kinks(s.teacher, s.student, partition, x)) {
      CHECK(b.points == 64);
      CHECK(b.observers > 9);
      CHECK(b.gauge > 0.1 * scale);
      CHECK(b.bound < 1e-8 * scale);
    }
  }
}

TEST_CASE("a planted group that does not cancel: the bound is near its kink") {
  for (const double delta : {1e-1, 1e-4, 1e-8}) {
    auto s = make_split_student(8, 4, 3, 3, 2);
    for (double& v : s.student.layer<2>().weights().row(s.null[0])) v += delta;
    const auto partition = groups_of(s.teacher, s.student, 16 * epsilon<double>);
    const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 1000, 8, 1);
    CHECK(check_true(s.teacher, s.student, partition, x) == 5);
    const auto bounds = bound_kinks(s.teacher, s.student, partition, x);
    for (std::size_t g = 0; g < 5; ++g) {
      if (partition.groups[g].students == s.null) {
        CHECK(bounds[g].kink > delta);
        CHECK(bounds[g].bound < 20 * bounds[g].kink);
      } else {
        CHECK(bounds[g].bound < 1e-8);
      }
    }
  }
}

TEST_CASE("one output, one observer: the bound is the kink, the noise adds 4 noise / (h |v|)") {
  any_mlp teacher({2, 1, 1}), student({2, 2, 1});
  student.layer<1>().weights()(0, 0) = 3;
  student.layer<1>().bias()[0] = 6;
  student.layer<1>().bias()[1] = 1;  // always active, without a boundary
  student.layer<2>().weights()(0, 0) = 0.5;
  student.layer<2>().weights()(1, 0) = -4;
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 100, 2, 1);
  double h = 0;  // no other boundary: as far as samples reach
  for (std::size_t i = 0; i < 100; ++i) h = std::max(h, std::abs(x(i, 0) + 2));
  const auto partition = groups_of(teacher, student, 0);
  for (const double noise : {0.0, 0.25, 100.0}) {
    const auto b = bound_kinks(teacher, student, partition, x, {.noise = noise});
    REQUIRE(b.size() == 1);
    CHECK(b[0].kink == 1.5);
    CHECK(b[0].observers == 1);
    CHECK(b[0].bound == doctest::Approx(1.5 + 4 * noise / (4 * h)).epsilon(1e-9));
  }
  // Without the observer nothing is proved: the node itself is no witness.
  student.layer<1>().bias()[1] = -1;
  CHECK(!bound_kinks(teacher, student, partition, x)[0].holds());
}

TEST_CASE("observers whose fan-outs do not span the outputs prove nothing") {
  auto s = make_split_student(5, 2, 2, 2, 3);
  for (std::size_t k = 0; k < s.student.widths()[1]; ++k) s.student.layer<2>().weights()(k, 1) = 0;
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 500, 5, 1);
  for (const auto& b : bound_kinks(s.teacher, s.student, groups_of(s.teacher, s.student, 0), x)) {
    CHECK(!b.holds());
    CHECK(b.observers > 0);
  }
}

TEST_CASE("float is as good") {
  const auto s = make_split_student(6, 3, 2, 2, 5);
  const auto x = draw_inputs<float>(gaussian_inputs{1.5}, 500, 6, 1);
  const auto teacher = network_cast<float>(s.teacher), student = network_cast<float>(s.student);
  const auto partition = groups_of(teacher, student, 1e-5);
  CHECK(check_true(teacher, student, partition, x) == partition.groups.size());
  for (const auto& b : bound_kinks(teacher, student, partition, x)) CHECK(b.bound < 1e-4 * b.gauge);
}

TEST_CASE("bad arguments") {
  const auto s = make_split_student(3, 2, 1, 1, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 5, 3, 1);
  auto partition = groups_of(s.teacher, s.student, 0);
  const auto bounds = [&](const kink_search& search = {}) {
    return bound_kinks(s.teacher, s.student, partition, x, search);
  };
  CHECK(bounds()[0].points <= 5);
  CHECK(message_of<argument_error>([&] { bounds({.noise = -1}); }) ==
        "bound_kinks: 64 samples, noise -1, expected at least 1 and 0");
  CHECK_THROWS_AS(bounds({.samples = 0}), argument_error);
  CHECK_THROWS_AS(bounds({.noise = infinity}), argument_error);
  CHECK_THROWS_AS(bound_kinks(s.teacher, s.student, partition, make_matrix<double>(0, 3)),
                  shape_error);
  CHECK_THROWS_AS(bound_kinks(s.teacher, s.student, partition, make_matrix<double>(4, 2)),
                  shape_error);
  CHECK_THROWS_AS(bound_kinks(s.teacher, any_mlp({3, 2, 64}), partition, x), shape_error);
  auto wrong = x;
  wrong(4, 0) = std::nan("");
  CHECK_THROWS_AS(bound_kinks(s.teacher, s.student, partition, wrong), argument_error);
  auto broken = s.student;
  broken.layer<2>().weights()(0, 0) = std::nan("");
  CHECK_THROWS_AS(bound_kinks(s.teacher, broken, partition, x), argument_error);
  // Partitions of other layers, and groups of one boundary that do not say so.
  partition.groups[0].students.push_back(99);
  CHECK_THROWS_AS(bounds(), shape_error);
  partition.groups[0].students.back() = s.constant;
  CHECK_THROWS_AS(bounds(), shape_error);
  partition.groups[0].students = {partition.groups[1].students.front()};
  partition.groups[0].students.push_back(partition.groups[0].students.front());
  CHECK_THROWS_AS(bounds(), shape_error);
  partition = groups_of(s.teacher, s.student, 0);
  partition.groups[0].boundary = 1;
  CHECK(message_of<shape_error>([&] { bounds(); }) ==
        "bound_kinks: group 0 has the boundary of 1, expected the first group of it");
  partition = {};
  partition.groups.resize(1);
  CHECK(message_of<shape_error>([&] { bounds(); }) == "bound_kinks: a group without nodes");
}
