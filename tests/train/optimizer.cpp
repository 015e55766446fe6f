#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/model/network.hpp>
#include <tutelage/train/optimizer.hpp>

#include "reference/optimizer.hpp"
#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

// What every step is about: inputs and gradients of a batch.
template <class T>
struct batch_of {
  matrix<T> x, g;
};

template <class T>
batch_of<T> random_batch(std::size_t N, std::size_t in, std::size_t out, stream& random) {
  auto x = random_matrix<T>(N, in, random);
  return {x, random_matrix<T>(N, out, random)};
}

// Small whole numbers: with N a power of two, gradients are exact.
template <class T>
batch_of<T> whole_batch(std::size_t N, std::size_t in, std::size_t out, stream& random) {
  auto b = random_batch<T>(N, in, out, random);
  for (T& value : b.x) value = std::round(3 * value);
  for (T& value : b.g) value = std::round(3 * value);
  return b;
}

// One step of a dense layer with inputs x [N, In] and gradients g [N, Out].
template <class Layer, class Optimizer, class X, class G, class State>
void take_step(Layer& layer, const Optimizer& optimizer, const X& x, const G& g,
               typename Layer::value_type rate, State& state) {
  using T = typename Layer::value_type;
  layer.backward_weights(matrix_view<const T, dynamic, Layer::in_extent>(x), typename Layer::tape{},
                         matrix_view<const T, dynamic, Layer::out_extent>(g),
                         [&](std::size_t rows, std::size_t cols, const auto& descent) {
                           CHECK(rows == layer.weights().rows());
                           CHECK(cols == layer.weights().cols());
                           optimizer.step(matrix_view<T>(layer.weights()), descent, rate, state);
                         });
}

// Steps of the library and of the reference, from the same start with the same batches.
template <class Parameter, class Layer, class Optimizer, class Draw>
void check_steps(Layer layer, const Optimizer& optimizer,
                 const reference::optimizer_settings& settings, double rate, std::size_t N,
                 const Draw& draw, bool exact_gradients) {
  using T = typename Layer::value_type;
  // The reference rounds as well.
  const long double unit = epsilon<T> * (sizeof(T) == sizeof(long double) ? 2 : 1);
  stream random = random_stream(41);
  fill_random(layer.weights(), random);
  std::vector<Parameter> expected;
  for (std::size_t i = 0; i < layer.weights().rows(); ++i) {
    for (const T w : layer.weights().row(i)) expected.emplace_back(w);
  }
  typename Optimizer::template state<T> state;
  state.allocate(layer.weights().rows(), layer.weights().cols());
  const T rate_in_T = static_cast<T>(rate);
  comparison result;
  for (std::size_t step = 0; step < 20; ++step) {
    const batch_of<T> b = draw(N, layer.in_width(), layer.out_width(), random);
    framed<T> x(b.x, 1, not_a_number<T>), g(b.g, 2, not_a_number<T>);
    take_step(layer, optimizer, x.view(), g.view(), rate_in_T, state);
    const auto grad = reference::gradient(b.x, b.g, Layer::has_bias(), exact_gradients ? 0 : unit);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i].step(grad[i], N, rate_in_T, settings, unit);
      const auto [value, error] = expected[i].p();
      const T actual = layer.weights()(i / layer.out_width(), i % layer.out_width());
      result.add(static_cast<double>(std::abs(actual - value)), static_cast<double>(error),
                 detail::text("step ", step, " weight ", i), static_cast<double>(actual),
                 static_cast<double>(value));
    }
  }
  CHECK(result);
}

// The settings in T, as the optimizer sees them, so that only its own roundings are judged.
template <class T>
long double rounded(double x) {
  return static_cast<T>(x);
}

template <class T, class Layer>
void check_sgd(const Layer& layer) {
  for (const std::size_t N : {1U, 2U, 5U, 16U}) {
    for (const double decay : {0.0, 0.01, 0.5}) {
      for (const double rate : {0.1, 0.001}) {
        check_steps<reference::sgd_parameter>(layer, sgd{.rate = rate, .weight_decay = decay},
                                              {.weight_decay = rounded<T>(decay)}, rate, N,
                                              random_batch<T>, false);
        for (const double momentum : {0.0, 0.9}) {
          check_steps<reference::sgd_parameter>(
              layer, momentum_sgd{.rate = rate, .momentum = momentum, .weight_decay = decay},
              {.weight_decay = rounded<T>(decay), .momentum = rounded<T>(momentum)}, rate, N,
              random_batch<T>, false);
        }
      }
    }
  }
}

template <class T, class Layer>
void check_adam(const Layer& layer) {
  for (const std::size_t N : {1U, 2U, 8U}) {
    for (const double decay : {0.0, 0.01}) {
      for (const double rate : {0.1, 0.001}) {
        check_steps<reference::adam_parameter>(layer, adam{.rate = rate, .weight_decay = decay},
                                               {.weight_decay = rounded<T>(decay)}, rate, N,
                                               whole_batch<T>, true);
        check_steps<reference::adam_parameter>(
            layer,
            adam{
                .rate = rate, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.125, .weight_decay = decay},
            {.weight_decay = rounded<T>(decay), .beta1 = 0.5L, .beta2 = 0.75L, .eps = 0.125L}, rate,
            N, whole_batch<T>, true);
      }
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("sgd and momentum_sgd take the steps of torch.optim.SGD", T, float, double,
                   long double) {
  check_sgd<T>(dense<T, dynamic, dynamic, relu>(4, 3));
}

TEST_CASE("sgd on layers of other extents, and without bias") {
  check_sgd<double>(dense<double, 5, 2, relu>());
  check_sgd<float>(dense<float, 3, dynamic, identity, no_bias>(3, 4));
}

TEST_CASE_TEMPLATE("adam takes the steps of torch.optim.Adam", T, float, double, long double) {
  check_adam<T>(dense<T, dynamic, dynamic, relu>(4, 3));
}

TEST_CASE("adam on layers of other extents, and without bias") {
  check_adam<double>(dense<double, 5, 2, relu>());
  check_adam<float>(dense<float, dynamic, 4, identity, no_bias>(3, 4));
}

TEST_CASE("defaults are PyTorch's, but for the rate, which has none") {
  CHECK(sgd{.rate = 1}.weight_decay == 0);
  const momentum_sgd with_momentum{.rate = 0.25};
  CHECK(with_momentum.rate(7) == 0.25);
  CHECK(with_momentum.momentum == 0.9);
  CHECK(with_momentum.weight_decay == 0);
  const adam a{.rate = cosine_rate{0.5, 10}};
  CHECK(a.rate(10) == 0);
  CHECK(a.beta1 == 0.9);
  CHECK(a.beta2 == 0.999);
  CHECK(a.epsilon == 1e-8);
  CHECK(a.weight_decay == 0);
}

TEST_CASE("adam's first step has the size of the rate, whatever the gradient") {
  dense<double, 2, 1, identity, no_bias> layer;
  adam::state<double> state;
  state.allocate(2, 1);
  const matrix<double> x{{1e-3, -1e5}}, g{{1.0}};
  const matrix_view<const double, dynamic, 2> x_view(x);
  const matrix_view<const double, dynamic, 1> g_view(g);
  take_step(layer, adam{.rate = 0.25}, x_view, g_view, 0.25, state);
  CHECK(state.step == 1);
  CHECK(close_to(layer.weights()(0, 0), 0.25 * 1e-3 / (1e-3 + 1e-8), 8 * epsilon<double> * 0.25));
  CHECK(close_to(layer.weights()(1, 0), -0.25 * 1e5 / (1e5 + 1e-8), 8 * epsilon<double> * 0.25));
  // A gradient of zero moves nothing.
  dense<double, 2, 1, identity, no_bias> still;
  adam::state<double> unmoved;
  unmoved.allocate(2, 1);
  const matrix<double> zero{{0.0}};
  take_step(still, adam{.rate = 0.25}, x_view, matrix_view(zero), 0.25, unmoved);
  CHECK(still.weights()(0, 0) == 0);
  CHECK(still.weights()(1, 0) == 0);
}

TEST_CASE_TEMPLATE("an sgd step is W + rate dW, dW as backward has it", T, float, double,
                   std::complex<double>) {
  using net_type = mlp<T, relu, 5, 4, 3>;
  net_type net;
  stream random = random_stream(3);
  randomize(net, random);
  const auto x = random_matrix<T>(12, 5, random), grad_out = random_matrix<T>(12, 3, random);
  activations<net_type> kept;
  gradients<net_type> g;
  net.forward(x, kept);
  net.backward(x, kept, grad_out, g);
  const real_t<T> rate = static_cast<real_t<T>>(0.1);
  comparison result;
  const auto check = [&](auto layer, const auto& f_below, const auto& g_l, const auto& dW) {
    const auto before = to_matrix(layer.weights());
    sgd::state<T> state;
    take_step(layer, sgd{.rate = 0.1}, f_below, g_l, T(rate), state);
    for (std::size_t i = 0; i < before.shape(0); ++i) {
      for (std::size_t k = 0; k < before.shape(1); ++k) {
        real_t<T> gauge = std::abs(before(i, k));
        for (std::size_t n = 0; n < 12; ++n) {
          const T factor = i < layer.in_width() ? f_below(n, i) : T(1);
          gauge += rate * std::abs(factor * g_l(n, k)) / 12;
        }
        const T expected = before(i, k) + rate * dW(i, k);
        result.add(static_cast<double>(std::abs(layer.weights()(i, k) - expected)),
                   28 * static_cast<double>(epsilon<T> * gauge), detail::text("weight ", i),
                   static_cast<double>(real_part(layer.weights()(i, k))),
                   static_cast<double>(real_part(expected)));
      }
    }
  };
  check(net.template layer<1>(), matrix_view<const T, dynamic, 5>(x), g.template g<1>(),
        g.template dW<1>());
  check(net.template layer<2>(), kept.template f<1>(), g.template g<2>(), g.template dW<2>());
  CHECK(result);
}

TEST_CASE("a duplicated batch takes the same step") {
  stream random = random_stream(7);
  const auto check = [&](const auto& optimizer, auto once) {
    using optimizer_type = std::remove_cvref_t<decltype(optimizer)>;
    auto twice = once;
    typename optimizer_type::template state<double> state_once, state_twice;
    state_once.allocate(4, 2);
    state_twice.allocate(4, 2);
    comparison result;
    for (std::size_t step = 0; step < 10; ++step) {
      const auto b = whole_batch<double>(4, 3, 2, random);
      auto x2 = make_matrix<double>(8, 3), g2 = make_matrix<double>(8, 2);
      for (std::size_t half : {0U, 4U}) {
        copy(matrix_view(b.x), matrix_view(x2).middle_rows(half, 4));
        copy(matrix_view(b.g), matrix_view(g2).middle_rows(half, 4));
      }
      const auto take = [&](auto& layer, const auto& x, const auto& g, auto& state) {
        take_step(layer, optimizer, matrix_view(x), matrix_view(g), 0.1, state);
      };
      take(once, b.x, b.g, state_once);
      take(twice, x2, g2, state_twice);
      for (std::size_t i = 0; i < 4; ++i) {
        for (std::size_t k = 0; k < 2; ++k) {
          // Sums of at most eight terms of at most 100; the weights stay below 100.
          result.add(std::abs(twice.weights()(i, k) - once.weights()(i, k)),
                     8 * epsilon<double> * 100 * static_cast<double>(step + 1), "weight",
                     twice.weights()(i, k), once.weights()(i, k));
        }
      }
    }
    CHECK(result);
  };
  const dense<double, 3, 2, relu> layer;
  check(sgd{.rate = 0.1, .weight_decay = 0.01}, layer);
  check(momentum_sgd{.rate = 0.1, .weight_decay = 0.01}, layer);
  check(adam{.rate = 0.1}, layer);
}

TEST_CASE("states start at zero, in the shape of the weights, and show what they keep") {
  const auto names = [](auto& state, bool zero) {
    std::string result;
    state.for_each_block("a.", [&](const auto& b) {
      result += b.name + ' ';
      std::size_t size = 1;
      for (const std::size_t n : b.shape) size *= n;
      CHECK(b.values.rows() * b.values.cols() == size);
      if (b.name == "a.step") {
        CHECK(size == 1);
      } else {
        CHECK(b.shape == std::vector<std::size_t>{3, 2});
      }
      if (zero) CHECK(b.values(b.values.rows() - 1, b.values.cols() - 1) == 0);
    });
    return result;
  };
  sgd::state<double> nothing;
  nothing.allocate(3, 2);
  CHECK(names(nothing, true).empty());
  momentum_sgd::state<float> velocity;
  velocity.allocate(3, 2);
  CHECK(velocity.momentum_buffer == make_matrix<float>(3, 2));
  CHECK(names(velocity, true) == "a.momentum_buffer ");
  adam::state<double> moments;
  moments.allocate(3, 2);
  CHECK(moments.exp_avg == make_matrix<double>(3, 2));
  CHECK(moments.exp_avg_sq == make_matrix<double>(3, 2));
  CHECK(moments.step == 0);
  CHECK(names(moments, true) == "a.exp_avg a.exp_avg_sq a.step ");
  // Through the blocks, numbers can be put back where they were.
  moments.for_each_block("", [](const auto& b) { b.values(0, 0) = 5; });
  CHECK(moments.exp_avg(0, 0) == 5);
  CHECK(moments.exp_avg_sq(0, 0) == 5);
  CHECK(moments.step == 5);
  CHECK(names(std::as_const(moments), false) == "a.exp_avg a.exp_avg_sq a.step ");
}

TEST_CASE("settings that mean nothing") {
  const auto refused = [](const auto& optimizer) {
    return message_of<argument_error>([&] { optimizer.check(); });
  };
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               infinity = std::numeric_limits<double>::infinity();
  for (const double wrong : {-1e-9, nan, infinity}) {
    const std::string decay =
        detail::text(": weight_decay is ", wrong, ", expected a finite number from 0 on");
    CHECK(refused(sgd{.rate = 1, .weight_decay = wrong}) == "sgd" + decay);
    CHECK(refused(momentum_sgd{.rate = 1, .weight_decay = wrong}) == "momentum_sgd" + decay);
    CHECK(refused(adam{.rate = 1, .weight_decay = wrong}) == "adam" + decay);
  }
  for (const double wrong : {-0.1, 1.0, 1.5, nan}) {
    const std::string share = detail::text(" is ", wrong, ", expected a number in [0, 1)");
    CHECK(refused(momentum_sgd{.rate = 1, .momentum = wrong}) == "momentum_sgd: momentum" + share);
    CHECK(refused(adam{.rate = 1, .beta1 = wrong}) == "adam: beta1" + share);
    CHECK(refused(adam{.rate = 1, .beta2 = wrong}) == "adam: beta2" + share);
  }
  for (const double wrong : {-1e-8, 0.0, nan, infinity}) {
    CHECK(refused(adam{.rate = 1, .epsilon = wrong}) ==
          detail::text("adam: epsilon is ", wrong, ", expected a positive number"));
  }
  CHECK_NOTHROW(sgd{.rate = 1}.check());
  CHECK_NOTHROW((momentum_sgd{.rate = 1, .momentum = 0, .weight_decay = 0.1}.check()));
  CHECK_NOTHROW((adam{.rate = 1, .beta1 = 0, .beta2 = 0}.check()));
}

TEST_CASE("steps that do not fit the layer or what is kept") {
  const auto check = [](const auto& optimizer, const std::string& name,
                        const std::string& kept_as) {
    using optimizer_type = std::remove_cvref_t<decltype(optimizer)>;
    dense<double, dynamic, dynamic, relu> l(3, 2);
    typename optimizer_type::template state<double> state;
    state.allocate(4, 2);
    const auto refused = [&](std::size_t rows, std::size_t in, std::size_t rows_g,
                             std::size_t out) {
      const auto x = make_matrix<double>(rows, in), g = make_matrix<double>(rows_g, out);
      return message_of<shape_error>(
          [&] { take_step(l, optimizer, matrix_view(x), matrix_view(g), 0.1, state); });
    };
    CHECK(refused(5, 9, 5, 2) == "backward_weights: x is (5x9), expected (5x3)");
    CHECK(refused(5, 3, 5, 8) == "backward_weights: g is (5x8), expected (5x2)");
    CHECK(refused(4, 3, 5, 2) == "backward_weights: g is (5x2), expected (4x2)");
    CHECK(refused(0, 3, 0, 2) == "backward_weights: the batch is empty");
    if (kept_as.empty()) return;
    state = {};
    CHECK(refused(5, 3, 5, 2) == name + ": " + kept_as + " is (0x0), expected (4x2)");
    state.allocate(3, 2);
    CHECK(refused(5, 3, 5, 2) == name + ": " + kept_as + " is (3x2), expected (4x2)");
  };
  check(sgd{.rate = 1}, "sgd", "");
  check(momentum_sgd{.rate = 1}, "momentum_sgd", "momentum_buffer");
  check(adam{.rate = 1}, "adam", "direction");
}
