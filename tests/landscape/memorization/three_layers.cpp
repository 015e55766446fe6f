#include <cmath>
#include <cstddef>
#include <vector>

#include <tutelage/data/inputs.hpp>
#include <tutelage/landscape/memorization/three_layers.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr std::uint64_t seed = 1;

}  // namespace

TEST_CASE("one-hot outputs for random labels") {
  struct size {
    std::size_t N, p;
  };
  for (const size& c : {size{2, 2}, size{16, 3}, size{100, 7}, size{900, 100}}) {
    const std::size_t N = c.N, p = c.p;
    CAPTURE(N);
    const auto x = draw_inputs<double>(gaussian_inputs{1}, N, 10, 1);
    auto random = stream(2, purpose::analysis);
    std::vector<label> labels(N);
    auto y = make_matrix<double>(N, p);
    for (std::size_t i = 0; i < N; ++i) {
      labels[i] = static_cast<label>(random.below(p));
      y(i, labels[i]) = 1;
    }
    const auto check = [&](const auto& gate) {
      const auto net = memorize_three_layers(x, labels, p, seed, gate);
      const auto widths = net.widths();
      CHECK(two_layer_capacity({widths[1], widths[2]}, 1) >= N);
      CHECK(widths[3] == 4 * p);
      CHECK(close_to(net(x), y, 1e-11));
    };
    check(relu{});
    check(leaky_relu<dynamic_slope>(0.1));
  }
}

TEST_CASE("numbers may be missed as long as classes are told apart; else the network is refused") {
  std::vector<label> labels;
  const auto at = [&](std::size_t N, const auto& place) {
    auto x = make_matrix<double>(N, 1);
    labels.clear();
    for (std::size_t i = 0; i < N; ++i) {
      x(i, 0) = place(i);
      labels.push_back(static_cast<label>(i % 2));
    }
    return x;
  };
  // Pairs so near that two layers miss their numbers by some 1e-2.
  const auto pairs = at(12, [](std::size_t i) {
    return static_cast<double>(i / 2) + static_cast<double>(i % 2) * 1e-13;
  });
  const auto f = memorize_three_layers(pairs, labels, 2, seed)(pairs);
  for (std::size_t i = 0; i < 12; ++i) CHECK(close_to(f(i, labels[i]), 1, 1e-10));
  const auto powers = at(60, [](std::size_t i) { return std::ldexp(1.0, static_cast<int>(i)); });
  CHECK(message_of<argument_error>([&] {
          (void)memorize_three_layers(powers, labels, 2, seed);
        }).starts_with("memorize_three_layers: rounding: output "));
  const matrix<double> tiny{{0}, {1e-310}};
  CHECK(message_of<argument_error>([&] {
          (void)memorize_three_layers(tiny, std::vector<label>{0, 1}, 2, seed);
        }).starts_with("memorize_three_layers: rounding: output "));
}

TEST_CASE("labels that are no classes are an error") {
  const matrix<double> x{{0}, {1}};
  const auto call = [&](const std::vector<label>& labels, std::size_t p) {
    return [&x, labels, p] { (void)memorize_three_layers(x, labels, p, seed); };
  };
  CHECK(message_of<shape_error>(call({0}, 2)) == "memorize_three_layers: 1 labels, expected 2");
  CHECK(message_of<argument_error>(call({0, 2}, 2)) ==
        "memorize_three_layers: label 2 at row 1, expected one below 2");
  CHECK(message_of<argument_error>(call({0, 0}, 1)) ==
        "memorize_three_layers: 1 classes, expected at least 2");
}
