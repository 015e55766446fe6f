#include <cmath>
#include <numbers>
#include <span>
#include <tutelage/theory/critical_point.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using net = two_layer<double, relu, dynamic, dynamic, dynamic>;

// Two orthonormal teachers and two students, all fan-outs 1.
net pair_of(double angle, double radius) {
  net result({2, 2, 1});
  for (std::size_t k = 0; k < 2; ++k) {
    const double at = std::numbers::pi / 4 + (k == 0 ? angle : -angle);
    result.layer<1>().weights()(0, k) = radius * std::cos(at);
    result.layer<1>().weights()(1, k) = radius * std::sin(at);
    result.layer<2>().weights()(k, 0) = 1;
  }
  return result;
}

// Both students between the teachers. There r/2 + r/2 = sum_j e.G(e, w*_j).
const double between = (3 * std::numbers::pi / 4 + 1) / std::numbers::sqrt2 / std::numbers::pi;

net moved(net student, const classified_point<double>& point, double t) {
  std::vector<double> at(4);
  read_parameters<fixed_fan_out>(student, std::span<double>(at));
  for (std::size_t i = 0; i < 4; ++i) at[i] += t * point.lowest_direction[i];
  write_parameters<fixed_fan_out>(std::span<const double>(at), student);
  return student;
}

}  // namespace

TEST_CASE("a student on its teacher is a minimum, flat by its scales when the fan-out moves") {
  const auto teacher = random_network<net>({6, 3, 4}, 1);
  population loss(teacher);
  const auto fixed = classify<fixed_fan_out>(loss, teacher);
  CHECK(fixed.kind == critical_kind::minimum);
  CHECK(fixed.positive == 18);
  CHECK(fixed.eigenvalues.size() == 18);
  const auto trained = classify(loss, teacher);
  CHECK(trained.kind == critical_kind::degenerate);
  CHECK(trained.zero == 3);
  CHECK(trained.positive == 18 + 12 - 3);
  CHECK(trained.negative == 0);
}

TEST_CASE("an over-realized student on its teacher has more flat directions") {
  // Teacher 0 is shared by two students; a fourth has no fan-out.
  const auto teacher = random_network<net>({5, 2, 2}, 2);
  net student({5, 4, 2});
  stream random = random_stream(1);
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::size_t i = 0; i < 5; ++i) {
      student.layer<1>().weights()(i, k) =
          k == 3 ? random.normal() : teacher.layer<1>().weights()(i, k == 2 ? 1 : 0);
    }
    for (std::size_t c = 0; c < 2; ++c) {
      const double v = teacher.layer<2>().weights()(k == 2 ? 1 : 0, c);
      student.layer<2>().weights()(k, c) = k == 3 ? 0 : k < 2 ? v / 2 : v;
    }
  }
  population loss(teacher);
  const auto point = classify(loss, student);
  CHECK(point.kind == critical_kind::degenerate);
  CHECK(point.negative == 0);
  // Student 2: its scale. Students 0 and 1 have 14 numbers, of which 7, less a scale, move what the
  // two compute together. Without fan-out, the 5 weights of student 3.
  CHECK(point.zero == 1 + (14 - (7 - 1)) + 5);
}

TEST_CASE("two students between two teachers are at a saddle, and escape apart") {
  const auto teacher = pair_of(std::numbers::pi / 4, 1);
  const auto student = pair_of(0, between);
  population loss(teacher);
  const auto point = classify<fixed_fan_out>(loss, student);
  CHECK(point.gradient_norm <= 8 * epsilon<double>);
  CHECK(point.kind == critical_kind::saddle);
  REQUIRE(point.negative >= 1);
  // To opposite sides, across the line between the teachers.
  const auto& u = point.lowest_direction;
  CHECK(close_to(std::abs(u[0]), 0.5, 8 * epsilon<double>));
  CHECK(close_to(u[0] + u[1], 0, 8 * epsilon<double>));
  CHECK(close_to(u[0] + u[2], 0, 8 * epsilon<double>));
  CHECK(close_to(u[0] - u[3], 0, 8 * epsilon<double>));
  for (const double t : {1e-2, -1e-2, 1e-3, -1e-3}) {
    const double fall = loss.loss(moved(student, point, t)) - point.loss;
    CHECK(fall < 0);
    // J's third derivative is bounded.
    CHECK(close_to(fall / (t * t), point.eigenvalues[0] / 2, 2 * std::abs(t)));
  }
}

TEST_CASE("what is no critical point") {
  const auto teacher = pair_of(std::numbers::pi / 4, 1);
  population loss(teacher);
  const auto message =
      message_of<argument_error>([&] { classify<fixed_fan_out>(loss, pair_of(0.25, between)); });
  CHECK(message.starts_with("classify: the gradient's norm is 0."));
  CHECK(message.ends_with(", expected at most 1e-09"));
  CHECK(classify<fixed_fan_out>(loss, pair_of(0.25, between), 10.0).gradient_norm > 0.01);
}
