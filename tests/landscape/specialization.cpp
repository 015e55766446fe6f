#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <tutelage/landscape/specialization.hpp>

#include "support/close_to.hpp"
#include "support/split_student.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using list = std::vector<std::size_t>;

// Why a student is not specialized; nothing where it is.
std::string refusal(const any_mlp& teacher, const any_mlp& student) {
  try {
    specialized_groups(teacher, student);
    return {};
  } catch (const argument_error& problem) {
    return problem.what();
  }
}

}  // namespace

TEST_CASE("every teacher node has its copies, and what they add is what it adds") {
  for (const std::size_t split : {1U, 2U, 4U}) {
    auto s = make_split_student(7, 4, split, 3, split);
    // The same teacher with other norms.
    for (std::size_t i = 0; i <= 7; ++i) s.teacher.layer<1>().weights()(i, 1) *= 4;
    for (double& v : s.teacher.layer<2>().weights().row(1)) v /= 4;
    const auto found = specialized_groups(s.teacher, s.student);
    REQUIRE(found.groups.size() == 4);
    const auto norms = fan_in_norms(s.teacher.layer<1>());
    for (std::size_t j = 0; j < 4; ++j) {
      CHECK(found.groups[j] == s.copies[j]);
      for (std::size_t c = 0; c < 3; ++c) {
        const double v = s.teacher.layer<2>().weights()(j, c) * norms[j];
        CHECK(close_to(found.added[j][c], v, 16 * epsilon<double> * std::abs(v)));
      }
    }
    // The student's node without weights and its output bias, together, are the teacher's bias.
    for (std::size_t c = 0; c < 3; ++c) {
      CHECK(close_to(found.constant[c], s.teacher.layer<2>().bias()[c], 16 * epsilon<double>));
    }
  }
}

TEST_CASE("a teacher node that adds less than is allowed may be missing") {
  auto s = make_split_student(7, 4, 1, 3, 1);
  const auto shrink = [&](double factor) {
    for (double& v : s.teacher.layer<2>().weights().row(2)) v *= factor;
    for (double& v : s.student.layer<2>().weights().row(s.copies[2][0])) v = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      s.student.layer<1>().weights()(i, s.copies[2][0]) = static_cast<double>(i) - 3.5;
    }
  };
  shrink(1);
  CHECK(message_of<argument_error>([&] { specialized_groups(s.teacher, s.student); }) ==
        "specialized_groups: no node of the student is co-linear with teacher node 2 to within "
        "1e-09");
  shrink(1e-9);
  const auto found = specialized_groups(s.teacher, s.student);
  CHECK(found.groups[2].empty());
  CHECK(found.groups[3] == s.copies[3]);
}

TEST_CASE("what is not specialized") {
  const auto s = make_split_student(7, 4, 2, 3, 1);
  const auto refused = [&](const any_mlp& student) {
    return message_of<argument_error>([&] { specialized_groups(s.teacher, student); });
  };
  auto loud = s.student;
  loud.layer<2>().weights()(s.null[0], 0) += 1;
  CHECK(refused(loud).find(" along no teacher node, allowed is ") != std::string::npos);
  auto weak = s.student;
  weak.layer<2>().weights()(s.copies[1][0], 0) += 1;
  CHECK(refused(weak).find(" along teacher node 1, which adds ") != std::string::npos);
  auto shifted = s.student;
  shifted.layer<1>().weights()(7, s.constant) += 1;
  CHECK(refused(shifted).find("specialized_groups: the constant of the student is ") == 0);
  CHECK(message_of<argument_error>([&] {
          specialized_groups(s.teacher, s.student, {0.1, 0.2});
        }) ==
        "specialized_groups: the tolerance of fan-outs is 0.2, expected at least 3 times 0.1, that "
        "of weights");
  CHECK_NOTHROW(specialized_groups(s.teacher, s.student, {1e-6, 3e-6}));
  CHECK(message_of<shape_error>([&] {
          specialized_groups(any_mlp({7, 4, 2}), s.student);
        }) ==
        "specialized_groups: teacher and student give different outputs; the teacher 2, the "
        "student 3");
}

TEST_CASE("fan-outs that cancel do not hide what turning their nodes changes") {
  any_mlp teacher({2, 1, 1}), student({2, 2, 1});
  teacher.layer<1>().weights()(0, 0) = teacher.layer<2>().weights()(0, 0) = 1;
  const auto turned = [&](double angle, double bias, double cancels) {
    auto W = student.layer<1>().weights();
    W(0, 0) = 1;
    W(0, 1) = std::cos(angle);
    W(1, 1) = std::sin(angle);
    W(2, 1) = bias;
    student.layer<2>().weights()(0, 0) = cancels + 1;
    student.layer<2>().weights()(1, 0) = -cancels;
    return refusal(teacher, student);
  };
  const std::string sentence =
      "specialized_groups: nodes 0, 1 of the student are not quite co-linear: turning them to one "
      "direction changes the output by ";
  CHECK(turned(9e-10, 0, 1e9).starts_with(sentence + "0.9"));
  CHECK(turned(0, 9e-10, 1e9).starts_with(sentence + "0.9"));
  CHECK(turned(9e-10, 0, 12).starts_with(sentence));
  for (const double angle : {0.0, 9e-10}) {
    CHECK(turned(angle, 0, 10) == "");
    CHECK(specialized_groups(teacher, student).groups[0] == list{0, 1});
  }
  CHECK(turned(0, 0, 1e9) == "");
  // The same along no teacher node.
  any_mlp none({2, 1, 1});
  none.layer<1>().weights()(1, 0) = none.layer<2>().weights()(0, 0) = 1;
  student = any_mlp({2, 3, 1});
  turned(9e-10, 0, 1e9);
  student.layer<2>().weights()(0, 0) = 1e9;
  student.layer<1>().weights()(1, 2) = student.layer<2>().weights()(2, 0) = 1;
  CHECK(
      message_of<argument_error>([&] { specialized_groups(none, student); }).starts_with(sentence));
}

TEST_CASE("no scale of fan-outs is mistaken for another") {
  any_mlp teacher({2, 2, 1}), student({2, 2, 1});
  const auto scaled = [&](double s, double v, double w) {
    for (any_mlp* net : {&teacher, &student}) {
      for (std::size_t i = 0; i < 2; ++i) net->layer<1>().weights()(i, i) = 1;
    }
    teacher.layer<2>().weights()(0, 0) = s;
    teacher.layer<2>().weights()(1, 0) = -2 * s;
    student.layer<2>().weights()(0, 0) = v * s;
    student.layer<2>().weights()(1, 0) = w * s;
    return refusal(teacher, student);
  };
  for (const double s : {1.0, 1e-170, 1e200, 1e-290, 1e300}) {
    CHECK(scaled(s, 1, -2) == "");
    CHECK(scaled(s, 5, 7).find(" along teacher node 0, which adds ") != std::string::npos);
  }
  // A teacher of constants only adds nothing.
  any_mlp constant({2, 1, 1});
  constant.layer<1>().weights()(2, 0) = constant.layer<2>().weights()(0, 0) = 1;
  CHECK(refusal(constant, constant) == "");
  // Products that underflow or overflow are not compared.
  scaled(1e-170, 5, 7);
  for (const double w : {1e-170, 1e200}) {
    for (any_mlp* net : {&teacher, &student}) {
      for (std::size_t i = 0; i < 2; ++i) {
        net->layer<1>().weights()(i, i) = w;
        for (double& v : net->layer<2>().weights().row(i)) v = w > 1 ? w : v;
      }
    }
    const std::string said = refusal(teacher, student);
    CAPTURE(said);
    CHECK(said.starts_with("specialized_groups: what the teacher's nodes add is "));
  }
}

TEST_CASE("without an output bias nothing holds a constant") {
  using lower = dense<double, 2, 2, relu>;
  using upper = dense<double, 2, 1, identity, no_bias>;
  network<lower, upper> student;
  student.layer<1>().weights()(0, 0) = 1;
  student.layer<1>().bias()[1] = 1;  // a constant
  student.layer<2>().weights()(0, 0) = student.layer<2>().weights()(1, 0) = 1;
  CHECK(message_of<argument_error>([&] { specialized_groups(student, student); }) ==
        "specialized_groups: the student adds a constant and has no bias at the output to hold it");
  student.layer<2>().weights()(1, 0) = 0;
  CHECK(specialized_groups(student, student).groups[0] == list{0});
}
