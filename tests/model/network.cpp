#include <tutelage/model/network.hpp>

#include <complex>
#include <tutelage/core/parallel.hpp>

#include "support/network_case.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

template <class T>
using dynamic_mlp = mlp<T, relu, dynamic, dynamic, dynamic>;

}  // namespace

TEST_CASE_TEMPLATE("network: dynamic widths", T, float, double, long double, std::complex<double>) {
  auto random = random_stream(1);
  std::size_t judged = 0, all = 0;
  for (const std::size_t w : dynamic_widths()) {
    for (const std::size_t N : {1U, 2U, 17U}) {
      for (const auto& widths :
           std::vector<std::array<std::size_t, 3>>{{w, 5, 3}, {4, w, 2}, {3, 10, w}, {1, w, 1}}) {
        dynamic_mlp<T> net(widths);
        randomize(net, random);
        INFO("widths ", widths[0], " ", widths[1], " ", widths[2], ", batch ", N);
        judged += check_passes(net, random_matrix<T>(N, widths[0], random),
                               random_matrix<T>(N, widths[2], random));
        ++all;
      }
    }
  }
  // In float, a few of some 75,000 gates are too near to 0 to be known.
  CHECK(judged >= (std::is_same_v<T, float> ? all - all / 10 : all));
}

TEST_CASE("network: the smallest") {
  mlp<double, relu, 1, 1> net;
  net.layer<1>().weights()(0, 0) = 2;
  net.layer<1>().weights()(1, 0) = -3;
  CHECK(net(matrix<double>{{1}, {5}, {-1}}) == matrix<double>{{-1}, {7}, {-5}});
  CHECK(net(make_matrix<double>(0, 1)).shape(0) == 0);
}

TEST_CASE("network: layers, widths and views") {
  using type = mlp<double, leaky_relu<>, 4, dynamic, 2>;
  type net({4, 3, 2});
  static_assert(type::depth == 2 && type::in_extent == 4 && type::out_extent == 2);
  CHECK(net.in_width() == 4);
  CHECK(net.out_width() == 2);
  CHECK(net.widths() == std::array<std::size_t, 3>{4, 3, 2});
  CHECK(net.layer<1>().weights().rows() == 5);
  CHECK(net.layer<2>().weights().rows() == 4);
  std::vector<std::size_t> numbers, outs;
  const auto note = [&](const auto& l, std::size_t number) {
    numbers.push_back(number);
    outs.push_back(l.out_width());
  };
  net.for_each_layer(note);
  std::as_const(net).for_each_layer(note);
  CHECK(numbers == std::vector<std::size_t>{1, 2, 1, 2});
  CHECK(outs == std::vector<std::size_t>{3, 2, 3, 2});
  // All weights are zero at first: so is every output.
  CHECK(net(matrix<double>{{1, 2, 3, 4}}) == matrix<double>{{0, 0}});
}

TEST_CASE("network: a gate's number reaches the hidden layers") {
  using type = mlp<double, leaky_relu<dynamic_slope>, 2, 3, 3, 1>;
  const type net({2, 3, 3, 1}, leaky_relu<dynamic_slope>(0.3));
  CHECK(net.layer<1>().gate().slope() == 0.3);
  CHECK(net.layer<2>().gate().slope() == 0.3);
  CHECK(net.layer<3>().gate().slope() == 1);
  CHECK(type({2, 3, 3, 1}).layer<2>().gate().slope() == 0.01);
}

TEST_CASE("network: from layers") {
  using first = dense<double, dynamic, dynamic, relu>;
  using second = dense<double, dynamic, 2, identity, no_bias>;
  first below(3, 10);
  below.weights()(3, 9) = 7;
  const network<first, second> net(below, second(10, 2));
  CHECK(net.layer<1>().weights()(3, 9) == 7);
  CHECK(net.widths() == std::array<std::size_t, 3>{3, 10, 2});
  using type = network<first, second>;
  CHECK_THROWS_WITH_AS(type(first(3, 10), second(12, 2)),
                       "network: layer 2 takes 12 inputs, layer 1 gives 10", shape_error);
  using three = network<first, first, second>;
  CHECK_THROWS_WITH_AS(three(first(3, 4), first(4, 5), second(6, 2)),
                       "network: layer 3 takes 6 inputs, layer 2 gives 5", shape_error);
}

TEST_CASE("network: widths that are wrong") {
  using mixed = mlp<double, relu, 4, dynamic, 2>;
  CHECK_THROWS_WITH_AS(mixed({3, 5, 2}), "network: width 0 is 3, expected 4", shape_error);
  CHECK_THROWS_WITH_AS(mixed({4, 5, 1}), "network: width 2 is 1, expected 2", shape_error);
  CHECK_THROWS_WITH_AS(mixed({4, 0, 2}), "dense: (4x0), expected numbers of at least 1",
                       shape_error);
  CHECK_THROWS_WITH_AS(mixed({dynamic, 5, 2}), "network: width 0 is dynamic, expected 4",
                       shape_error);
  CHECK_THROWS_WITH_AS(mixed({4, dynamic, 2}), "dense: (4xdynamic), expected numbers of at least 1",
                       shape_error);
  using fixed = mlp<double, relu, 4, 5, 2>;
  CHECK_THROWS_WITH_AS(fixed({4, 7, 2}), "network: width 1 is 7, expected 5", shape_error);
  CHECK(fixed({4, 5, 2}).widths() == fixed().widths());
  for (const std::size_t takes : {4U, 6U}) {
    CHECK_THROWS_WITH_AS(
        network(dense<double>(3, 5), dense<double>(takes, 2)),
        ("network: layer 2 takes " + std::to_string(takes) + " inputs, layer 1 gives 5").c_str(),
        shape_error);
  }
}

TEST_CASE("network: inputs and gradients that do not fit") {
  const dynamic_mlp<double> net({3, 4, 2});
  activations<dynamic_mlp<double>> kept;
  gradients<dynamic_mlp<double>> found;
  const auto m = [](std::size_t rows, std::size_t cols) { return make_matrix<double>(rows, cols); };
  CHECK_THROWS_WITH_AS(net.forward(m(4, 2), kept), "forward: x is (4x2), expected (4x3)",
                       shape_error);
  CHECK_THROWS_WITH_AS(net(m(4, 5)), "forward: x is (4x5), expected (4x3)", shape_error);
  CHECK_THROWS_WITH_AS(net.backward(m(4, 3), kept, m(4, 2), found),
                       "backward: x is (4x3), expected (0x3)", shape_error);
  net.forward(m(4, 3), kept);
  CHECK_THROWS_WITH_AS(net.backward(m(5, 3), kept, m(4, 2), found),
                       "backward: x is (5x3), expected (4x3)", shape_error);
  CHECK_THROWS_WITH_AS(net.backward(m(4, 4), kept, m(4, 2), found),
                       "backward: x is (4x4), expected (4x3)", shape_error);
  CHECK_THROWS_WITH_AS(net.backward(m(4, 3), kept, m(3, 2), found),
                       "backward: grad_out is (3x2), expected (4x2)", shape_error);
  CHECK_THROWS_WITH_AS(net.backward(m(4, 3), kept, m(4, 12), found),
                       "backward: grad_out is (4x12), expected (4x2)", shape_error);
  net.forward(m(0, 3), kept);
  CHECK_THROWS_WITH_AS(net.backward(m(0, 3), kept, m(0, 2), found), "backward: the batch is empty",
                       shape_error);
}

TEST_CASE("activations: outputs by layer number") {
  auto random = random_stream(3);
  dynamic_mlp<double> net({3, 4, 2});
  randomize(net, random);
  activations<dynamic_mlp<double>> kept;
  CHECK(kept.batch() == 0);
  const auto x = random_matrix<double>(5, 3, random);
  const auto f = net.forward(x, kept);
  CHECK(kept.batch() == 5);
  CHECK(f.data() == kept.f<2>().data());
  CHECK(kept.f(1).data() == kept.f<1>().data());
  CHECK(kept.f(1).cols() == 4);
  CHECK(kept.f(2).cols() == 2);
  CHECK_THROWS_WITH_AS(void(kept.f(0)), "activations: layer 0, expected 1 to 2", shape_error);
  CHECK_THROWS_WITH_AS(void(kept.f(3)), "activations: layer 3, expected 1 to 2", shape_error);
  // A smaller batch after a larger one is what it is alone.
  const auto first_two = to_matrix(matrix_view(x).middle_rows(0, 2));
  const auto alone = net(first_two);
  CHECK(to_matrix(net.forward(first_two, kept)) == alone);
  CHECK(kept.batch() == 2);
  // A copy keeps what it had.
  const auto copied = kept;
  net.forward(x, kept);
  CHECK(copied.batch() == 2);
  CHECK(to_matrix(copied.f<2>()) == alone);
}

TEST_CASE("network: copies are independent") {
  auto random = random_stream(4);
  mlp<double, relu, 3, 4, 2> original;
  randomize(original, random);
  const auto x = random_matrix<double>(5, 3, random);
  const auto before = original(x);
  const auto copied = original;
  original.for_each_layer([](auto& l, std::size_t) { l.weights()(0, 0) += 1; });
  CHECK(copied(x) == before);
  CHECK(original(x) != before);
}

TEST_CASE("network: what was moved from has no weights, and takes others") {
  mlp<double, relu, dynamic, dynamic, dynamic> net({3, 4, 2});
  net.layer<1>().weights()(3, 3) = 5;
  auto taken = std::move(net);
  CHECK(taken.layer<1>().weights()(3, 3) == 5);
  CHECK_THROWS_WITH_AS(net(make_matrix<double>(1, 3)),
                       "dense: the weights were moved to another layer", argument_error);
  net = decltype(net)({2, 2, 1});
  CHECK(net(matrix<double>{{1, 1}}) == matrix<double>{{0}});
}

TEST_CASE("network: any number of threads run one network") {
  auto random = random_stream(5);
  dynamic_mlp<double> net({10, 33, 5});
  randomize(net, random);
  const auto x = random_matrix<double>(64, 10, random);
  const auto expected = net(x);
  for (const auto& f : parallel_map(16, 4, [&](std::size_t) { return net(x); })) {
    CHECK(f == expected);
  }
}

TEST_CASE("network: a NaN reaches the outputs of its sample and no other") {
  auto random = random_stream(6);
  for (const std::size_t w : dynamic_widths()) {
    mlp<double, relu, 4, dynamic, dynamic, 3> net({4, w, w, 3});
    randomize(net, random);
    auto x = random_matrix<double>(5, 4, random);
    const auto clean = net(x);
    x(2, 1) = std::numeric_limits<double>::quiet_NaN();
    const auto f = net(x);
    for (std::size_t i = 0; i < 5; ++i) {
      for (std::size_t k = 0; k < 3; ++k) {
        CHECK((i == 2 ? std::isnan(f(i, k)) : f(i, k) == clean(i, k)));
      }
    }
  }
}
