#include <doctest/doctest.h>

#include <tutelage/model/network.hpp>
#include <tutelage/model/pair.hpp>

#include "support/thrown.hpp"

namespace {

using namespace tutelage;

using wide = mlp<double, relu, dynamic, dynamic, dynamic>;

TEST_CASE("pairs that fit, whatever is known of their widths") {
  const mlp<double, relu, 3, 4, 2> fixed;
  const wide open({3, 7, 2});
  const mlp<double, relu, 3, dynamic, dynamic> mixed({3, 5, 2});
  const auto all_fit = [](const auto& a, const auto& b) {
    detail::require_pair<detail::same_depth, detail::same_scalar>("f", a, b);
    detail::require_pair<detail::same_depth, detail::same_scalar>("f", b, a);
  };
  CHECK_NOTHROW(all_fit(fixed, open));
  CHECK_NOTHROW(all_fit(fixed, mixed));
  CHECK_NOTHROW(all_fit(open, mixed));
}

TEST_CASE("only what is asked for is compared") {
  const mlp<double, relu, 3, 4, 2> two;
  const mlp<float, relu, 3, 4, 4, 2> three;
  CHECK_NOTHROW(detail::require_pair("f", two, three));
  CHECK_NOTHROW(detail::require_same_inputs("f", two, mlp<double, relu, 3, 9>()));
  CHECK_NOTHROW(detail::require_same_outputs("f", two, mlp<double, relu, 9, 2>()));
}

TEST_CASE("pairs that do not fit, in the compiler's words") {
  const mlp<double, relu, 3, 4, 2> teacher;
  const wide inputs({4, 4, 2}), outputs({3, 4, 1}), both({4, 4, 1});
  const std::string takes =
      "f: teacher and student take different inputs; the teacher 3, the student 4";
  const std::string gives =
      "f: teacher and student give different outputs; the teacher 2, the student 1";
  CHECK(test::message_of<shape_error>([&] { detail::require_pair("f", teacher, inputs); }) ==
        takes);
  CHECK(test::message_of<shape_error>([&] { detail::require_pair("f", teacher, outputs); }) ==
        gives);
  CHECK(test::message_of<shape_error>([&] { detail::require_pair("f", teacher, both); }) == takes);
  CHECK(test::message_of<shape_error>([&] { detail::require_same_inputs("f", teacher, inputs); }) ==
        takes);
  CHECK(test::message_of<shape_error>(
            [&] { detail::require_same_outputs("f", teacher, outputs); }) == gives);
  CHECK(test::message_of<shape_error>([&] { detail::require_pair("f", inputs, teacher); }) ==
        "f: teacher and student take different inputs; the teacher 4, the student 3");
  CHECK(test::message_of<shape_error>([&] { detail::require_pair("f", outputs, teacher); }) ==
        "f: teacher and student give different outputs; the teacher 1, the student 2");
}

TEST_CASE("hidden nodes: at least as many in every layer") {
  const mlp<double, relu, dynamic, dynamic, dynamic, dynamic> teacher({3, 4, 5, 2});
  CHECK_NOTHROW(detail::require_hidden_nodes("f", teacher, teacher));
  CHECK(test::message_of<shape_error>([&] {
          detail::require_hidden_nodes("f", teacher, decltype(teacher)({3, 3, 5, 2}));
        }) == "f: width 1 of the student is 3, expected at least 4");
  CHECK(test::message_of<shape_error>([&] {
          detail::require_hidden_nodes("f", teacher, decltype(teacher)({3, 4, 4, 2}));
        }) == "f: width 2 of the student is 4, expected at least 5");
}

}  // namespace
