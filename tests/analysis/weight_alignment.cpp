#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/data/teacher.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr long double pi = std::numbers::pi_v<long double>;
constexpr double infinity = std::numeric_limits<double>::infinity();

// The angle from v's parts along and across u, in long double: off by a few of its epsilon.
template <class T>
long double reference_angle(const std::vector<T>& u, const std::vector<T>& v) {
  const auto dot = [](const std::vector<long double>& a, const std::vector<long double>& b) {
    long double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  const std::vector<long double> a(u.begin(), u.end());
  std::vector<long double> across(v.begin(), v.end());
  const long double along = dot(a, across) / std::sqrt(dot(a, a));
  // Twice: what rounding leaves along u the first time is small the second time.
  for (int times = 0; times < 2; ++times) {
    const long double part = dot(a, across) / dot(a, a);
    for (std::size_t i = 0; i < a.size(); ++i) across[i] -= part * a[i];
  }
  return std::atan2(std::sqrt(dot(across, across)), along);
}

template <class T>
T angle(const std::vector<T>& u, const std::vector<T>& v) {
  return angle_between(std::span<const T>(u), std::span<const T>(v));
}

// Two unit vectors of dimension d at an angle, rounded to T, and times powers of two.
template <class T>
std::array<std::vector<T>, 2> pair_at(long double theta, std::size_t d, int exponent_u,
                                      int exponent_v, stream& random) {
  std::vector<long double> u(d), w(d);
  long double uu = 0, uw = 0, ww = 0;
  for (std::size_t i = 0; i < d; ++i) {
    u[i] = random.normal();
    w[i] = random.normal();
    uu += u[i] * u[i];
    uw += u[i] * w[i];
  }
  for (std::size_t i = 0; i < d; ++i) {
    w[i] -= uw / uu * u[i];
    ww += w[i] * w[i];
  }
  std::array<std::vector<T>, 2> result{std::vector<T>(d), std::vector<T>(d)};
  for (std::size_t i = 0; i < d; ++i) {
    const long double a = u[i] / std::sqrt(uu), b = w[i] / std::sqrt(ww);
    result[0][i] = static_cast<T>(std::ldexp(a, exponent_u));
    result[1][i] =
        static_cast<T>(std::ldexp(std::cos(theta) * a + std::sin(theta) * b, exponent_v));
  }
  return result;
}

const std::vector<long double> angles{
    1e-12L, 1e-9L, 1e-8L, 1e-6L,      1e-3L,      0.1L,       0.5L,       1,          pi / 2,
    2,      3,     3.1L,  pi - 1e-3L, pi - 1e-6L, pi - 1e-8L, pi - 1e-9L, pi - 1e-12L};

// How far the library is off, over all angles. Sums of very many squares have more roundings, which
// grow like their root.
template <class T>
void check_angles(std::size_t d, int exponent_u, int exponent_v) {
  stream random = random_stream(d);
  const double epsilons = d <= 100 ? 4 : 4 + std::sqrt(static_cast<double>(d)) / 4;
  comparison result;
  for (const long double theta : angles) {
    for (int repeat = 0; repeat < 10; ++repeat) {
      const auto [u, v] = pair_at<T>(theta, d, exponent_u, exponent_v, random);
      const T actual = angle(u, v);
      CHECK(angle(v, u) == actual);
      const long double expected = reference_angle(u, v);
      result.add(static_cast<double>(std::abs(actual - expected)),
                 epsilons * static_cast<double>(epsilon<T>), detail::text("angle ", theta),
                 static_cast<double>(actual), static_cast<double>(expected));
    }
  }
  INFO("dimension ", d, " exponents ", exponent_u, " ", exponent_v);
  CHECK(result);
}

template <class Layer>
Layer random_layer(std::size_t in, std::size_t out, std::uint64_t seed) {
  Layer l(in, out);
  stream random = random_stream(seed);
  fill_random(l.weights(), random);
  return l;
}

}  // namespace

TEST_CASE_TEMPLATE("angles are exact to 4 epsilon, from 1e-12 to pi - 1e-12", T, float, double) {
  for (const std::size_t d : {2U, 3U, 10U, 100U, 1000U}) check_angles<T>(d, 0, 0);
}

TEST_CASE_TEMPLATE("angles of huge and of tiny vectors", T, float, double) {
  const int largest = std::numeric_limits<T>::max_exponent - 1;
  const int smallest = std::numeric_limits<T>::min_exponent;
  for (const std::size_t d : {2U, 10U}) {
    for (const int a : {smallest, smallest / 2, 0, largest / 2, largest}) {
      for (const int b : {smallest, largest}) check_angles<T>(d, a, b);
    }
    // Numbers below the normal ones have fewer digits, but are what they are.
    check_angles<T>(d, smallest - 5, 0);
    check_angles<T>(d, smallest - 5, smallest - 8);
  }
  const T max = std::numeric_limits<T>::max(), least = std::numeric_limits<T>::denorm_min();
  const double unit = 4 * static_cast<double>(epsilon<T>);
  const auto check = [&](const std::vector<T>& u, const std::vector<T>& v, long double expected) {
    CHECK(close_to(static_cast<double>(angle(u, v)), static_cast<double>(expected), unit));
  };
  check({max, max}, {max, -max}, pi / 2);
  check({max, max}, {max, max}, 0);
  check({max, max, max}, {-max, -max, -max}, pi);
  check({max, 0}, {least, least}, pi / 4);
  check({least, 0}, {0, least}, pi / 2);
  check({least, 0}, {-least, least}, 3 * pi / 4);
  check({max, least}, {least, max}, pi / 2);
}

TEST_CASE("angles in long double") {
  // The reference is no wider; its roundings are counted as well.
  stream random = random_stream(1);
  for (const long double theta : angles) {
    const auto [u, v] = pair_at<long double>(theta, 5, 0, 3, random);
    CHECK(std::abs(angle(u, v) - reference_angle(u, v)) <= 8 * epsilon<long double>);
  }
}

TEST_CASE_TEMPLATE("equal and opposite vectors, and those without direction", T, float, double,
                   long double) {
  stream random = random_stream(2);
  for (const std::size_t d : {1U, 2U, 5U, 100U}) {
    std::vector<T> u(d), opposite(d), twice(d), thrice(d);
    const std::vector<T> zero(d);
    for (std::size_t i = 0; i < d; ++i) {
      u[i] = static_cast<T>(random.normal());
      opposite[i] = -u[i];
      twice[i] = 2 * u[i];
      thrice[i] = 3 * u[i];
    }
    CHECK(angle(u, u) == 0);
    CHECK(angle(u, twice) == 0);
    CHECK(angle(u, opposite) == std::numbers::pi_v<T>);
    CHECK(angle(opposite, twice) == std::numbers::pi_v<T>);
    CHECK(angle(u, thrice) <= 4 * epsilon<T>);
    CHECK(angle(u, zero) == std::numbers::pi_v<T> / 2);
    CHECK(angle(zero, u) == std::numbers::pi_v<T> / 2);
    CHECK(angle(zero, zero) == std::numbers::pi_v<T> / 2);
  }
  CHECK(angle(std::vector<T>{}, std::vector<T>{}) == std::numbers::pi_v<T> / 2);
  const T nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(std::isnan(angle(std::vector<T>{1, nan}, std::vector<T>{1, 0})));
  CHECK(std::isnan(angle(std::vector<T>{1, 0}, std::vector<T>{nan, nan})));
}

TEST_CASE("vectors of different sizes") {
  CHECK(message_of<shape_error>([] { angle(std::vector<double>(3), std::vector<double>(4)); }) ==
        "angle_between: 3 and 4 elements, expected equally many");
  CHECK(message_of<shape_error>([] { angle(std::vector<float>(1), std::vector<float>()); }) ==
        "angle_between: 1 and 0 elements, expected equally many");
}

TEST_CASE("angles and bias gaps of all pairs") {
  const auto check = [](const auto& teacher, const auto& student) {
    const weight_alignment a = align_weights(teacher, student);
    CHECK(a.angle.shape(0) == teacher.out_width());
    CHECK(a.angle.shape(1) == student.out_width());
    CHECK(a.bias_gap.shape(0) == teacher.out_width());
    CHECK(a.bias_gap.shape(1) == student.out_width());
    const std::size_t in = teacher.in_width();
    const auto column = [&](const auto& l, std::size_t k) {
      std::vector<double> w(in);
      for (std::size_t i = 0; i < in; ++i) w[i] = static_cast<double>(l.weights()(i, k));
      return w;
    };
    const auto regular_bias = [&](const auto& l, std::size_t k) {
      long double square = 0;
      for (const long double w : column(l, k)) square += w * w;
      return static_cast<long double>(l.bias()[k]) / std::sqrt(square);
    };
    for (std::size_t j = 0; j < teacher.out_width(); ++j) {
      for (std::size_t k = 0; k < student.out_width(); ++k) {
        const long double theta = reference_angle(column(teacher, j), column(student, k));
        CHECK(close_to(a.angle(j, k), static_cast<double>(theta), 4 * epsilon<double>));
        CHECK(close_to(a.sine(j, k), static_cast<double>(std::sin(theta)), 4 * epsilon<double>));
        const long double b = regular_bias(teacher, j), c = regular_bias(student, k);
        CHECK(close_to(a.bias_gap(j, k), static_cast<double>(std::abs(b - c)),
                       static_cast<double>(in) * epsilon<double> *
                           static_cast<double>(std::abs(b) + std::abs(c))));
      }
    }
  };
  check(random_layer<dense<double, 6, 3, relu>>(6, 3, 1), random_layer<dense<double, 6, 5, relu>>(6, 5, 2));
  check(random_layer<dense<double, dynamic, 3, relu>>(6, 3, 1),
        random_layer<dense<double, dynamic, dynamic, relu>>(6, 4, 2));
  check(random_layer<dense<float, 1, dynamic, relu>>(1, 4, 3),
        random_layer<dense<double, 1, 2, relu>>(1, 2, 4));
  check(random_layer<dense<long double, 9, 2, relu>>(9, 2, 5), random_layer<dense<float, 9, 2, relu>>(9, 2, 6));
}

TEST_CASE("scaling a node and its bias changes nothing") {
  const auto teacher = random_layer<dense<double, 7, 3, relu>>(7, 3, 1);
  const auto student = random_layer<dense<double, 7, 4, relu>>(7, 4, 2);
  const weight_alignment before = align_weights(teacher, student);
  for (const double factor : {2.0, std::ldexp(1, -900), std::ldexp(1, 900), 3.0, 0.1}) {
    auto scaled = student;
    for (std::size_t i = 0; i < 8; ++i) scaled.weights()(i, 2) *= factor;
    const weight_alignment after = align_weights(teacher, scaled);
    int exponent = 0;
    const bool power_of_two = std::frexp(factor, &exponent) == 0.5;
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 4; ++k) {
        if (k != 2 || power_of_two) {
          CHECK(after.angle(j, k) == before.angle(j, k));
          CHECK(after.bias_gap(j, k) == before.bias_gap(j, k));
        } else {
          CHECK(close_to(after.angle(j, k), before.angle(j, k), 8 * epsilon<double>));
          const double size = std::abs(student.bias()[k]) + std::abs(teacher.bias()[j]);
          CHECK(close_to(after.bias_gap(j, k), before.bias_gap(j, k),
                         8 * epsilon<double> * size / 0.5));
        }
      }
    }
  }
}

TEST_CASE("a node without weights has no boundary") {
  auto teacher = random_layer<dense<double, 4, 3, relu>>(4, 3, 1);
  auto student = random_layer<dense<double, 4, 2, relu>>(4, 2, 2);
  for (std::size_t i = 0; i < 4; ++i) teacher.weights()(i, 1) = student.weights()(i, 0) = 0;
  for (const double bias : {0.0, 2.0, -2.0}) {
    teacher.bias()[1] = student.bias()[0] = bias;
    const weight_alignment a = align_weights(teacher, student);
    for (std::size_t j = 0; j < 3; ++j) {
      for (std::size_t k = 0; k < 2; ++k) {
        const bool none = j == 1 || k == 0;
        CHECK((a.angle(j, k) == std::numbers::pi / 2) == none);
        CHECK((a.bias_gap(j, k) == infinity) == none);
        if (none) CHECK(!a.eps_aligned(j, k, 1e300));
      }
    }
  }
  // Weights too small to be squared are weights.
  teacher.weights()(2, 1) = 1e-300;
  teacher.bias()[1] = 2e-300;
  student.weights()(2, 0) = 1e300;
  student.bias()[0] = 2e300;
  const weight_alignment a = align_weights(teacher, student);
  CHECK(a.angle(1, 0) == 0);
  CHECK(close_to(a.bias_gap(1, 0), 0, 4 * epsilon<double>));
  // A bias beyond all numbers beside them is no match for any.
  teacher.bias()[1] = 2;
  teacher.weights()(2, 1) = std::numeric_limits<double>::denorm_min();
  CHECK(align_weights(teacher, student).bias_gap(1, 0) == infinity);
}

TEST_CASE("opposite directions: the sine forgives them, the angle tells") {
  auto teacher = random_layer<dense<double, 5, 1, relu>>(5, 1, 1);
  dense<double, 5, 2, relu> student;
  for (std::size_t i = 0; i < 6; ++i) {
    student.weights()(i, 0) = -3 * teacher.weights()(i, 0);  // the same boundary
    student.weights()(i, 1) = i < 5 ? -3 * teacher.weights()(i, 0) : 3 * teacher.weights()(i, 0);
  }
  const weight_alignment a = align_weights(teacher, student);
  for (std::size_t k = 0; k < 2; ++k) {
    CHECK(close_to(a.angle(0, k), std::numbers::pi, 4 * epsilon<double>));
    CHECK(close_to(a.sine(0, k), 0, 5 * epsilon<double>));
  }
  // Definition 3 compares biases as they are.
  double square = 0;
  for (std::size_t i = 0; i < 5; ++i) square += std::pow(teacher.weights()(i, 0), 2);
  const double b = std::abs(teacher.bias()[0]) / std::sqrt(square);
  CHECK(close_to(a.bias_gap(0, 0), 2 * b, 16 * epsilon<double> * b));
  CHECK(close_to(a.bias_gap(0, 1), 0, 16 * epsilon<double> * b));
  CHECK(!a.eps_aligned(0, 0, 1e-3));
  CHECK(a.eps_aligned(0, 1, 1e-3));
}

TEST_CASE("eps_aligned, up to its border") {
  // One node of the teacher along an axis; students turned by 0.1 and shifted by 0.25.
  dense<double, 2, 1, relu> teacher;
  teacher.weights()(0, 0) = 1;
  dense<double, 2, 4, relu> student;
  for (std::size_t k = 0; k < 4; ++k) {
    student.weights()(0, k) = k % 2 == 0 ? 1 : std::cos(0.1);
    student.weights()(1, k) = k % 2 == 0 ? 0 : std::sin(0.1);
    student.bias()[k] = k < 2 ? 0 : 0.25;
  }
  const weight_alignment a = align_weights(teacher, student);
  const double up = 1 + epsilon<double>, down = 1 - epsilon<double>;
  CHECK(a.eps_aligned(0, 0, 0));
  const double sine = a.sine(0, 1);
  CHECK(close_to(sine, std::sin(0.1), 4 * epsilon<double>));
  CHECK(a.eps_aligned(0, 1, sine));
  CHECK(a.eps_aligned(0, 1, sine * up));
  CHECK(!a.eps_aligned(0, 1, sine * down));
  CHECK(a.bias_gap(0, 2) == 0.25);
  CHECK(a.eps_aligned(0, 2, 0.25));
  CHECK(!a.eps_aligned(0, 2, 0.25 * down));
  CHECK(!a.eps_aligned(0, 3, 0.2));  // turned little enough, shifted too far
  CHECK(a.eps_aligned(0, 3, 0.26));
  CHECK(!a.eps_aligned(0, 0, -1e-300));
}

TEST_CASE("layers without bias have biases of 0") {
  const auto teacher = random_layer<dense<double, 3, 2, relu, no_bias>>(3, 2, 1);
  const auto student = random_layer<dense<double, 3, 3, relu>>(3, 3, 2);
  const weight_alignment a = align_weights(teacher, student);
  for (std::size_t k = 0; k < 3; ++k) {
    double square = 0;
    for (std::size_t i = 0; i < 3; ++i) square += std::pow(student.weights()(i, k), 2);
    for (std::size_t j = 0; j < 2; ++j) {
      const double expected = std::abs(student.bias()[k]) / std::sqrt(square);
      CHECK(close_to(a.bias_gap(j, k), expected, 8 * epsilon<double> * expected));
    }
  }
  const weight_alignment without = align_weights(teacher, teacher);
  CHECK(without.angle(0, 0) == 0);
  CHECK(without.angle(1, 0) == without.angle(0, 1));
  CHECK(without.bias_gap == make_matrix<double>(2, 2));
}

TEST_CASE("layers that take different inputs") {
  const dense<double, 3, 2, relu> teacher;
  CHECK(message_of<shape_error>([&] { align_weights(teacher, dense<double, dynamic, 2, relu>(4, 2)); }) ==
        "align_weights: the student's layer takes 4 inputs, the teacher's 3");
  CHECK(message_of<shape_error>([&] {
          align_weights(teacher, dense<float, dynamic, dynamic, relu>(2, 2));
        }) == "align_weights: the student's layer takes 2 inputs, the teacher's 3");
}

TEST_CASE_TEMPLATE("fan-out norms are the norms of the next layer's rows", T, float, double,
                   long double) {
  mlp<T, relu, 3, dynamic, 5, 2> net({3, 4, 5, 2});
  stream random = random_stream(1);
  randomize(net, random);
  const auto check = [](const std::vector<double>& norms, const auto& l) {
    REQUIRE(norms.size() == l.in_width());
    for (std::size_t k = 0; k < norms.size(); ++k) {
      long double square = 0;
      for (std::size_t c = 0; c < l.out_width(); ++c) {
        square += static_cast<long double>(l.weights()(k, c)) * l.weights()(k, c);
      }
      const auto expected = static_cast<double>(std::sqrt(square));
      CHECK(close_to(norms[k], expected, 8 * epsilon<double> * expected));
    }
  };
  check(fan_out_norms<1>(net), net.template layer<2>());
  check(fan_out_norms<2>(net), net.template layer<3>());
  const auto all = all_fan_out_norms(net);
  REQUIRE(all.size() == 2);
  CHECK(all[0] == fan_out_norms<1>(net));
  CHECK(all[1] == fan_out_norms<2>(net));
  CHECK(all_fan_out_norms(mlp<T, relu, 3, 2>()).empty());
}

TEST_CASE("fan-out norms of a polar teacher fall like 1/j^p") {
  mlp<double, relu, 20, 10, 30> plain, polar;
  construct_teacher(plain, {.seed = 1}, constant_bias{});
  construct_teacher(polar, {.polarity = 1.5, .seed = 1}, constant_bias{});
  const auto strong = fan_out_norms<1>(plain), weak = fan_out_norms<1>(polar);
  for (std::size_t j = 0; j < 10; ++j) {
    const double expected = strong[j] / std::pow(static_cast<double>(j + 1), 1.5);
    CHECK(close_to(weak[j], expected, 30 * epsilon<double> * expected));
  }
}

TEST_CASE("coincidence ends at eps, in the sine and in the bias, whichever side is active") {
  // Opposite nodes 1 and 3 agree in boundary where biases are opposite.
  dense<double, 2, 1, relu> teacher;
  dense<double, 2, 4, relu> student;
  teacher.weights()(0, 0) = 1;
  teacher.bias()[0] = 0.5;
  const double sign[] = {1, -1, 1, -1};
  for (std::size_t k = 0; k < 4; ++k) {
    student.weights()(0, k) = sign[k];
    student.bias()[k] = sign[k] * (k < 2 ? 0.625 : 0.5);
    if (k >= 2) student.weights()(1, k) = 0.125;  // a sine of 0.124, bias scaled by 0.992
  }
  const auto a = align_weights(teacher, student);
  CHECK(a.boundary_gap(0, 0) == 0.125);
  CHECK(a.boundary_gap(0, 1) == 0.125);
  CHECK(a.bias_gap(0, 1) == 1.125);
  for (std::size_t k = 0; k < 4; ++k) {
    CHECK(a.eps_coincident(0, k, 0.125));
    CHECK(!a.eps_coincident(0, k, 0.12));
  }
  CHECK(!a.eps_aligned(0, 1, 0.125));
}

TEST_CASE("exact opposites coincide to within nothing, and near ones as far as they are apart") {
  dense<double, 3, 1, relu> teacher;
  dense<double, 3, 2, relu> student;
  const double w[] = {0.3, 0.7, -0.1, 0.4};
  for (std::size_t i = 0; i < 4; ++i) {
    teacher.weights()(i, 0) = w[i];
    student.weights()(i, 0) = -w[i];
    student.weights()(i, 1) = -4 * w[i];
  }
  // One unit in the last place of a component is 1e-16 of the angle, not of pi.
  student.weights()(0, 1) = std::nextafter(student.weights()(0, 1), 0.0);
  const auto a = align_weights(teacher, student);
  CHECK(a.sine(0, 0) == 0);
  CHECK(a.eps_coincident(0, 0, 0));
  CHECK(!a.eps_aligned(0, 0, 0));
  CHECK(a.angle(0, 0) == std::numbers::pi);
  CHECK(a.sine(0, 1) <= epsilon<double>);
  teacher.weights()(1, 0) = teacher.weights()(2, 0) = teacher.bias()[0] = 0;
  student.weights()(0, 1) = -1;
  student.weights()(1, 1) = 1e-30;
  student.weights()(2, 1) = student.bias()[1] = 0;
  const auto b = align_weights(teacher, student);
  CHECK(close_to(b.sine(0, 1), 1e-30, 4 * epsilon<double> * 1e-30));
  CHECK(b.eps_coincident(0, 1, 1.1e-30));
  CHECK(!b.eps_coincident(0, 1, 0.9e-30));
}

TEST_CASE("no fan-out is too large or too small to have a norm") {
  mlp<double, relu, 1, 3, 2> net;
  const double size[] = {1e-320, 1e-170, 1e170};
  for (std::size_t k = 0; k < 3; ++k) {
    net.layer<2>().weights()(k, 0) = 3 * size[k];
    net.layer<2>().weights()(k, 1) = -4 * size[k];
  }
  const auto norms = fan_out_norms<1>(net);
  for (std::size_t k = 1; k < 3; ++k) {
    CHECK(close_to(norms[k], 5 * size[k], 4 * epsilon<double> * 5 * size[k]));
  }
  CHECK(close_to(norms[0], 5e-320, 1e-323));  // few digits there
}

TEST_CASE("weights that are not finite have no angle") {
  for (const double wrong : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    dense<double, 2, 2, relu> right, broken;
    broken.bias()[1] = wrong;
    CHECK(message_of<argument_error>([&] { align_weights(right, broken); }) ==
          "align_weights: weight 2 of node 1 is not a finite number");
    CHECK_THROWS_AS(align_weights(broken, right), argument_error);
  }
}
