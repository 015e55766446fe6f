#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/overlap/overlap_dynamics.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

struct problem {
  matrix<double> W_star, V_star, W, V;
};

problem random_problem(std::size_t d, std::size_t m, std::size_t n, std::size_t C) {
  stream random = random_stream(71);
  problem p{random_matrix<double>(d, m, random), random_matrix<double>(m, C, random),
            random_matrix<double>(d, n, random), random_matrix<double>(n, C, random)};
  for (auto* W : {&p.W_star, &p.W}) {
    for (std::size_t j = 0; j < W->shape(1); ++j) {
      double square = 0;
      for (std::size_t i = 0; i < d; ++i) square += (*W)(i, j) * (*W)(i, j);
      for (std::size_t i = 0; i < d; ++i) (*W)(i, j) /= std::sqrt(square);
    }
  }
  return p;
}

double angle_of(const matrix<double>& A, std::size_t j, const matrix<double>& B, std::size_t k) {
  double product = 0;
  for (std::size_t i = 0; i < A.shape(0); ++i) product += A(i, j) * B(i, k);
  return std::acos(product);
}

// The formulas, plainly. With `both` of Theorem 5, otherwise of Theorem 4.
problem plain_step(const problem& p, double eta, bool both) {
  const gate_overlap psi_d{-0.5};
  const activation_overlap psi_l{-0.5};
  const std::size_t d = p.W.shape(0), n = p.W.shape(1), m = p.W_star.shape(1), C = p.V.shape(1);
  problem next = p;
  for (std::size_t j = 0; j < n; ++j) {
    std::vector<double> step(d);
    const auto add = [&](double sign, const matrix<double>& W, const matrix<double>& V,
                         std::size_t k) {
      double beta = 0;
      for (std::size_t c = 0; c < C; ++c) beta += p.V(j, c) * V(k, c);
      const double h = psi_d(angle_of(p.W, j, W, k)) * (both ? beta : 1);
      for (std::size_t i = 0; i < d; ++i) step[i] += sign * h * W(i, k);
      if (!both) return;
      const double l = psi_l(angle_of(p.W, j, W, k));
      for (std::size_t c = 0; c < C; ++c) next.V(j, c) += eta * sign * l * V(k, c);
    };
    for (std::size_t k = 0; k < m; ++k) add(1, p.W_star, p.V_star, k);
    for (std::size_t k = 0; k < n; ++k) {
      if (k != j) add(-1, p.W, p.V, k);
    }
    if (both) {  // itself: no part across its own direction, but one of V
      for (std::size_t c = 0; c < C; ++c) next.V(j, c) -= eta * psi_l(0) * p.V(j, c);
    }
    double along = 0, square = 0;
    for (std::size_t i = 0; i < d; ++i) along += step[i] * p.W(i, j);
    for (std::size_t i = 0; i < d; ++i) {
      next.W(i, j) += eta * (step[i] - along * p.W(i, j));
      square += next.W(i, j) * next.W(i, j);
    }
    for (std::size_t i = 0; i < d; ++i) next.W(i, j) /= std::sqrt(square);
  }
  return next;
}

overlap_dynamics<gate_overlap, activation_overlap> dynamics_of(const problem& p) {
  return {gate_overlap{-0.5}, activation_overlap{-0.5}, p.W_star, p.V_star, p.W, p.V};
}

}  // namespace

TEST_CASE("steps are those of the formulas") {
  for (const bool both : {false, true}) {
    auto p = random_problem(4, 2, 5, 3);
    auto students = dynamics_of(p);
    for (int t = 0; t < 5; ++t) {
      p = plain_step(p, 0.3, both);
      both ? students.step_both(0.3) : students.step_weights(0.3);
      // acos loses digits near 0 and pi only, and no angle is there: each step adds some epsilon.
      const double unit = 256 * (t + 1) * epsilon<double>;
      for (std::size_t j = 0; j < 5; ++j) {
        for (std::size_t i = 0; i < 4; ++i)
          CHECK(close_to(students.student(j)[i], p.W(i, j), unit));
      }
      CHECK(close_to(students.V(), p.V, unit));
    }
  }
}

TEST_CASE("what is measured") {
  const auto p = random_problem(4, 2, 4, 3);
  auto students = dynamics_of(p);
  const double first = angle_of(p.W, 0, p.W_star, 0), second = angle_of(p.W, 1, p.W_star, 1);
  CHECK(close_to(students.angle_to_teacher(0), first, 16 * epsilon<double>));
  CHECK(close_to(students.largest_sine(), std::max(std::sin(first), std::sin(second)),
                 16 * epsilon<double>));
  const auto norm = [&](std::size_t j, bool of_error) {
    double square = 0;
    for (std::size_t c = 0; c < 3; ++c) {
      const double x = p.V(j, c) - (of_error ? p.V_star(j, c) : 0);
      square += x * x;
    }
    return std::sqrt(square);
  };
  CHECK(students.largest_fan_out_error() == std::max(norm(0, true), norm(1, true)));
  CHECK(students.largest_idle_fan_out() == std::max(norm(2, false), norm(3, false)));
  CHECK(students.largest_idle_move() == 0);
  const auto before = students.student(2), other = students.student(3);
  students.step_both(0.1);
  double square = 0, square_other = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    square += std::pow(students.student(2)[i] - before[i], 2);
    square_other += std::pow(students.student(3)[i] - other[i], 2);
  }
  CHECK(close_to(students.largest_idle_move(), std::sqrt(std::max(square, square_other)),
                 4 * epsilon<double>));
}

TEST_CASE("a student that is the teacher stays") {
  const auto p = random_problem(5, 3, 3, 2);
  overlap_dynamics students(gate_overlap{}, activation_overlap{}, p.W_star, p.V_star, p.W_star,
                            p.V_star);
  for (int t = 0; t < 10; ++t) students.step_both(0.5);
  CHECK(students.largest_sine() <= 64 * epsilon<double>);
  CHECK(students.largest_fan_out_error() <= 64 * epsilon<double>);
  CHECK(students.largest_idle_fan_out() == 0);
}

TEST_CASE("what does not fit") {
  const auto p = random_problem(4, 2, 3, 3);
  const auto with = [&](const matrix<double>& W_star, const matrix<double>& V_star,
                        const matrix<double>& W, const matrix<double>& V) {
    return message_of<shape_error>(
        [&] { overlap_dynamics(gate_overlap{}, activation_overlap{}, W_star, V_star, W, V); });
  };
  const auto wrong = make_matrix<double>(7, 7);
  CHECK(with(p.W_star, p.V_star, wrong, p.V) == "overlap_dynamics: W is (7x7), expected (4x7)");
  CHECK(with(p.W_star, p.V_star, make_matrix<double>(4, 1), p.V) ==
        "overlap_dynamics: W is (4x1), expected (4x2)");
  CHECK(with(p.W_star, wrong, p.W, p.V) == "overlap_dynamics: V_star is (7x7), expected (2x7)");
  CHECK(with(p.W_star, p.V_star, p.W, wrong) == "overlap_dynamics: V is (7x7), expected (3x3)");
  CHECK(message_of<argument_error>([&] {
          overlap_dynamics(gate_overlap{}, activation_overlap{}, make_matrix<double>(4, 2),
                           p.V_star, p.W, p.V);
        }) == "angle: the column is zero");
}
