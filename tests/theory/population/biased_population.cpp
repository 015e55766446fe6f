#include <array>
#include <cmath>
#include <complex>
#include <string>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/theory/population/biased_population.hpp>
#include <tutelage/theory/population/population.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;
using complex = std::complex<double>;

template <class T, class Gate = relu, class Bias = with_bias>
using any_width = two_layer<T, Gate, dynamic, dynamic, dynamic, Bias>;

// The largest element of the gradient.
template <class G>
double largest(const G& found) {
  double result = 0;
  const auto of = [&](const auto& view) {
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (const auto& x : view.row(i)) result = std::max(result, static_cast<double>(std::abs(x)));
    }
  };
  of(found.template dW<1>());
  of(found.template dW<2>());
  return result;
}

}  // namespace

TEST_CASE("complex steps of the loss are the gradient") {
  const auto teacher = random_network<any_width<double, leaky_relu<>>>({6, 3, 2}, 1);
  auto student = random_network<any_width<double>>({6, 5, 2}, 2);
  // One student on a teacher but for its bias, one opposite.
  for (std::size_t i = 0; i < 6; ++i) {
    student.layer<1>().weights()(i, 0) = 2 * teacher.layer<1>().weights()(i, 0);
    student.layer<1>().weights()(i, 1) = -teacher.layer<1>().weights()(i, 1);
  }
  biased_population loss(teacher, 1.25);
  gradients<any_width<double>> found;
  const double J = loss.gradient(student, found);
  CHECK(loss.loss(student) == J);
  biased_population complex_loss(network_cast<complex>(teacher), 1.25);
  auto moved = network_cast<complex>(student);
  const auto check = [&](auto view, const auto& negative, std::size_t first) {
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (std::size_t k = first; k < view.cols(); ++k) {
        const complex kept = view(i, k);
        view(i, k) += complex(0, 1e-30);
        const double slope = complex_loss.loss(moved).imag() * 1e30;
        view(i, k) = kept;
        CHECK(close_to(slope, -negative(i, k), 1e-13 * largest(found)));
      }
    }
  };
  check(moved.layer<1>().weights(), found.dW<1>(), 2);  // an angle of 0 or pi has no complex step
  check(moved.layer<2>().weights(), found.dW<2>(), 0);
}

TEST_CASE("central differences of the loss are the gradient, on and opposite to a teacher too") {
  // In long double, fourth order: the error is h^4 and epsilon/h, some 1e-15 of the largest.
  const auto teacher = random_network<any_width<long double>>({4, 3, 2}, 3);
  auto student = random_network<any_width<long double>>({4, 4, 2}, 4);
  for (std::size_t i = 0; i < 5; ++i) {
    student.layer<1>().weights()(i, 0) = 2 * teacher.layer<1>().weights()(i, 0);
    student.layer<1>().weights()(i, 1) = -teacher.layer<1>().weights()(i, 1);
  }
  biased_population loss(teacher, 0.8L);
  gradients<any_width<long double>> found;
  loss.gradient(student, found);
  const auto check = [&](auto view, const auto& negative, std::size_t first) {
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (std::size_t k = 0; k < view.cols(); ++k) {
        const long double kept = view(i, k), h = 1e-3L;
        const auto at = [&](long double x) {
          view(i, k) = kept + x * h;
          const long double J = loss.loss(student);
          view(i, k) = kept;
          return J;
        };
        const long double slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
        // Where boundaries coincide J is twice differentiable only: h^2 remains.
        const double tolerance = k < first ? 1e-5 : 1e-11;
        CHECK(close_to(static_cast<double>(slope + negative(i, k)), 0, tolerance * largest(found)));
      }
    }
  };
  check(student.layer<1>().weights(), found.dW<1>(), 2);
  check(student.layer<2>().weights(), found.dW<2>(), 0);
}

TEST_CASE_TEMPLATE("with biases of zero, as without biases", T, float, double, long double) {
  const auto plain_teacher = random_network<any_width<T, leaky_relu<>, no_bias>>({5, 3, 2}, 5);
  const auto plain_student = random_network<any_width<T, relu, no_bias>>({5, 6, 2}, 6);
  any_width<T, leaky_relu<>> teacher({5, 3, 2});
  any_width<T> student({5, 6, 2});
  const auto copy_weights = [](const auto& from, auto& to) {
    copy(from.template layer<1>().weights(), to.template layer<1>().linear_weights());
    copy(from.template layer<2>().weights(), to.template layer<2>().linear_weights());
  };
  copy_weights(plain_teacher, teacher);
  copy_weights(plain_student, student);
  population plain(plain_teacher, T(1.5));
  biased_population biased(teacher, T(1.5));
  gradients<any_width<T, relu, no_bias>> expected;
  gradients<any_width<T>> found;
  const double unit = 100 * static_cast<double>(epsilon<T>);
  const T J = plain.gradient(plain_student, expected);
  CHECK(close_to(static_cast<double>(biased.gradient(student, found)), static_cast<double>(J),
                 unit * static_cast<double>(J)));
  const double scale = largest(expected);
  const matrix_view<const T> dW = found.template dW<1>(), dV = found.template dW<2>();
  CHECK(close_to(dW.middle_rows(0, 5), expected.template dW<1>(), unit * scale));
  CHECK(close_to(dV.middle_rows(0, 6), expected.template dW<2>(), unit * scale));
}

TEST_CASE("a million Gaussian inputs, within 5 standard errors") {
  using small = two_layer<double, leaky_relu<>, 2, 2, 2, with_bias>;
  const auto teacher = random_network<small>({2, 2, 2}, 7);
  const auto student = random_network<small>({2, 2, 2}, 9);
  biased_population loss(teacher, 1.5);
  gradients<small> found;
  std::vector<double> expected{loss.gradient(student, found)};
  for (const auto& view : {matrix_view<const double>(found.dW<1>()), found.dW<2>()}) {
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (const double x : view.row(i)) expected.push_back(x);
    }
  }
  const auto net = [](const small& n, const std::array<double, 3>& x, std::array<double, 3>& f,
                      std::array<double, 2>& z) {
    std::array<double, 2> y{};
    for (std::size_t k = 0; k < 2; ++k) {
      const auto W = n.layer<1>().weights();
      const double a = W(0, k) * x[0] + W(1, k) * x[1] + W(2, k);
      z[k] = a > 0 ? 1 : 0.01;
      f[k] = z[k] * a;
    }
    f[2] = 1;
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t c = 0; c < 2; ++c) y[c] += n.layer<2>().weights()(k, c) * f[k];
    }
    return y;
  };
  stream random = random_stream(10);
  std::vector<double> sum(expected.size()), square(expected.size()), value(expected.size());
  constexpr int samples = 1'000'000;
  std::array<double, 3> x{0, 0, 1}, f{}, f_star{};
  std::array<double, 2> z{}, z_star{};
  for (int s = 0; s < samples; ++s) {
    random.fill_normal(std::span<double>(x.data(), 2), 0, 1.5);
    const auto y_star = net(teacher, x, f_star, z_star), y = net(student, x, f, z);
    const std::array<double, 2> g{y_star[0] - y[0], y_star[1] - y[1]};
    const auto V = student.layer<2>().weights();
    value[0] = (g[0] * g[0] + g[1] * g[1]) / 2;
    std::size_t at = 1;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < 2; ++k) {
        value[at++] = x[i] * z[k] * (V(k, 0) * g[0] + V(k, 1) * g[1]);
      }
    }
    for (std::size_t k = 0; k < 3; ++k) {
      for (std::size_t c = 0; c < 2; ++c) value[at++] = f[k] * g[c];
    }
    for (std::size_t e = 0; e < value.size(); ++e) {
      sum[e] += value[e];
      square[e] += value[e] * value[e];
    }
  }
  for (std::size_t e = 0; e < value.size(); ++e) {
    CAPTURE(e);
    const double mean = sum[e] / samples;
    CHECK(
        close_to(mean, expected[e], 5 * std::sqrt((square[e] / samples - mean * mean) / samples)));
  }
}

TEST_CASE("a student that is its teacher; constants; what does not fit") {
  auto teacher = random_network<any_width<double>>({5, 3, 2}, 11);
  for (std::size_t i = 0; i < 5; ++i) teacher.layer<1>().weights()(i, 1) = 0;  // a constant
  biased_population loss(teacher);
  gradients<any_width<double>> found;
  CHECK(close_to(loss.gradient(teacher, found), 0, 100 * epsilon<double>));
  CHECK(largest(found) <= 100 * epsilon<double>);
  teacher.layer<1>().bias()[1] = 0;
  CHECK(message_of<argument_error>([&] { loss.loss(teacher); }) ==
        "biased_population: weights and bias of student node 1 are zero, expected a gate");
  const auto other = random_network<any_width<double>>({5, 3, 1}, 12);
  CHECK(message_of<shape_error>([&] { loss.loss(other); }) ==
        "biased_population: the student maps 5 inputs to 1 outputs, the teacher 5 to 2");
}

TEST_CASE("weights whose products underflow have an angle still") {
  using net = two_layer<double, relu, dynamic, dynamic, dynamic, with_bias>;
  const auto of_size = [](double p) {
    net teacher({3, 2, 1}), student({3, 2, 1});
    stream random = random_stream(81);
    for (auto* of : {&teacher, &student}) {
      for (auto W : {of->layer<1>().weights(), of->layer<2>().weights()}) {
        for (std::size_t i = 0; i < W.rows(); ++i) {
          for (std::size_t k = 0; k < W.cols(); ++k) W(i, k) = random.normal();
        }
      }
      const auto W = of->layer<1>().weights();
      for (std::size_t i = 0; i < W.rows(); ++i) {
        for (double& x : W.row(i)) x *= p;
      }
      // Only fan-outs are left to make the loss large again, and no constant.
      const auto V = of->layer<2>().weights();
      for (double& x : V.row(2)) x = 0;
      for (std::size_t k = 0; k < 2; ++k) V(k, 0) /= p;
    }
    biased_population loss(teacher);
    return loss.loss(student);
  };
  const double expected = of_size(1);
  for (const int power : {-300, -498, -505}) {
    CHECK(close_to(of_size(std::ldexp(1.0, power)), expected, 1e-12 * expected));
  }
}

TEST_CASE("the gradient of tiny weights is that of others, as much smaller") {
  using net = two_layer<double, relu, dynamic, dynamic, dynamic, with_bias>;
  const auto of_size = [](int power) {
    net teacher({3, 2, 1}), student({3, 2, 1});
    stream random = random_stream(82);
    for (auto* of : {&teacher, &student}) {
      randomize(*of, random);
      const auto W = of->layer<1>().weights();
      for (std::size_t i = 0; i < W.rows(); ++i) {
        for (double& x : W.row(i)) x = std::ldexp(x, power);
      }
      of->layer<2>().bias()[0] = 0;
    }
    biased_population loss(teacher);
    gradients<net> found;
    loss.gradient(student, found);
    auto dW = to_matrix(found.dW<1>());
    for (double& x : dW) x = std::ldexp(x, -power);
    return dW;
  };
  const auto expected = of_size(0);
  for (const int power : {-520, -700, 500}) {
    const auto found = of_size(power);
    for (std::size_t i = 0; i < expected.shape(0); ++i) {
      for (std::size_t k = 0; k < expected.shape(1); ++k) {
        CHECK(close_to(found(i, k), expected(i, k), 1e-13));
      }
    }
  }
}
