#include <tutelage/model/residual.hpp>

#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/train/loss.hpp>
#include <tutelage/train/train.hpp>

#include "support/layer_stack.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

using any = dense<double>;
using any_relu = dense<double, dynamic, dynamic, relu>;

}  // namespace

TEST_CASE("residual: x + F(x), static as dynamic") {
  stream random = random_stream(1);
  residual block{any_relu(4, 6), any(6, 4)};
  residual fixed{dense<double, 4, 6, relu>(), dense<double, 6, 4>()};
  randomize(block.inner(), random);
  copy(block.inner().layer<1>().weights(), fixed.inner().layer<1>().weights());
  copy(block.inner().layer<2>().weights(), fixed.inner().layer<2>().weights());
  const auto x = random_matrix<double>(5, 4, random);
  auto expected = block.inner()(x);
  for (std::size_t i = 0; i < x.size(); ++i) expected.data()[i] += x.data()[i];
  decltype(block)::tape kept;
  decltype(fixed)::tape of_fixed;
  CHECK(to_matrix(block.forward(x, kept)) == expected);
  CHECK(to_matrix(fixed.forward(matrix_view<const double, dynamic, 4>(x), of_fixed)) == expected);
}

TEST_CASE("residual: blocks and buffers are named below the block's own name") {
  residual layers{any_relu(2, 3), batch_norm<double>(3), residual{any(3, 3)}, any(3, 2)};
  std::vector<std::string> names;
  const auto note = [&](const tutelage::block<double>& b) { names.push_back(b.name); };
  layers.for_each_block("5.", note);
  layers.for_each_buffer("5.", note);
  // The first layer's gate is module 5.1.
  CHECK(names == std::vector<std::string>{"5.0.weight", "5.0.bias", "5.2.weight", "5.2.bias",
                                          "5.3.0.weight", "5.3.0.bias", "5.4.weight", "5.4.bias",
                                          "5.2.running_mean", "5.2.running_var",
                                          "5.2.num_batches_tracked"});
  static_assert(decltype(layers)::parameters == 4);
  static_assert(moded_layer<decltype(layers)>);
  static_assert(!moded_layer<residual<any_relu, any>>);
}

TEST_CASE("residual: a network of blocks learns, and its normalization is tracked") {
  stream random = random_stream(3);
  network net(any(3, 4), residual(batch_norm<double>(4), gated<relu>(), any(4, 4)), any(4, 2));
  randomize_parameters(net, random);
  const auto x = random_matrix<double>(32, 3, random), y = random_matrix<double>(32, 2, random);
  const auto learn = [&](const auto& optimizer) {
    auto student = net;
    trainer learning(student, mean_squared_error{}, optimizer);
    const double first = learning.step(x, matrix_view<const double>(y));
    for (int step = 0; step < 50; ++step) learning.step(x, matrix_view<const double>(y));
    CHECK(learning.step(x, matrix_view<const double>(y)) < first);
    CHECK(student.layer<2>().inner().layer<1>().num_batches_tracked() == 52);
  };
  learn(sgd{.rate = 0.01});
  learn(adam{.rate = 0.01});
}

TEST_CASE("residual: errors") {
  CHECK(message_of<shape_error>([] { residual{any(4, 3)}; }) ==
        "residual: the block takes 4 numbers and gives 3");
  CHECK(message_of<shape_error>([] {
          residual{any(4, 3), any(5, 4)};
        }) == "network: layer 2 takes 5 inputs, layer 1 gives 3");
  residual block{any(4, 4)};
  decltype(block)::tape kept;
  CHECK(message_of<shape_error>([&] { block.forward(make_matrix<double>(2, 3), kept); }) ==
        "forward: x is (2x3), expected (2x4)");
}
