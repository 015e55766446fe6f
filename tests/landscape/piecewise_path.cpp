#include <cstddef>
#include <string>
#include <vector>

#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/model/residual.hpp>

#include "support/close_to.hpp"
#include "support/network_of.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using any_net = mlp<double, relu, dynamic, dynamic, dynamic>;
using sloped_net = mlp<double, leaky_relu<dynamic_slope>, dynamic, dynamic, dynamic>;

}  // namespace

TEST_CASE("a point of a segment is arithmetic on all weights, biases with them") {
  const auto a = random_network<any_net>({3, 4, 2}, 1), b = random_network<any_net>({3, 4, 2}, 2);
  const auto line = straight_line(a, b);
  REQUIRE(line.segments() == 1);
  CHECK(line.kinds() == "s");
  const any_net middle = line.at(0, 0.25);
  for (std::size_t i = 0; i < 4; ++i) {  // the bias row is the last
    for (std::size_t k = 0; k < 4; ++k) {
      const double expected =
          0.75 * a.layer<1>().weights()(i, k) + 0.25 * b.layer<1>().weights()(i, k);
      CHECK(middle.layer<1>().weights()(i, k) == expected);
    }
  }
  CHECK(middle.layer<2>().bias()[1] ==
        0.75 * a.layer<2>().bias()[1] + 0.25 * b.layer<2>().bias()[1]);
}

TEST_CASE("ends, and what is equal at both, are exact") {
  const auto a = random_network<any_net>({3, 4, 2}, 1);
  auto b = random_network<any_net>({3, 4, 2}, 2);
  b.layer<1>().weights()(2, 3) = a.layer<1>().weights()(2, 3);
  const auto line = straight_line(a, b);
  const auto equal = [](const any_net& p, const any_net& q) {
    return to_matrix(p.layer<1>().weights()) == to_matrix(q.layer<1>().weights()) &&
           to_matrix(p.layer<2>().weights()) == to_matrix(q.layer<2>().weights());
  };
  CHECK(equal(line.at(0, 0), a));
  CHECK(equal(line.at(0, 1), b));
  for (int i = 1; i < 50; ++i) {
    REQUIRE(line.at(0, i / 50.0).layer<1>().weights()(2, 3) == a.layer<1>().weights()(2, 3));
  }
}

TEST_CASE("segments are appended, and those of another path backwards") {
  const auto a = random_network<any_net>({2, 3, 1}, 1), b = random_network<any_net>({2, 3, 1}, 2),
             c = random_network<any_net>({2, 3, 1}, 3);
  piecewise_path path(a);
  CHECK(path.segments() == 0);
  path.append(segment_kind::top, b);
  piecewise_path back(a);
  back.append(segment_kind::transfer, c);
  back.append(segment_kind::unseen, b);
  path.append_reversed(back);
  CHECK(path.kinds() == "abc");
  REQUIRE(path.vertices().size() == 4);
  CHECK(path.vertices()[2].layer<1>().weights()(0, 0) == c.layer<1>().weights()(0, 0));
  CHECK(path.vertices()[3].layer<1>().weights()(0, 0) == a.layer<1>().weights()(0, 0));
  CHECK(path.kind(2) == segment_kind::transfer);
}

TEST_CASE("a path goes back only along one that ends where it does") {
  const auto a = random_network<any_net>({2, 3, 1}, 1), b = random_network<any_net>({2, 3, 1}, 2);
  auto c = b;
  c.layer<2>().weights()(3, 0) += 1;
  auto path = straight_line(a, b);
  CHECK(message_of<argument_error>([&] { path.append_reversed(straight_line(a, c)); }) ==
        "append_reversed: the last vertices differ in row 3 of parameter matrix 2");
  CHECK(message_of<argument_error>([&] { path.append_reversed(piecewise_path(c)); }) ==
        "append_reversed: the last vertices differ in row 3 of parameter matrix 2");
  CHECK(message_of<shape_error>([&] {
          path.append_reversed(piecewise_path(any_net({2, 4, 1})));
        }) == "piecewise_path: width 1 is 3 in one network and 4 in the other");
  CHECK(path.kinds() == "s");
  path.append_reversed(path);
  CHECK(path.kinds() == "ss");
  CHECK(path.vertices()[2].layer<1>().weights()(0, 0) == a.layer<1>().weights()(0, 0));
}

TEST_CASE("static widths and float") {
  using net = mlp<float, leaky_relu<>, 2, 3, 1>;
  net a, b;
  b.layer<1>().weights()(0, 0) = 1;
  CHECK(straight_line(a, b).at(0, 0.5).layer<1>().weights()(0, 0) == 0.5F);
}

TEST_CASE("layers that are not dense") {
  using inside = dense<double, 2, 2, identity>;
  using top = dense<double, 2, 1, identity>;
  using net = network<residual<inside>, top>;
  net a{residual<inside>{inside{}}, top{}};
  net b = a;
  const auto inner = [](net& of) {
    std::vector<matrix_view<double>> W;
    of.for_each_parameter([&](const auto& m) { W.push_back(m); });
    return W;
  };
  inner(b)[0](0, 1) = 4;
  inner(b)[1](0, 0) = inner(b)[1](1, 0) = 1;
  auto x = make_matrix<double>(1, 2);
  x(0, 0) = 1;
  // f = t (x_0 + 4 t x_0) at x_1 = 0
  for (const double t : {0.0, 0.25, 0.5, 1.0}) {
    CHECK(straight_line(a, b).at(0, t)(x)(0, 0) == t * (1 + 4 * t));
  }
}

TEST_CASE("what makes no path") {
  const any_net a({2, 3, 1}), wide({2, 4, 1});
  CHECK(message_of<shape_error>([&] { straight_line(a, wide); }) ==
        "piecewise_path: width 1 is 3 in one network and 4 in the other");
  const sloped_net s({2, 3, 1}, leaky_relu<dynamic_slope>(0.1)),
      t({2, 3, 1}, leaky_relu<dynamic_slope>(0.2));
  CHECK(message_of<argument_error>([&] { straight_line(s, t); }) ==
        "piecewise_path: the slope of layer 1 is 0.1 in one network and 0.2 in the other");
  const auto line = straight_line(a, a);
  CHECK(message_of<argument_error>([&] { static_cast<void>(line.at(1, 0)); }) ==
        "piecewise_path: segment 1, there are 1");
  CHECK(message_of<argument_error>([&] { static_cast<void>(line.at(0, 1.5)); }) ==
        "piecewise_path: t is 1.5, expected 0 to 1");
}
