#include <tutelage/model/conv2d.hpp>

#include <complex>
#include <cstdint>
#include <ratio>
#include <tutelage/model/network.hpp>

#include "reference/convolution.hpp"
#include "support/framed.hpp"
#include "support/gauge.hpp"
#include "support/network_case.hpp"
#include "support/oracle.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// What a layer computes for a batch.
template <class T>
struct results {
  matrix<T> f, g, below, dW;
  bool operator==(const results&) const = default;
};

// A layer's weights, a batch, gradients; and how they are judged. Not templates of the layer: that
// halves the time to compile.
template <class T>
struct convolution_case {
  [[gnu::noinline]] convolution_case(const convolution& of, bool bias, std::size_t N,
                                     stream& random)
      : shape(of), biased(bias) {
    const image_shape& image = shape.image;
    const convolution_settings& s = shape.settings;
    const std::size_t taps = image.channels / s.groups * s.size.height * s.size.width;
    W = random_matrix<T>(taps + (biased ? 1 : 0), s.filters, random);
    x = random_matrix<T>(N, image.size(), random);
    g = random_matrix<T>(N, out_image(shape).size(), random);
  }

  [[gnu::noinline]] void judge(const results<T>& found, double slope, T alpha, T beta) const {
    const image_shape& image = shape.image;
    const convolution_settings& s = shape.settings;
    INFO("image ", image.channels, "x", image.height, "x", image.width, ", ", s.filters,
         " filters of ", s.size.height, "x", s.size.width, ", stride ", s.stride.height, "x",
         s.stride.width, ", padding ", s.padding.height, "x", s.padding.width, ", dilation ",
         s.dilation.height, "x", s.dilation.width, ", groups ", s.groups, ", batch ", x.shape(0));
    using W_ = wide_t<T>;
    const double roundings = 4 + static_cast<double>(W.shape(0));
    auto a = reference::convolve<W_>(image, s, widen(W), biased, widen(x), g.shape(1));
    auto masked = widen(g);
    for (std::size_t i = 0; i < a.value.size(); ++i) {
      W_& value = a.value.data()[i];
      if (real_part(value) > 0) continue;
      value *= static_cast<real_t<W_>>(slope);
      masked.data()[i] *= static_cast<real_t<W_>>(slope);
    }
    CHECK(within(matrix_view(found.f), a.value, a.gauge, roundings));
    auto gauge = make_matrix<real_t<W_>>(g.shape(0), g.shape(1));
    for (std::size_t i = 0; i < gauge.size(); ++i) gauge.data()[i] = std::abs(masked.data()[i]);
    CHECK(within(matrix_view(found.g), masked, gauge, 2));
    const auto below = reference::input_gradient<W_>(image, s, widen(W), masked);
    CHECK(within(matrix_view(found.below), below.value, below.gauge,
                 4 + static_cast<double>(s.filters * s.size.height * s.size.width)));
    const auto dW = reference::weight_gradient<W_>(image, s, widen(W), biased, widen(x), masked,
                                                   static_cast<W_>(alpha), static_cast<W_>(beta));
    CHECK(within(matrix_view(found.dW), dW.value, dW.gauge,
                 6 + static_cast<double>(x.shape(0) + a.value.shape(1) / s.filters)));
  }

  convolution shape;
  bool biased;
  matrix<T> W, x, g;
};

// Runs the passes between numbers that must be neither read nor written.
template <class L, class T = typename L::value_type>
results<T> run(L& l, const convolution_case<T>& c, T alpha = T(1), T beta = T(0)) {
  constexpr std::size_t In = L::in_extent, Out = L::out_extent;
  constexpr T canary = T(-12345);
  for (std::size_t i = 0; i < l.weights().rows(); ++i) {
    for (std::size_t k = l.weights().cols(); k < l.weights().stride(); ++k) {
      l.weights().row(i).data()[k] = not_a_number<T>;
    }
  }
  copy(matrix_view(c.W), l.weights());
  framed<T> x(c.x, 3, not_a_number<T>), g(c.g, 2, not_a_number<T>);
  framed<T> below(c.x.shape(0), c.x.shape(1), 1, canary), dW(c.W, 2, canary);
  // beta = 0 must not read what was there.
  if (beta == T(0)) copy(matrix_view(matrix<T>(c.W * not_a_number<T>)), dW.view());
  const auto x_view = x.template view<dynamic, In>();
  const auto g_view = g.template view<dynamic, Out>();
  typename L::tape kept;
  results<T> found;
  const auto f = l.forward(x_view, kept);
  CHECK(f.data() == kept.f.view().data());
  found.f = to_matrix(f);
  l.backward_output(kept, g_view);
  found.g = to_matrix(g_view);
  l.backward_input(x_view, kept, g_view, below.template view<dynamic, In>());
  found.below = to_matrix(below.view());
  l.backward_weights(x_view, kept, g_view,
                     [&](std::size_t rows, std::size_t cols, const auto& set) {
                       CHECK(rows == c.W.shape(0));
                       CHECK(cols == c.W.shape(1));
                       set(dW.view(), alpha, beta);
                     });
  found.dW = to_matrix(dW.view());
  CHECK(below.intact());
  CHECK(dW.intact());
  return found;
}

convolution random_convolution(stream& random) {
  const auto pick = [&](std::uint64_t most) { return 1 + std::size_t(random.below(most)); };
  convolution c{{}, {}};
  auto& [image, s] = c;
  s.groups = random.below(3) == 0 ? pick(3) : 1;
  image = {s.groups * pick(random.below(4) == 0 ? 21 : 3), pick(9), pick(12)};
  s.filters = s.groups * pick(random.below(4) == 0 ? 18 : 4);
  s.size = {pick(4), pick(4)};
  s.stride = random.below(2) == 0 ? sides(1) : sides(pick(3), pick(3));
  s.padding = {random.below(4), random.below(4)};
  s.dilation = random.below(2) == 0 ? sides(1) : sides(pick(3), pick(3));
  const auto covered = [](std::size_t n, std::size_t d) { return (n - 1) * d + 1; };
  image.height = std::max(image.height, covered(s.size.height, s.dilation.height));
  image.width = std::max(image.width, covered(s.size.width, s.dilation.width));
  return c;
}

// One gate for all slopes: kernels compile slowly.
using sloped = leaky_relu<dynamic_slope>;

// A gate of a user, which takes no vectors.
struct cube {
  template <class V>
  [[nodiscard]] V activate(const V& a) const {
    return a * a * a;
  }
  template <class V>
  [[nodiscard]] V factor(const V& f) const {
    return 3 * std::pow(f * f, V(1) / 3);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("conv2d: random shapes", T, float, double, long double, std::complex<double>) {
  auto random = random_stream(1);
  const int cases = std::is_same_v<T, double> || std::is_same_v<T, float> ? 100 : 25;
  for (int i = 0; i < cases; ++i) {
    const convolution many{{17, 12, 13}, {.filters = 9, .size = 2, .padding = 1, .dilation = 2}};
    const convolution shape = i == 0 ? many : random_convolution(random);
    const std::size_t N = 1 + random.below(3);
    const T beta = i % 3 == 0 ? T(0) : T(0.5);
    if (i % 2 == 0) {
      conv2d<T, dynamic, sloped> l(shape.image, shape.settings, sloped(0.25));
      const convolution_case<T> c(shape, true, N, random);
      c.judge(run(l, c, T(2), beta), 0.25, T(2), beta);
    } else {
      conv2d<T, dynamic, sloped, no_bias> l(shape.image, shape.settings, sloped(0.5));
      const convolution_case<T> c(shape, false, N, random);
      c.judge(run(l, c, T(-1), beta), 0.5, T(-1), beta);
    }
  }
}

TEST_CASE("conv2d: PyTorch's values") {
  const auto check = [](const std::string& name, const convolution& shape) {
    const oracle known(name);
    using L = conv2d<double, dynamic, sloped>;
    const sloped gate(known.number("/slope"));
    CHECK(static_cast<double>(shape.settings.stride.height) == known.number("/stride"));
    CHECK(static_cast<double>(shape.settings.padding.width) == known.number("/padding"));
    using top = dense<double, dynamic, dynamic, identity>;
    network<L, top> net(L(shape.image, shape.settings, gate),
                        top(out_image(shape).size(), known.matrix("/U").shape(1)));
    const auto images = [&](const std::string& pointer) {
      const auto& [channels, height, width] = shape.image;
      const std::size_t N = known.size(pointer);
      auto result = make_matrix<double>(N, shape.image.size());
      for (std::size_t n = 0; n < N; ++n) {
        for (std::size_t c = 0; c < channels; ++c) {
          const auto channel = known.matrix(pointer + detail::text("/", n, "/", c));
          std::copy_n(channel.data(), channel.size(), &result(n, c * height * width));
        }
      }
      return result;
    };
    // W, or its gradient, from PyTorch's arrays.
    const auto weights = [&](const std::string& kernel, const std::string& bias) {
      const std::size_t taps = net.layer<1>().linear_weights().rows();
      auto W = make_matrix<double>(taps + 1, shape.settings.filters);
      for (std::size_t k = 0; k < shape.settings.filters; ++k) {
        W(taps, k) = known.numbers(bias)[k];
        for (std::size_t c = 0, t = 0; c < shape.image.channels; ++c) {
          for (const double w : known.matrix(kernel + detail::text("/", k, "/", c))) W(t++, k) = w;
        }
      }
      return W;
    };
    copy(matrix_view(weights("/kernel", "/bias")), net.layer<1>().weights());
    copy(matrix_view(known.matrix("/U")), net.layer<2>().weights());
    const auto x = images("/x"), y = known.matrix("/y");
    activations<decltype(net)> kept;
    gradients<decltype(net)> found;
    const matrix_view<const double> out = net.forward(x, kept);
    net.backward(x, kept, difference<double>(y, out), found);
    const auto f = kept.f<1>();
    const image_shape gives = out_image(shape);
    for (std::size_t n = 0; n < x.shape(0); ++n) {
      for (std::size_t k = 0; k < gives.channels; ++k) {
        const auto channel = known.matrix(detail::text("/activation/", n, "/", k));
        REQUIRE(channel.shape(0) == gives.height);
        REQUIRE(channel.shape(1) == gives.width);
        const std::size_t P = channel.size();
        const matrix_view<const double> ours(f.row(n).data() + k * P, 1, P, P);
        CHECK(close_to(ours, matrix_view<const double>(channel.data(), 1, P, P), 1e-12));
      }
    }
    CHECK(close_to(to_matrix(found.parameter(0)), weights("/dkernel", "/dbias"), 1e-12));
    auto below = make_matrix<double>(x.shape(0), x.shape(1));
    net.layer<1>().backward_input(x, kept.tape<1>(), found.g<1>(), matrix_view(below));
    const auto mean = static_cast<double>(x.shape(0));
    CHECK(close_to(matrix<double>(below / mean), images("/dx"), 1e-12));
  };
  check("conv2d_valid", {{2, 6, 6}, {.filters = 3, .size = 3}});
  check("conv2d_stride_pad", {{3, 7, 7}, {.filters = 4, .size = 3, .stride = 2, .padding = 1}});
}

// By complex step with h = 1e-30: exact to round-off, for no difference is formed.
TEST_CASE("conv2d: gradients of weights, bias and inputs by complex step") {
  using C = std::complex<double>;
  auto random = random_stream(4);
  for (int i = 0; i < 12; ++i) {
    const convolution shape = random_convolution(random);
    const convolution_case<double> c(shape, true, 2, random);
    conv2d<double, dynamic, sloped> l(shape.image, shape.settings, sloped(0.25));
    conv2d<C, dynamic, sloped> stepped(shape.image, shape.settings, sloped(0.25));
    const auto found = run(l, c);
    auto x = make_matrix<C>(2, c.x.shape(1));
    for (std::size_t j = 0; j < x.size(); ++j) x.data()[j] = c.x.data()[j];
    const auto W = stepped.weights();
    for (std::size_t t = 0; t < W.rows(); ++t) {
      for (std::size_t k = 0; k < W.cols(); ++k) W(t, k) = c.W(t, k);
    }
    constexpr double h = 1e-30;
    conv2d<C, dynamic, sloped>::tape kept;
    // The derivative of sum g f, and the sum of absolute values.
    const auto derivative = [&] {
      const auto f = stepped.forward(x, kept);
      std::pair<double, double> sum{0, 0};
      for (std::size_t n = 0; n < f.rows(); ++n) {
        for (std::size_t o = 0; o < f.cols(); ++o) {
          const double term = f(n, o).imag() / h * c.g(n, o);
          sum.first += term;
          sum.second += std::abs(term);
        }
      }
      return sum;
    };
    for (int chosen = 0; chosen < 8; ++chosen) {
      const std::size_t t = chosen == 0 ? W.rows() - 1 : random.below(W.rows());
      const std::size_t k = random.below(W.cols()), in = random.below(2 * c.x.shape(1));
      W(t, k) += C(0, h);
      const auto [weight, weight_gauge] = derivative();
      W(t, k) = c.W(t, k);
      CHECK(close_to(found.dW(t, k), weight / 2, 256 * epsilon<double> * weight_gauge));
      x.data()[in] += C(0, h);
      const auto [input, input_gauge] = derivative();
      x.data()[in] = c.x.data()[in];
      CHECK(close_to(found.below.data()[in], input, 256 * epsilon<double> * input_gauge));
    }
  }
}

TEST_CASE("conv2d: static, dynamic and scattered give equal bits, in any batch") {
  const auto check = [](auto layer, std::uint64_t seed) {
    using L = decltype(layer);
    using T = typename L::value_type;
    auto random = random_stream(seed);
    const convolution shape{layer.in_image(), layer.settings()};
    static_assert(L::in_extent != dynamic && L::out_extent != dynamic);
    CHECK(L::in_extent == layer.in_width());
    CHECK(L::out_extent == layer.out_width());
    const convolution_case<T> c(shape, true, 5, random);
    conv2d<T, dynamic, sloped> any(shape.image, shape.settings);
    const auto expected = run(any, c);
    CHECK(run(layer, c) == expected);
    typename conv2d<T, dynamic, sloped>::tape kept;
    const scattered<T> rows(c.x);
    CHECK(to_matrix(any.forward(rows.view(), kept)) == expected.f);
    any.backward_weights(rows.view(), kept, matrix_view<const T>(expected.g),
                         [&](std::size_t r, std::size_t k, const auto& set) {
                           auto dW = make_matrix<T>(r, k);
                           set(matrix_view(dW), T(1), T(0));
                           CHECK(dW == expected.dW);
                         });
    for (std::size_t n = 0; n < 5; ++n) {
      const auto one = to_matrix(matrix_view(c.x).middle_rows(n, 1));
      const auto f = to_matrix(any.forward(one, kept));
      CHECK(std::equal(f.begin(), f.end(), &expected.f(n, 0)));
    }
  };
  check(conv2d<float, convolution{{1, 9, 11}, {.filters = 3, .size = 3, .padding = 1}}, sloped>(),
        1);
  check(
      conv2d<double,
             convolution{
                 {4, 8, 7},
                 {.filters = 6, .size = {3, 2}, .stride = {2, 1}, .padding = {0, 1}, .groups = 2}},
             sloped>(),
      2);
}

TEST_CASE("conv2d: a gate that takes no vectors") {
  auto random = random_stream(9);
  const convolution shape{{2, 5, 5}, {.filters = 3, .size = 3, .padding = 1}};
  const convolution_case<float> c(shape, true, 2, random);
  conv2d<float, dynamic, cube> l(shape.image, shape.settings);
  conv2d<float, dynamic, sloped> linear(shape.image, shape.settings, sloped(0.5));
  const auto found = run(l, c).f, a = run(linear, c).f;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const float pre = a.data()[i] > 0 ? a.data()[i] : 2 * a.data()[i];
    CHECK(found.data()[i] == pre * pre * pre);
  }
}

TEST_CASE("conv2d: blocks have PyTorch's names and shapes") {
  conv2d<float> l({4, 8, 8}, {.filters = 6, .size = {3, 2}, .groups = 2});
  const auto W = l.weights();
  for (std::size_t t = 0; t < W.rows(); ++t) {
    for (std::size_t k = 0; k < W.cols(); ++k) W(t, k) = static_cast<float>(10 * t + k);
  }
  std::vector<block<float>> blocks;
  l.for_each_block("3.", [&](const auto& b) { blocks.push_back(b); });
  REQUIRE(blocks.size() == 2);
  CHECK(blocks[0].name == "3.weight");
  CHECK(blocks[0].shape == std::vector<std::size_t>{6, 2, 3, 2});
  CHECK(blocks[0].transposed);
  CHECK(blocks[0].values.rows() == 12);
  CHECK(blocks[0].values((1 * 3 + 2) * 2 + 1, 4) == 114);  // weight[4, 1, 2, 1]
  CHECK(blocks[1].name == "3.bias");
  CHECK(blocks[1].shape == std::vector<std::size_t>{6});
  CHECK(blocks[1].values(0, 5) == 125);
  const conv2d<float, dynamic, sloped, no_bias> bare({4, 8, 8}, {.filters = 6, .size = 1});
  std::size_t count = 0;
  bare.for_each_block("", [&](const block<const float>& b) { count += b.name == "weight"; });
  CHECK(count == 1);
  CHECK(bare.weights().rows() == 4);
  std::size_t matrices = 0;
  l.for_each_parameter([&](const auto& m) { matrices += m.data() == W.data(); });
  CHECK(matrices == 1);
  CHECK(l.parameters == 1);
}

TEST_CASE("conv2d: what it is") {
  using L = conv2d<float>;
  static_assert(layer<L> && gated_layer<L> && image_layer<L> && !dense_layer<L>);
  static_assert(!std::default_initializable<L>);
  static_assert(std::is_same_v<conv2d<float, dynamic, relu, no_bias>::rebind<double>,
                               conv2d<double, dynamic, relu, no_bias>>);
  const L l({3, 7, 9}, {.filters = 5, .size = 3, .stride = 2, .padding = {1, 0}});
  CHECK(l.in_image() == image_shape{3, 7, 9});
  CHECK(l.out_image() == image_shape{5, 4, 4});
  CHECK(l.out_width() == 80);
  CHECK(l.weights().rows() == 28);
  CHECK(l.bias().size() == 5);
  CHECK(reinterpret_cast<std::uintptr_t>(l.weights().data()) % cache_line == 0);
  for (std::size_t t = 0; t < 28; ++t) {
    for (const float w : l.weights().row(t)) CHECK(w == 0);
  }
  L first({1, 3, 3}, {.filters = 2, .size = 3});
  first.weights()(0, 1) = 4;
  const L taken = std::move(first);
  CHECK(taken.weights()(0, 1) == 4);
  CHECK(message_of<argument_error>([&] { void(first.weights()); }) ==
        "conv2d: the weights were moved to another layer");
}

TEST_CASE("conv2d: settings that are impossible") {
  const auto message = [](const image_shape& image, const convolution_settings& s) {
    return message_of<shape_error>([&] { void(conv2d<float>(image, s)); });
  };
  CHECK(message({0, 3, 4}, {.filters = 1, .size = 1}) ==
        "conv2d: the image is 0x3x4, expected numbers of at least 1");
  CHECK(message({1, 3, 4}, {.size = 1}) == "conv2d: 0 filters, expected at least 1");
  CHECK(message({1, 3, 4}, {.filters = 1}) ==
        "conv2d: size is 0x0, expected numbers of at least 1");
  CHECK(message({1, 3, 4}, {.filters = 1, .size = 1, .stride = {1, 0}}) ==
        "conv2d: stride is 1x0, expected numbers of at least 1");
  CHECK(message({1, 3, 4}, {.filters = 1, .size = 1, .dilation = 0}) ==
        "conv2d: dilation is 0x0, expected numbers of at least 1");
  CHECK(message({1, 3, 4}, {.filters = 1, .size = 1, .groups = 0}) ==
        "conv2d: 0 groups, expected at least 1");
  CHECK(message({3, 3, 4}, {.filters = 4, .size = 1, .groups = 2}) ==
        "conv2d: 3 channels do not divide into 2 groups");
  CHECK(message({4, 3, 4}, {.filters = 3, .size = 1, .groups = 2}) ==
        "conv2d: 3 filters do not divide into 2 groups");
  CHECK(message({1, 3, 5}, {.filters = 1, .size = 3, .padding = {0, 1}, .dilation = 4}) ==
        "conv2d: a filter covers 9x9, the padded image is 3x7");
  CHECK(message({1, 3, 5}, {.filters = 1, .size = 3, .padding = std::size_t(-1)}) ==
        "conv2d: the image is 1x3x5 with a padding of 18446744073709551615x18446744073709551615, "
        "expected sides below 2147483648");
  CHECK(message({1, 3, 5}, {.filters = 1, .size = {1, dynamic}}) ==
        "conv2d: size 1x18446744073709551615, dilation 1x1 and stride 1x1, expected numbers below "
        "2147483648");
  CHECK(message({1U << 30, 1U << 20, 1U << 20}, {.filters = 1, .size = 1}) ==
        "conv2d: image 1073741824x1048576x1048576, 1 filters of 1x1 with a padding of 0x0 are "
        "beyond any memory");
  CHECK_THROWS_AS(void(conv2d<float>({1, 3, 3}, {.filters = dynamic, .size = 1})), shape_error);
  using fixed = conv2d<float, convolution{{1, 9, 9}, {.filters = 3, .size = 3}}>;
  CHECK(message_of<shape_error>([] {
          void(fixed({1, 9, 8}, {.filters = 3, .size = 3}));
        }) == "conv2d: 1x9x8 to 3x7x6, expected the static shape's settings, 1x9x9 to 3x7x7");
}

TEST_CASE("conv2d: batches that do not fit") {
  const conv2d<float> l({1, 3, 3}, {.filters = 2, .size = 2});
  conv2d<float>::tape kept;
  auto x = make_matrix<float>(2, 9), g = make_matrix<float>(2, 8), wrong = make_matrix<float>(2, 7);
  const auto message = [](const auto& call) { return message_of<shape_error>(call); };
  CHECK(message([&] { l.forward(wrong, kept); }) == "forward: x is (2x7), expected (2x9)");
  l.forward(x, kept);
  CHECK(message([&] { l.backward_input(x, kept, wrong, x); }) ==
        "backward_input: g is (2x7), expected (2x8)");
  CHECK(message([&] { l.backward_input(wrong, kept, g, x); }) ==
        "backward_input: x is (2x7), expected (2x9)");
  CHECK(message([&] { l.backward_input(x, kept, g, wrong); }) ==
        "backward_input: g_below is (2x7), expected (2x9)");
  const auto weights = [&](const matrix<float>& inputs, const matrix<float>& gradient,
                           matrix<float>& dW) {
    return message([&] {
      l.backward_weights(
          matrix_view(inputs), kept, matrix_view(gradient),
          [&](std::size_t, std::size_t, const auto& set) { set(matrix_view(dW), 1.0F, 0.0F); });
    });
  };
  CHECK(weights(wrong, g, x) == "backward_weights: x is (2x7), expected (2x9)");
  CHECK(weights(x, wrong, x) == "backward_weights: g is (2x7), expected (2x8)");
  CHECK(weights(x, g, x) == "backward_weights: dW is (2x9), expected (5x2)");
  const auto none = make_matrix<float>(0, 9), no_gradient = make_matrix<float>(0, 8);
  CHECK(weights(none, no_gradient, x) == "backward_weights: the batch is empty");
  CHECK(l.forward(none, kept).rows() == 0);
}
