#include <tutelage/theory/population/parameters.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using biased = two_layer<double, relu, dynamic, dynamic, dynamic, with_bias>;
using bare = two_layer<double, relu, dynamic, dynamic, dynamic>;

std::vector<double> counted(std::size_t n) {
  std::vector<double> v(n);
  std::iota(v.begin(), v.end(), 1.0);
  return v;
}

template <class FanOut, class Network>
void check_order(Network net, std::size_t lower, std::size_t all) {
  const std::size_t count = FanOut::layers == 1 ? lower : all;
  REQUIRE(parameter_count<FanOut>(net) == count);
  const auto numbers = counted(count);
  write_parameters<FanOut>(std::span<const double>(numbers), net);
  double next = 1;
  net.for_each_layer([&](const auto& l, std::size_t number) {
    for (std::size_t i = 0; i < l.weights().rows(); ++i) {
      for (const double w : l.weights().row(i)) CHECK(w == (number <= FanOut::layers ? next++ : 0));
    }
  });
  std::vector<double> back(count);
  read_parameters<FanOut>(net, std::span<double>(back));
  CHECK(back == numbers);
}

}  // namespace

TEST_CASE("parameters: row by row, the lower layer first, there and back") {
  check_order<fixed_fan_out>(bare({3, 5, 2}), 15, 25);
  check_order<trained_fan_out>(bare({3, 5, 2}), 15, 25);
  check_order<fixed_fan_out>(biased({3, 5, 2}), 20, 32);
  check_order<trained_fan_out>(biased({3, 5, 2}), 20, 32);
}

TEST_CASE("parameters: a gradient has the order of the weights") {
  stream random = random_stream(1);
  biased net({3, 5, 2});
  randomize(net, random);
  activations<biased> kept;
  gradients<biased> found;
  const auto x = random_matrix<double>(7, 3, random);
  net.forward(x, kept);
  net.backward(x, kept, random_matrix<double>(7, 2, random), found);
  biased expected({3, 5, 2});
  copy(found.dW<1>(), matrix_view<double>(expected.layer<1>().weights()));
  copy(found.dW<2>(), matrix_view<double>(expected.layer<2>().weights()));
  std::vector<double> lower(20), all(32), of_expected(32);
  read_parameters<fixed_fan_out>(found, std::span<double>(lower));
  read_parameters<trained_fan_out>(found, std::span<double>(all));
  read_parameters<trained_fan_out>(expected, std::span<double>(of_expected));
  CHECK(all == of_expected);
  CHECK(std::equal(lower.begin(), lower.end(), all.begin()));
}

TEST_CASE("parameters: vectors of another size, gradients that nobody computed") {
  biased net({3, 5, 2});
  gradients<biased> found;
  std::vector<double> v(32);
  const auto first = [&](std::size_t n) { return std::span(v).first(n); };
  const auto none = "read_parameters: room for 32, the gradient has 0";
  CHECK(message_of<shape_error>([&] { read_parameters<trained_fan_out>(found, first(32)); }) ==
        none);
  CHECK_THROWS_AS(read_parameters<fixed_fan_out>(found, first(0)), shape_error);
  activations<biased> kept;
  const auto x = make_matrix<double>(1, 3);
  net.forward(x, kept);
  net.backward(x, kept, make_matrix<double>(1, 2), found);
  for (const std::size_t n : {0U, 20U, 31U}) {
    CHECK(message_of<shape_error>([&] { read_parameters<trained_fan_out>(found, first(n)); }) ==
          detail::text("read_parameters: room for ", n, ", the gradient has 32"));
    CHECK(message_of<shape_error>([&] { read_parameters<trained_fan_out>(net, first(n)); }) ==
          detail::text("read_parameters: room for ", n, ", expected 32"));
    CHECK(message_of<shape_error>([&] {
            write_parameters<trained_fan_out>(std::span<const double>(first(n)), net);
          }) == detail::text("write_parameters: got ", n, ", expected 32"));
  }
  CHECK_THROWS_AS(read_parameters<fixed_fan_out>(found, first(21)), shape_error);
}
