#include <tutelage/model/batch_norm.hpp>

#include <tutelage/model/gated.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/pool.hpp>
#include <tutelage/train/loss.hpp>
#include <tutelage/train/train.hpp>

#include "support/layer_stack.hpp"
#include "support/oracle.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// Moves the running statistics as a training step does.
template <std::size_t l, class Network>
void track(Network& net, const activations<Network>& kept) {
  net.template layer<l>().track(kept.template tape<l>());
}

matrix<double> row_of(const std::vector<double>& numbers) {
  auto result = make_matrix<double>(1, numbers.size());
  std::copy(numbers.begin(), numbers.end(), result.begin());
  return result;
}

// l is the batch norm's layer; first and top are the dense ones.
template <std::size_t l, class Network>
void check_oracle(Network net, const oracle& known) {
  constexpr std::size_t top = Network::depth;
  const double tolerance = 1e-12;
  const auto close = [&](const matrix_view<const double>& found, const matrix<double>& expected) {
    CHECK(close_to(found, matrix_view(expected), tolerance));
  };
  copy(matrix_view(known.matrix("/W")), net.template layer<1>().weights());
  copy(matrix_view(known.matrix("/U")), net.template layer<top>().weights());
  auto& bn = net.template layer<l>();
  const auto gamma = known.numbers("/gamma"), beta = known.numbers("/beta");
  std::copy(gamma.begin(), gamma.end(), bn.gamma().begin());
  std::copy(beta.begin(), beta.end(), bn.beta().begin());
  const auto x = known.matrix("/x"), y = known.matrix("/y");

  activations<Network> kept;
  gradients<Network> found;
  const auto f = net.forward(training{}, x, kept);
  close(kept.template f<top - 1>(), known.matrix("/hidden"));
  close(f, known.matrix("/output"));
  const matrix_view<const double> out = f;
  const auto error = error_of<double>(y, out);
  double loss = 0;
  for (const double e : error) loss += e * e / 2 / static_cast<double>(x.shape(0));
  CHECK(close_to(loss, known.number("/loss"), tolerance * loss));
  net.backward(x, kept, error, found);
  close(found.template dW<1>(), known.matrix("/dW"));
  close(found.template dW<top>(), known.matrix("/dU"));
  close(found.template dW<l>().middle_rows(0, 1), row_of(known.numbers("/dgamma")));
  close(found.template dW<l>().middle_rows(1, 1), row_of(known.numbers("/dbeta")));

  track<l>(net, kept);
  CHECK(bn.num_batches_tracked() == 1);
  const auto mean = known.numbers("/running_mean"), var = known.numbers("/running_var");
  for (std::size_t c = 0; c < mean.size(); ++c) {
    CHECK(close_to(bn.running_mean()[c], mean[c], tolerance));
    CHECK(close_to(bn.running_var()[c], var[c], tolerance));
  }
  net.forward(x, kept);
  close(kept.template f<top - 1>(), known.matrix("/hidden_eval"));
}

// PyTorch's formulas in plain loops, in long double.
matrix<long double> plain(const batch_norm<float, dynamic, image_shape>& bn,
                          const matrix<float>& x) {
  auto f = make_matrix<long double>(x.shape(0), x.shape(1));
  const std::size_t P = bn.positions();
  for (std::size_t c = 0; c < bn.channels(); ++c) {
    long double mean = 0, var = 0;
    const auto each = [&](auto&& visit) {
      for (std::size_t i = 0; i < x.shape(0); ++i) {
        for (std::size_t p = 0; p < P; ++p) visit(i, c * P + p);
      }
    };
    const long double M = static_cast<long double>(x.shape(0) * P);
    each([&](std::size_t i, std::size_t k) { mean += x(i, k) / M; });
    each([&](std::size_t i, std::size_t k) { var += (x(i, k) - mean) * (x(i, k) - mean) / M; });
    each([&](std::size_t i, std::size_t k) {
      f(i, k) = bn.gamma()[c] * (x(i, k) - mean) / std::sqrt(var + 1e-5L) + bn.beta()[c];
    });
  }
  return f;
}

}  // namespace

TEST_CASE("batch_norm: PyTorch's numbers, before and after the gate") {
  using first = dense<double, dynamic, dynamic, identity>;
  using gated_first = dense<double, dynamic, dynamic, relu>;
  check_oracle<2>(network(first(4, 5), batch_norm<double>(5), gated<relu>(), first(5, 3)),
                  oracle("batch_norm_before_gate"));
  check_oracle<2>(network(gated_first(4, 5), batch_norm<double>(5), first(5, 3)),
                  oracle("batch_norm_after_gate"));
  check_oracle<2>(network(dense<double, 4, 5>(), batch_norm<double, 5>(), gated<relu, double, 5>(),
                          dense<double, 5, 3>()),
                  oracle("batch_norm_before_gate"));
}

TEST_CASE("batch_norm: unbiased variance is tracked") {
  batch_norm<double> bn(1);
  typename batch_norm<double>::tape kept;
  auto x = make_matrix<double>(4, 1);
  for (std::size_t i = 0; i < 4; ++i) x(i, 0) = static_cast<double>(i + 1);
  bn.forward(training{}, x, kept);
  bn.track(kept);
  CHECK(close_to(bn.running_var()[0], 0.9 + 0.1 * 5 / 3, 4 * epsilon<double>));  // 1.0666667
  CHECK(close_to(bn.running_mean()[0], 0.25, 4 * epsilon<double>));
  CHECK(bn.num_batches_tracked() == 1);
}

TEST_CASE("batch_norm: a mean far from 0 costs a float none of its digits") {
  stream random = random_stream(3);
  batch_norm<float, dynamic, image_shape> bn({3, 5, 7});
  auto x = random_matrix<float>(9, 105, random);
  for (float& value : x) value += 100;
  typename decltype(bn)::tape kept;
  const auto f = bn.forward(training{}, x, kept);
  // The mean is rounded to a float, to 100 epsilon / 2; the variance is about 1.
  CHECK(close_to(f, matrix_view(plain(bn, x)), 104 * epsilon<float>));
}

TEST_CASE("batch_norm: static and dynamic nodes have the same bits") {
  stream random = random_stream(4);
  const auto x = random_matrix<double>(11, 7, random), g = random_matrix<double>(11, 7, random);
  const auto pass = [&](auto bn) {
    constexpr std::size_t n = decltype(bn)::in_extent;
    using rows = matrix_view<const double, dynamic, n>;
    stream own = random_stream(5);
    fill_random(parameters_of(bn).at(0), own);
    typename decltype(bn)::tape kept;
    std::vector<matrix<double>> result;
    result.push_back(to_matrix(bn.forward(training{}, rows(x), kept)));
    result.push_back(make_matrix<double>(11, 7));
    bn.backward_input(rows(x), kept, rows(g), matrix_view<double, dynamic, n>(result.back()));
    bn.track(kept);
    result.push_back(to_matrix(bn.forward(rows(x), kept)));
    return result;
  };
  CHECK(pass(batch_norm<double, 7>()) == pass(batch_norm<double>(7)));
}

TEST_CASE("batch_norm: names and shapes of blocks and buffers") {
  const batch_norm<double> bn(3);
  std::vector<std::string> names;
  std::vector<std::size_t> dimensions;
  const auto note = [&](const block<const double>& b) {
    names.push_back(b.name);
    dimensions.push_back(b.shape.size());
    CHECK(b.values.rows() == 1);
    CHECK(b.values.cols() == (b.shape.empty() ? 1 : 3));
  };
  bn.for_each_block("1.", note);
  bn.for_each_buffer("1.", note);
  CHECK(names == std::vector<std::string>{"1.weight", "1.bias", "1.running_mean", "1.running_var",
                                          "1.num_batches_tracked"});
  CHECK(dimensions == std::vector<std::size_t>{1, 1, 1, 1, 0});
}

TEST_CASE("batch_norm: errors") {
  using bn = batch_norm<double>;
  CHECK(message_of<shape_error>([] { bn(0); }) ==
        "batch_norm: 0 nodes, expected a number of at least 1");
  CHECK(message_of<shape_error>([] { batch_norm<double, 3>(4); }) ==
        "extent: got width 4, expected 3");
  CHECK(message_of<argument_error>([] { bn(3, {.eps = 0}); }) ==
        "batch_norm: eps is 0, expected a positive number");
  CHECK(message_of<argument_error>([] { bn(3, {.momentum = 2}); }) ==
        "batch_norm: momentum is 2, expected a number in [0, 1]");
  const average_pool<double, image_shape> images({8, 4, 4}, {.size = 2});
  CHECK(message_of<shape_error>([&] { network(images, bn(16)); }) ==
        "batch_norm: 16 channels, the layer below gives images of 8x2x2");
  CHECK(message_of<shape_error>([&] { network(dense<double>(3, 12), bn(16)); }) ==
        "batch_norm: 16 nodes, the layer below gives 12");
  CHECK(network(images, bn(8)).layer<2>().in_width() == 32);

  bn layer(3);
  bn::tape kept;
  const auto x = make_matrix<double>(1, 3), narrow = make_matrix<double>(4, 2);
  CHECK(message_of<argument_error>([&] { layer.forward(training{}, x, kept); }) ==
        "batch_norm: a batch of 1 numbers a channel has no variance, expected at least 2");
  CHECK(message_of<shape_error>([&] { layer.forward(training{}, narrow, kept); }) ==
        "forward: x is (4x2), expected (4x3)");
  layer.forward(x, kept);
  CHECK(message_of<argument_error>([&] { layer.track(kept); }) ==
        "batch_norm: what is tracked was no forward pass of training");
  const bn moved = std::move(layer);
  CHECK(message_of<argument_error>([&] { layer.forward(x, kept); }) ==
        "batch_norm: the numbers were moved to another layer");
  CHECK(moved.channels() == 3);
  // Two positions are numbers enough.
  const batch_norm<double, dynamic, image_shape> wide({3, 1, 2});
  batch_norm<double, dynamic, image_shape>::tape of_wide;
  CHECK_NOTHROW(wide.forward(training{}, make_matrix<double>(1, 6), of_wide));
}

TEST_CASE("batch_norm: a trainer tracks one batch a step, and evaluation changes nothing") {
  stream random = random_stream(6);
  network net(dense<double>(3, 4), batch_norm<double>(4), gated<relu>(), dense<double>(4, 2));
  randomize_parameters(net, random);
  const auto x = random_matrix<double>(20, 3, random), y = random_matrix<double>(20, 2, random);
  trainer learning(net, mean_squared_error{}, momentum_sgd{.rate = 0.01});
  const double first = learning.step(x, matrix_view<const double>(y));
  for (int step = 1; step < 100; ++step) learning.step(x, matrix_view<const double>(y));
  CHECK(learning.step(x, matrix_view<const double>(y)) < first);
  CHECK(net.layer<2>().num_batches_tracked() == 101);
  // After many steps on one batch both modes agree but for the variance's M/(M-1).
  net(x);
  CHECK(net.layer<2>().num_batches_tracked() == 101);
}
