#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <tutelage/data/inputs.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/model/network_cast.hpp>

#include "support/close_to.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

template <class T>
using deep_net = mlp<T, relu, dynamic, dynamic, dynamic, dynamic>;
template <class T>
using static_net = mlp<T, relu, 7, 12, 5, 3>;
template <class T>
using mixed_net = mlp<T, relu, 7, dynamic, 5, dynamic>;
constexpr std::array<std::size_t, 4> widths{7, 12, 5, 3};

// Starts a student whose weights were something else.
template <class Network, class Start>
std::vector<matrix<long double>> started(const Start& start, std::uint64_t seed = 1) {
  Network student(widths);
  stream others = random_stream(99);
  randomize(student, others);
  initialize(student, start, seed);
  return weights_of(student);
}

// The numbers of the stream in the order that the headers promise: layers from the lowest, rows
// from the first. Draw(random, l, i) gives the next element of row i of layer l.
template <class Draw>
std::vector<matrix<long double>> in_order(const Draw& draw) {
  stream random(1, purpose::student);
  std::vector<matrix<long double>> result;
  for (std::size_t l = 0; l < 3; ++l) {
    auto W = make_matrix<long double>(widths[l] + 1, widths[l + 1]);
    for (std::size_t i = 0; i < W.shape(0); ++i) {
      for (std::size_t k = 0; k < W.shape(1); ++k) W(i, k) = draw(random, l, i);
    }
    result.push_back(W);
  }
  return result;
}

template <class Teacher>
Teacher random_teacher(const std::array<std::size_t, Teacher::depth + 1>& of_widths) {
  Teacher teacher(of_widths);
  stream random = random_stream(17);
  randomize(teacher, random);
  return teacher;
}

template <class Teacher, class Student>
void check_same_function(const Teacher& teacher, const Student& student) {
  using T = typename Student::value_type;
  const auto x = draw_inputs<T>(gaussian_inputs{2}, 60, teacher.in_width(), 3);
  const auto weights = weights_of(student);
  CHECK(within(matrix_view<const T>(student(x)), widen(network_cast<T>(teacher)(x)),
               output_gauge(weights, widen(x)),
               output_roundings(weights) + output_roundings(weights_of(teacher))));
}

}  // namespace

TEST_CASE("gaussian_start: weights N(0, scale^2) in the promised order, biases 0") {
  CHECK(gaussian_start{}.scale == 0.005);
  for (const double scale : {0.005, 1.0, 0.0}) {
    const auto expected = in_order([&](stream& random, std::size_t l, std::size_t i) {
      return i == widths[l] ? 0.0 : scale * random.normal();
    });
    CHECK(started<static_net<double>>(gaussian_start{scale}) == expected);
    CHECK(started<mixed_net<double>>(gaussian_start{scale}) == expected);
    CHECK(started<deep_net<long double>>(gaussian_start{scale}) == expected);
    const auto of_float = started<deep_net<float>>(gaussian_start{scale});
    for (std::size_t l = 0; l < 3; ++l) {
      CHECK(std::ranges::equal(of_float[l], expected[l], [](long double a, long double b) {
        return a == static_cast<float>(b);
      }));
    }
  }
  CHECK(started<static_net<double>>(gaussian_start{}, 2) !=
        started<static_net<double>>(gaussian_start{}, 1));
}

TEST_CASE("linear_default_start: weights and biases U[-r, r], r = factor / sqrt(inputs)") {
  CHECK(linear_default_start{}.factor == 1);
  for (const double factor : {1.0, 0.1, 0.0}) {
    const auto expected = in_order([&](stream& random, std::size_t l, std::size_t) {
      const double r = factor / std::sqrt(static_cast<double>(widths[l]));
      return std::fma(2 * r, random.uniform(), -r);
    });
    CHECK(started<static_net<double>>(linear_default_start{factor}) == expected);
    CHECK(started<mixed_net<double>>(linear_default_start{factor}) == expected);
    CHECK(started<deep_net<long double>>(linear_default_start{factor}) == expected);
  }
}

TEST_CASE("linear_default_start is uniform over its range, biases too") {
  mlp<double, relu, 100, 400, 64> student;
  initialize(student, linear_default_start{}, 7);
  const auto check = [](const auto& numbers, double radius) {
    std::array<double, 20> count{};
    double n = 0;
    for (std::size_t i = 0; i < numbers.rows(); ++i) {
      for (const double w : numbers.row(i)) {
        REQUIRE(std::abs(w) <= radius);
        count.at(std::min<std::size_t>(19, static_cast<std::size_t>((w / radius + 1) * 10))) += 1;
        n += 1;
      }
    }
    double chi_square = 0;
    for (const double c : count) chi_square += (c - n / 20) * (c - n / 20) / (n / 20);
    CHECK(chi_square < 50.8);  // exceeded with probability 1e-4 at 19 degrees of freedom
  };
  check(student.layer<1>().linear_weights(), 0.1);
  check(student.layer<1>().weights().middle_rows(100, 1), 0.1);
  check(student.layer<2>().linear_weights(), 0.05);
}

TEST_CASE("starts of layers without bias") {
  network<dense<double, 3, 2, relu, no_bias>, dense<double, 2, 2, identity, no_bias>> student;
  stream random(1, purpose::student);
  initialize(student, gaussian_start{2}, 1);
  CHECK(student.layer<1>().weights()(0, 0) == 2 * random.normal());
  initialize(student, linear_default_start{}, 1);
  CHECK(std::abs(student.layer<2>().weights()(1, 1)) <= 1 / std::sqrt(2.0));
}

TEST_CASE("starts that mean nothing") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([] { started<static_net<double>>(gaussian_start{-1}); }) ==
        "stream::fill_normal: mean 0, std -1, expected finite and std not negative");
  CHECK(message_of<argument_error>([&] { started<static_net<double>>(gaussian_start{nan}); }) ==
        "stream::fill_normal: mean 0, std nan, expected finite and std not negative");
  mlp<double, relu, 4, 2> student;
  CHECK(message_of<argument_error>([&] { initialize(student, linear_default_start{-1}, 1); }) ==
        "stream::fill_uniform: [0.5, -0.5), expected finite ends in order");
  CHECK(message_of<argument_error>([&] {
          initialize(student, near_start{student, -0.5}, 1);
        }) == "stream::fill_normal: mean 0, std -0.5, expected finite and std not negative");
}

TEST_CASE("without noise a student is the teacher's function, however wide") {
  const auto teacher = random_teacher<deep_net<double>>({6, 4, 3, 2});
  // As wide, twice and three times as wide, and widths that are no multiples.
  const std::vector<std::array<std::size_t, 4>> all_widths{
      {6, 4, 3, 2}, {6, 8, 9, 2}, {6, 4, 6, 2}, {6, 5, 4, 2}, {6, 7, 3, 2}, {6, 11, 32, 2}};
  for (const auto& of_student : all_widths) {
    deep_net<double> student(of_student);
    stream random = random_stream(5);
    randomize(student, random);  // what was there does not matter
    initialize(student, near_start{teacher, 0}, 1);
    check_same_function(teacher, student);
    // Node k copies node k mod m; rows of copies share a fan-out equally.
    const auto W = weights_of(student), W_star = weights_of(teacher);
    for (std::size_t l = 0; l < 3; ++l) {
      const std::size_t m_in = W_star[l].shape(0) - 1, m_out = W_star[l].shape(1);
      const std::size_t n_in = W[l].shape(0) - 1, n_out = W[l].shape(1);
      for (std::size_t k = 0; k < n_out; ++k) {
        CHECK(W[l](n_in, k) == W_star[l](m_in, k % m_out));
        for (std::size_t i = 0; i < n_in; ++i) {
          std::size_t copies = 0;
          for (std::size_t other = i % m_in; other < n_in; other += m_in) ++copies;
          CHECK(W[l](i, k) ==
                static_cast<double>(W_star[l](i % m_in, k % m_out)) / static_cast<double>(copies));
        }
      }
    }
  }
}

TEST_CASE("teacher and student of other extents and scalars") {
  const auto teacher = random_teacher<mlp<double, leaky_relu<>, 5, 3, 4>>({5, 3, 4});
  mlp<double, leaky_relu<>, 5, 8, 4> wide;
  initialize(wide, near_start{teacher, 0}, 1);
  check_same_function(teacher, wide);
  mlp<float, leaky_relu<>, 5, dynamic, 4> of_float({5, 7, 4});
  initialize(of_float, near_start{teacher, 0}, 1);
  check_same_function(teacher, of_float);
  mlp<long double, leaky_relu<>, dynamic, dynamic, dynamic> of_long_double({5, 4, 4});
  initialize(of_long_double, near_start{teacher, 0}, 1);
  check_same_function(teacher, of_long_double);
  // A single layer has nothing to share.
  mlp<double, relu, 5, 4> linear, copied;
  linear = random_teacher<decltype(linear)>({5, 4});
  initialize(copied, near_start{linear, 0}, 1);
  CHECK(weights_of(copied) == weights_of(linear));
}

TEST_CASE("a student with biases near a teacher without, and both without") {
  using plain = network<dense<double, 4, 3, relu, no_bias>, dense<double, 3, 2, identity, no_bias>>;
  using wider = network<dense<double, 4, 5, relu, no_bias>, dense<double, 5, 2, identity, no_bias>>;
  const auto teacher = random_teacher<plain>({4, 3, 2});
  mlp<double, relu, 4, 5, 2> student;
  stream random = random_stream(6);
  randomize(student, random);
  initialize(student, near_start{teacher, 0}, 1);
  check_same_function(teacher, student);
  CHECK(std::ranges::all_of(student.layer<1>().bias(), [](double b) { return b == 0; }));
  wider without;
  initialize(without, near_start{teacher, 0}, 1);
  check_same_function(teacher, without);
}

TEST_CASE("noise is N(0, noise^2) on every weight and bias") {
  const auto teacher = random_teacher<mlp<double, relu, 30, 20, 10>>({30, 20, 10});
  mlp<double, relu, 30, 50, 10> exact, noisy, again;
  initialize(exact, near_start{teacher, 0}, 1);
  for (const double noise : {0.1, 2.0}) {
    initialize(noisy, near_start{teacher, noise}, 1);
    initialize(again, near_start{teacher, noise}, 1);
    CHECK(weights_of(again) == weights_of(noisy));
    const auto W = weights_of(noisy), W_exact = weights_of(exact);
    for (std::size_t l = 0; l < 2; ++l) {
      const std::size_t rows = W[l].shape(0);
      const auto check = [&](std::size_t first, std::size_t last) {
        double sum = 0, squares = 0, n = 0;
        for (std::size_t i = first; i < last; ++i) {
          for (std::size_t k = 0; k < W[l].shape(1); ++k) {
            const auto z = static_cast<double>(W[l](i, k) - W_exact[l](i, k)) / noise;
            CHECK(z != 0);
            sum += z;
            squares += z * z;
            n += 1;
          }
        }
        CHECK(close_to(sum / n, 0, 4 / std::sqrt(n)));
        CHECK(close_to(squares / n, 1, 4 * std::sqrt(2 / n)));
      };
      check(0, rows - 1);
      check(rows - 1, rows);  // biases
    }
  }
}

TEST_CASE("a student that cannot hold the teacher") {
  const auto teacher = random_teacher<deep_net<double>>({6, 4, 3, 2});
  const auto refused = [&](const std::array<std::size_t, 4>& of_student) {
    deep_net<double> student(of_student);
    const std::string message = message_of<shape_error>([&] {
      initialize(student, near_start{teacher, 1}, 1);
    });
    CHECK(weights_of(student) == weights_of(deep_net<double>(of_student)));  // untouched
    return message;
  };
  CHECK(refused({5, 4, 3, 2}) ==
        "near_start: teacher and student take different inputs; the teacher 6, the student 5");
  CHECK(refused({7, 4, 3, 2}) ==
        "near_start: teacher and student take different inputs; the teacher 6, the student 7");
  CHECK(refused({6, 3, 3, 2}) == "near_start: width 1 of the student is 3, expected at least 4");
  CHECK(refused({6, 9, 2, 2}) == "near_start: width 2 of the student is 2, expected at least 3");
  CHECK(refused({6, 4, 3, 1}) ==
        "near_start: teacher and student give different outputs; the teacher 2, the student 1");
  CHECK(refused({6, 4, 3, 4}) ==
        "near_start: teacher and student give different outputs; the teacher 2, the student 4");
}

TEST_CASE("a network near itself") {
  const auto teacher = random_teacher<deep_net<double>>({6, 4, 3, 2});
  deep_net<double> expected({6, 4, 3, 2}), moved = teacher;
  initialize(expected, near_start{teacher, 0.1}, 1);
  initialize(moved, near_start{moved, 0.1}, 1);
  CHECK(weights_of(moved) == weights_of(expected));
}

TEST_CASE_TEMPLATE("turning students from and to the last teacher", T, float, double, long double) {
  mlp<T, relu, 6, 3, 2> teacher;
  mlp<T, relu, 6, dynamic, 2> student({6, 40, 2});
  stream random = random_stream(8);
  randomize(teacher, random);
  randomize(student, random);
  for (std::size_t i = 0; i < 6; ++i) {
    student.template layer<1>().weights()(i, 7) = 0;  // to no side
  }
  const auto before = weights_of(student);
  const auto side = [&](std::size_t k) {
    long double product = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      product += static_cast<long double>(student.template layer<1>().weights()(i, k)) *
                 static_cast<long double>(teacher.template layer<1>().weights()(i, 2));
    }
    return product;
  };
  const auto check = [&](int sign, const auto& turn) {
    std::size_t turned = 0;
    std::vector<bool> kept(40);
    for (std::size_t k = 0; k < 40; ++k) kept[k] = side(k) * sign >= 0;
    const auto old = weights_of(student);
    turn(teacher, student);
    const auto now = weights_of(student);
    for (std::size_t k = 0; k < 40; ++k) {
      if (k != 7) CHECK(side(k) * sign > 0);
      CHECK(now[0](6, k) == before[0](6, k));  // biases stay
      for (std::size_t i = 0; i < 6; ++i) {
        CHECK(now[0](i, k) == (kept[k] ? old[0](i, k) : -old[0](i, k)));
      }
      turned += !kept[k];
    }
    CHECK(now[1] == before[1]);
    turn(teacher, student);  // nothing is left to turn
    CHECK(weights_of(student) == now);
    return turned;
  };
  const auto from = [](const auto& t, auto& s) { turn_from_last_teacher(t, s); };
  const auto to = [](const auto& t, auto& s) { turn_to_last_teacher(t, s); };
  const std::size_t turned = check(-1, from);
  CHECK(turned > 0);
  CHECK(turned < 39);
  CHECK(check(1, to) == 39);
  CHECK(check(-1, from) == 39);
}

TEST_CASE("turning a student with other inputs") {
  mlp<double, relu, 6, 3, 2> teacher;
  mlp<double, relu, dynamic, 4, 2> student({5, 4, 2});
  CHECK(message_of<shape_error>([&] { turn_from_last_teacher(teacher, student); }) ==
        "turn_from_last_teacher: teacher and student take different inputs; the teacher 6, the "
        "student 5");
  CHECK(message_of<shape_error>([&] { turn_to_last_teacher(teacher, student); }) ==
        "turn_to_last_teacher: teacher and student take different inputs; the teacher 6, the "
        "student 5");
}
