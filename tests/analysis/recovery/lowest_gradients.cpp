#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/analysis/recovery/lowest_gradients.hpp>
#include <tutelage/model/network_cast.hpp>

#include "support/close_to.hpp"
#include "support/network_case.hpp"
#include "support/random.hpp"

namespace {

using namespace test;

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("gradients are those of backpropagation, to within what is called rounding") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    mlp<double, relu, 4, 5, 3, 2> teacher;
    mlp<double, leaky_relu<>, 4, 6, 5, 2> student;
    stream random = random_stream(seed);
    randomize(teacher, random);
    randomize(student, random);
    const auto x = random_matrix<double>(7, 4, random);
    auto absolute = make_matrix<double>(1, 4);
    for (std::size_t i = 0; i < 7; ++i) {
      for (std::size_t u = 0; u < 4; ++u) {
        absolute(0, u) = std::max(absolute(0, u), std::abs(x(i, u)));
      }
    }
    detail::lowest_gradients gradients(teacher, student);
    const auto rounding = gradients.rounding(matrix_view<const double>(absolute));
    const auto g = gradients(matrix_view<const double>(x));
    // The same networks with more digits.
    const auto wide_teacher = network_cast<long double>(teacher);
    const auto wide_student = network_cast<long double>(student);
    const auto wide_x = widen(x);
    const auto expected = run_passes(wide_student, wide_x, wide_teacher(wide_x)).g[0];
    for (std::size_t i = 0; i < 7; ++i) {
      for (std::size_t k = 0; k < 6; ++k) {
        const auto exact = static_cast<double>(expected(i, k));
        CHECK(close_to(g(i, k), exact, rounding[k]));
        CHECK(rounding[k] >= epsilon<double> * std::abs(exact));
        CHECK(rounding[k] < 1e-10);
      }
    }
    // Gates of the layers, by the activations.
    activations<decltype(student)> kept;
    student.forward(matrix_view<const double>(x), kept);
    const auto f = kept.f<1>();
    for (std::size_t i = 0; i < 7; ++i) {
      for (std::size_t k = 0; k < 6; ++k) {
        CHECK(gradients.gate(i, k) == (f(i, k) > 0 ? 1 : student.layer<1>().gate().slope()));
      }
      CHECK(gradients.equal_gates(i, i));
    }
  }
}

TEST_CASE("equal gates are those above layer 1, of both networks") {
  mlp<double, relu, 1, 1, 1, 1> teacher, student;
  for (auto* net : {&teacher, &student}) {
    net->layer<1>().weights()(0, 0) = net->layer<2>().weights()(0, 0) = 1;
  }
  teacher.layer<2>().bias()[0] = -2;
  student.layer<2>().bias()[0] = -4;
  auto x = make_matrix<double>(4, 1);
  const double at[] = {-1, 1, 3, 5};
  for (std::size_t i = 0; i < 4; ++i) x(i, 0) = at[i];
  detail::lowest_gradients gradients(teacher, student);
  gradients(matrix_view<const double>(x));
  CHECK(gradients.equal_gates(0, 1));
  CHECK(!gradients.equal_gates(1, 2));  // the teacher's
  CHECK(!gradients.equal_gates(2, 3));  // the student's
}

TEST_CASE("how far a line is clear of boundaries, either way") {
  dense<double, 2, 5, relu> layer;
  auto W = layer.weights();
  W(0, 0) = 2;  // at 0
  W(0, 1) = -1;
  W(2, 1) = 3;  // at 3
  W(0, 2) = 1;
  W(1, 2) = 1;
  W(2, 2) = 2;  // x + y = -2
  W(1, 3) = 1;  // never met by a line along the first axis
  W(2, 4) = 7;  // without a boundary
  const auto w = make_regular(layer);
  const std::vector<double> x{1, 0.5}, u{1, 0};
  const auto clear = [&](const std::vector<std::size_t>& skipped) {
    return detail::clear_length<double>(w, x, u, [&](std::size_t i) {
      return std::find(skipped.begin(), skipped.end(), i) != skipped.end();
    });
  };
  CHECK(clear({}) < 1);
  CHECK(clear({}) > 0.998);
  CHECK(clear({0}) < 2);
  CHECK(clear({0}) > 1.996);
  CHECK(clear({0, 1}) < 3.5);
  CHECK(clear({0, 1}) > 3.49);
  CHECK(clear({0, 1, 2}) == infinity);
  // On a boundary, and nearer to it than rounding tells.
  for (const double y : {0.0, epsilon<double>}) {
    const std::vector<double> on{1, y};
    CHECK(detail::clear_length<double>(w, on, u, [](std::size_t i) { return i != 3; }) == 0);
  }
  const detail::line_to_boundary<double> line(w, 2, x, u);
  CHECK(line.distance == doctest::Approx(3.5 / std::sqrt(2.0)));
  CHECK(line.cosine == doctest::Approx(1 / std::sqrt(2.0)));
}

TEST_CASE("rounding bounds what underflows") {
  mlp<double, relu, 1, 1, 1, 1> teacher, student;
  for (auto* net : {&teacher, &student}) {
    net->layer<1>().weights()(0, 0) = net->layer<2>().weights()(0, 0) = 1e-200;
    net->layer<3>().weights()(0, 0) = 1e300;
  }
  student.layer<1>().weights()(0, 0) = 3e-200;
  auto x = make_matrix<double>(1, 1);
  x(0, 0) = 1;
  detail::lowest_gradients gradients(teacher, student);
  const matrix_view<const double> view(x);
  const double off = std::abs(gradients(view)(0, 0) + 2);  // -2e-100 1e300 1e-200
  CHECK(off > 1);
  CHECK(gradients.rounding(view)[0] > off);
}

TEST_CASE("the teacher's rounding counts as the student's does") {
  mlp<double, relu, 1, 2, 1> teacher;
  mlp<double, relu, 1, 1, 1> student;
  teacher.layer<1>().weights()(0, 0) = teacher.layer<1>().weights()(0, 1) = 1;
  teacher.layer<2>().weights()(0, 0) = 1e15;  // the two cancel
  teacher.layer<2>().weights()(1, 0) = -1e15;
  student.layer<1>().weights()(0, 0) = student.layer<2>().weights()(0, 0) = 1;
  auto x = make_matrix<double>(1, 1);
  x(0, 0) = 1;
  CHECK(detail::lowest_gradients(teacher, student).rounding(matrix_view<const double>(x))[0] > 0.1);
}
