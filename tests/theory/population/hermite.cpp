#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/population/hermite.hpp>
#include <tutelage/theory/population/population.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T, std::size_t D, std::size_t N, std::size_t C, class Gate = relu>
using net = two_layer<T, Gate, D, N, C>;

// E[f(z) h_k(z)] by Simpson's rule on both half-lines, where the integrand is smooth.
long double coefficient_by_quadrature(std::size_t k, long double slope) {
  const auto h = [&](long double z) {
    long double before = 0, value = 1;
    for (std::size_t l = 0; l < k; ++l) {
      const auto L = static_cast<long double>(l);
      const long double next = (z * value - std::sqrt(L) * before) / std::sqrt(L + 1);
      before = value;
      value = next;
    }
    return value;
  };
  const int steps = 4000;
  const long double reach = 14, width = reach / steps;
  long double sum = 0;
  for (int i = 0; i <= steps; ++i) {
    const long double z = width * i;
    const long double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
    sum += weight * std::exp(-z * z / 2) * z * (h(z) - slope * h(-z));
  }
  return sum * width / 3 / std::sqrt(2 * std::numbers::pi_v<long double>);
}

}  // namespace

TEST_CASE_TEMPLATE("coefficients are the integrals that define them", T, float, double,
                   long double) {
  for (const double slope : {0.0, 0.2, 1.0}) {
    const auto c = relu_hermite_coefficients<T>(16, static_cast<T>(slope));
    CHECK(c.size() == 17);
    for (std::size_t k = 0; k <= 16; ++k) {
      const long double expected =
          coefficient_by_quadrature(k, static_cast<long double>(static_cast<T>(slope)));
      // Simpson's error is of the order of width^4 h_k's fourth derivative: 1e-9 at most here.
      CHECK(std::abs(static_cast<long double>(c[k]) - expected) <=
            4 * static_cast<long double>(epsilon<T>) + 1e-9L);
      if (k >= 3 && k % 2 == 1) CHECK(c[k] == 0);
    }
  }
}

TEST_CASE("coefficients to all digits") {
  const auto c = relu_hermite_coefficients<double>(10);
  const double expected[] = {0.3989422804014327,  0.5, 0.2820947917738781, 0,
                             -0.0814337519838200, 0,   0.0446031029038193, 0,
                             -0.0298017016880560, 0,   0.0219896262793998};
  for (std::size_t k = 0; k <= 10; ++k)
    CHECK(close_to(c[k], expected[k], 4 * epsilon<double> * std::abs(expected[k]) + 1e-16));
  CHECK(relu_hermite_coefficients<double>(0).size() == 1);
  // Squares add up to E relu^2 = 1/2; the rest falls like K^-1.5.
  double left = 0.5;
  const auto many = relu_hermite_coefficients<double>(4000);
  for (std::size_t k = 0; k <= 4000; ++k) {
    left -= many[k] * many[k];
    if (k == 400 || k == 4000) {
      const double law = std::sqrt(2 / std::numbers::pi) / (6 * std::numbers::pi) *
                         std::pow(static_cast<double>(k), -1.5);
      CHECK(left / law > 0.9);
      CHECK(left / law < 1.1);
    }
  }
}

TEST_CASE_TEMPLATE("the series is the closed form, up to the remainder it names", T, double,
                   long double) {
  stream random = random_stream(91);
  for (int round = 0; round < 10; ++round) {
    net<T, 4, 3, 2> teacher;
    net<T, 4, 5, 2> student;
    randomize(teacher, random);
    randomize(student, random);
    const T std = T(0.5) + static_cast<T>(round) / 4;
    population closed(teacher, std);
    const T J = closed.loss(student);
    T before = 0;
    for (const std::size_t degree : {0U, 1U, 2U, 10U, 100U, 1000U}) {
      const auto series = hermite_loss(teacher, student, degree, std);
      CHECK(series.parts.size() == degree + 1);
      const T gauge = 100 * epsilon<T> * (series.remainder + series.sum() + J);
      CHECK(series.sum() >= before - gauge);
      CHECK(series.sum() <= J + gauge);
      CHECK(J - series.sum() <= series.remainder + gauge);
      for (std::size_t k = 0; k < series.parts.size(); ++k) CHECK(series.parts[k] >= -gauge);
      before = series.sum();
    }
  }
}

TEST_CASE("to the last digits where no cosine is near 1") {
  // Orthogonal teachers, students between them: cosines at most 0.8, so powers vanish. The
  // teachers' own squares are sum c_k^2 and need no series: the student is compared through J's
  // difference.
  net<double, 3, 2, 1, leaky_relu<std::ratio<1, 10>>> teacher;
  net<double, 3, 1, 1> student, other;
  const auto set = [](auto& n, const matrix<double>& W, const matrix<double>& V) {
    copy(matrix_view<const double>(W), n.template layer<1>().linear_weights());
    copy(matrix_view<const double>(V), n.template layer<2>().linear_weights());
  };
  set(teacher, {{1, 0}, {0, 2}, {0, 0}}, {{1}, {-0.5}});
  set(student, {{0.6}, {0.6}, {0.5}}, {{1.5}});
  set(other, {{0.1}, {-0.6}, {std::sqrt(0.97 - 0.37)}}, {{1.5}});
  const double norm = std::sqrt(0.97);
  CHECK(close_to(norm, std::sqrt(0.6 * 0.6 * 2 + 0.25), 1e-15));
  population closed(teacher);
  const double difference = closed.loss(student) - closed.loss(other);
  const auto a = hermite_loss(teacher, student, 200), b = hermite_loss(teacher, other, 200);
  // Both students have the same length: what the series lacks is the same.
  CHECK(close_to(a.sum() - b.sum(), difference, 32 * epsilon<double>));
  CHECK(a.remainder == doctest::Approx(b.remainder).epsilon(1e-12));
}

TEST_CASE("the remainder of leaky nodes is reached where all look one way") {
  // Cosines of 1 and opposite signs of fan-out: every degree adds all it can. Its coefficients are
  // those of ReLU times 1 - slope, of degree 1 (1 + slope)/2.
  net<double, 3, 2, 2, leaky_relu<std::ratio<1, 10>>> teacher;
  net<double, 3, 2, 2, leaky_relu<std::ratio<3, 5>>> student;
  for (std::size_t j = 0; j < 2; ++j) {
    for (std::size_t i = 0; i < 3; ++i) {
      const double direction = static_cast<double>(i) - 0.5;
      teacher.layer<1>().linear_weights()(i, j) = direction * static_cast<double>(1 + j);
      student.layer<1>().linear_weights()(i, j) = direction * static_cast<double>(2 + 3 * j);
    }
    for (std::size_t c = 0; c < 2; ++c) {
      const double strength = 1 + static_cast<double>(c);
      teacher.layer<2>().linear_weights()(j, c) = -strength;
      student.layer<2>().linear_weights()(j, c) = 2 * strength;
    }
  }
  for (const double std : {1.0, 3.0}) {
    population closed(teacher, std);
    const double J = closed.loss(student);
    for (const std::size_t degree : {0U, 1U, 2U, 10U, 100U}) {
      CAPTURE(degree);
      const auto series = hermite_loss(teacher, student, degree, std);
      CHECK(series.remainder > 0);
      CHECK(close_to(series.sum() + series.remainder, J, 64 * epsilon<double> * J));
    }
  }
}

TEST_CASE_TEMPLATE("higher degrees together are at most the remainder, in every scalar and degree",
                   T, float, double) {
  // One node of length 1 against none, and some against as many of one direction: all of the
  // remainder is there. In long double, from the last term to the first.
  constexpr std::size_t last = 20000;
  const auto c = relu_hermite_coefficients<long double>(last);
  // With t_k = c_k^2 (k/3 + 4/15), t_k - t_(k+2) is below c_k^2, by little: terms from k on add up to
  // at least t_k.
  long double tail = c[last] * c[last] * (static_cast<long double>(last) / 3 - 11.0L / 15);
  std::vector<long double> tails(last + 1);
  for (std::size_t k = last + 1; k-- > 0;) {
    tails[k] = tail;
    tail += c[k] * c[k];
  }
  for (const double scale : {1.0, 0.7, 1e-3}) {
    net<T, 3, dynamic, 1> teacher({3, 1, 1}), student({3, 2, 1});
    for (std::size_t i = 0; i < 3; ++i) {
      teacher.template layer<1>().linear_weights()(i, 0) = static_cast<T>(1 + i) / 3;
      student.template layer<1>().linear_weights()(i, 0) = static_cast<T>(1 + i);
      student.template layer<1>().linear_weights()(i, 1) = static_cast<T>(1 + i) / 7;
    }
    long double strength = 0;
    const auto add = [&](auto& n, std::size_t k, double v) {
      n.template layer<2>().linear_weights()(k, 0) = static_cast<T>(v);
      long double square = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        const long double w = n.template layer<1>().linear_weights()(i, k);
        square += w * w;
      }
      strength += std::abs(static_cast<long double>(static_cast<T>(v))) * std::sqrt(square);
    };
    add(teacher, 0, -scale);
    add(student, 0, 0.3 * scale);
    add(student, 1, scale);
    for (const std::size_t degree : {1U, 2U, 3U, 10U, 100U, 1001U, 5000U, 10000U, 20000U}) {
      CAPTURE(degree);
      const long double most = tails[degree] * strength * strength / 2;
      const long double remainder = hermite_loss(teacher, student, degree).remainder;
      CHECK(remainder >= most * (1 - 1e-17L));
      CHECK(remainder <=
            most + (2 * epsilon<T> * most + 32 * epsilon<double> * strength * strength));
    }
  }
}

TEST_CASE("degrees 0, 1 and 2 by hand") {
  // f* = relu(x_0), f = 2 relu(-x_0): means (2-1) c_0, linear parts -2/2 - 1/2, squares 2 - 1.
  net<double, 2, 1, 1> teacher, student;
  teacher.layer<1>().linear_weights()(0, 0) = 1;
  teacher.layer<2>().linear_weights()(0, 0) = 1;
  student.layer<1>().linear_weights()(0, 0) = -2;
  student.layer<2>().linear_weights()(0, 0) = 1;
  const auto c = relu_hermite_coefficients<double>(2);
  const auto series = hermite_loss(teacher, student, 3);
  CHECK(close_to(series.parts[0], c[0] * c[0] / 2, 4 * epsilon<double>));
  CHECK(close_to(series.parts[1], 1.5 * 1.5 / 2, 4 * epsilon<double>));
  CHECK(close_to(series.parts[2], c[2] * c[2] / 2, 4 * epsilon<double>));
  CHECK(series.parts[3] == 0);
  // Everything scales with the variance of the inputs.
  const auto scaled = hermite_loss(teacher, student, 3, 3.0);
  for (std::size_t k = 0; k < 4; ++k)
    CHECK(close_to(scaled.parts[k], 9 * series.parts[k], 64 * epsilon<double>));
}

TEST_CASE("what does not fit") {
  net<double, 3, 2, 1> teacher;
  net<double, 3, 2, dynamic> student({3, 2, 2});
  CHECK(message_of<shape_error>([&] { static_cast<void>(hermite_loss(teacher, student, 2)); }) ==
        "hermite_loss: the student maps 3 inputs to 2 outputs, the teacher 3 to 1");
}

TEST_CASE("nodes and inputs of any length have the same series") {
  net<double, dynamic, dynamic, dynamic> teacher({3, 2, 2}), student({3, 3, 2});
  stream random = random_stream(91);
  randomize(teacher, random);
  randomize(student, random);
  const auto plain = hermite_loss(teacher, student, 6, 1.5);
  for (const int s : {0, 600, -600}) {
    auto a = teacher, b = student;
    const auto scale = [](auto& n, int w, int v) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (double& x : n.template layer<1>().weights().row(i)) x = std::scalbn(x, w);
      }
      for (std::size_t k = 0; k < n.widths()[1]; ++k) {
        for (double& x : n.template layer<2>().weights().row(k)) x = std::scalbn(x, v);
      }
    };
    scale(a, 300, -300 - s);
    scale(b, -300, 300 - s);
    const auto found = hermite_loss(a, b, 6, std::scalbn(1.5, s));
    for (std::size_t k = 0; k <= 6; ++k) {
      CHECK(close_to(found.parts[k], plain.parts[k], 64 * epsilon<double> * plain.sum()));
    }
    CHECK(close_to(found.remainder, plain.remainder, 64 * epsilon<double> * plain.remainder));
  }
  // A length times the deviation may leave the range where times the fan-out it is in it again.
  const auto scaled = [&](int size, int std) {
    auto a = teacher, b = student;
    for (auto* net : {&a, &b}) {
      for (std::size_t i = 0; i < 3; ++i) {
        for (double& x : net->layer<1>().weights().row(i)) x = std::scalbn(x, size);
      }
      for (std::size_t k = 0; k < net->widths()[1]; ++k) {
        for (double& x : net->layer<2>().weights().row(k)) x = std::scalbn(x, -(size + std) - 16);
      }
    }
    return hermite_loss(a, b, 6, std::scalbn(1.5, std));
  };
  for (const auto& found : {scaled(-436, -600), scaled(-600, -436)}) {
    for (std::size_t k = 0; k <= 6; ++k) {
      CHECK(close_to(std::scalbn(found.parts[k], 32), plain.parts[k],
                     64 * epsilon<double> * plain.sum()));
    }
  }
}
