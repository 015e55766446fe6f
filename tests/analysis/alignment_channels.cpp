// Alignment of convolutions: nodes are channels, samples are positions.
#include <tutelage/analysis/alignment.hpp>

#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/flatten.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/pool.hpp>

#include "support/close_to.hpp"
#include "support/layer_stack.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

auto make(std::size_t filters, std::size_t padding = 0) {
  const std::size_t side = 2 + 2 * padding;
  return network(conv2d<double>({1, 4, 4}, {.filters = filters, .size = 3, .padding = padding}),
                 batch_norm<double>(filters), gated<relu>(), flatten(),
                 dense<double>(filters * side * side, 2));
}

// Pearson's correlation of channel j of f_star and channel k of f by the definition.
double plain(const matrix_view<const double>& f_star, std::size_t j,
             const matrix_view<const double>& f, std::size_t k, std::size_t P) {
  const double M = static_cast<double>(f.rows() * P);
  const auto each = [&](auto&& visit) {
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t p = 0; p < P; ++p) visit(f_star(i, j * P + p), f(i, k * P + p));
    }
  };
  double a_mean = 0, b_mean = 0, ab = 0, aa = 0, bb = 0;
  each([&](double a, double b) {
    a_mean += a / M;
    b_mean += b / M;
  });
  each([&](double a, double b) {
    ab += (a - a_mean) * (b - b_mean);
    aa += (a - a_mean) * (a - a_mean);
    bb += (b - b_mean) * (b - b_mean);
  });
  return ab / std::sqrt(aa * bb);
}

}  // namespace

TEST_CASE("the nodes of images are channels, correlated over samples and positions") {
  stream random = random_stream(1);
  auto teacher = make(2), student = make(5);
  randomize_parameters(teacher, random);
  randomize_parameters(student, random);
  // Student channel 3 is teacher channel 1, twice as large.
  for (std::size_t i = 0; i < 10; ++i) {
    student.layer<1>().weights()(i, 3) = 2 * teacher.layer<1>().weights()(i, 1);
  }
  const auto x = random_matrix<double>(300, 16, random);
  const auto layers = align(teacher, student, x);
  REQUIRE(layers.size() == 4);
  CHECK(layers[0].teacher_nodes() == 2);
  CHECK(layers[0].student_nodes() == 5);
  CHECK(layers[0].measured().samples == 1200);
  CHECK(layers[0].best_student(1) == 3);
  CHECK(close_to(layers[0].rho(1, 3), 1, 1e-12));
  CHECK(layers[3].teacher_nodes() == 8);  // flattened: nodes
  activations<decltype(teacher)> of_teacher;
  activations<decltype(student)> of_student;
  teacher.forward(x, of_teacher);
  student.forward(x, of_student);
  for (std::size_t j = 0; j < 2; ++j) {
    for (std::size_t k = 0; k < 5; ++k) {
      CHECK(close_to(layers[2].rho(j, k), plain(of_teacher.f<3>(), j, of_student.f<3>(), k, 4),
                     1e-11));
    }
  }
}

TEST_CASE("channels of unequal positions have no correlation") {
  const auto teacher = make(2), student = make(3, 1);
  CHECK(message_of<shape_error>([&] { align(teacher, student, make_matrix<double>(4, 16)); }) ==
        "align: layer 1: the teacher gives 2x2x2 numbers, the student 3x4x4, expected equal "
        "positions");
}
