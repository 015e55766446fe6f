#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/theory/population/critical_point.hpp>

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

TEST_CASE("a student on its teacher is a minimum, but for its scales when the fan-out moves") {
  const auto teacher = random_network<net>({6, 3, 4}, 1);
  population loss(teacher);
  const auto fixed = classify<fixed_fan_out>(loss, teacher);
  CHECK(fixed.kind == critical_kind::minimum);
  CHECK(fixed.positive == 18);
  CHECK(fixed.eigenvalues.size() == 18);
  const auto trained = classify(loss, teacher);
  CHECK(trained.kind == critical_kind::minimum);
  CHECK(trained.positive == 18 + 12 - 3);
  CHECK(trained.eigenvalues.size() == 18 + 12 - 3);
  CHECK(trained.zero_within <= 1e-10 * trained.eigenvalues.back());
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
  // Students 0 and 1 have 12 numbers but for their scales, of which 6 move what the two compute
  // together. Without fan-out, the 5 weights of student 3, one of them its scale.
  CHECK(point.zero == (12 - 6) + 4);
  CHECK(point.positive == 6 + 6 + 2);
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
  CHECK(close_to(std::abs(u[0]), 0.5 * std::sqrt(point.power), 8 * epsilon<double>));
  CHECK(close_to(u[0] + u[1], 0, 8 * epsilon<double>));
  CHECK(close_to(u[0] + u[2], 0, 8 * epsilon<double>));
  CHECK(close_to(u[0] - u[3], 0, 8 * epsilon<double>));
  for (const double t : {1e-2, -1e-2, 1e-3, -1e-3}) {
    const double fall = loss.loss(moved(student, point, t)) - point.loss;
    CHECK(fall < 0);
    // J's third derivative is bounded.
    CHECK(close_to(fall / (t * t), point.power * point.eigenvalues[0] / 2, 2 * std::abs(t)));
  }
}

namespace {

// One teacher (1, 0) of fan-out 1, one student of this direction, sizes |w| and |v|.
net one_node(double angle, double w, double v) {
  net result({2, 1, 1});
  result.layer<1>().weights()(0, 0) = w * std::cos(angle);
  result.layer<1>().weights()(1, 0) = w * std::sin(angle);
  result.layer<2>().weights()(0, 0) = v;
  return result;
}

// w_k grows by 2^k and v_k shrinks by it, with alternating signs of the power; then all of W by
// `lower` and all of V by `upper`.
net rescaled(net student, int power, double lower, double upper) {
  auto W = student.layer<1>().weights();
  auto V = student.layer<2>().weights();
  for (std::size_t k = 0; k < W.cols(); ++k) {
    const int p = k % 2 == 0 ? power : -power;
    for (std::size_t i = 0; i < W.rows(); ++i) W(i, k) = std::scalbn(lower * W(i, k), p);
    for (double& x : V.row(k)) x = std::scalbn(upper * x, -p);
  }
  return student;
}

// The students of pair_of between the teachers, but with this fan-out instead of length.
net between_with_trained_fan_out() {
  net student = pair_of(0, 1);
  for (std::size_t k = 0; k < 2; ++k) student.layer<2>().weights()(k, 0) = between;
  return student;
}

}  // namespace

TEST_CASE("next to zero is a saddle, however small") {
  population loss(one_node(0, 1, 1));
  for (const double angle : {0.0, 0.3, 1.2, 2.5}) {
    for (const double sign : {1.0, -1.0}) {
      // J / J_0 = 1 - 4 v w.G(w) + O(|w|^2 |v|^2), so the spectrum is that of any size.
      const auto smallest = classify(loss, one_node(angle, 1e-60, sign * 1e-60));
      CHECK(smallest.kind == critical_kind::saddle);
      CHECK(smallest.eigenvalues.size() == 3);
      CHECK(smallest.eigenvalues[0] < -0.04);
      for (const double size : {1e-9, std::scalbn(1.0, -40), 1e-20}) {
        const auto point = classify(loss, one_node(angle, size, sign * size));
        CHECK(point.kind == critical_kind::saddle);
        CHECK(point.negative == smallest.negative);
        for (std::size_t i = 0; i < 3; ++i) {
          CHECK(close_to(point.eigenvalues[i], smallest.eigenvalues[i],
                         100 * size * size + 64 * epsilon<double>));
        }
        // A small v has its w scaled down; the function is the same.
        CHECK(classify(loss, one_node(angle, 1e3 * size, sign * size / 1e3)).negative ==
              smallest.negative);
      }
    }
  }
}

TEST_CASE("the class knows no scale: of nodes, of networks, of inputs") {
  const auto teacher = random_network<net>({4, 3, 2}, 3);
  const auto pair = pair_of(std::numbers::pi / 4, 1);
  const auto saddle = between_with_trained_fan_out();
  const auto spectrum = [](const net& teacher_net, const net& student, double std) {
    population loss(teacher_net, std);
    return classify(loss, student);
  };
  const auto minimum = spectrum(teacher, teacher, 1), escape = spectrum(pair, saddle, 1);
  CHECK(minimum.kind == critical_kind::minimum);
  CHECK(escape.kind == critical_kind::saddle);
  const auto same = [](const classified_point<double>& found,
                       const classified_point<double>& expected) {
    CHECK(found.kind == expected.kind);
    CHECK(found.negative == expected.negative);
    CHECK(found.zero == expected.zero);
    REQUIRE(found.eigenvalues.size() == expected.eigenvalues.size());
    const double unit = 200 * epsilon<double> * expected.eigenvalues.back();
    for (std::size_t i = 0; i < found.eigenvalues.size(); ++i) {
      CHECK(close_to(found.eigenvalues[i], expected.eigenvalues[i], unit));
    }
  };
  for (const int power : {-40, -20, -3, 0, 7, 20, 40}) {
    const double factor = std::scalbn(1.0, power);
    // Nodes alone; W of both networks; V of both; inputs.
    same(spectrum(teacher, rescaled(teacher, power, 1, 1), 1), minimum);
    same(spectrum(pair, rescaled(saddle, power, 1, 1), 1), escape);
    for (const auto& [lower, upper] : {std::pair{factor, 1.0}, {1.0, factor}}) {
      same(spectrum(rescaled(teacher, 0, lower, upper), rescaled(teacher, 0, lower, upper), 1),
           minimum);
      same(spectrum(rescaled(pair, 0, lower, upper), rescaled(saddle, 0, lower, upper), 1), escape);
    }
    same(spectrum(pair, saddle, factor), escape);
    // With the fan-out fixed.
    population loss(rescaled(pair, 0, factor, 1 / factor), factor);
    const auto fixed =
        classify<fixed_fan_out>(loss, rescaled(pair_of(0, between), 0, factor, 1 / factor));
    CHECK(fixed.kind == critical_kind::saddle);
    CHECK(fixed.eigenvalues.size() == 4);
  }
}

TEST_CASE("what is no critical point") {
  const auto teacher = pair_of(std::numbers::pi / 4, 1);
  population loss(teacher);
  const auto message =
      message_of<argument_error>([&] { classify<fixed_fan_out>(loss, pair_of(0.25, between)); });
  CHECK(message.starts_with("classify: the gradient's norm is 0."));
  CHECK(message.ends_with(", expected at most 1e-08"));
  CHECK(classify<fixed_fan_out>(loss, pair_of(0.25, between), 10.0).gradient_norm > 0.01);
  net nothing = teacher;
  for (std::size_t k = 0; k < 2; ++k) nothing.layer<2>().weights()(k, 0) = 0;
  population flat(nothing);
  const auto expect_power = [](population<net>& of, const net& student, const std::string& power) {
    CHECK(message_of<argument_error>([&] { classify(of, student); }) ==
          "classify: half the teacher's mean squared output is " + power +
              ", expected a normal number above 0");
  };
  expect_power(flat, nothing, "0");
  for (const auto& [size, power] : {std::pair{1e-85, "0"}, {1e90, "inf"}}) {
    const net node = one_node(0, size, size);
    population out_of_range(node);
    expect_power(out_of_range, node, power);
  }
}

TEST_CASE("a gradient as small as a node is no critical point") {
  // Teachers e_1 and `size` e_2, of fan-out 1. The student has the first, and `length` times the
  // second at an angle: without the first, its gradient is as large as teacher and student.
  for (const double size : {1e-9, 1e-12}) {
    net teacher({3, 2, 1});
    auto W = teacher.layer<1>().weights(), V = teacher.layer<2>().weights();
    W(0, 0) = V(0, 0) = V(1, 0) = 1;
    W(1, 1) = size;
    population loss(teacher);
    const auto moved_to = [&](double angle, double length) {
      net student = teacher;
      student.layer<1>().weights()(1, 1) = length * size * std::cos(angle);
      student.layer<1>().weights()(2, 1) = length * size * std::sin(angle);
      return student;
    };
    for (const double angle : {0.05, 1.0, 2.0, 3.1}) {
      for (const double length : {0.3, 0.5, 1.0, 2.0}) {
        const auto message = message_of<argument_error>(
            [&] { classify<fixed_fan_out>(loss, moved_to(angle, length)); });
        CHECK(message.starts_with("classify: Newton's step moves a node by "));
        CHECK(message.ends_with(" of its length, expected at most 0.0009765625"));
      }
    }
    CHECK(classify<fixed_fan_out>(loss, moved_to(0.05, 1), 1e-8, 0.1).gradient_norm < 1e-8);
    for (const double share : {0.0, 1e-5}) {
      const auto near = classify<fixed_fan_out>(loss, moved_to(share, 1 + share));
      CHECK(near.kind == critical_kind::minimum);
      CHECK(near.positive == 6);
    }
  }
}

TEST_CASE("two short nodes that share a teacher are flat, however far the gradient is from zero") {
  // w and 1 - w of the teacher 1e-6 e_2, a little off its direction: the gradient is small, not in
  // units of these nodes.
  net teacher({3, 2, 1}), student({3, 3, 1});
  const double size = 1e-6;
  auto W_star = teacher.layer<1>().weights(), W = student.layer<1>().weights();
  W_star(0, 0) = W(0, 0) = 1;
  W_star(1, 1) = size;
  for (std::size_t k = 0; k < 2; ++k) teacher.layer<2>().weights()(k, 0) = 1;
  for (std::size_t k = 0; k < 3; ++k) student.layer<2>().weights()(k, 0) = 1;
  population loss(teacher);
  for (const double off : {0.0, 1e-7, 1e-6}) {
    W(1, 1) = 0.3 * size;
    W(1, 2) = 0.7 * size;
    W(2, 1) = W(2, 2) = off * size;
    const auto point = classify<fixed_fan_out>(loss, student);
    CHECK(point.kind == critical_kind::degenerate);
    CHECK(point.zero == 3);
  }
}
