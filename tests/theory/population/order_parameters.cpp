#include <cmath>
#include <complex>
#include <span>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/theory/population/flow.hpp>
#include <tutelage/theory/population/order_parameters.hpp>
#include <tutelage/theory/population/population.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using complex = std::complex<double>;

template <class T, class Gate = relu>
using any_width = two_layer<T, Gate, dynamic, dynamic, dynamic>;

double largest(const matrix<double>& m) {
  double result = 0;
  for (const double x : m) result = std::max(result, std::abs(x));
  return result;
}

}  // namespace

TEST_CASE("loss and drift as the weights have them") {
  for (const std::size_t n : {1U, 2U, 5U}) {
    const auto teacher = random_network<any_width<double, leaky_relu<>>>({7, 3, 2}, n);
    const auto student = random_network<any_width<double>>({7, n, 2}, 10 + n);
    const auto S = order_parameters(teacher, student);
    population loss(teacher, 1.25);
    gradients<any_width<double>> found;
    const double J = loss.gradient(student, found);
    order_dynamics<double> dynamics(teacher, student, 1.25);
    auto dS = make_matrix<double>(n + 3, n + 3), expected = dS;
    CHECK(close_to(dynamics.drift(S, dS), J, 100 * epsilon<double> * J));
    // (U + dU)^T (U + dU) to first order.
    auto products = make_matrix<double>(n, n), expected_products = products;
    const auto dW = found.dW<1>();
    for (std::size_t k = 0; k < n + 3; ++k) {
      for (std::size_t l = 0; l < n + 3; ++l) {
        for (std::size_t i = 0; i < 7; ++i) {
          const auto node = [&](std::size_t j) {
            return j < n ? student.layer<1>().weights()(i, j)
                         : teacher.layer<1>().weights()(i, j - n);
          };
          const auto moved = [&](std::size_t j) { return j < n ? dW(i, j) : 0.0; };
          expected(k, l) += node(k) * moved(l) + moved(k) * node(l);
          if (k < n && l < n) expected_products(k, l) += dW(i, k) * dW(i, l);
        }
      }
    }
    CHECK(close_to(dS, expected, 100 * epsilon<double> * largest(expected)));
    dynamics.gradient_products(products);
    CHECK(
        close_to(products, expected_products, 100 * epsilon<double> * largest(expected_products)));
  }
}

TEST_CASE("complex steps: the loss is an analytic function of Q, R and T") {
  // Along the flow, dJ/dt = sum dJ/dS dS/dt = -|gradient|^2.
  const auto teacher = random_network<any_width<double>>({6, 2, 2}, 1);
  const auto student = random_network<any_width<double>>({6, 3, 2}, 2);
  population loss(teacher);
  gradients<any_width<double>> found;
  loss.gradient(student, found);
  double square = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    for (const double x : found.dW<1>().row(i)) square += x * x;
  }
  const auto S = order_parameters(teacher, student);
  order_dynamics<double> dynamics(teacher, student);
  auto dS = make_matrix<double>(5, 5);
  dynamics.drift(S, dS);
  order_dynamics<complex> complex_dynamics(network_cast<complex>(teacher),
                                           network_cast<complex>(student));
  auto moved = make_matrix<complex>(5, 5);
  for (std::size_t i = 0; i < 25; ++i) {
    moved.data()[i] = complex(S.data()[i], 1e-30 * dS.data()[i]);
  }
  CHECK(close_to(complex_dynamics.loss(moved).imag() * 1e30, -square, 1e-13 * square));
}

TEST_CASE("trajectories as those of the weights") {
  const auto teacher = random_network<any_width<double>>({8, 2, 2}, 3);
  const auto student = random_network<any_width<double>>({8, 3, 2}, 4);
  population loss(teacher);
  order_dynamics<double> dynamics(teacher, student);
  auto weights = flow_of<fixed_fan_out>(loss, student, 1e-12);
  const auto S = order_parameters(teacher, student);
  const auto velocity = [&](std::span<const double> x, std::span<double> dx) {
    dynamics.drift({x.data(), 5, 5, 5}, {dx.data(), 5, 5, 5});
  };
  adaptive_flow<double, decltype(velocity)> overlaps(std::vector<double>(S.begin(), S.end()),
                                                     velocity, 1e-12);
  for (const double until : {0.5, 2.0, 5.0}) {
    weights.advance(until);
    overlaps.advance(until);
    const auto expected = order_parameters(teacher, weights.student());
    const matrix_view<const double> found(overlaps.position().data(), 5, 5, 5);
    CHECK(close_to(found, matrix_view<const double>(expected), 1e-9));
    CHECK(close_to(dynamics.loss(found), weights.loss(), 1e-9));
  }
}

TEST_CASE("what does not fit") {
  const auto teacher = random_network<any_width<double>>({4, 2, 2}, 1);
  const auto narrow = random_network<any_width<double>>({3, 2, 2}, 1);
  CHECK(message_of<shape_error>([&] { order_parameters(teacher, narrow); }) ==
        "order_parameters: the student maps 3 inputs to 2 outputs, the teacher 4 to 2");
  order_dynamics<double> dynamics(teacher, teacher);
  const auto S = make_matrix<double>(3, 3);
  CHECK(message_of<shape_error>([&] { dynamics.loss(S); }) ==
        "order_dynamics: S is (3x3), expected (4x4)");
}

TEST_CASE(
    "lengths whose squares leave the range are refused, shorter ones than all others are not") {
  using net_type = any_width<double>;
  const auto teacher = random_network<net_type>({4, 2, 1}, 81);
  auto student = random_network<net_type>({4, 2, 1}, 82);
  const auto set = [&](double size) {
    for (std::size_t i = 0; i < 4; ++i) student.layer<1>().weights()(i, 1) = i == 2 ? size : 0;
  };
  for (const double size : {0.0, 0x1p-484, 1e-100, 1e100, 0x1.8p499}) {
    set(size);
    const auto S = order_parameters(teacher, student);
    CHECK(S(1, 1) == size * size);
    order_dynamics<double> dynamics(teacher, student);
    CHECK(std::isfinite(dynamics.loss(S)));
  }
  for (const double size : {0x1p-486, 1e-200, 1e200, 0x1p500}) {
    set(size);
    CHECK_THROWS_AS(order_parameters(teacher, student), argument_error);
  }
  set(1e200);
  CHECK(message_of<argument_error>([&] { order_parameters(teacher, student); }) ==
        "order_parameters: student node 1 has a weight of 1e+200, its square leaves the range");
}
