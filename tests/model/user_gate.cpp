// A gate written from the concept alone: for double, without vectors, slope or templates.
#include <cmath>
#include <tutelage/model/network.hpp>

#include "support/network_case.hpp"

namespace {

using namespace test;

struct softplus {
  [[nodiscard]] double activate(double a) const { return std::log1p(std::exp(a)); }
  [[nodiscard]] double factor(double f) const { return -std::expm1(-f); }
};
static_assert(gate<softplus> && !gate<softplus, float> && !piecewise_linear_gate<softplus>);
static_assert(piecewise_linear_gate<identity> && piecewise_linear_gate<relu> &&
              piecewise_linear_gate<leaky_relu<>> &&
              piecewise_linear_gate<leaky_relu<dynamic_slope>>);

}  // namespace

TEST_CASE("a user's gate: outputs by plain loops, gradients by central differences") {
  using net_type = mlp<double, softplus, dynamic, dynamic, dynamic, dynamic>;
  stream random = random_stream(1);
  for (const std::size_t w : {1U, 7U, 8U, 33U}) {
    net_type net({3, w, w, 2});
    randomize(net, random);
    const auto x = random_matrix<double>(5, 3, random), y = random_matrix<double>(5, 2, random);
    auto f = x;
    net.for_each_layer([&](const auto& l, std::size_t number) {
      auto next = make_matrix<double>(5, l.out_width());
      for (std::size_t i = 0; i < 5; ++i) {
        for (std::size_t k = 0; k < l.out_width(); ++k) {
          double a = l.bias()[k];
          for (std::size_t j = 0; j < l.in_width(); ++j) a += f(i, j) * l.weights()(j, k);
          next(i, k) = number == 3 ? a : softplus{}.activate(a);
        }
      }
      f = next;
    });
    CHECK(close_to(net(x), f, 1024 * epsilon<double>));
    const auto loss = [&] {
      double sum = 0;
      const auto out = net(x);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const double e = y.data()[i] - out.data()[i];
        sum += e * e / 2;
      }
      return sum / 5;
    };
    const auto computed = run_passes(net, x, y);
    for_each_number<3>([&](auto l) {
      const auto W = net.layer<l>().weights();
      for (std::size_t i = 0; i < W.rows(); ++i) {
        const std::size_t k = i % W.cols();
        const double kept = W(i, k), h = 1e-5;
        W(i, k) = kept + h;
        const double above = loss();
        W(i, k) = kept - h;
        const double below = loss();
        W(i, k) = kept;
        CHECK(std::abs((below - above) / (2 * h) - computed.dW[l - 1](i, k)) < 1e-8);
      }
    });
  }
}
