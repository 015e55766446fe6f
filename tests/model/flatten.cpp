#include <tutelage/model/flatten.hpp>

#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/network.hpp>

#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

}  // namespace

TEST_CASE("flatten moves no number, and what it gives are nodes") {
  stream random = random_stream(1);
  network net(conv2d<double>({1, 4, 4}, {.filters = 2, .size = 3}), flatten());
  static_assert(image_layer<decltype(net)::layer_type<1>>);
  static_assert(!image_layer<decltype(net)::layer_type<2>>);
  net.for_each_parameter([&](auto W) { fill_random(W, random); });
  const auto x = random_matrix<double>(3, 16, random);
  activations<decltype(net)> kept;
  net.forward(x, kept);
  CHECK(to_matrix(kept.f<1>()) == to_matrix(kept.f<2>()));
  CHECK(message_of<shape_error>([] { flatten<double>(0); }) ==
        "flatten: width 0, expected a number of at least 1");
  flatten<double>::tape own;
  CHECK(message_of<shape_error>([&] { flatten<double>(5).forward(x, own); }) ==
        "forward: x is (3x16), expected (3x5)");
}
