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

TEST_CASE("classifiers are right at all points, or an error") {
  const matrix<double> x{{2.0000000367231401},   {1.1999584278604429e-08}, {8.0152752882134185e-09},
                         {3.0000011850387964},   {2.0000000069415877},     {2.0000000127379303},
                         {3.000000520285738},    {2.8152806383692606},     {1.0000077896099688},
                         {0.0025009955436720893}};
  const std::vector<label> labels{1, 1, 0, 0, 0, 1, 1, 0, 0, 0};
  CHECK(message_of<argument_error>([&] {
          (void)memorize_three_layers(x, labels, 2, 1);
        }).starts_with("memorize_three_layers: points are too near each other"));
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
