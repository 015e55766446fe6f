#include <cstddef>
#include <ratio>
#include <tutelage/gradient/deepen.hpp>
#include <tutelage/gradient/rule.hpp>
#include <vector>

#include "support/network_of.hpp"
#include "support/rule_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T, class Gate>
using any = dense<T, dynamic, dynamic, Gate>;

template <std::size_t Depth, class Network>
void check_same(const Network& net, const matrix<typename Network::value_type>& x) {
  const auto deeper = deepen<Depth>(net);
  static_assert(std::remove_cvref_t<decltype(deeper)>::depth == Depth);
  CHECK(deeper(x) == net(x));
}

}  // namespace

TEST_CASE_TEMPLATE("the same function with more layers", T, float, double, long double) {
  stream random = random_stream(1);
  const auto x = random_matrix<T>(20, 5, random);
  using relu_net = mlp<T, relu, dynamic, dynamic, dynamic, dynamic>;
  const auto net = random_network<relu_net>({5, 7, 6, 3}, 2);
  check_same<3>(net, x);
  check_same<4>(net, x);
  check_same<6>(net, x);
  // Only the topmost hidden layer is copied.
  using mixed = network<any<T, leaky_relu<>>, any<T, relu>, any<T, identity>>;
  check_same<5>(random_network<mixed>({5, 7, 6, 3}, 3), x);
  using linear = mlp<T, identity, dynamic, dynamic, dynamic>;
  check_same<4>(random_network<linear>({5, 7, 3}, 4), x);
}

TEST_CASE("static widths stay static") {
  const mlp<double, relu, 5, 4, 3> net;
  using deeper = decltype(deepen<4>(net));
  CHECK(deeper::layer_type<2>::in_extent == 4);
  CHECK(deeper::layer_type<3>::out_extent == 4);
  CHECK(deeper::layer_type<4>::out_extent == 3);
}

TEST_CASE("a deeper student of a deepened teacher") {
  using three = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
  using five = mlp<double, relu, dynamic, dynamic, dynamic, dynamic, dynamic, dynamic>;
  const auto teacher = deepen<5>(random_network<three>({4, 5, 6, 3}, 5));
  const auto student = random_network<five>({4, 9, 8, 7, 6, 3}, 6);
  stream random = random_stream(7);
  const auto x = random_matrix<double>(3, 4, random);
  const rule_case<double> expected(reference::plain(teacher), reference::plain(student), x);
  const auto computed = run_rule(teacher, student, x);
  judge_gradients(computed, expected);
  for (std::size_t i = 0; i < 3; ++i) judge_matrices(computed, expected, i);
}

TEST_CASE("leaky gates are refused, for their copy is not the same function") {
  const auto net =
      random_network<mlp<double, leaky_relu<std::ratio<1, 4>>, dynamic, dynamic, dynamic>>(
          {3, 6, 2}, 8);
  CHECK(message_of<argument_error>([&] { deepen<3>(net); }) ==
        "deepen: layer 1 is leaky with slope 0.25; another such layer would scale what is negative "
        "again");
  using sloped = leaky_relu<dynamic_slope>;
  mlp<double, sloped, dynamic, dynamic, dynamic> closed({3, 6, 2}, sloped(0)),
      open({3, 6, 2}, sloped(0.5));
  stream random = random_stream(9);
  randomize(closed, random);
  check_same<4>(closed, random_matrix<double>(20, 3, random));
  CHECK(deepen<4>(closed).layer<3>().gate().slope() == 0);
  CHECK(message_of<argument_error>([&] { deepen<3>(open); }).find("slope 0.5") !=
        std::string::npos);
}
