#include <cmath>
#include <tutelage/theory/population/biased_population.hpp>
#include <tutelage/theory/population/descent.hpp>
#include <tutelage/theory/population/population.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"

namespace {

using namespace test;

template <class Bias>
using net = two_layer<double, relu, dynamic, dynamic, dynamic, Bias>;

}  // namespace

TEST_CASE("a step is the rate times the gradient, of one layer or both") {
  const auto teacher = random_network<net<no_bias>>({4, 2, 3}, 1);
  const auto start = random_network<net<no_bias>>({4, 3, 3}, 2);
  population loss(teacher);
  gradients<net<no_bias>> found, expected;
  const double J = loss.gradient(start, expected);
  for (const bool trained : {true, false}) {
    auto student = start;
    const double before = trained ? descend(loss, student, found, 0.125)
                                  : descend<fixed_fan_out>(loss, student, found, 0.125);
    CHECK(before == J);
    CHECK(loss.loss(student) < J);
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t i = 0; i < 4; ++i) {
        CHECK(close_to(student.layer<1>().weights()(i, k),
                       start.layer<1>().weights()(i, k) + 0.125 * expected.dW<1>()(i, k),
                       4 * epsilon<double>));
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const double step = trained ? 0.125 * expected.dW<2>()(k, c) : 0;
        CHECK(close_to(student.layer<2>().weights()(k, c), start.layer<2>().weights()(k, c) + step,
                       4 * epsilon<double>));
      }
    }
  }
}

TEST_CASE_TEMPLATE("the projected direction is orthogonal and keeps the rest", Bias, with_bias,
                   no_bias) {
  const auto teacher = random_network<net<Bias>>({4, 2, 3}, 3);
  const auto student = random_network<net<Bias>>({4, 5, 3}, 4);
  auto loss = [&] {
    if constexpr (std::is_same_v<Bias, no_bias>) {
      return population(teacher);
    } else {
      return biased_population(teacher);
    }
  }();
  gradients<net<Bias>> free, projected;
  descent_direction(loss, student, free);
  descent_direction<projected_motion>(loss, student, projected);
  const auto W = student.template layer<1>().weights();
  const auto dW = free.template dW<1>(), dP = projected.template dW<1>();
  for (std::size_t k = 0; k < 5; ++k) {
    double along = 0, square = 0, removed = 0, size = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) {
      along += W(i, k) * dP(i, k);
      square += W(i, k) * W(i, k);
      removed += W(i, k) * dW(i, k);
      size += std::abs(W(i, k) * dW(i, k));
    }
    CHECK(close_to(along, 0, 8 * epsilon<double> * size));
    for (std::size_t i = 0; i < W.rows(); ++i) {
      CHECK(close_to(dP(i, k), dW(i, k) - removed / square * W(i, k), 8 * epsilon<double> * size));
    }
  }
  CHECK(close_to(projected.template dW<2>(), free.template dW<2>(), 0));
}
