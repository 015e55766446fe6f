#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <vector>

#include <tutelage/landscape/connectivity.hpp>
#include <tutelage/landscape/path_loss.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using net = mlp<double, relu, dynamic, dynamic, dynamic>;

net random_teacher(std::size_t d, std::size_t m, std::size_t C, stream& random) {
  net teacher({d, m, C});
  randomize(teacher, random);
  return teacher;
}

struct plan {
  std::size_t n;
  bool split = true;      // teacher nodes have several student nodes
  bool constants = true;  // some nodes are constants
};

// A student that is the teacher: groups of random scale and share, pairs that cancel, nodes without
// fan-out, constants, all in random places.
net random_student(const net& teacher, const plan& p, stream& random) {
  const std::size_t d = teacher.in_width(), m = teacher.widths()[1], C = teacher.out_width();
  net student({d, p.n, C});
  auto W = student.layer<1>().weights();
  auto V = student.layer<2>().weights();
  const auto W_star = teacher.layer<1>().weights(), V_star = teacher.layer<2>().weights();
  const auto place = random.permutation(p.n);
  std::size_t next = 0;
  const auto give = [&](std::size_t k, std::size_t j, double share) {
    const double scale = std::exp(random.normal());
    for (std::size_t i = 0; i <= d; ++i) W(i, k) = scale * W_star(i, j);
    for (std::size_t c = 0; c < C; ++c) V(k, c) = share / scale * V_star(j, c);
  };
  for (std::size_t c = 0; c < C; ++c) V(p.n, c) = V_star(m, c);
  std::vector<double> left(m, 1);
  for (std::size_t j = 0; p.split && j < m && next + m < p.n; ++j) {
    left[j] = random.below(3) == 0 ? 1 : 1.5 * random.uniform();
    if (left[j] != 1) give(place[next++], j, 1 - left[j]);
  }
  for (std::size_t j = 0; j < m; ++j) give(place[next++], j, left[j]);
  while (next < p.n) {
    const std::size_t k = place[next++];
    for (std::size_t i = 0; i <= d; ++i) W(i, k) = random.normal();
    if (next < p.n && random.below(2) == 0) {
      const std::size_t other = place[next++];
      for (std::size_t i = 0; i <= d; ++i) W(i, other) = 3 * W(i, k);
      for (std::size_t c = 0; c < C; ++c) {
        V(k, c) = random.normal();
        V(other, c) = -V(k, c) / 3;
      }
    } else if (p.constants && random.below(2) == 0) {
      for (std::size_t i = 0; i < d; ++i) W(i, k) = 0;
      for (std::size_t c = 0; c < C; ++c) {
        V(k, c) = random.normal();
        V(p.n, c) -= V(k, c) * std::max(W(d, k), 0.0);
      }
    }
  }
  return student;
}

double power(const matrix<double>& y) {
  double sum = 0;
  for (const double value : y) sum += value * value;
  return sum / static_cast<double>(2 * y.shape(0));
}

bool is_student(const net& a, const net& b) {
  return to_matrix(a.layer<1>().weights()) == to_matrix(b.layer<1>().weights()) &&
         to_matrix(a.layer<2>().weights()) == to_matrix(b.layer<2>().weights());
}

// Ends, alternation of kinds and what they promise; the largest loss by the teacher's power.
double check_path(const net& teacher, const net& first, const net& second,
                  const piecewise_path<net>& path, const matrix<double>& x) {
  CHECK(is_student(path.vertices().front(), first));
  CHECK(is_student(path.vertices().back(), second));
  for (std::size_t s = 0; s < path.segments(); ++s) {
    const auto &from = path.vertices()[s], &to = path.vertices()[s + 1];
    const bool top = path.kind(s) == segment_kind::top;
    CHECK((top || path.kind(s) == segment_kind::unseen));
    if (s > 0) CHECK(path.kind(s) != path.kind(s - 1));
    const bool below_stays =
        to_matrix(from.layer<1>().weights()) == to_matrix(to.layer<1>().weights());
    const bool above_stays =
        to_matrix(from.layer<2>().weights()) == to_matrix(to.layer<2>().weights());
    CHECK(below_stays == top);
    CHECK(above_stays == !top);
    if (!top) CHECK(close_to(path.at(s, 0.4)(x), from(x), 0));
  }
  const data_set data(x, teacher(x));
  return largest_loss(path, data, mean_squared_error{}, {.points = 4}).loss / power(data.targets());
}

net of_weights(const std::vector<std::vector<double>>& w, const std::vector<double>& v) {
  net result({2, w.size(), 1});
  for (std::size_t k = 0; k < w.size(); ++k) {
    for (std::size_t i = 0; i < 3; ++i) result.layer<1>().weights()(i, k) = w[k][i];
    result.layer<2>().weights()(k, 0) = v[k];
  }
  return result;
}

// The teacher's nodes in other places, one spare node of no fan-out at the end.
net permuted(const net& teacher, const std::vector<std::size_t>& places, std::size_t n) {
  const auto [d, m, C] = teacher.widths();
  net result({d, n, C});
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t i = 0; i <= d; ++i) {
      result.layer<1>().weights()(i, places[j]) = teacher.layer<1>().weights()(i, j);
    }
    for (std::size_t c = 0; c < C; ++c) {
      result.layer<2>().weights()(places[j], c) = teacher.layer<2>().weights()(j, c);
    }
  }
  for (std::size_t c = 0; c < C; ++c) result.layer<2>().bias()[c] = teacher.layer<2>().bias()[c];
  return result;
}

}  // namespace

TEST_CASE("the source's example: three segments") {
  const std::vector<double> one{1, 0, 0.5}, two{0, 1, -0.25};
  const auto teacher = of_weights({one, two}, {1, -2});
  const auto first = of_weights({one, two, {0.6, -0.8, 0.1}}, {1, -2, 0});
  const auto second = of_weights({{-0.8, 0.6, 0.3}, two, one}, {0, -2, 1});
  auto x = make_matrix<double>(25, 2);
  for (std::size_t i = 0; i < 25; ++i) {
    x(i, 0) = static_cast<double>(i % 5) - 2;
    x(i, 1) = static_cast<double>(i / 5) - 2;
  }
  const auto path = student_path(teacher, first, second);
  CHECK(path.kinds() == "bab");
  CHECK(check_path(teacher, first, second, path, x) <= 1e-31);
  const auto line =
      largest_loss(straight_line(first, second), data_set(x, teacher(x)), mean_squared_error{});
  CHECK(close_to(line.t, 0.5, 1e-6));
  CHECK(close_to(line.loss, 0.21765, 5e-6));
}

TEST_CASE("random students are joined by 4 to 7 segments of no loss") {
  double straight = 0;
  for (std::size_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    stream random = random_stream(seed);
    const auto teacher = random_teacher(3, 4, 2, random);
    const auto first = random_student(teacher, {11}, random),
               second = random_student(teacher, {11}, random);
    const auto x = random_matrix<double>(20, 3, random);
    const auto path = student_path(teacher, first, second);
    CHECK(path.segments() >= 3);
    CHECK(path.segments() <= 7);
    CHECK(check_path(teacher, first, second, path, x) <= 1e-24);
    if (seed > 20) continue;
    const data_set data(x, teacher(x));
    straight += largest_loss(straight_line(first, second), data, mean_squared_error{}).loss /
                power(data.targets()) / 20;
  }
  CHECK(straight > 0.1);
}

TEST_CASE("one spare node: a cycle of m tokens takes m + 1 rounds") {
  for (const std::size_t m : {2U, 3U, 5U}) {
    stream random = random_stream(m);
    const auto teacher = random_teacher(3, m, 2, random);
    std::vector<std::size_t> places(m), turned(m);
    std::iota(places.begin(), places.end(), std::size_t{0});
    for (std::size_t j = 0; j < m; ++j) turned[j] = (j + 1) % m;
    const auto first = permuted(teacher, places, m + 1), second = permuted(teacher, turned, m + 1);
    const auto path = student_path(teacher, first, second);
    // Every round is W and V, and the spare node gets its own weights at the end.
    CHECK(path.segments() == 2 * (m + 1) + 1);
    const auto x = random_matrix<double>(20, 3, random);
    CHECK(check_path(teacher, first, second, path, x) <= 1e-24);
  }
}

TEST_CASE("few spare nodes: whatever the permutation, tokens arrive") {
  for (std::size_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    stream random = random_stream(seed);
    const std::size_t m = 2 + random.below(5), n = m + 1 + random.below(3);
    const auto teacher = random_teacher(2, m, 1, random);
    const auto first = random_student(teacher, {n, seed % 2 == 0}, random),
               second = random_student(teacher, {n, seed % 3 == 0}, random);
    const auto x = random_matrix<double>(10, 2, random);
    CHECK(check_path(teacher, first, second, student_path(teacher, first, second), x) <= 1e-24);
  }
}

TEST_CASE("a student of twice the teacher's nodes needs two rounds") {
  stream random = random_stream(7);
  const auto teacher = random_teacher(3, 4, 2, random);
  // All tokens in each other's way.
  const auto first = permuted(teacher, {0, 1, 2, 3}, 8),
             second = permuted(teacher, {1, 2, 3, 0}, 8);
  const auto path = student_path(teacher, first, second);
  CHECK(path.kinds() == "babab");
  CHECK(student_path(teacher, first, first).segments() == 0);
}

TEST_CASE("a node that is rescaled moves over a spare one") {
  stream random = random_stream(8);
  const auto teacher = random_teacher(3, 2, 1, random);
  const auto first = permuted(teacher, {0, 1}, 3);
  auto second = first;
  for (std::size_t i = 0; i <= 3; ++i) second.layer<1>().weights()(i, 0) *= 3;
  second.layer<2>().weights()(0, 0) /= 3;
  const auto path = student_path(teacher, first, second);
  const auto x = random_matrix<double>(20, 3, random);
  CHECK(path.kinds() == "babab");
  CHECK(check_path(teacher, first, second, path, x) <= 1e-24);
}

TEST_CASE("leaky gates; students that are nearly exact") {
  using leaky_net = mlp<double, leaky_relu<>, 2, 2, 1>;
  using leaky_student = mlp<double, leaky_relu<>, 2, 6, 1>;
  stream random = random_stream(9);
  leaky_net teacher;
  randomize(teacher, random);
  const auto near = [&](std::size_t shift) {
    leaky_student student;
    for (std::size_t j = 0; j < 2; ++j) {
      for (std::size_t i = 0; i < 3; ++i) {
        student.layer<1>().weights()(i, (3 * j + shift) % 6) =
            teacher.layer<1>().weights()(i, j) + 1e-4 * random.normal();
      }
      student.layer<2>().weights()((3 * j + shift) % 6, 0) =
          teacher.layer<2>().weights()(j, 0) + 1e-4 * random.normal();
    }
    student.layer<2>().bias()[0] = teacher.layer<2>().bias()[0];
    return student;
  };
  const auto first = near(0), second = near(1);
  const auto path = student_path(teacher, first, second, {1e-2, 1e-1});
  const auto x = random_matrix<double>(50, 2, random);
  const data_set data(x, teacher(x));
  CHECK(largest_loss(path, data, mean_squared_error{}).loss < 1e-6 * power(data.targets()));
  CHECK(message_of<argument_error>([&] { student_path(teacher, first, second); })
            .find("specialized_groups: no node of the first student is co-linear with teacher node "
                  "0 to "
                  "within 1e-09") == 0);
}

TEST_CASE("what has no path") {
  const std::vector<double> one{1, 0, 0.5}, two{0, 1, -0.25}, other{0.6, -0.8, 0.1};
  const auto teacher = of_weights({one, two}, {1, -2});
  const auto exact = of_weights({one, two, other}, {1, -2, 0});
  const auto swapped = of_weights({two, one, other}, {-2, 1, 0});
  const auto refused = [&](const net& a, const net& b, const specialization_tolerance& t = {}) {
    return message_of<argument_error>([&] { student_path(teacher, a, b, t); });
  };
  CHECK(refused(exact, of_weights({one, other, other}, {1, 0, 0})) ==
        "specialized_groups: no node of the second student is co-linear with teacher node 1 to "
        "within 1e-09");
  CHECK(refused(of_weights({one, two, other}, {1, -2, 0.5}), exact) ==
        "specialized_groups: nodes 2 of the first student add 0.5 along no teacher node, allowed "
        "is 2e-08");
  CHECK(refused(of_weights({one, two, two}, {1, -2, 1}), exact) ==
        "specialized_groups: nodes 1, 2 of the first student add 1 along teacher node 1, which "
        "adds 2: they differ by 1, allowed is 2e-08");
  auto constant = exact;
  constant.layer<2>().bias()[0] = 0.25;
  CHECK(refused(exact, constant) ==
        "specialized_groups: the constant of the second student is 0.25 from the teacher's, "
        "allowed is 2e-08");
  // As many nodes as the teacher: a permutation, and a rescaled node.
  const auto small = of_weights({one, two}, {1, -2});
  CHECK(refused(small, of_weights({two, one}, {-2, 1})) ==
        "student_path: all 2 nodes are needed and not in the same places: no spare node to move "
        "over");
  CHECK(refused(small, of_weights({{2, 0, 1}, two}, {0.5, -2})) ==
        "student_path: all 2 nodes are needed and not in the same places: no spare node to move "
        "over");
  CHECK(student_path(teacher, small, small).segments() == 0);
  CHECK(refused(exact, swapped, {1e-3, 2e-3}) ==
        "specialized_groups: the tolerance of fan-outs is 0.002, expected at least 3 times 0.001, "
        "that of weights");
  CHECK(message_of<shape_error>([&] { student_path(teacher, exact, small); }) ==
        "student_path: width 1 is 3 in one network and 2 in the other");
  const auto twins = of_weights({one, {2, 0, 1}}, {1, -2});
  CHECK(message_of<argument_error>([&] { student_path(twins, exact, exact); }) ==
        "specialized_groups: teacher nodes 0, 1 are co-linear to within 1e-09, or joined by nodes "
        "of the first student");
  const mlp<double, leaky_relu<>, 2, 2, 1> leaky;
  CHECK(message_of<argument_error>([&] { student_path(leaky, exact, exact); }) ==
        "specialized_groups: the slope of the teacher is 0.01, that of the first student 0");
}
