#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <tutelage/analysis/colinear_groups.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/split_student.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using list = std::vector<std::size_t>;

// sum over a group of v_k |w~_k|, by plain loops in long double.
std::vector<long double> contribution(const any_mlp& net, const list& nodes) {
  const auto W = net.layer<1>().linear_weights(), V = net.layer<2>().linear_weights();
  std::vector<long double> sum(V.cols());
  for (const std::size_t k : nodes) {
    long double square = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) square += std::pow<long double>(W(i, k), 2);
    for (std::size_t c = 0; c < V.cols(); ++c) sum[c] += V(k, c) * std::sqrt(square);
  }
  return sum;
}

}  // namespace

TEST_CASE("groups of a student made of its teacher are found exactly") {
  for (const std::size_t split : {1U, 2U, 3U}) {
    const auto s = make_split_student(6, 5, split, 3, split);
    const auto found =
        colinear_groups(s.teacher.layer<1>(), s.student.layer<1>(), 16 * epsilon<double>);
    REQUIRE(found.groups.size() == 6);
    for (std::size_t j = 0; j < 5; ++j) {
      CHECK(found.groups[j].teachers == list{j});
      CHECK(found.groups[j].students == s.copies[j]);
      CHECK(found.groups[j].aligned());
    }
    CHECK(found.groups[5].teachers.empty());
    CHECK(found.groups[5].students == s.null);
    CHECK(!found.groups[5].aligned());
    CHECK(found.constant_students == list{s.constant});
    CHECK(found.constant_teachers.empty());
  }
}

TEST_CASE("balances, observers and ranks of such a student") {
  const std::size_t d = 6, m = 5, C = 3;
  const auto s = make_split_student(d, m, 3, C, 1);
  const auto& W_star = s.teacher.layer<1>();
  const auto& W = s.student.layer<1>();
  const auto partition = colinear_groups(W_star, W, 16 * epsilon<double>);
  const auto balances = balance_groups<1>(
      s.teacher, s.student, partition, observe(W_star, W, all_space{}), observe(W, W, all_space{}));
  REQUIRE(balances.size() == partition.groups.size());
  for (std::size_t i = 0; i < balances.size(); ++i) {
    const auto& b = balances[i];
    const auto& group = partition.groups[i];
    const auto students = contribution(s.student, group.students);
    const auto teachers = contribution(s.teacher, group.teachers);
    for (std::size_t c = 0; c < C; ++c) {
      CHECK(close_to(b.residual[c], static_cast<double>(students[c] - teachers[c]),
                     16 * epsilon<double> * b.gauge));
    }
    // Everything cancels; in all space all other nodes observe, the constant one with bias too.
    CHECK(b.kink <= 16 * epsilon<double> * b.gauge);
    CHECK(b.gauge > 0.1);
    CHECK(b.observers == 3 * m + 3 - group.students.size());
    CHECK(b.rank == C);
    CHECK(b.independent);
  }
}

TEST_CASE("residuals of pairs that are no critical points, and few observers") {
  // Students: teacher 0's twice with half its fan-out, one alone; the teacher's is not covered.
  any_mlp teacher({2, 2, 2}), student({2, 3, 2});
  teacher.layer<1>().weights()(0, 0) = teacher.layer<1>().weights()(1, 1) = 1;
  teacher.layer<2>().weights()(0, 0) = 3;
  teacher.layer<2>().weights()(1, 1) = 5;
  auto W = student.layer<1>().weights();
  auto V = student.layer<2>().weights();
  W(0, 0) = W(0, 1) = 2;
  W(1, 2) = 1;
  W(2, 2) = 0.5;
  V(0, 0) = V(1, 0) = 0.75;
  V(2, 0) = 4;
  const auto partition = colinear_groups(teacher.layer<1>(), student.layer<1>(), 1e-12);
  REQUIRE(partition.groups.size() == 3);
  CHECK(partition.groups[0].students == list{0, 1});
  CHECK(partition.groups[1].students.empty());
  CHECK(partition.groups[2].students == list{2});
  const auto see = [&](const auto& region) {
    return balance_groups<1>(teacher, student, partition,
                             observe(teacher.layer<1>(), student.layer<1>(), region),
                             observe(student.layer<1>(), student.layer<1>(), region));
  };
  const auto b = see(all_space{});
  CHECK(b[0].residual == std::vector<double>{0, 0});
  CHECK(b[0].gauge == 6);
  CHECK(b[1].residual == std::vector<double>{0, -5});
  CHECK(b[1].kink == 5);
  CHECK(b[2].residual == std::vector<double>{4, 0});
  CHECK(b[2].gauge == 4);
  // Fan-outs of the observers span one dimension of two.
  CHECK(b[0].observers == 1);
  CHECK(b[1].observers == 3);
  CHECK(b[2].observers == 2);
  for (const auto& balance : b) {
    CHECK(balance.rank == 1);
    CHECK(!balance.independent);
  }
  // A region in which node 2 has no boundary: nobody observes it.
  const auto near = see(ball{{0, 0}, 0.4});
  CHECK(near[2].observers == 0);
  CHECK(near[2].rank == 0);
  CHECK(near[0].observers == 1);  // always active there
}

TEST_CASE("opposite nodes are not co-linear, but share a kink") {
  // gate(a) v - gate(-a) v is linear: both groups' residuals are not 0, their sum is.
  any_mlp teacher({3, 1, 1}), student({3, 2, 1});
  stream random = random_stream(3);
  randomize(teacher, random);
  for (std::size_t i = 0; i < 4; ++i) {
    student.layer<1>().weights()(i, 0) = random.normal();
    student.layer<1>().weights()(i, 1) = -4 * student.layer<1>().weights()(i, 0);
  }
  student.layer<2>().weights()(0, 0) = 1;
  student.layer<2>().weights()(1, 0) = -0.25;
  const auto& l = student.layer<1>();
  const auto partition = colinear_groups(teacher.layer<1>(), l, 1e-12);
  REQUIRE(partition.groups.size() == 3);
  CHECK(partition.groups[0].boundary == 0);
  CHECK(partition.groups[1].boundary == 1);
  CHECK(partition.groups[2].boundary == 1);
  const auto b =
      balance_groups<1>(teacher, student, partition, observe(teacher.layer<1>(), l, all_space{}),
                        observe(l, l, all_space{}));
  CHECK(std::abs(b[1].residual[0]) > 0.1);
  CHECK(b[1].kink <= 16 * epsilon<double> * b[1].gauge);
  CHECK(b[2].kink == b[1].kink);
  // Neither observes the boundary that they share, nor is there a third.
  CHECK(b[1].observers == 0);
  CHECK(!b[1].independent);
}

TEST_CASE("exact opposites share a boundary for a tolerance of 0") {
  // Teacher and student are x_0 + x_1, as differences of opposite nodes: no gradient. The student's
  // duplicated node cancels.
  any_mlp teacher({2, 4, 1}), student({2, 4, 1});
  const double of_teacher[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
  const double of_student[4][3] = {{1, 1, 0}, {-1, -1, 0}, {1, -2, 0.5}, {1, -2, 0.5}};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t i = 0; i < 2; ++i) teacher.layer<1>().weights()(i, k) = of_teacher[k][i];
    for (std::size_t i = 0; i < 3; ++i) student.layer<1>().weights()(i, k) = of_student[k][i];
    const double sign = k % 2 == 0 ? 1 : -1;
    teacher.layer<2>().weights()(k, 0) = student.layer<2>().weights()(k, 0) = sign;
  }
  const auto& a = teacher.layer<1>();
  const auto& b = student.layer<1>();
  const auto partition = colinear_groups(a, b, 0);
  REQUIRE(partition.groups.size() == 7);
  const auto balances = balance_groups<1>(teacher, student, partition, observe(a, b, all_space{}),
                                          observe(b, b, all_space{}));
  for (std::size_t g = 0; g < 7; ++g) {
    CHECK(partition.groups[g].boundary == (g < 6 ? g / 2 * 2 : 6));
    CHECK(balances[g].kink == 0);
    CHECK(balances[g].independent);
  }
}

TEST_CASE("balances do not depend on the units of fan-outs; what leaves the range is refused") {
  any_mlp teacher({2, 1, 1}), student({2, 3, 1});
  const double of_student[3][3] = {{1, 0, 0}, {3, 4, 0}, {1, -1, 0.5}}, fan_out[] = {1, 2, 3};
  teacher.layer<1>().weights()(0, 0) = 1;
  const auto& a = teacher.layer<1>();
  const auto& b = student.layer<1>();
  const auto balances = [&] {
    return balance_groups<1>(teacher, student, colinear_groups(a, b, 0), observe(a, b, all_space{}),
                             observe(b, b, all_space{}));
  };
  for (const double unit : {1e-300, 1e-170, 1.0, 1e170, 1e300}) {
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t i = 0; i < 3; ++i) student.layer<1>().weights()(i, k) = of_student[k][i];
      student.layer<2>().weights()(k, 0) = fan_out[k] * unit;
    }
    teacher.layer<2>().weights()(0, 0) = unit;
    const auto found = balances();
    CHECK(found[0].kink == 0);
    CHECK(found[0].gauge == 2 * unit);
    CHECK(close_to(found[1].kink, 10 * unit, 4 * epsilon<double> * 10 * unit));
    CHECK(close_to(found[1].gauge, 10 * unit, 4 * epsilon<double> * 10 * unit));
    CHECK(found[1].independent);
  }
  student.layer<1>().weights()(0, 1) = 1e10;
  CHECK(message_of<argument_error>(balances) ==
        "balance_groups: the kink of group 1 is not a finite number");
  student.layer<2>().weights()(0, 0) = std::nan("");
  CHECK_THROWS_AS(balances(), argument_error);
}

TEST_CASE("two groups opposite to one share its boundary: no part of the kink is missed") {
  // Directions 0, pi - 0.08 and pi + 0.08: the last two are opposite to the first within 0.1, and
  // no multiples of one another.
  any_mlp teacher({2, 1, 1}), student({2, 3, 1});
  const double pi = std::acos(-1.0), angles[] = {0, pi - 0.08, pi + 0.08};
  for (std::size_t k = 0; k < 3; ++k) {
    student.layer<1>().weights()(0, k) = std::cos(angles[k]);
    student.layer<1>().weights()(1, k) = std::sin(angles[k]);
    student.layer<2>().weights()(k, 0) = std::exp2(static_cast<double>(k));
  }
  const auto& l = student.layer<1>();
  const auto partition = colinear_groups(teacher.layer<1>(), l, 0.1);
  REQUIRE(partition.groups.size() == 3);
  const auto b =
      balance_groups<1>(teacher, student, partition, observe(teacher.layer<1>(), l, all_space{}),
                        observe(l, l, all_space{}));
  for (std::size_t g = 0; g < 3; ++g) {
    CHECK(partition.groups[g].boundary == 0);
    CHECK(close_to(b[g].kink, 7, 64 * epsilon<double>));
    CHECK(b[g].observers == 0);
  }
}

TEST_CASE("a kink is its own layer's: slopes of teacher and student may differ") {
  // The same weights: a leaky teacher bends half as much, so half of the student's kink is left.
  mlp<double, leaky_relu<std::ratio<1, 2>>, 2, 1, 1> teacher;
  mlp<double, relu, 2, 2, 1> student;
  teacher.layer<1>().weights()(0, 0) = student.layer<1>().weights()(0, 0) = 2;
  student.layer<1>().weights()(1, 1) = 1;
  teacher.layer<2>().weights()(0, 0) = student.layer<2>().weights()(0, 0) = 3;
  const auto& a = teacher.layer<1>();
  const auto& b = student.layer<1>();
  const auto found = balance_groups<1>(teacher, student, colinear_groups(a, b, 0),
                                       observe(a, b, all_space{}), observe(b, b, all_space{}));
  CHECK(found[0].residual == std::vector<double>{3});
  CHECK(found[0].kink == 3);
  CHECK(found[0].gauge == 9);
  // Node 1 observes, but its fan-out is 0.
  CHECK(found[0].observers == 1);
  CHECK(found[0].rank == 0);
  CHECK(!found[0].independent);
}

TEST_CASE("tolerance: angles and biases up to it are joined, and chains of them") {
  // Directions at 0, 0.1, 0.2, 0.5 and opposite to the first; then biases 0.1, 0.3 and -0.3.
  const double angles[] = {0, 0.1, 0.2, 0.5, std::acos(-1.0)};
  dense<double, 2, 8, relu> l;
  for (std::size_t k = 0; k < 5; ++k) {
    l.weights()(0, k) = 3 * std::cos(angles[k]);
    l.weights()(1, k) = 3 * std::sin(angles[k]);
  }
  for (const std::size_t k : {5U, 6U, 7U}) l.weights()(0, k) = 1;
  l.bias()[5] = 0.1;
  l.bias()[6] = 0.3;
  l.bias()[7] = -0.3;
  const auto sizes = [&](double tolerance) {
    list result;
    for (const auto& g : colinear_groups(l, tolerance).groups) result.push_back(g.students.size());
    return result;
  };
  CHECK(sizes(0.05) == list{1, 1, 1, 1, 1, 1, 1, 1});
  CHECK(sizes(0.1) == list{4, 1, 1, 1, 1});  // 0, 0.1, 0.2 and bias 0.1
  CHECK(sizes(0.25) == list{5, 1, 1, 1});    // and bias 0.3 by way of 0.1
  CHECK(sizes(0.35) == list{7, 1});          // never the opposite one
  CHECK(colinear_groups(l, 0).groups.size() == 8);
  CHECK(message_of<argument_error>([&] { colinear_groups(l, -1); }) ==
        "colinear_groups: the tolerance is -1, expected a number from 0 on");
  CHECK_THROWS_AS(colinear_groups(l, std::nan("")), argument_error);
}

TEST_CASE("duplicate teachers, and layers that do not fit") {
  any_mlp teacher({2, 2, 1}), student({2, 1, 1});
  for (std::size_t j = 0; j < 2; ++j) teacher.layer<1>().weights()(0, j) = 1;
  const auto partition = colinear_groups(teacher.layer<1>(), student.layer<1>(), 0);
  REQUIRE(partition.groups.size() == 1);
  CHECK(partition.groups[0].teachers == list{0, 1});
  CHECK(partition.constant_students == list{0});
  const dense<double, 3, 1, relu> wide;
  CHECK(message_of<shape_error>([&] { colinear_groups(wide, student.layer<1>(), 0); }) ==
        "colinear_groups: the student's layer takes 2 inputs, the teacher's 3");
  const auto seen = observe(student.layer<1>(), student.layer<1>(), all_space{});
  CHECK(message_of<shape_error>(
            [&] { balance_groups<1>(teacher, student, partition, seen, seen); }) ==
        "balance_groups: observers of 2 teacher and 1 student nodes by 1 student nodes are "
        "expected");
  any_mlp other({2, 1, 4});
  CHECK_THROWS_AS(balance_groups<1>(teacher, other, partition, seen, seen), shape_error);
  student.layer<1>().weights()(0, 0) = std::nan("");
  CHECK_THROWS_AS(colinear_groups(teacher.layer<1>(), student.layer<1>(), 0), argument_error);
}
