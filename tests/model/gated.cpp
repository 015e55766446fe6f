#include <tutelage/model/gated.hpp>

#include <tutelage/model/network.hpp>

#include "support/layer_stack.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

}  // namespace

TEST_CASE("a gate of its own does what a dense layer's does, to the last bit") {
  stream random = random_stream(1);
  const auto x = random_matrix<double>(9, 5, random), y = random_matrix<double>(9, 3, random);
  network fused(dense<double, dynamic, dynamic, leaky_relu<>>(5, 7), dense<double>(7, 3));
  network apart(dense<double>(5, 7), gated<leaky_relu<>>(), dense<double>(7, 3));
  randomize(fused, random);
  copy(fused.layer<1>().weights(), apart.layer<1>().weights());
  copy(fused.layer<2>().weights(), apart.layer<3>().weights());

  activations<decltype(fused)> of_fused;
  activations<decltype(apart)> of_apart;
  gradients<decltype(fused)> fused_found;
  gradients<decltype(apart)> apart_found;
  const matrix_view<const double> f = fused.forward(x, of_fused);
  CHECK(to_matrix(f) == to_matrix(apart.forward(x, of_apart)));
  const auto error = error_of<double>(y, f);
  fused.backward(x, of_fused, error, fused_found);
  apart.backward(x, of_apart, error, apart_found);
  CHECK(to_matrix(fused_found.dW<1>()) == to_matrix(apart_found.dW<1>()));
  CHECK(to_matrix(fused_found.dW<2>()) == to_matrix(apart_found.dW<3>()));
}

TEST_CASE("gated at the top: its gate is applied to what comes from the loss") {
  stream random = random_stream(2);
  network net(dense<double>(4, 3), gated<relu>());
  randomize_parameters(net, random);
  const auto x = random_matrix<double>(6, 4, random), y = random_matrix<double>(6, 3, random);
  CHECK(worst_gradient(net, x, y, 15, random) < 100);
}

TEST_CASE("gated: errors") {
  using any = gated<relu, double>;
  CHECK(message_of<shape_error>([] { any(0); }) ==
        "gated: width 0, expected a number of at least 1");
  CHECK(message_of<shape_error>([] { gated<relu, double, 3>(4); }) ==
        "extent: got width 4, expected 3");
  any::tape kept;
  CHECK(message_of<shape_error>([&] { any(4).forward(make_matrix<double>(2, 3), kept); }) ==
        "forward: x is (2x3), expected (2x4)");
}
