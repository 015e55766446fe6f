#include <cmath>
#include <string>

#include <tutelage/theory/population/descent.hpp>
#include <tutelage/theory/population/orthonormal_target.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <std::size_t D, std::size_t M>
using net = two_layer<double, relu, D, M, 1>;

}  // namespace

TEST_CASE("the target and the start are what they say") {
  net<5, 4> teacher;
  make_orthonormal_target(teacher, 6);
  std::size_t positive = 0;
  for (std::size_t j = 0; j < 4; ++j) {
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(teacher.layer<1>().linear_weights()(i, j) == (i == j ? 1 : 0));
    }
    const double a = teacher.layer<2>().linear_weights()(j, 0);
    CHECK(std::abs(a) == 1);
    positive += a > 0 ? 1 : 0;
  }
  CHECK(positive % 4 != 0);  // with this seed both signs are there
  two_layer<double, relu, 50, dynamic, 1> student({50, 400, 1});
  initialize(student, orthonormal_start{}, 2);
  double square = 0, sum = 0;
  for (std::size_t k = 0; k < 400; ++k) {
    for (std::size_t i = 0; i < 50; ++i)
      square += std::pow(student.layer<1>().linear_weights()(i, k), 2);
    const double a = student.layer<2>().linear_weights()(k, 0);
    CHECK(std::abs(a) == 1 / std::sqrt(400.0));
    sum += a;
  }
  // A mean of 20000 squares of deviation sqrt(2); a sum of 400 signs. Five deviations.
  CHECK(close_to(square / 400, 1, 5 * std::sqrt(2.0 / 20000)));
  CHECK(std::abs(sum) <= 5);
  net<2, 3> wide;
  CHECK(message_of<shape_error>([&] { make_orthonormal_target(wide, 1); }) ==
        "make_orthonormal_target: 3 nodes of 2 inputs, expected at most as many");
}

TEST_CASE("exactly parameterized students get stuck, wider ones learn") {
  using student_type = two_layer<double, relu, 10, dynamic, 1>;
  net<10, 10> teacher;
  make_orthonormal_target(teacher, 3);
  population loss(teacher);
  const auto failures = [&](std::size_t n) {
    std::size_t count = 0;
    const double power = loss.loss(student_type({10, n, 1}));  // of a student that is zero
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      student_type student({10, n, 1});
      initialize(student, orthonormal_start{}, seed);
      gradients<student_type> found;
      for (int t = 0; t < 5000; ++t) descend(loss, student, found, 0.08);
      count += loss.loss(student) > 1e-2 * power ? 1 : 0;
    }
    return count;
  };
  CHECK(failures(10) >= 3);
  CHECK(failures(25) == 0);
}
