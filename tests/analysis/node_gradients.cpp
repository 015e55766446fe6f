#include <cmath>
#include <limits>

#include <tutelage/analysis/node_gradients.hpp>

#include "support/network_case.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

}  // namespace

TEST_CASE_TEMPLATE("gradients of one node, as backpropagation of all samples gives them", T, float,
                   double, long double) {
  mlp<T, leaky_relu<>, 3, 4, 5, 2> teacher;
  mlp<T, leaky_relu<>, 3, 7, 6, 2> student;
  stream random = random_stream(1);
  randomize(teacher, random);
  randomize(student, random);
  const auto x = random_matrix<T>(300, 3, random);
  const auto passes = run_passes(student, x, teacher(x));
  const network_case<T> expected(reference::plain(student), x, teacher(x));
  for (const std::size_t k : {0U, 3U, 6U}) {
    const auto found = node_gradients(teacher, student, k, x);
    REQUIRE(found.size() == 300);
    for (std::size_t i = 0; i < 300; ++i) {
      const auto gauge = static_cast<double>(expected.gauges.g[1](i, k));
      CHECK(close_to(
          found[i], static_cast<double>(passes.g[0](i, k)),
          expected.roundings * static_cast<double>(epsilon<T>) * gauge + epsilon<double> * gauge));
    }
  }
}

TEST_CASE("nodes and networks that do not fit, and values that are not numbers") {
  mlp<double, relu, 3, 4, 2> teacher;
  mlp<double, relu, 3, 5, 2> student;
  stream random = random_stream(2);
  randomize(teacher, random);
  randomize(student, random);
  auto x = random_matrix<double>(4, 3, random);
  CHECK(message_of<shape_error>([&] { node_gradients(teacher, student, 5, x); }) ==
        "node_gradients: node 5, expected one below 5");
  CHECK_THROWS_AS(node_gradients(mlp<double, relu, 3, 4, dynamic>({3, 4, 1}), student, 0, x),
                  shape_error);
  CHECK(node_gradients(teacher, student, 4, make_matrix<double>(0, 3)).empty());
  x(2, 2) = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(node_gradients(teacher, student, 0, x), argument_error);
}
