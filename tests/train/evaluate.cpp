#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/data/images.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/train/evaluate.hpp>

#include "reference/loss.hpp"
#include "reference/network.hpp"
#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/gauge.hpp"
#include "support/idx_content.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

// Around the chunk of 256 rows.
constexpr std::array<std::size_t, 7> row_counts{1, 2, 255, 256, 257, 512, 1000};

template <class Network>
Network random_net(const std::array<std::size_t, Network::depth + 1>& widths) {
  Network net(widths);
  stream random = random_stream(21);
  randomize(net, random);
  return net;
}

// The network's outputs by plain loops in long double.
template <class Network, class T>
matrix<long double> plain_outputs(const Network& net, const matrix<T>& x) {
  return reference::forward(reference::plain(network_cast<long double>(net)), widen(x)).f.back();
}

template <class Network>
void check_outputs(const Network& net) {
  using T = typename Network::value_type;
  const auto weights = weights_of(net);
  const double roundings = output_roundings(weights) * (sizeof(T) == sizeof(long double) ? 2 : 1);
  for (const std::size_t N : row_counts) {
    const auto x = draw_inputs<T>(gaussian_inputs{2}, N, net.in_width(), 3);
    const auto expected = plain_outputs(net, x);
    const auto gauge = output_gauge(weights, widen(x));
    const auto f = outputs(net, x);
    CHECK(within(matrix_view(f), expected, gauge, roundings));
    CHECK(within(matrix_view<const T>(net(x)), expected, gauge, roundings));
    framed<T> padded(x, 2, not_a_number<T>);
    CHECK(outputs(net, padded.view()) == f);
    // One chunk of activations at a time, in order, of the rows that are named.
    std::size_t next = 0;
    for_each_forward(net, x, [&](const auto& rows, std::size_t first, const auto& kept) {
      CHECK(first == next);
      CHECK(rows.data() == matrix_view(x).row(first).data());
      CHECK(kept.batch() == rows.rows());
      CHECK(kept.batch() == std::min(chunk_rows, N - first));
      const auto top = kept.template f<Network::depth>();
      CHECK(std::ranges::equal(top.row(0), matrix_view(f).row(first)));
      next += rows.rows();
    });
    CHECK(next == N);
  }
  const auto none = outputs(net, make_matrix<T>(0, net.in_width()));
  CHECK(none.shape(0) == 0);
  CHECK(none.shape(1) == net.out_width());
}

}  // namespace

TEST_CASE("outputs are the network's, across chunk borders") {
  check_outputs(random_net<mlp<double, relu, 5, 4, 3>>({5, 4, 3}));
  check_outputs(random_net<mlp<float, relu, dynamic, dynamic, dynamic>>({5, 4, 3}));
  check_outputs(random_net<mlp<double, leaky_relu<>, 5, dynamic, 6, dynamic>>({5, 4, 6, 1}));
  check_outputs(random_net<mlp<long double, relu, 3, 2>>({3, 2}));
}

TEST_CASE("outputs for inputs of another width") {
  const auto net = random_net<mlp<double, relu, dynamic, dynamic>>({5, 2});
  CHECK(message_of<shape_error>([&] { outputs(net, make_matrix<double>(300, 4)); }) ==
        "forward: x is (256x4), expected (256x5)");
  CHECK(message_of<shape_error>([&] { outputs(net, make_matrix<double>(3, 6)); }) ==
        "forward: x is (3x6), expected (3x5)");
}

TEST_CASE_TEMPLATE("the mean loss is that of one batch", T, float, double) {
  const auto net = random_net<mlp<T, relu, 5, 4, 3>>({5, 4, 3});
  const auto weights = weights_of(net);
  for (const std::size_t N : row_counts) {
    const auto x = draw_inputs<T>(gaussian_inputs{}, N, 5, 3);
    stream random = random_stream(N);
    const auto y = random_matrix<T>(N, 3, random);
    auto p = y;
    softmax(p);
    std::vector<label> labels(N);
    auto one_hot = make_matrix<long double>(N, 3);
    for (std::size_t i = 0; i < N; ++i) {
      labels[i] = static_cast<label>(random.below(3));
      one_hot(i, labels[i]) = 1;
    }
    // A loss moves by at most |g| times what outputs move, |g| <= |y| + |f| or 2; and by its own
    // roundings, each of a number of that size squared. Chunks are rounded to T.
    const auto f = plain_outputs(net, x);
    const auto gauges = output_gauge(weights, widen(x));
    double gauge = 0;
    for (std::size_t i = 0; i < N; ++i) {
      for (std::size_t k = 0; k < 3; ++k) {
        const auto size = static_cast<double>(2 + std::abs(y(i, k)) + gauges(i, k));
        gauge += size * size / static_cast<double>(N);
      }
    }
    const double tolerance = (output_roundings(weights) + 256) * epsilon<T> * gauge;
    const auto check = [&](const auto& targets, const auto& loss, long double expected) {
      CHECK(close_to(mean_loss(net, data_set(x, targets), loss), static_cast<double>(expected),
                     tolerance));
    };
    check(y, mean_squared_error{}, reference::mean_squared_error(f, widen(y)));
    check(p, cross_entropy{}, reference::cross_entropy(f, widen(p)));
    check(labels, cross_entropy{}, reference::cross_entropy(f, one_hot));
  }
}

TEST_CASE("the mean loss gives every sample the same weight") {
  // 256 samples are lost by 1, one by 1001: chunks of different sizes.
  mlp<double, relu, 1, 1> zero;
  auto y = make_matrix<double>(257, 1);
  for (double& target : y) target = std::sqrt(2.0);
  y(256, 0) = std::sqrt(2 * 1001.0);
  const data_set data(make_matrix<double>(257, 1), y);
  CHECK(close_to(mean_loss(zero, data, mean_squared_error{}), 1257.0 / 257,
                 260 * epsilon<double> * 1257.0 / 257));
}

TEST_CASE_TEMPLATE("accuracy counts labels that are the largest output", T, float, double) {
  // The network is the identity.
  mlp<T, relu, 3, 3> net;
  for (std::size_t k = 0; k < 3; ++k) net.template layer<1>().weights()(k, k) = 1;
  for (const std::size_t N : row_counts) {
    const auto x = draw_inputs<T>(gaussian_inputs{}, N, 3, 9);
    std::vector<label> best(N);
    for (std::size_t i = 0; i < N; ++i) {
      best[i] = static_cast<label>(std::ranges::max_element(matrix_view(x).row(i)) -
                                   matrix_view(x).row(i).begin());
    }
    CHECK(accuracy(net, data_set(x, best)) == 1);
    auto worse = best;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < N; i += 3) {
      worse[i] = (worse[i] + 1) % 3;
      ++wrong;
    }
    CHECK(accuracy(net, data_set(x, worse)) ==
          static_cast<double>(N - wrong) / static_cast<double>(N));
    // Of equal outputs the first counts.
    const std::vector<label> zeros(N, 0), ones(N, 1);
    CHECK(accuracy(net, data_set(make_matrix<T>(N, 3), zeros)) == 1);
    CHECK(accuracy(net, data_set(make_matrix<T>(N, 3), ones)) == 0);
  }
}

TEST_CASE("measures of networks that are not finite") {
  auto net = random_net<mlp<double, relu, 4, 5, 3>>({4, 5, 3});
  const data_set rows(make_matrix<double>(5, 4), make_matrix<double>(5, 3));
  const data_set labels(make_matrix<double>(5, 4), std::vector<label>(5, 2));
  net.layer<2>().bias()[1] = std::numeric_limits<double>::quiet_NaN();
  CHECK(message_of<argument_error>([&] { mean_loss(net, rows, mean_squared_error{}); }) ==
        "mean_loss: the mean loss is nan, expected finite weights and outputs");
  CHECK(message_of<argument_error>([&] { mean_loss(net, labels, cross_entropy{}); }) ==
        "mean_loss: the mean loss is nan, expected finite weights and outputs");
  CHECK(message_of<argument_error>([&] { accuracy(net, labels); }) ==
        "argmax: row 0 has a NaN, expected numbers");
  net.layer<2>().bias()[1] = 1e200;  // its square overflows
  CHECK(message_of<argument_error>([&] { mean_loss(net, rows, mean_squared_error{}); }) ==
        "mean_loss: the mean loss is inf, expected finite weights and outputs");
}

TEST_CASE("a label that is no output's number") {
  const auto net = random_net<mlp<double, relu, 4, 5, 3>>({4, 5, 3});
  CHECK(message_of<argument_error>([&] {
          accuracy(net, data_set(make_matrix<double>(3, 4), std::vector<label>{0, 2, 3}));
        }) == "accuracy: label 3 of sample 2, expected one below 3");
}

TEST_CASE("over images") {
  const temporary_folder folder;
  std::vector<std::uint8_t> pixels(300 * 4);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<std::uint8_t>(i * 37 % 251);
  }
  const image_rows<double> images(folder.write("images", idx_content({300, 2, 2}, pixels)));
  const auto x = read_all(images);
  const auto net = random_net<mlp<double, relu, 4, 5, 3>>({4, 5, 3});
  const auto f = outputs(net, images);
  CHECK(f == outputs(net, x));
  const data_set of_images(images, f);
  CHECK(of_images.size() == 300);
  CHECK(mean_loss(net, of_images, mean_squared_error{}) == 0);
  auto moved = f;
  for (double& target : moved) target += 1;
  CHECK(mean_loss(net, data_set(images, moved), mean_squared_error{}) ==
        mean_loss(net, data_set(x, moved), mean_squared_error{}));
  CHECK(accuracy(net, data_set(images, argmax(f))) == 1);
}

TEST_CASE("of a data set that was moved from") {
  const auto net = random_net<mlp<double, relu, 4, 5, 3>>({4, 5, 3});
  data_set from(make_matrix<double>(5, 4), std::vector<label>(5, 2));
  const data_set to = std::move(from);
  CHECK(message_of<shape_error>([&] { mean_loss(net, from, cross_entropy{}); }) ==
        "mean_loss: the data set has no samples: it was moved from");
  CHECK(message_of<shape_error>([&] { accuracy(net, from); }) ==
        "accuracy: the data set has no samples: it was moved from");
  CHECK_NOTHROW(accuracy(net, to));
}
