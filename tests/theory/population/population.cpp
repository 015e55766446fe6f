#include <array>
#include <cmath>
#include <complex>
#include <string>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/theory/population/population.hpp>
#include <vector>

#include "reference/population.hpp"
#include "support/gauge.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;
using complex = std::complex<double>;

template <class T, class Gate = relu>
using any_width = two_layer<T, Gate, dynamic, dynamic, dynamic>;
using sloped = leaky_relu<dynamic_slope>;

// Weights of teacher or student as the reference file has them: rows are nodes there.
any_width<double, sloped> network_at(const oracle& o, const std::string& at, const char* which) {
  const auto W = o.matrix(at + "/w_" + which), V = o.matrix(at + "/v_" + which);
  any_width<double, sloped> net({W.shape(1), W.shape(0), V.shape(0)},
                                sloped(o.number(at + "/slope")));
  for (std::size_t k = 0; k < W.shape(0); ++k) {
    for (std::size_t i = 0; i < W.shape(1); ++i) net.layer<1>().weights()(i, k) = W(k, i);
    for (std::size_t c = 0; c < V.shape(0); ++c) net.layer<2>().weights()(k, c) = V(c, k);
  }
  return net;
}

// One rounding a term of each sum, and some in each closed form.
template <class Student>
double roundings(const Student& student, std::size_t m) {
  return static_cast<double>(student.in_width() + student.template layer<1>().out_width() + m +
                             student.out_width() + 20);
}

template <class Teacher, class Student, class T = typename Student::value_type>
void judge(const Teacher& teacher, const Student& student, real_t<T> std) {
  const auto expected = reference::population_of(reference::plain_two_layer(teacher),
                                                 reference::plain_two_layer(student), std);
  population loss(teacher, std);
  gradients<Student> found;
  const T J = loss.gradient(student, found);
  const double count = roundings(student, teacher.template layer<1>().out_width());
  CHECK(close_to(static_cast<double>(real_part(J)), static_cast<double>(expected.loss),
                 count * static_cast<double>(epsilon<T> * expected.loss_gauge)));
  CHECK(within(found.template dW<1>(), expected.dW, expected.dW_gauge, count));
  CHECK(within(found.template dW<2>(), expected.dV, expected.dV_gauge, count));
  CHECK(loss.loss(student) == J);
}

}  // namespace

TEST_CASE("as PyTorch has them") {
  const oracle o("population");
  for (std::size_t t = 0; t < o.size("/two_layer"); ++t) {
    const std::string at = "/two_layer/" + std::to_string(t);
    const auto teacher = network_at(o, at, "teacher"), student = network_at(o, at, "student");
    population loss(teacher);
    gradients<any_width<double, sloped>> found;
    const double expected = o.number(at + "/loss");
    CHECK(close_to(loss.gradient(student, found), expected, 1e-12 * expected));
    const auto dw = o.matrix(at + "/dloss_dw"), dv = o.matrix(at + "/dloss_dv");
    double largest = 0;
    for (const double x : dw) largest = std::max(largest, std::abs(x));
    for (const double x : dv) largest = std::max(largest, std::abs(x));
    for (std::size_t k = 0; k < dw.shape(0); ++k) {
      for (std::size_t i = 0; i < dw.shape(1); ++i) {
        CHECK(close_to(found.dW<1>()(i, k), -dw(k, i), 1e-13 * largest));
      }
      for (std::size_t c = 0; c < dv.shape(0); ++c) {
        CHECK(close_to(found.dW<2>()(k, c), -dv(c, k), 1e-13 * largest));
      }
    }
  }
}

TEST_CASE_TEMPLATE("as pair by pair, at every width", T, float, double, long double) {
  stream random = random_stream(1);
  for (const std::size_t n : dynamic_widths()) {
    const std::size_t d = 1 + random.below(20), m = 1 + random.below(8), C = 1 + random.below(8);
    auto teacher = random_network<any_width<T, sloped>>({d, m, C}, n);
    auto student = random_network<any_width<T>>({d, n, C}, 100 + n);
    // Some students on a teacher, opposite to one, or on each other.
    for (std::size_t k = 0; k < n; k += 3) {
      for (std::size_t i = 0; i < d; ++i) {
        auto W = student.template layer<1>().weights();
        W(i, k) = (k % 2 == 0 ? T(1) : T(-2)) * teacher.template layer<1>().weights()(i, k % m);
      }
    }
    CAPTURE(n);
    judge(teacher, student, T(0.75));
  }
}

TEST_CASE("static and mixed widths") {
  for_each_width<1, 8, 17>([](auto n) {
    const auto teacher = random_network<two_layer<double, relu, 7, 3, 4>>({7, 3, 4}, n);
    judge(teacher, random_network<two_layer<double, relu, 7, n, 4>>({7, n, 4}, n + 50), 1.0);
    judge(teacher, random_network<two_layer<double, relu, dynamic, n, 4>>({7, n, 4}, n + 50), 1.0);
  });
  const auto leaky = random_network<two_layer<double, leaky_relu<>, 5, 2, 3>>({5, 2, 3}, 1);
  judge(leaky, random_network<two_layer<double, leaky_relu<>, 5, 6, 3>>({5, 6, 3}, 2), 2.0);
  judge(leaky, random_network<two_layer<double, identity, 5, 6, 3>>({5, 6, 3}, 2), 2.0);
}

TEST_CASE("complex steps of the loss are the gradient") {
  const auto teacher = random_network<any_width<double, sloped>>({6, 3, 2}, 1);
  auto student = random_network<any_width<double>>({6, 5, 2}, 2);
  population loss(teacher, 1.25);
  gradients<any_width<double>> found;
  loss.gradient(student, found);
  const auto expected = reference::population_of(reference::plain_two_layer(teacher),
                                                 reference::plain_two_layer(student), 1.25L);
  population complex_loss(network_cast<complex>(teacher), 1.25);
  auto moved = network_cast<complex>(student);
  const auto check = [&](auto view, const auto& negative, const auto& gauge) {
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (std::size_t k = 0; k < view.cols(); ++k) {
        const complex kept = view(i, k);
        view(i, k) += complex(0, 1e-30);
        const double slope = complex_loss.loss(moved).imag() * 1e30;
        view(i, k) = kept;
        CHECK(close_to(slope, -negative(i, k), 1e-13 * static_cast<double>(gauge(i, k))));
      }
    }
  };
  check(moved.layer<1>().weights(), found.dW<1>(), expected.dW_gauge);
  check(moved.layer<2>().weights(), found.dW<2>(), expected.dV_gauge);
}

TEST_CASE("a million Gaussian inputs, within 5 standard errors") {
  using small = two_layer<double, relu, 3, 2, 2>;
  const auto teacher = random_network<small>({3, 2, 2}, 3);
  const auto student = random_network<two_layer<double, leaky_relu<>, 3, 3, 2>>({3, 3, 2}, 4);
  population loss(teacher, 1.5);
  gradients<two_layer<double, leaky_relu<>, 3, 3, 2>> found;
  std::vector<double> expected{loss.gradient(student, found)};
  for (const auto& view : {matrix_view<const double>(found.dW<1>()), found.dW<2>()}) {
    for (std::size_t i = 0; i < view.rows(); ++i) {
      for (const double x : view.row(i)) expected.push_back(x);
    }
  }
  stream random = random_stream(5);
  std::vector<double> sum(expected.size()), square(expected.size()), value(expected.size());
  constexpr int samples = 1'000'000;
  const matrix_view<const double> W = student.layer<1>().weights(),
                                  W_star = teacher.layer<1>().weights();
  const matrix_view<const double> V = student.layer<2>().weights(),
                                  V_star = teacher.layer<2>().weights();
  std::array<double, 3> x{}, f{}, z{};
  for (int s = 0; s < samples; ++s) {
    random.fill_normal(std::span<double>(x), 0, 1.5);
    std::array<double, 2> g{};
    for (std::size_t k = 0; k < 3; ++k) {
      const double a = W(0, k) * x[0] + W(1, k) * x[1] + W(2, k) * x[2];
      z[k] = a > 0 ? 1 : 0.01;
      f[k] = z[k] * a;
      for (std::size_t c = 0; c < 2; ++c) g[c] -= V(k, c) * f[k];
    }
    for (std::size_t k = 0; k < 2; ++k) {
      const double a = W_star(0, k) * x[0] + W_star(1, k) * x[1] + W_star(2, k) * x[2];
      for (std::size_t c = 0; c < 2; ++c) g[c] += V_star(k, c) * std::max(a, 0.0);
    }
    value[0] = (g[0] * g[0] + g[1] * g[1]) / 2;
    std::size_t at = 1;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t k = 0; k < 3; ++k) {
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

TEST_CASE("a student that is its teacher") {
  const auto teacher = random_network<any_width<double>>({10, 4, 3}, 6);
  population loss(teacher);
  gradients<any_width<double>> found;
  const auto expected = reference::population_of(reference::plain_two_layer(teacher),
                                                 reference::plain_two_layer(teacher), 1);
  const double J = loss.gradient(teacher, found);
  CHECK(close_to(J, 0, 40 * epsilon<double> * static_cast<double>(expected.loss_gauge)));
  const auto none_W = make_matrix<long double>(10, 4), none_V = make_matrix<long double>(4, 3);
  CHECK(within(found.dW<1>(), none_W, expected.dW_gauge, 40));
  CHECK(within(found.dW<2>(), none_V, expected.dV_gauge, 40));
}

TEST_CASE("zero nodes, and what does not fit") {
  const auto teacher = random_network<any_width<double>>({4, 2, 3}, 7);
  auto student = random_network<any_width<double>>({4, 3, 3}, 8);
  population loss(teacher);
  gradients<any_width<double>> found;
  for (std::size_t i = 0; i < 4; ++i) student.layer<1>().weights()(i, 1) = 0;
  const std::string kink = "population: student node 1 is zero, the loss has a kink there";
  CHECK(message_of<argument_error>([&] { loss.gradient(student, found); }) == kink);
  // The loss has a value there; without fan-out, a gradient too.
  auto without = random_network<any_width<double>>({4, 2, 3}, 8);
  for (std::size_t k = 0; k < 2; ++k) {
    for (std::size_t i = 0; i < 4; ++i) {
      without.layer<1>().weights()(i, k) = student.layer<1>().weights()(i, 2 * k);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      without.layer<2>().weights()(k, c) = student.layer<2>().weights()(2 * k, c);
    }
  }
  CHECK(close_to(loss.loss(student), loss.loss(without), 1e-14 * loss.loss(without)));
  for (std::size_t c = 0; c < 3; ++c) student.layer<2>().weights()(1, c) = 0;
  loss.gradient(student, found);
  for (std::size_t i = 0; i < 4; ++i) CHECK(found.dW<1>()(i, 1) == 0);
  judge(teacher, student, 1.0);
  // A zero teacher node gives nothing.
  auto weak = random_network<any_width<double>>({4, 3, 3}, 9);
  for (std::size_t i = 0; i < 4; ++i) weak.layer<1>().weights()(i, 0) = 0;
  judge(weak, without, 1.0);

  const auto narrow = random_network<any_width<double>>({3, 2, 3}, 1);
  CHECK(message_of<shape_error>([&] { loss.loss(narrow); }) ==
        "population: the student maps 3 inputs to 3 outputs, the teacher 4 to 3");
}

TEST_CASE("nodes and inputs of any length: the same digits") {
  const auto teacher = random_network<any_width<double>>({6, 3, 2}, 71);
  const auto student = random_network<any_width<double>>({6, 4, 2}, 72);
  gradients<any_width<double>> plain, found;
  const double J = population(teacher, 1.5).gradient(student, plain);
  const auto scaled = [](auto net, int w, int v) {
    for (std::size_t i = 0; i < net.in_width(); ++i) {
      for (double& x : net.template layer<1>().weights().row(i)) x = std::scalbn(x, w);
    }
    for (std::size_t k = 0; k < net.widths()[1]; ++k) {
      for (double& x : net.template layer<2>().weights().row(k)) x = std::scalbn(x, v);
    }
    return net;
  };
  // Teacher's and student's nodes, inputs; outputs stay.
  for (const auto& [w_star, w, s] : {std::array{600, 0, 0},
                                     {0, -600, 0},
                                     {-900, 500, 100},
                                     {0, 0, 600},
                                     {-500, -500, 500},
                                     {300, 300, -700}}) {
    population loss(scaled(teacher, w_star, -w_star - s), std::scalbn(1.5, s));
    const auto moved = scaled(student, w, -w - s);
    CHECK(loss.loss(moved) == J);
    CHECK(loss.gradient(moved, found) == J);
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t k = 0; k < 4; ++k) {
        CHECK(found.dW<1>()(i, k) == std::scalbn(plain.dW<1>()(i, k), -w));
      }
    }
    for (std::size_t k = 0; k < 4; ++k) {
      for (std::size_t c = 0; c < 2; ++c) {
        CHECK(found.dW<2>()(k, c) == std::scalbn(plain.dW<2>()(k, c), w + s));
      }
    }
  }
}
