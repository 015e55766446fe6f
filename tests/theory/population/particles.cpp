#include <cmath>
#include <string>
#include <vector>

#include <tutelage/theory/population/descent.hpp>
#include <tutelage/theory/population/linear_fit.hpp>
#include <tutelage/theory/population/orthonormal_target.hpp>
#include <tutelage/theory/population/particles.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using target = two_layer<double, relu, 3, 3, 1>;
using cloud = two_layer<double, relu, 3, dynamic, 1>;

target orthonormal() {
  target teacher;
  make_orthonormal_target(teacher, 1);
  return teacher;
}

cloud particles(std::size_t m) {
  cloud student({3, m, 1});
  initialize(student, particle_start{}, 2);
  return student;
}

matrix_view<const double> axes_of(const target& teacher) {
  return matrix_view<const double>(teacher.layer<1>().linear_weights());
}

template <class Loss>
void run(Loss& loss, cloud& student, int steps) {
  gradients<cloud> found;
  for (int t = 0; t < steps; ++t) descend(loss, student, found, 0.1);
}

}  // namespace

TEST_CASE("particles closed under reflections stay closed, independent ones are not") {
  const auto teacher = orthonormal();
  const auto axes = axes_of(teacher);
  population_with_linear_fit loss(teacher);
  auto closed = particles(64), independent = particles(64);
  close_under_reflections(closed, axes);
  CHECK(reflection_asymmetry(closed, axes) == 0);
  CHECK(reflection_asymmetry(independent, axes) > 0.1);
  const double before = loss.loss(closed);
  run(loss, closed, 300);
  run(loss, independent, 300);
  CHECK(loss.loss(closed) < before / 10);
  // A step's rounding is a few epsilon of what it adds up; an unstable direction would make it
  // grow.
  CHECK(reflection_asymmetry(closed, axes) < 300 * 64 * epsilon<double>);
  CHECK(reflection_asymmetry(independent, axes) > 0.1);
}

TEST_CASE("particles are of unit size, however many") {
  // m |w|^2 entries are squares of normals: their mean is 1 within 4 sqrt(2 / number).
  for (const std::size_t m : {16U, 4096U}) {
    CAPTURE(m);
    const auto student = particles(m);
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (const double w : student.layer<1>().linear_weights().row(i)) sum += w * w;
    }
    const auto number = 3 * static_cast<double>(m);
    CHECK(close_to(sum * static_cast<double>(m) / number, 1, 4 * std::sqrt(2 / number)));
    for (std::size_t k = 0; k < m; ++k) {
      CHECK(close_to(std::abs(student.layer<2>().linear_weights()(k, 0)),
                     1 / std::sqrt(static_cast<double>(m)), 4 * epsilon<double>));
    }
  }
}

TEST_CASE("asymmetry is in units of particles") {
  // m particles (3, 0, 0), a = 1: their images along the first axis are 6 away, along the others 0.
  auto axes = make_matrix<double>(3, 3);
  for (std::size_t i = 0; i < 3; ++i) axes(i, i) = 2;
  for (const std::size_t m : {1U, 4U, 64U}) {
    cloud student({3, m, 1});
    const double unit = 1 / std::sqrt(static_cast<double>(m));
    for (std::size_t k = 0; k < m; ++k) {
      student.layer<1>().linear_weights()(0, k) = 3 * unit;
      student.layer<2>().linear_weights()(k, 0) = unit;
    }
    CHECK(close_to(reflection_asymmetry(student, axes), 6, 32 * epsilon<double>));
    // Had the image another fan-out, it would be farther: at (0, 1) from the particle there.
    if (m < 2) continue;
    student.layer<1>().linear_weights()(0, 0) *= -1;
    student.layer<2>().linear_weights()(0, 0) *= -1;
    CHECK(close_to(reflection_asymmetry(student, axes), 2, 32 * epsilon<double>));
  }
}

TEST_CASE("without the linear term the symmetry breaks") {
  const auto teacher = orthonormal();
  population loss(teacher);
  auto closed = particles(64);
  close_under_reflections(closed, axes_of(teacher));
  run(loss, closed, 20);
  CHECK(reflection_asymmetry(closed, axes_of(teacher)) > 0.05);
}

TEST_CASE("a target that is not orthonormal breaks it too") {
  auto teacher = orthonormal();
  const auto axes = to_matrix(axes_of(teacher));
  teacher.layer<1>().linear_weights()(1, 0) = 0.7;
  population_with_linear_fit loss(teacher);
  auto closed = particles(64);
  close_under_reflections(closed, axes);
  run(loss, closed, 20);
  CHECK(reflection_asymmetry(closed, axes) > 0.01);
}

TEST_CASE("a step is m times the mean-field gradient") {
  // f = 1/m sum a relu(w.x) written out: rate m on dJ/dw and dJ/da, by differences of J.
  const std::size_t m = 4;
  const auto teacher = orthonormal();
  population loss(teacher);
  auto student = particles(m);
  const double root = std::sqrt(static_cast<double>(m)), rate = 1e-3;
  const auto loss_of = [&](const matrix<double>& w, const matrix<double>& a) {
    cloud mean_field({3, m, 1});
    copy(matrix_view(w), mean_field.layer<1>().linear_weights());
    for (std::size_t i = 0; i < m; ++i) {
      mean_field.layer<2>().linear_weights()(i, 0) = a(i, 0) / static_cast<double>(m);
    }
    return loss.loss(mean_field);
  };
  auto w = to_matrix(student.layer<1>().linear_weights()),
       a = to_matrix(student.layer<2>().linear_weights());
  for (double& x : w) x *= root;
  for (double& x : a) x *= root;
  for (const double x : a) CHECK(std::abs(x) == 1);
  auto moved = student;
  gradients<cloud> found;
  descend(loss, moved, found, rate);
  const double h = 1e-5;
  const auto slope = [&](matrix<double>& of, std::size_t i, std::size_t k) {
    const double x = of(i, k);
    of(i, k) = x + h;
    const double up = loss_of(w, a);
    of(i, k) = x - h;
    const double down = loss_of(w, a);
    of(i, k) = x;
    return (up - down) / (2 * h);
  };
  // Differences: h^2 of the third derivative and epsilon/h.
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t k = 0; k < m; ++k) {
      const double step = moved.layer<1>().linear_weights()(i, k) * root - w(i, k);
      CHECK(close_to(step / rate, -static_cast<double>(m) * slope(w, i, k), 1e-8));
    }
  }
  for (std::size_t k = 0; k < m; ++k) {
    const double step = moved.layer<2>().linear_weights()(k, 0) * root - a(k, 0);
    CHECK(close_to(step / rate, -static_cast<double>(m) * slope(a, k, 0), 1e-8));
  }
}

TEST_CASE("axes of any length reflect alike, and zero is no axis") {
  const auto mirror = [](const std::vector<double>& along) {
    auto axis = make_matrix<double>(3, 1);
    for (std::size_t i = 0; i < 3; ++i) axis(i, 0) = along[i];
    auto student = particles(8);
    close_under_reflections(student, axis);
    CHECK(reflection_asymmetry(student, axis) < 8 * epsilon<double>);
    std::vector<double> images;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 4; j < 8; ++j) {
        images.push_back(student.layer<1>().linear_weights()(i, j));
      }
    }
    return images;
  };
  const auto plain = mirror({1, -2, 2});
  for (const double size : {1e-170, 1e-310, 1e200}) {
    const auto images = mirror({size, -2 * size, 2 * size});
    for (std::size_t k = 0; k < images.size(); ++k) {
      CHECK(close_to(images[k], plain[k], 1e-12));  // 1e-310 has 13 digits
    }
  }
  auto student = particles(8);
  for (const double wrong : {0.0, std::nan(""), HUGE_VAL}) {
    auto axis = make_matrix<double>(3, 1);
    axis(1, 0) = wrong;
    CHECK(message_of<argument_error>([&] { close_under_reflections(student, axis); }) ==
          "close_under_reflections: axis 0 is zero or not finite, expected a direction");
    CHECK(message_of<argument_error>([&] { reflection_asymmetry(student, axis); }) ==
          "reflection_asymmetry: axis 0 is zero or not finite, expected a direction");
  }
}

TEST_CASE("what does not fit") {
  auto student = particles(12);
  const auto axes = make_matrix<double>(3, 3), wrong = make_matrix<double>(4, 1);
  CHECK(message_of<shape_error>([&] { close_under_reflections(student, axes); }) ==
        "close_under_reflections: 12 particles, expected a multiple of 8");
  CHECK(message_of<shape_error>([&] { close_under_reflections(student, wrong); }) ==
        "close_under_reflections: axes is (4x1), expected (3x1)");
  CHECK(message_of<shape_error>([&] { reflection_asymmetry(student, wrong); }) ==
        "reflection_asymmetry: axes is (4x1), expected (3x1)");
}
