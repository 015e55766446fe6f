#include <cmath>
#include <complex>
#include <span>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/theory/population/population_hessian.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using complex = std::complex<double>;

template <class T, class Gate = relu>
using any_width = two_layer<T, Gate, dynamic, dynamic, dynamic>;

// Column by column, the complex step of the gradient.
template <class FanOut, class Teacher, class Student>
matrix<double> stepped(const Teacher& teacher, const Student& student, double std) {
  const std::size_t p = parameter_count<FanOut>(student);
  population loss(network_cast<complex>(teacher), std);
  auto moved = network_cast<complex>(student);
  gradients<typename Student::template rebind<complex>> found;
  std::vector<complex> at(p), slope(p);
  read_parameters<FanOut>(moved, std::span<complex>(at));
  auto H = make_matrix<double>(p, p);
  for (std::size_t k = 0; k < p; ++k) {
    at[k] += complex(0, 1e-30);
    write_parameters<FanOut>(std::span<const complex>(at), moved);
    at[k] = at[k].real();
    loss.gradient(moved, found);
    read_parameters<FanOut>(found, std::span<complex>(slope));
    for (std::size_t i = 0; i < p; ++i) H(i, k) = -slope[i].imag() * 1e30;
  }
  return H;
}

template <class T>
double largest(const matrix<T>& H) {
  double result = 0;
  for (const T& x : H) result = std::max(result, static_cast<double>(std::abs(x)));
  return result;
}

template <class FanOut, class Teacher, class Student>
void judge(const Teacher& teacher, const Student& student, double std) {
  population loss(teacher, std);
  auto hessian = hessian_of(loss);
  const auto H = hessian.template operator()<FanOut>(student);
  CHECK(close_to(H, stepped<FanOut>(teacher, student, std), 1e-12 * largest(H)));
  const std::size_t p = H.shape(0);
  comparison symmetric, product;
  std::vector<double> u(p), found(p);
  stream random = random_stream(p);
  for (double& x : u) x = random.normal();
  hessian.template multiply<FanOut>(student, u, found);
  for (std::size_t i = 0; i < p; ++i) {
    double expected = 0, gauge = 0;
    for (std::size_t k = 0; k < p; ++k) {
      symmetric.add(std::abs(H(i, k) - H(k, i)), 16 * epsilon<double> * largest(H),
                    detail::text(i, ", ", k), H(i, k), H(k, i));
      expected += H(i, k) * u[k];
      gauge += largest(H) * std::abs(u[k]);
    }
    product.add(std::abs(found[i] - expected), 16 * epsilon<double> * gauge, detail::text(i),
                found[i], expected);
  }
  CHECK(symmetric);
  CHECK(product);
}

}  // namespace

TEST_CASE("as complex steps of the gradient; symmetric; times a vector") {
  for (const std::size_t n : {1U, 2U, 5U}) {
    for (const std::size_t d : {2U, 6U}) {
      CAPTURE(n);
      CAPTURE(d);
      const auto teacher = random_network<any_width<double, leaky_relu<>>>({d, 3, 2}, n + d);
      const auto student = random_network<any_width<double>>({d, n, 2}, 100 + n);
      judge<trained_fan_out>(teacher, student, 1.25);
      judge<fixed_fan_out>(teacher, student, 0.5);
      judge<trained_fan_out>(teacher, random_network<any_width<double, identity>>({d, n, 2}, n), 1);
    }
  }
}

TEST_CASE("on a teacher, opposite to one, two on a line: central differences") {
  // The gradient is once differentiable there: a step of h leaves an error of h. Long double.
  using L = long double;
  const auto teacher = random_network<any_width<L>>({4, 3, 2}, 1);
  auto student = random_network<any_width<L>>({4, 4, 2}, 2);
  const auto W = student.layer<1>().weights();
  const auto W_star = teacher.layer<1>().weights();
  for (std::size_t i = 0; i < 4; ++i) {
    W(i, 0) = 2 * W_star(i, 0);
    W(i, 1) = -W_star(i, 1);
    W(i, 3) = -3 * W(i, 2);
  }
  population loss(teacher);
  auto hessian = hessian_of(loss);
  const auto H = hessian(student);
  const std::size_t p = H.shape(0);
  gradients<any_width<L>> found;
  std::vector<L> at(p), up(p), down(p);
  read_parameters<trained_fan_out>(student, std::span<L>(at));
  const L h = 1e-9L;
  for (std::size_t k = 0; k < p; ++k) {
    const auto slope = [&](L step, std::vector<L>& to) {
      auto moved = at;
      moved[k] += step;
      write_parameters<trained_fan_out>(std::span<const L>(moved), student);
      loss.gradient(student, found);
      read_parameters<trained_fan_out>(found, std::span<L>(to));
    };
    slope(h, up);
    slope(-h, down);
    for (std::size_t i = 0; i < p; ++i) {
      CHECK(close_to(static_cast<double>(-(up[i] - down[i]) / (2 * h) - H(i, k)), 0,
                     100 * static_cast<double>(h) * largest(H)));
    }
  }
}

TEST_CASE("zero nodes, and what does not fit") {
  const auto teacher = random_network<any_width<double>>({3, 2, 2}, 3);
  population loss(teacher);
  auto hessian = hessian_of(loss);
  auto student = random_network<any_width<double>>({3, 2, 2}, 4);
  std::vector<double> u(10), short_u(9);
  CHECK(message_of<shape_error>([&] { hessian.multiply(student, short_u, u); }) ==
        "population_hessian: vectors of 9 and 10 numbers, expected 10");
  for (std::size_t i = 0; i < 3; ++i) student.layer<1>().weights()(i, 1) = 0;
  CHECK(message_of<argument_error>([&] { hessian(student); }) ==
        "population_hessian: student node 1 is zero, the loss has a kink there");
  const auto wide = random_network<any_width<double>>({4, 2, 2}, 3);
  CHECK(message_of<shape_error>([&] { hessian(wide); }) ==
        "population_hessian: the student maps 4 inputs to 2 outputs, the teacher 3 to 2");
}
