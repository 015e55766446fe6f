#include <complex>
#include <cstddef>
#include <string>
#include <vector>

#include <tutelage/theory/population/hermite.hpp>
#include <tutelage/theory/population/linear_fit.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T, std::size_t D, std::size_t N, std::size_t C, class Gate = relu>
using net = two_layer<T, Gate, D, N, C>;

template <class N>
void set(N& n, const matrix<double>& W, const matrix<double>& V) {
  copy(matrix_view<const double>(W), n.template layer<1>().linear_weights());
  copy(matrix_view<const double>(V), n.template layer<2>().linear_weights());
}

}  // namespace

TEST_CASE("the worked example") {
  // f* = relu(x_0) - relu(x_1); E (f - f*)^2 with the best linear term, by quadrature.
  net<double, 2, 2, 1> teacher;
  net<double, 2, 3, 1> student;
  set(teacher, {{1, 0}, {0, 1}}, {{1}, {-1}});
  set(student, {{1, 1, -1}, {0, 1, 2}}, {{1}, {-0.5}, {0.25}});
  population_with_linear_fit fitted(teacher);
  CHECK(close_to(2 * fitted.loss(student), 0.292587464516218, 16 * epsilon<double>));
  // 2 J' + |dv + r|^2 is the loss with any linear term; with v* = (0.3, 0) the best v is (0.675,
  // -0.5).
  const auto v = fitted.linear_term();
  CHECK(close_to(v(0, 0), 0.675 - 0.3, 8 * epsilon<double>));
  CHECK(close_to(v(1, 0), -0.5, 8 * epsilon<double>));
  gradients<net<double, 2, 3, 1>> found;
  fitted.gradient(student, found);
  // What PyTorch's example says at v = (0.1, -0.2): add what dv + r = (0.1 - 0.675, -0.2 + 0.5)
  // gives.
  const double r[2] = {-0.575, 0.3};
  const double dW[3][2] = {{-0.344794209404, 0.101208191175},
                           {0.286041472588, -0.314864670793},
                           {-0.179844300639, 0.196886553485}};
  const double da[3] = {-0.344794209404, 0.057646396409, 2.294469630432};
  for (std::size_t i = 0; i < 3; ++i) {
    const double a = student.layer<2>().linear_weights()(i, 0);
    double product = 0;
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(close_to(-2 * found.dW<1>()(k, i) + a * r[k], dW[i][k], 1e-12));
      product += r[k] * student.layer<1>().linear_weights()(k, i);
    }
    CHECK(close_to(-2 * found.dW<2>()(i, 0) + product, da[i], 1e-12));
  }
}

TEST_CASE("the gradient is the complex step of the loss") {
  using scalar = std::complex<double>;
  stream random = random_stream(95);
  net<scalar, 4, 3, 2> teacher;
  net<scalar, 4, 5, 2> student;
  const auto fill = [&](auto& n) {
    n.for_each_layer([&](auto& l, std::size_t) {
      for (std::size_t i = 0; i < l.weights().rows(); ++i) {
        for (scalar& w : l.weights().row(i)) w = random.normal();
      }
    });
  };
  fill(teacher);
  fill(student);
  population_with_linear_fit fitted(teacher, 1.5);
  gradients<net<scalar, 4, 5, 2>> found;
  const double J = fitted.gradient(student, found).real();
  CHECK(J == fitted.loss(student).real());
  constexpr double h = 1e-30;
  const auto check = [&](const auto& weights, const auto& direction) {
    for (std::size_t i = 0; i < weights.rows(); ++i) {
      for (std::size_t k = 0; k < weights.cols(); ++k) {
        const scalar before = weights(i, k);
        weights(i, k) += scalar(0, h);
        const double slope = fitted.loss(student).imag() / h;
        weights(i, k) = before;
        CHECK(close_to(direction(i, k).real(), -slope, 2000 * epsilon<double>));
      }
    }
  };
  check(student.layer<1>().linear_weights(), found.dW<1>());
  check(student.layer<2>().linear_weights(), found.dW<2>());
}

TEST_CASE("degree 1 is what is taken away; turning a node around changes nothing") {
  stream random = random_stream(96);
  net<double, 4, 3, 2, leaky_relu<std::ratio<1, 4>>> teacher;
  net<double, 4, 5, 2> student;
  randomize(teacher, random);
  randomize(student, random);
  population all(teacher, 0.7);
  population_with_linear_fit fitted(teacher, 0.7);
  const double J = fitted.loss(student);
  const auto series = hermite_loss(teacher, student, 1, 0.7);
  CHECK(close_to(J, all.loss(student) - series.parts[1], 32 * epsilon<double> * all.loss(student)));
  for (std::size_t i = 0; i < 4; ++i) student.layer<1>().linear_weights()(i, 2) *= -1;
  CHECK(close_to(fitted.loss(student), J, 64 * epsilon<double> * (1 + series.parts[1])));
  CHECK(std::abs(all.loss(student) - J) > 1e-3);
}

TEST_CASE("leaky gates; what does not fit") {
  // A linear teacher is nothing but a linear part.
  using half = leaky_relu<std::ratio<1, 2>>;
  net<double, 2, 1, 1, half> teacher, student;
  set(teacher, {{1}, {2}}, {{1}});
  population_with_linear_fit fitted(teacher);
  // f* = 3/4 w.x + 1/4 |w.x|: J' = 1/2 (1/16) E (w.x)^2.
  CHECK(close_to(fitted.loss(student), 5.0 / 32, 8 * epsilon<double>));
  net<double, dynamic, 1, 1> wrong({3, 1, 1});
  CHECK(message_of<shape_error>([&] { fitted.loss(wrong); }) ==
        "population: the student maps 3 inputs to 1 outputs, the teacher 2 to 1");
}
