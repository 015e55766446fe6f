#include <cmath>
#include <string>

#include <tutelage/theory/overlap/lucky_start.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T>
T column_norm(const matrix<T>& A, std::size_t j) {
  T square = 0;
  for (std::size_t i = 0; i < A.shape(0); ++i) square += A(i, j) * A(i, j);
  return std::sqrt(square);
}

template <class T>
using net = two_layer<T, relu, dynamic, dynamic, dynamic>;

template <class T>
struct start {
  matrix<T> W, V;
};

template <class T>
net<T> teacher_of(const matrix<T>& W_star, const matrix<T>& V_star) {
  net<T> teacher({W_star.shape(0), W_star.shape(1), V_star.shape(1)});
  copy(matrix_view(W_star), teacher.template layer<1>().weights());
  copy(matrix_view(V_star), teacher.template layer<2>().weights());
  return teacher;
}

template <class T>
start<T> start_of(double p_W, double p_V, const matrix<T>& W_star, const matrix<T>& V_star,
                  std::size_t n, std::uint64_t seed) {
  const auto teacher = teacher_of(W_star, V_star);
  net<T> student({W_star.shape(0), n, V_star.shape(1)});
  initialize(student, lucky_start{teacher, p_W, p_V}, seed);
  return {to_matrix(student.template layer<1>().weights()),
          to_matrix(student.template layer<2>().weights())};
}

}  // namespace

TEST_CASE_TEMPLATE("the formula, column by column", T, float, double, long double) {
  stream random = random_stream(81);
  const auto W_star = random_matrix<T>(5, 3, random), V_star = random_matrix<T>(3, 4, random);
  const T unit = 16 * epsilon<T>;
  const auto noise = start_of<T>(0, 0, W_star, V_star, 6, 1);
  const auto s = start_of<T>(2, 3, W_star, V_star, 6, 1);
  for (std::size_t j = 0; j < 6; ++j) {
    CHECK(std::abs(column_norm(s.W, j) - 1) <= unit);
    // u-set: the noise and twice the teacher; r-set: the noise.
    std::vector<T> expected(5);
    T square = 0;
    for (std::size_t i = 0; i < 5; ++i) {
      expected[i] = noise.W(i, j) + (j < 3 ? 2 * W_star(i, j) : T(0));
      square += expected[i] * expected[i];
    }
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(std::abs(s.W(i, j) - expected[i] / std::sqrt(square)) <= unit);
    }
  }
  for (std::size_t c = 0; c < 4; ++c) {
    CHECK(std::abs(column_norm(s.V, c) - 1) <= unit);
    std::vector<T> expected(6);
    T square = 0;
    for (std::size_t j = 0; j < 6; ++j) {
      expected[j] = noise.V(j, c) + (j < 3 ? 3 * V_star(j, c) : T(0));
      square += expected[j] * expected[j];
    }
    for (std::size_t j = 0; j < 6; ++j) {
      CHECK(std::abs(s.V(j, c) - expected[j] / std::sqrt(square)) <= unit);
    }
  }
}

TEST_CASE("larger factors come closer to the teacher; streams repeat") {
  stream random = random_stream(82);
  auto W_star = random_matrix<double>(20, 5, random);
  const auto V_star = random_matrix<double>(5, 4, random);
  normalize_columns(matrix_view<double>(W_star));
  double before = -1;
  for (const double p : {0.0, 1.0, 3.0, 30.0}) {
    const auto s = start_of<double>(p, 1, W_star, V_star, 9, 2);
    double least = 1;
    for (std::size_t j = 0; j < 5; ++j) {
      double cosine = 0;
      for (std::size_t i = 0; i < 20; ++i) cosine += s.W(i, j) * W_star(i, j);
      least = std::min(least, cosine);
    }
    CHECK(least > before);
    before = least;
  }
  CHECK(before > 0.99);
  CHECK(start_of<double>(1, 1, W_star, V_star, 9, 3).W ==
        start_of<double>(1, 1, W_star, V_star, 9, 3).W);
  CHECK(start_of<double>(1, 1, W_star, V_star, 9, 3).W !=
        start_of<double>(1, 1, W_star, V_star, 9, 4).W);
}

TEST_CASE("students of other extents; what does not fit") {
  stream random = random_stream(83);
  const auto W_star = random_matrix<double>(5, 2, random),
             V_star = random_matrix<double>(2, 3, random);
  const auto teacher = teacher_of(W_star, V_star);
  two_layer<double, relu, 5, 4, 3> student;
  initialize(student, lucky_start{teacher, 1, 1}, 1);
  CHECK(to_matrix(student.layer<1>().weights()) == start_of<double>(1, 1, W_star, V_star, 4, 1).W);
  const auto refused = [&](std::size_t d, std::size_t n, std::size_t C) {
    net<double> of({d, n, C});
    return message_of<shape_error>([&] { initialize(of, lucky_start{teacher, 1, 1}, 1); });
  };
  CHECK(refused(4, 4, 3) ==
        "lucky_start: teacher and student take different inputs; the teacher 5, the student 4");
  CHECK(refused(5, 4, 2) ==
        "lucky_start: teacher and student give different outputs; the teacher 3, the student 2");
  CHECK(refused(5, 1, 3) == "lucky_start: width 1 of the student is 1, expected at least 2");
}
