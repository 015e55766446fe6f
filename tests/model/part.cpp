// What network and residual make of layers and parts.
#include <tutelage/model/part.hpp>

#include <concepts>
#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/flatten.hpp>
#include <tutelage/model/gated.hpp>
#include <tutelage/model/pool.hpp>
#include <tutelage/model/residual.hpp>

#include "support/layer_stack.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class Network, std::size_t l>
using layer_of = typename Network::template layer_type<l>;

}  // namespace

TEST_CASE("a network as it is typed: every part becomes a layer above the one below") {
  network net{conv2d<float>({1, 28, 28}, {.filters = 16, .size = 3, .padding = 1}),
              batch_norm<float>(16),
              gated<relu>(),
              average_pool<float>({.size = 2}),
              flatten(),
              residual{dense<float, dynamic, dynamic, relu>(3136, 7),
                       dense<float, dynamic, dynamic, identity>(7, 3136)},
              dense<float>(3136, 10)};
  using Net = decltype(net);
  static_assert(std::same_as<layer_of<Net, 2>, batch_norm<float, dynamic, image_shape>>);
  static_assert(std::same_as<layer_of<Net, 3>, gated<relu, float, dynamic, image_shape>>);
  static_assert(std::same_as<layer_of<Net, 4>, average_pool<float, image_shape>>);
  static_assert(std::same_as<layer_of<Net, 5>, flatten<float>>);
  static_assert(std::same_as<layer_of<Net, 7>, dense<float, dynamic, dynamic, identity>>);
  CHECK(net.widths() == std::array<std::size_t, 8>{784, 12544, 12544, 12544, 3136, 3136, 3136, 10});
  CHECK(net.layer<3>().out_image() == image_shape{16, 28, 28});
  CHECK(net.layer<4>().out_image() == image_shape{16, 14, 14});

  stream random = random_stream(1);
  randomize_parameters(net, random);
  const auto x = random_matrix<float>(2, 784, random);
  CHECK(net(x).shape(1) == 10);
  const Net copy(net);
  CHECK(copy(x) == net(x));
}

TEST_CASE("parts above nodes take their widths, static ones too") {
  network net{dense<double, 4, 3>(), batch_norm<double, 3>(), gated<relu>(), flatten()};
  using Net = decltype(net);
  static_assert(std::same_as<layer_of<Net, 3>, gated<relu, double, 3>>);
  static_assert(std::same_as<layer_of<Net, 4>, flatten<double, 3>>);
  static_assert(Net::out_extent == 3);
  // The type can be written with parts, and then needs no arguments where all widths are static.
  const network<dense<double, 4, 3>, gated<leaky_relu<>>, dense<double, 3, 1>> written;
  static_assert(std::same_as<layer_of<decltype(written), 2>, gated<leaky_relu<>, double, 3>>);
  CHECK(written.out_width() == 1);
  // A gate that holds a number keeps it.
  const network sloped(dense<double>(2, 2), gated(leaky_relu<dynamic_slope>(0.25)));
  CHECK(sloped.layer<2>().gate().slope() == 0.25);
}

TEST_CASE("static and dynamic stacks have the same bits") {
  stream random = random_stream(2);
  network fixed{
      dense<double, 4, 3>(), batch_norm<double, 3>(), gated<relu>(),
      residual{dense<double, 3, 5, relu>(), batch_norm<double, 5>(), dense<double, 5, 3>()},
      dense<double, 3, 2>()};
  network open{dense<double>(4, 3), batch_norm<double>(3), gated<relu>(),
               residual{dense<double, dynamic, dynamic, relu>(3, 5), batch_norm<double>(5),
                        dense<double>(5, 3)},
               dense<double>(3, 2)};
  const auto x = random_matrix<double>(9, 4, random), y = random_matrix<double>(9, 2, random);
  const auto pass = [&](auto& net) {
    stream own = random_stream(3);
    randomize_parameters(net, own);
    activations<std::remove_cvref_t<decltype(net)>> kept;
    gradients<std::remove_cvref_t<decltype(net)>> found;
    const matrix_view<const double> f = net.forward(training{}, x, kept);
    std::vector<matrix<double>> result{to_matrix(f)};
    net.backward(x, kept, error_of<double>(y, f), found);
    for (std::size_t p = 0; p < net.parameters; ++p) {
      result.push_back(to_matrix(found.parameter(p)));
    }
    result.push_back(net(x));
    return result;
  };
  CHECK(pass(fixed) == pass(open));
}

TEST_CASE("a residual block that begins with a part waits for what is below") {
  network net(conv2d<double>({2, 5, 5}, {.filters = 3, .size = 3}),
              residual(batch_norm<double>(3), gated<relu>(),
                       conv2d<double>({3, 3, 3}, {.filters = 3, .size = 3, .padding = 1})),
              residual(gated<relu>(), residual(gated<relu>(), batch_norm<double>(3))), flatten(),
              dense<double>(27, 2));
  CHECK(net.layer<2>().out_image() == image_shape{3, 3, 3});
  CHECK(net.layer<2>().inner().layer<1>().out_image() == image_shape{3, 3, 3});
  CHECK(net.layer<3>().in_width() == 27);
  // Above nodes the same part normalizes nodes.
  network nodes(dense<double>(4, 3), residual(batch_norm<double>(3), dense<double>(3, 3)));
  CHECK(nodes.layer<2>().in_width() == 3);
}

TEST_CASE("a layer that is put above another keeps its numbers") {
  batch_norm<double> bn(2);
  bn.gamma()[1] = 5;
  bn.running_mean()[0] = 7;
  const network net(conv2d<double>({1, 3, 3}, {.filters = 2, .size = 2}), bn);
  CHECK(net.layer<2>().gamma()[1] == 5);
  CHECK(net.layer<2>().running_mean()[0] == 7);
}

TEST_CASE("what does not fit is said with its numbers") {
  const conv2d<double> images({1, 4, 4}, {.filters = 8, .size = 3});
  CHECK(message_of<shape_error>([&] { network(images, batch_norm<double>(16)); }) ==
        "batch_norm: 16 channels, the layer below gives images of 8x2x2");
  CHECK(message_of<shape_error>([&] { network(images, average_pool<double>({.size = 3})); }) ==
        "pool: windows of 3 on images of 8x2x2 with padding 0");
  CHECK(message_of<shape_error>([&] { network(images, flatten(), dense<double>(31, 2)); }) ==
        "network: layer 3 takes 31 inputs, layer 2 gives 32");
  CHECK(message_of<shape_error>([&] {
          network(images, residual(gated<relu>(), flatten(), dense<double>(32, 30)));
        }) == "residual: the block takes 32 numbers and gives 30");
}
