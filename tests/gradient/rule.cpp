// What the recursive gradient rule promises besides gradients; those are compared over thousands of
// pairs in rule_pairs_*.cpp.
#include <array>
#include <cstddef>
#include <ratio>
#include <string>
#include <tutelage/gradient/rule.hpp>
#include <vector>

#include "support/network_of.hpp"
#include "support/rule_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// ---- PyTorch ----------------------------------------------------------------------------------

template <class Network>
void check_oracle(const std::string& name) {
  const oracle o(name);
  const auto teacher = network_of<Network>(o, "teacher");
  const auto student = network_of<Network>(o, "student");
  const auto computed = run_rule(teacher, student, o.matrix("/x"));
  const double tolerance = 64 * epsilon<double>;
  for (std::size_t l = 1; l <= Network::depth; ++l) {
    CAPTURE(l);
    const std::string layer = "/layers/" + std::to_string(l - 1);
    REQUIRE(o.number(layer + "/layer") == static_cast<double>(l));
    CHECK(close_to(computed.g[l - 1], o.matrix(layer + "/g"), tolerance));
    const auto& samples = computed.layers[l - 1];
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const std::string sample = "/" + std::to_string(i);
      CHECK(close_to(samples[i].V, o.matrix(layer + "/V" + sample), tolerance));
      CHECK(close_to(samples[i].V_star, o.matrix(layer + "/V_teacher" + sample), tolerance));
      CHECK(close_to(samples[i].A, o.matrix(layer + "/A" + sample), tolerance));
      CHECK(close_to(samples[i].B, o.matrix(layer + "/B" + sample), tolerance));
      const auto r = o.numbers(layer + "/remainder" + sample);
      const auto r_star = o.numbers(layer + "/remainder_teacher" + sample);
      for (std::size_t c = 0; c < r.size(); ++c) {
        CHECK(close_to(samples[i].r(c, 0), r[c], tolerance));
        CHECK(close_to(samples[i].r_star(c, 0), r_star[c], tolerance));
      }
    }
  }
}

}  // namespace

TEST_CASE("V, A, B, remainders and gradients as PyTorch has them") {
  check_oracle<mlp<double, relu, dynamic, dynamic, dynamic>>("mlp_relu_2layer");
  check_oracle<mlp<double, relu, dynamic, dynamic, dynamic, dynamic, dynamic>>("mlp_relu_4layer");
  check_oracle<mlp<double, leaky_relu<std::ratio<1, 5>>, dynamic, dynamic, dynamic, dynamic>>(
      "mlp_leaky_3layer");
}

// ---- Structure ----------------------------------------------------------------------------------

namespace {

using three = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;

// v^T B v, and the sum of absolute values of what is added.
std::array<double, 2> quadratic_form(const matrix<double>& B, const std::vector<double>& v) {
  std::array<double, 2> result{};
  for (std::size_t j = 0; j < v.size(); ++j) {
    for (std::size_t k = 0; k < v.size(); ++k) {
      result[0] += v[j] * B(j, k) * v[k];
      result[1] += std::abs(v[j] * B(j, k) * v[k]);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("B is symmetric and positive semi-definite") {
  stream random = random_stream(1);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto teacher = random_network<three>({5, 4, 6, 3}, 2 * seed);
    const auto student = random_network<three>({5, 9, 12, 3}, 2 * seed + 1);
    const auto computed = run_rule(teacher, student, random_matrix<double>(4, 5, random));
    for (const std::size_t l : {1U, 2U}) {
      for (const auto& s : computed.layers[l - 1]) {
        CHECK(s.B == reference::mirrored(s.B));
        std::vector<double> v(s.B.shape(0));
        for (int direction = 0; direction < 10; ++direction) {
          for (double& e : v) e = random.normal();
          const auto [form, gauge] = quadratic_form(s.B, v);
          CHECK(form >= -16 * epsilon<double> * gauge);
        }
      }
    }
  }
}

TEST_CASE("a student that is its teacher has A = B and learns nothing") {
  stream random = random_stream(2);
  const auto net = random_network<three>({6, 17, 9, 4}, 3);
  const auto x = random_matrix<double>(5, 6, random);
  const auto computed = run_rule(net, net, x);
  for (const auto& layer : computed.layers) {
    for (const auto& s : layer) {
      CHECK(s.V == s.V_star);
      CHECK(close_to(s.A, s.B, 16 * epsilon<double>));
    }
  }
  for (const auto& g : computed.g) {
    for (const double value : g) CHECK(value == 0);
  }
}

TEST_CASE("with two layers A and B are the same for every sample") {
  stream random = random_stream(3);
  using two = mlp<double, relu, dynamic, dynamic, dynamic>;
  const auto teacher = random_network<two>({6, 5, 4}, 1),
             student = random_network<two>({6, 11, 4}, 2);
  const auto computed = run_rule(teacher, student, random_matrix<double>(50, 6, random));
  const auto& samples = computed.layers[0];
  // V is W~_2^T and r is b_2.
  CHECK(samples[0].V == reference::mirrored(to_matrix(student.layer<2>().linear_weights())));
  for (std::size_t c = 0; c < 4; ++c) CHECK(samples[0].r(c, 0) == student.layer<2>().bias()[c]);
  for (const auto& s : samples) {
    CHECK(s.A == samples[0].A);
    CHECK(s.B == samples[0].B);
    CHECK(s.r == samples[0].r);
  }
}

TEST_CASE("A and B are constant where no gate above the layer changes") {
  const auto teacher = random_network<three>({2, 4, 5, 3}, 5);
  const auto student = random_network<three>({2, 6, 8, 3}, 6);
  stream random = random_stream(4);
  const auto x = random_matrix<double>(400, 2, random);
  activations<three> of_teacher, of_student;
  teacher.forward(x, of_teacher);
  student.forward(x, of_student);
  const auto gates = [&](std::size_t i) {  // of layer 2
    std::vector<bool> z;
    for (const double f : of_teacher.f(2).row(i)) z.push_back(f > 0);
    for (const double f : of_student.f(2).row(i)) z.push_back(f > 0);
    return z;
  };
  const auto computed = run_rule(teacher, student, x);
  std::size_t equal = 0, different = 0;
  for (std::size_t i = 1; i < 400; ++i) {
    for (std::size_t other = 0; other < i; other += 7) {
      const auto &a = computed.layers[0][i], &b = computed.layers[0][other];
      if (gates(i) == gates(other)) {
        ++equal;
        CHECK(close_to(a.A, b.A, 64 * epsilon<double>));
        CHECK(close_to(a.B, b.B, 64 * epsilon<double>));
        CHECK(close_to(a.r, b.r, 64 * epsilon<double>));
        CHECK(close_to(a.r_star, b.r_star, 64 * epsilon<double>));
      } else if (!close_to(a.B, b.B, 1e-3)) {
        ++different;
      }
    }
  }
  CHECK(equal > 300);
  CHECK(different > 1000);
}

// ---- Extents, chunks, errors
// ----------------------------------------------------------------------

namespace {

template <class Teacher, class Student>
void check_extents(const std::array<std::size_t, 4>& m, const std::array<std::size_t, 4>& n) {
  using any = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
  const auto teacher = random_network<Teacher>(m, 7);
  const auto student = random_network<Student>(n, 8);
  stream random = random_stream(9);
  const auto x = random_matrix<double>(7, n[0], random);
  const rule_case<double> expected(reference::plain(teacher), reference::plain(student), x);
  REQUIRE(expected.gates_are_certain);
  for (const auto& computed : {run_rule(teacher, student, x),
                               run_rule(random_network<any>(m, 7), random_network<any>(n, 8), x)}) {
    judge_gradients(computed, expected);
    for (std::size_t i = 0; i < 7; ++i) judge_matrices(computed, expected, i);
  }
}

}  // namespace

TEST_CASE("static and mixed widths") {
  check_extents<mlp<double, relu, 5, 10, 3, 8>, mlp<double, relu, 5, 16, 17, 8>>({5, 10, 3, 8},
                                                                                 {5, 16, 17, 8});
  check_extents<mlp<double, relu, dynamic, 1, dynamic, 2>,
                mlp<double, relu, 5, dynamic, 33, dynamic>>({5, 1, 2, 2}, {5, 64, 33, 2});
}

TEST_CASE("chunks, and only the upper layers") {
  const auto teacher = random_network<three>({3, 4, 5, 2}, 10);
  const auto student = random_network<three>({3, 7, 6, 2}, 11);
  stream random = random_stream(12);
  const auto x = random_matrix<double>(23, 3, random);
  const auto whole = run_rule(teacher, student, x);
  for (const std::size_t chunk : {1U, 5U, 22U, 23U, 24U}) {
    std::size_t next = 0;
    for_each_rule(teacher, student, x, chunk, [&](auto& rule, std::size_t first) {
      CHECK(first == next);
      CHECK(rule.samples() == std::min(chunk, 23 - first));
      next += rule.samples();
      const auto g = rule.template g<1>();
      for (std::size_t i = 0; i < rule.samples(); ++i) {
        const auto& s = whole.layers[0][first + i];
        CHECK(close_to(to_matrix(rule.template A<1>(i)), s.A, 64 * epsilon<double>));
        CHECK(close_to(to_matrix(rule.template V<1>(i)), s.V, 64 * epsilon<double>));
        for (std::size_t k = 0; k < 7; ++k)
          CHECK(close_to(g(i, k), whole.g[0](first + i, k), 256 * epsilon<double>));
      }
    });
    CHECK(next == 23);
  }
  for_each_rule(
      teacher, student, x, 23,
      [&](auto& rule, std::size_t) {
        for (std::size_t i = 0; i < 23; ++i) {
          CHECK(to_matrix(rule.template V<2>(i)) == whole.layers[1][i].V);
        }
        CHECK(to_matrix(rule.template g<2>()) == whole.g[1]);
        CHECK(to_matrix(rule.template g<3>()) == whole.g[2]);
      },
      2);
  for_each_rule(teacher, student, matrix_view(x).middle_rows(0, 0), 4,
                [](auto&, std::size_t) { FAIL("visited"); });
}

TEST_CASE("what was not evaluated is not shown") {
  const auto teacher = random_network<three>({3, 4, 5, 2}, 13);
  const auto student = random_network<three>({3, 6, 7, 2}, 14);
  stream random = random_stream(15);
  const auto x = random_matrix<double>(4, 3, random);
  using rule_type = gradient_rule<three, three>;
  static_assert(!std::is_constructible_v<rule_type, three, const three&>);
  static_assert(!std::is_constructible_v<rule_type, const three&, three>);
  static_assert(!std::is_constructible_v<rule_type, three, three>);
  rule_type rule(teacher, student);
  const auto refuses = [&](const std::string& V, const std::string& g) {
    CHECK(message_of<argument_error>([&] { void(rule.V<1>(0)); }) == "V: " + V);
    CHECK(message_of<argument_error>([&] { void(rule.V_star<1>(0)); }) == "V: " + V);
    CHECK(message_of<argument_error>([&] { void(rule.r<1>(0, 0)); }) == "r: " + V);
    CHECK(message_of<argument_error>([&] { void(rule.r_star<1>(0, 0)); }) == "r: " + V);
    CHECK(message_of<argument_error>([&] { rule.A<1>(0); }) == "V: " + V);
    CHECK(message_of<argument_error>([&] { rule.B<1>(0); }) == "V: " + V);
    CHECK(message_of<argument_error>([&] { rule.g<1>(); }) == "g: " + g);
  };
  refuses("no layer was computed", "nothing was evaluated");
  CHECK_THROWS_AS(rule.g<3>(), argument_error);
  rule.evaluate(x);
  CHECK_NOTHROW(rule.g<1>());
  rule.evaluate(x, 2);
  refuses("layer 1 was not computed, only 2 to 2", "layer 1 was not computed, only 2 to 3");
  CHECK(rule.V<2>(3).cols() == 7);
  CHECK_NOTHROW(rule.g<2>());
  rule.evaluate(x, 3);
  refuses("no layer was computed", "layer 1 was not computed, only 3 to 3");
  CHECK_NOTHROW(rule.g<3>());
  rule.evaluate(x);
  CHECK(message_of<argument_error>([&] { void(rule.V<1>(4)); }) ==
        "V: sample 4, expected one below 4");
  CHECK(message_of<argument_error>([&] { void(rule.r<1>(0, 2)); }) ==
        "r: output 2, expected one below 2");
  CHECK_THROWS_AS(rule.evaluate(make_matrix<double>(4, 2)), shape_error);
  CHECK_THROWS_AS(rule.g<3>(), argument_error);
}

TEST_CASE("data that is no number, by row and column") {
  const auto teacher = random_network<three>({3, 4, 5, 2}, 13);
  gradient_rule<three, three> rule(teacher, teacher);
  auto x = make_matrix<double>(700, 3);
  x(0, 2) = std::numeric_limits<double>::infinity();
  CHECK(message_of<argument_error>([&] { rule.evaluate(x); }) ==
        "gradient_rule: x has inf at row 0, column 2, expected finite numbers");
  CHECK_THROWS_AS(rule.g<3>(), argument_error);
  x(0, 2) = 0;
  x(690, 1) = std::numeric_limits<double>::quiet_NaN();
  std::size_t visits = 0;
  const auto visit = [&](auto&, std::size_t) { ++visits; };
  CHECK(message_of<argument_error>([&] { for_each_rule(teacher, teacher, x, 100, visit); }) ==
        "gradient_rule: x has nan at row 690, column 1, expected finite numbers");
  CHECK(visits == 6);
}

TEST_CASE("what does not fit") {
  const auto teacher = random_network<three>({3, 4, 5, 2}, 13);
  const auto other = random_network<three>({4, 4, 5, 3}, 14);
  CHECK(message_of<shape_error>([&] { gradient_rule<three, three>(teacher, other); }) ==
        "gradient_rule: the teacher maps 3 to 2 numbers, the student 4 to 3");
  gradient_rule<three, three> rule(teacher, teacher);
  const auto x = make_matrix<double>(2, 3);
  for (const std::size_t lowest : {0U, 4U}) {
    CHECK(message_of<shape_error>([&] { rule.evaluate(x, lowest); }) ==
          "output_jacobians: lowest layer " + std::to_string(lowest) + ", expected 1 to 3");
  }
  CHECK(message_of<shape_error>([&] { rule.evaluate(make_matrix<double>(2, 4)); }) ==
        "forward: x is (2x4), expected (2x3)");
  CHECK(message_of<argument_error>([&] {
          for_each_rule(teacher, teacher, x, 0, [](auto&, std::size_t) {});
        }) == "for_each_rule: chunk is 0, expected at least 1");
}
