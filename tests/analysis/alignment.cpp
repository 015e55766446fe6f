#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>
#include <tutelage/train/data_set.hpp>

#include "reference/correlation.hpp"
#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using deep = mlp<double, relu, 6, 5, 4, 3>;
using wide = mlp<double, relu, 6, dynamic, dynamic, 3>;

alignment of_rho(const matrix<double>& rho) {
  correlations c;
  c.rho = rho;
  c.cosine = rho;
  return alignment(c);
}

template <class Network>
Network make_teacher() {
  Network teacher({6, 5, 4, 3});
  construct_teacher(teacher, {.seed = 3}, uniform_bias{});
  return teacher;
}

matrix<double> evaluation(std::size_t N) {
  return draw_inputs<double>(gaussian_inputs{1.5}, N, 6, 3, purpose::evaluation);
}

// Means of 256 samples round that often, relative to deviations that are not small beside them; see
// correlation.cpp.
constexpr double rounding = 4 * 256 * epsilon<double>;

}  // namespace

TEST_CASE("matches of a given matrix") {
  const auto a = of_rho({{0.5, 0.9, -1, 0.2}, {0.9, 0.3, 0.95, 0.1}, {-0.4, -0.2, -0.3, -0.5}});
  CHECK(a.teacher_nodes() == 3);
  CHECK(a.student_nodes() == 4);
  CHECK(a.rho(0, 2) == -1);
  // Signed: -1 is the worst match.
  CHECK(a.best_student(0) == 1);
  CHECK(a.best_student(1) == 2);
  CHECK(a.best_student(2) == 1);
  CHECK(a.best_rho(0) == 0.9);
  CHECK(a.best_rho(1) == 0.95);
  CHECK(a.best_rho(2) == -0.2);
  CHECK(a.best_teacher(0) == 1);
  CHECK(a.best_teacher(1) == 0);
  CHECK(a.best_teacher(2) == 1);
  CHECK(a.best_teacher(3) == 0);
  CHECK(close_to(a.rho_mean(), (0.9 + 0.95 - 0.2) / 3, 4 * epsilon<double>));
  CHECK(a.matches(0, 0.1) == 3);
  CHECK(a.matches(0, 0.9) == 0);  // more than the threshold
  CHECK(a.matches(1, 0.9) == 1);
  CHECK(a.matches(1, 0.89) == 2);
  CHECK(a.matches(2, -0.45) == 3);
  CHECK(a.covered(0.95) == 0);
  CHECK(a.covered(0.9) == 1);
  CHECK(a.covered(0.89) == 2);
  CHECK(a.covered(-0.2) == 2);
  CHECK(a.covered(-0.21) == 3);
  CHECK(a.measured().rho(1, 2) == 0.95);
}

TEST_CASE("of equal correlations the first node is the match") {
  const auto a = of_rho({{0.5, 0.7, 0.7}, {0.7, 0.7, 0.7}, {0, 0, 0}});
  CHECK(a.best_student(0) == 1);
  CHECK(a.best_student(1) == 0);
  CHECK(a.best_student(2) == 0);
  CHECK(a.best_teacher(0) == 1);
  CHECK(a.best_teacher(1) == 0);
  CHECK(a.best_teacher(2) == 0);
  const auto one = of_rho({{-0.5}});
  CHECK(one.best_student(0) == 0);
  CHECK(one.best_teacher(0) == 0);
  CHECK(one.rho_mean() == -0.5);
}

TEST_CASE("matches as PyTorch has them") {
  const oracle o("correlation");
  const auto teacher = o.matrix("/teacher"), student = o.matrix("/student");
  correlation_accumulator<double> collected(4, 6);
  collected.add(teacher, student);
  const alignment a(collected.result());
  CHECK(close_to(a.rho_mean(), o.number("/rho_mean"), 40 * epsilon<double>));
  const auto best = o.numbers("/best");
  for (std::size_t j = 0; j < 4; ++j) {
    CHECK(a.best_student(j) == static_cast<std::size_t>(best[j]));
  }
  CHECK(a.best_rho(3) == 0);  // of a constant teacher and any student, the first
  CHECK(a.measured().samples == 40);
}

TEST_CASE("mean rank: where the winner was before") {
  const matrix<double> now{{0.1, 0.9, 0.2, 0.3}};
  const auto rank = [&](const matrix<double>& earlier) {
    return mean_rank(of_rho(earlier), of_rho(now));
  };
  CHECK(rank({{0.1, 0.9, 0.2, 0.3}}) == 0);  // was the best already
  CHECK(rank({{0.9, 0.1, 0.8, 0.7}}) == 1);  // was the last
  CHECK(rank({{0.9, 0.5, 0.1, 0.2}}) == 1.0 / 3);
  CHECK(rank({{0.9, 0.5, 0.1, 0.6}}) == 2.0 / 3);
  CHECK(rank({{-0.9, -0.5, -0.1, -0.6}}) == 1.0 / 3);
  // Equal ones share the mean of their ranks.
  CHECK(rank({{0, 0, 0, 0}}) == 0.5);
  CHECK(rank({{0.5, 0.5, 0.1, 0.2}}) == 0.5 / 3);
  CHECK(rank({{0.9, 0.5, 0.5, 0.2}}) == 1.5 / 3);
  CHECK(rank({{0.5, 0.5, 0.5, 0.7}}) == 2.0 / 3);
  // The mean over teachers: ranks 0, 1 and 1/2.
  CHECK(mean_rank(of_rho({{3, 2, 1}, {3, 2, 1}, {3, 2, 1}}),
                  of_rho({{9, 0, 0}, {0, 0, 9}, {0, 9, 0}})) == 0.5);
  CHECK(mean_rank(of_rho({{0.3, 0.2}, {0.1, 0.2}}), of_rho({{1, 0}, {1, 0}})) == 0.5);
  // One student is first and last.
  CHECK(mean_rank(of_rho({{0.3}, {0.1}}), of_rho({{0.2}, {0.9}})) == 0);
  // Random ranks have mean 1/2: of n students, variance (n+1)/(n-1)/12 each.
  stream random = random_stream(1);
  const std::size_t m = 400, n = 20;
  const double expected = mean_rank(of_rho(random_matrix<double>(m, n, random)),
                                    of_rho(random_matrix<double>(m, n, random)));
  CHECK(close_to(expected, 0.5, 4 * std::sqrt(21.0 / 19 / 12 / m)));
}

TEST_CASE("mean rank of different layers") {
  const auto refused = [](std::size_t m, std::size_t n) {
    return message_of<shape_error>(
        [&] { mean_rank(of_rho(make_matrix<double>(m, n)), of_rho(make_matrix<double>(2, 4))); });
  };
  CHECK(refused(2, 3) == "mean_rank: earlier correlations are (2x3), expected (2x4)");
  CHECK(refused(3, 4) == "mean_rank: earlier correlations are (3x4), expected (2x4)");
  CHECK(refused(1, 1) == "mean_rank: earlier correlations are (1x1), expected (2x4)");
}

TEST_CASE("a student that is the teacher") {
  const auto teacher = make_teacher<deep>();
  const auto layers = align(teacher, teacher, evaluation(1000));
  REQUIRE(layers.size() == 2);
  for (const auto& a : layers) {
    CHECK(a.teacher_nodes() == a.student_nodes());
    for (std::size_t j = 0; j < a.teacher_nodes(); ++j) {
      CHECK(a.measured().teacher_states[j] == node_state::active);
      CHECK(a.best_student(j) == j);
      CHECK(a.best_teacher(j) == j);
      CHECK(close_to(a.best_rho(j), 1, rounding));
      CHECK(close_to(a.measured().cosine(j, j), 1, rounding));
      CHECK(a.matches(j, 1 - rounding) == 1);
    }
    CHECK(close_to(a.rho_mean(), 1, rounding));
    CHECK(a.covered(1 - rounding) == a.teacher_nodes());
    CHECK(a.covered(1) == 0);
    CHECK(mean_rank(a, a) == 0);
    CHECK(a.measured().samples == 1000);
  }
}

TEST_CASE("permuted and scaled copies are found in every hidden layer") {
  const auto teacher = make_teacher<deep>();
  const std::array<std::size_t, 5> first{3, 0, 4, 2, 1};
  const std::array<std::size_t, 4> second{2, 3, 1, 0};
  // Student node first[j] is teacher node j, stronger by a factor, which its fan-out takes back.
  deep student;
  const auto factor = [](std::size_t j) { return 0.3 + static_cast<double>(j); };
  const auto W1 = teacher.layer<1>().weights();
  const auto W2 = teacher.layer<2>().weights();
  const auto W3 = teacher.layer<3>().weights();
  for (std::size_t j = 0; j < 5; ++j) {
    for (std::size_t i = 0; i < 7; ++i) {
      student.layer<1>().weights()(i, first[j]) = factor(j) * W1(i, j);
    }
  }
  for (std::size_t j = 0; j < 4; ++j) {
    for (std::size_t i = 0; i < 5; ++i) {
      student.layer<2>().weights()(first[i], second[j]) = factor(j) * W2(i, j) / factor(i);
    }
    student.layer<2>().weights()(5, second[j]) = factor(j) * W2(5, j);
    for (std::size_t k = 0; k < 3; ++k) {
      student.layer<3>().weights()(second[j], k) = W3(j, k) / factor(j);
    }
  }
  const auto layers = align(teacher, student, evaluation(500));
  REQUIRE(layers.size() == 2);
  for (std::size_t j = 0; j < 5; ++j) {
    CHECK(layers[0].best_student(j) == first[j]);
    CHECK(layers[0].best_teacher(first[j]) == j);
    CHECK(close_to(layers[0].best_rho(j), 1, rounding));
  }
  for (std::size_t j = 0; j < 4; ++j) {
    CHECK(layers[1].best_student(j) == second[j]);
    CHECK(layers[1].best_teacher(second[j]) == j);
    CHECK(close_to(layers[1].best_rho(j), 1, rounding));
  }
}

TEST_CASE("an over-realized student: copies, other nodes and dead ones") {
  const auto teacher = make_teacher<deep>();
  wide student({6, 12, 9, 3});
  initialize(student, near_start{teacher, 0}, 1);
  // Teacher node j of layer 1 is copied to j, j + 5 and, for j < 2, j + 10; 11 dies, and with it
  // one of the copies of teacher node 1.
  for (std::size_t i = 0; i < 6; ++i) student.layer<1>().weights()(i, 11) = 0;
  student.layer<1>().bias()[11] = -1;
  const auto layers = align(teacher, student, evaluation(500));
  REQUIRE(layers.size() == 2);
  CHECK(layers[0].teacher_nodes() == 5);
  CHECK(layers[0].student_nodes() == 12);
  CHECK(layers[1].student_nodes() == 9);
  CHECK(layers[0].matches(0, 1 - rounding) == 3);
  for (std::size_t j = 1; j < 5; ++j) CHECK(layers[0].matches(j, 1 - rounding) == 2);
  for (std::size_t k = 0; k < 11; ++k) CHECK(layers[0].best_teacher(k) == k % 5);
  CHECK(layers[0].covered(1 - rounding) == 5);
  CHECK(layers[0].measured().student_states[11] == node_state::dead);
  for (std::size_t j = 0; j < 5; ++j) CHECK(layers[0].rho(j, 11) == 0);
}

TEST_CASE("dead teachers count as not covered") {
  auto teacher = make_teacher<deep>();
  const auto student = teacher;
  for (std::size_t i = 0; i < 6; ++i) teacher.layer<1>().weights()(i, 2) = 0;
  teacher.layer<1>().bias()[2] = -1;
  const auto a = align(teacher, student, evaluation(300)).at(0);
  CHECK(a.measured().teacher_states[2] == node_state::dead);
  CHECK(a.best_rho(2) == 0);
  CHECK(a.covered(0) == 4);
  CHECK(close_to(a.rho_mean(), 4.0 / 5, rounding));
}

TEST_CASE("alignment over chunks of any source is that of all activations") {
  const auto teacher = make_teacher<deep>();
  wide student({6, 7, 6, 3});
  stream random = random_stream(4);
  randomize(student, random);
  for (const std::size_t N : {2U, 255U, 256U, 257U, 1000U}) {
    const auto x = evaluation(N);
    framed<double> padded(x, 2, not_a_number<double>);
    const auto layers = align(teacher, student, x);
    const auto of_view = align(teacher, student, padded.view());
    activations<deep> of_teacher;
    activations<wide> of_student;
    teacher.forward(x, of_teacher);
    student.forward(x, of_student);
    for (std::size_t l = 1; l <= 2; ++l) {
      const auto& a = layers.at(l - 1);
      CHECK(a.measured().samples == N);
      CHECK(of_view.at(l - 1).measured().rho == a.measured().rho);
      CHECK(of_view.at(l - 1).measured().cosine == a.measured().cosine);
      const auto expected =
          reference::correlate(to_matrix(of_teacher.f(l)), to_matrix(of_student.f(l)));
      comparison result;
      for (std::size_t j = 0; j < a.teacher_nodes(); ++j) {
        for (std::size_t k = 0; k < a.student_nodes(); ++k) {
          result.add(std::abs(a.rho(j, k) - static_cast<double>(expected.rho(j, k))),
                     rounding * (1 + static_cast<double>(expected.spread(j, k))), "rho",
                     a.rho(j, k), static_cast<double>(expected.rho(j, k)));
        }
      }
      CHECK(result);
    }
    // The same from passes of one's own.
    alignment_accumulator<deep, wide> collected(teacher, student);
    for_each_chunk(x, [&](const matrix_view<const double>& rows, std::size_t) {
      teacher.forward(rows, of_teacher);
      student.forward(rows, of_student);
      collected.add(of_teacher, of_student);
    });
    CHECK(collected.result().at(1).measured().rho == layers[1].measured().rho);
  }
}

TEST_CASE("float networks, static and dynamic, and networks without hidden layers") {
  using small = mlp<float, relu, 6, 5, 2>;
  using small_dynamic = mlp<float, relu, dynamic, dynamic, dynamic>;
  small teacher;
  construct_teacher(teacher, {.seed = 1}, constant_bias{-0.1});
  small_dynamic student({6, 5, 2});
  initialize(student, near_start{teacher, 0}, 1);
  const auto x = draw_inputs<float>(gaussian_inputs{1.5}, 300, 6, 1);
  const auto layers = align(teacher, student, x);
  REQUIRE(layers.size() == 1);
  CHECK(close_to(layers[0].rho_mean(), 1, 256 * epsilon<float>));
  CHECK(align(student, teacher, x)[0].covered(1 - 256 * epsilon<float>) == 5);
  const mlp<float, relu, 6, 2> linear;
  CHECK(align(linear, linear, x).empty());
}

TEST_CASE("alignment that cannot be measured") {
  const auto teacher = make_teacher<deep>();
  const wide student({6, 5, 4, 3});
  const mlp<double, relu, dynamic, 5, 4, 3> narrow({5, 5, 4, 3});
  for (const std::size_t N : {0U, 1U}) {
    CHECK(message_of<argument_error>([&] { align(teacher, student, evaluation(N)); }) ==
          detail::text("correlation: samples seen: ", N, ", expected at least 2"));
  }
  CHECK_NOTHROW(align(teacher, student, evaluation(2)));
  CHECK(message_of<shape_error>([&] { align(teacher, student, make_matrix<double>(3, 5)); }) ==
        "forward: x is (3x5), expected (3x6)");
  CHECK(message_of<shape_error>([&] { align(teacher, narrow, evaluation(300)); }) ==
        "align: teacher and student take different inputs; the teacher 6, the student 5");
  const mlp<double, relu, 6, 5, 4, dynamic> other({6, 5, 4, 2});
  CHECK(message_of<shape_error>([&] { align(teacher, other, evaluation(300)); }) ==
        "align: teacher and student give different outputs; the teacher 3, the student 2");
  auto x = evaluation(300);
  x(280, 1) = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { align(teacher, student, x); }) ==
        "correlation: an activation of teacher node 0 is not finite");
}

TEST_CASE("nodes that are not there, and nothing to match") {
  const auto teacher = make_teacher<deep>();
  auto found = align(teacher, teacher, evaluation(300))[0];
  const std::size_t m = found.teacher_nodes(), n = found.student_nodes();
  const auto refused = [](const auto& call) { return message_of<shape_error>([&] { call(); }); };
  const std::string no_teacher =
                        detail::text("alignment: teacher node ", m, ", expected one below ", m),
                    no_student =
                        detail::text("alignment: student node ", n, ", expected one below ", n);
  CHECK(refused([&] { return found.rho(m, 0); }) == no_teacher);
  CHECK(refused([&] { return found.rho(0, n); }) == no_student);
  CHECK(refused([&] { return found.best_rho(m); }) == no_teacher);
  CHECK(refused([&] { return found.best_student(m); }) == no_teacher);
  CHECK(refused([&] { return found.best_teacher(n); }) == no_student);
  CHECK(refused([&] { return found.matches(m, 0.5); }) == no_teacher);
  CHECK(refused([] { return alignment(correlations{}); }) ==
        "alignment: rho is (0x0), expected at least 1 each");
  const auto kept = std::move(found);
  CHECK(kept.teacher_nodes() == m);
  CHECK(found.teacher_nodes() == 0);  // moved from: no nodes
  CHECK(refused([&] { return found.rho(0, 0); }) ==
        "alignment: teacher node 0, expected one below 0");
}
