#include <tutelage/model/dense.hpp>

#include <complex>

#include "reference/product.hpp"
#include "support/framed.hpp"
#include "support/network_case.hpp"
#include "support/thrown.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

// [x; 1]^T, [In+1, N], or x^T.
template <class T>
matrix<T> augmented_transpose(const matrix<T>& x, bool has_bias) {
  auto result = make_matrix<T>(x.shape(1) + (has_bias ? 1 : 0), x.shape(0));
  for (std::size_t j = 0; j < result.shape(0); ++j) {
    for (std::size_t i = 0; i < x.shape(0); ++i) result(j, i) = j < x.shape(1) ? x(i, j) : T(1);
  }
  return result;
}

// The numbers after each row.
template <class T, class Visit>
void for_each_padding(const matrix_view<T>& W, const Visit& visit) {
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (std::size_t k = W.cols(); k < W.stride(); ++k) visit(W.row(i).data()[k]);
  }
}

// One layer's random weights and batch, and what is expected of it. Inputs lie between numbers that
// must not be read, results between numbers that must not be written. Not inlined, nor templates of
// the layer: that halves the time to compile.
template <class T>
class layer_case {
  static constexpr T canary = T(-12345);

 public:
  [[gnu::noinline]] layer_case(std::size_t in, std::size_t out, bool bias, double slope,
                               std::size_t N, stream& random)
      : has_bias(bias),
        W(random_matrix<T>(in + (bias ? 1 : 0), out, random)),
        plain_x(random_matrix<T>(N, in, random)),
        plain_g(random_matrix<T>(N, out, random)),
        x(plain_x, 3, not_a_number<T>),
        g(plain_g, 2, canary),
        g_in(N, in, 5, canary),
        dW(W, 1, canary),
        expected({{W, bias, static_cast<real_t<T>>(slope)}}, plain_x, plain_g) {
    CHECK(expected.gates_are_certain);
  }

  [[gnu::noinline]] void set(const matrix_view<T>& weights) const {
    for_each_padding(weights, [](T& number) { number = not_a_number<T>; });
    copy(matrix_view(W), weights);
  }

  [[gnu::noinline]] void judge_forward(const matrix_view<const T>& f) const {
    CHECK(within(f, expected.forward.f[1], expected.gauges.f[1], expected.roundings));
  }

  [[gnu::noinline]] void judge_gate() {
    for (std::size_t i = 0; i < plain_g.shape(0); ++i) {
      for (std::size_t k = 0; k < plain_g.shape(1); ++k) {
        plain_g(i, k) *= static_cast<T>(expected.forward.z[1](i, k));
      }
    }
    CHECK(to_matrix(g.view()) == plain_g);
    CHECK(g.intact());
  }

  [[gnu::noinline]] void judge_input() {
    auto linear = make_matrix<T>(W.shape(1), plain_x.shape(1));  // W^T
    for (std::size_t k = 0; k < linear.shape(0); ++k) {
      for (std::size_t j = 0; j < linear.shape(1); ++j) linear(k, j) = W(j, k);
    }
    judge(g_in.view(), plain_g, linear, make_matrix<T>(plain_x.shape(0), plain_x.shape(1)), 1, 0);
    CHECK(g_in.intact());
  }

  // beta = 0 must not read what was there.
  [[gnu::noinline]] void begin_weights(T beta) {
    const auto before = beta == T(0) ? matrix<T>(W * not_a_number<T>) : W;
    copy(matrix_view(before), dW.view());
  }

  [[gnu::noinline]] void judge_weights(const matrix_view<const T>& found, T alpha, T beta) const {
    judge(found, augmented_transpose(plain_x, has_bias), plain_g, W, alpha, beta);
    CHECK(dW.intact());
  }

  [[gnu::noinline]] void judge_padding(const matrix_view<T>& weights) const {
    bool intact = true;
    for_each_padding(weights, [&](const T& number) { intact = intact && !is_finite(number); });
    CHECK(intact);
  }

 private:
  static void judge(const matrix_view<const T>& found, const matrix<T>& A, const matrix<T>& B,
                    const matrix<T>& C, T alpha, T beta) {
    const auto product = reference::multiply<wide_t<T>>(
        widen(A), widen(B), widen(C), static_cast<wide_t<T>>(alpha), static_cast<wide_t<T>>(beta));
    CHECK(within(found, product.C, product.gauge, 2 * static_cast<double>(A.shape(1) + 3)));
  }

 public:
  bool has_bias;
  matrix<T> W, plain_x, plain_g;
  framed<T> x, g, g_in, dW;
  network_case<T> expected;
};

// All that a layer computes for N samples.
template <class L>
void check_layer(L l, std::size_t N, stream& random) {
  using T = typename L::value_type;
  constexpr std::size_t In = L::in_extent, Out = L::out_extent;
  INFO(l.in_width(), " to ", l.out_width(), ", batch ", N);
  layer_case<T> c(l.in_width(), l.out_width(), L::has_bias(), l.gate().slope(), N, random);
  c.set(l.weights());
  const auto x = c.x.template view<dynamic, In>();
  const auto g = c.g.template view<dynamic, Out>();

  typename L::tape kept;
  const auto f = l.forward(x, kept);
  c.judge_forward(f);
  CHECK(f.data() == kept.f.view().data());
  l.backward_output(kept, g);
  c.judge_gate();
  l.backward_input(g, identity{}, x, c.g_in.template view<dynamic, In>());
  c.judge_input();
  const typename L::weights_view dW(c.dW.view());
  for (const auto& [alpha, beta] : {std::pair{T(0.25), T(0)}, {T(-2), T(1)}, {T(1), T(0.875)}}) {
    c.begin_weights(beta);
    L::backward_weights(x, g, dW, alpha, beta);
    c.judge_weights(dW, alpha, beta);
  }
  // Into the layer's own weights.
  L::backward_weights(x, g, l.weights(), T(0.5), T(0.75));
  c.judge_weights(l.weights(), T(0.5), T(0.75));
  c.judge_padding(l.weights());
}

// Another batch size each time it is asked.
std::size_t next_batch() {
  static std::size_t number = 0;
  constexpr std::array<std::size_t, 6> sizes{1, 2, 5, 16, 17, 0};
  return sizes[number++ % sizes.size()];
}

}  // namespace

TEST_CASE_TEMPLATE("dense: dynamic widths", T, float, double, long double, std::complex<double>) {
  auto random = random_stream(1);
  using layer = dense<T, dynamic, dynamic, relu>;
  using without = dense<T, dynamic, dynamic, relu, no_bias>;
  for (const std::size_t w : dynamic_widths()) {
    for (const std::size_t other : {1U, 2U, 10U, 17U}) {
      check_layer(layer(w, other), next_batch(), random);
      check_layer(without(other, w), next_batch(), random);
    }
  }
}

TEST_CASE_TEMPLATE("dense: gates", Gate, identity, leaky_relu<std::ratio<1, 4>>,
                   leaky_relu<dynamic_slope>) {
  auto random = random_stream(2);
  Gate gate{};
  if constexpr (std::is_same_v<Gate, leaky_relu<dynamic_slope>>) gate = Gate(0.375);
  for (const std::size_t w : dynamic_widths()) {
    check_layer(dense<double, dynamic, dynamic, Gate>(w, 6, gate), next_batch(), random);
    check_layer(dense<double, dynamic, dynamic, Gate>(6, w, gate), next_batch(), random);
  }
}

TEST_CASE("dense: static and mixed widths") {
  auto random = random_stream(3);
  for_each_static_width([&](auto w) {
    for (int repetition = 0; repetition < 3; ++repetition) {
      check_layer(dense<double, w, w, relu>(), next_batch(), random);
    }
  });
  for_each_width<3, 8, 17>([&](auto w) {
    for (int repetition = 0; repetition < 3; ++repetition) {
      check_layer(dense<double, dynamic, w, relu>(7, w), next_batch(), random);
      check_layer(dense<double, w, dynamic, relu, no_bias>(w, 9), next_batch(), random);
    }
  });
  check_layer(dense<float, 17, 10, leaky_relu<std::ratio<1, 4>>>(), 5, random);
}

TEST_CASE("dense: zero weights at first, on a cache line") {
  dense<double, 3, 5, relu> l;
  CHECK(l.weights().rows() == 4);
  CHECK(l.weights().cols() == 5);
  CHECK(reinterpret_cast<std::uintptr_t>(l.weights().data()) % cache_line == 0);
  CHECK(l.weights().stride() == padded<double>(5));
  for (std::size_t i = 0; i < 4; ++i) {
    for (const double w : l.weights().row(i)) CHECK(w == 0);
  }
}

TEST_CASE("dense: views of the weights") {
  dense<double, dynamic, 2, relu> l(3, 2);
  const auto& constant = l;
  CHECK(&l.weights()(0, 0) == &l.linear_weights()(0, 0));
  CHECK(l.linear_weights().rows() == 3);
  CHECK(l.bias().size() == 2);
  l.bias()[1] = 7;
  CHECK(l.weights()(3, 1) == 7);
  CHECK(constant.bias()[1] == 7);
  CHECK(constant.weights()(3, 1) == 7);
  CHECK(constant.linear_weights().data() == l.weights().data());
  static_assert(decltype(l)::has_bias());
  const dense<double, 3, 2, relu, no_bias> without;
  static_assert(!decltype(without)::has_bias());
  CHECK(without.weights().rows() == 3);
  CHECK(without.linear_weights().rows() == 3);
  static_assert(std::is_same_v<dense<double, 3, dynamic, identity, no_bias>::rebind<float>,
                               dense<float, 3, dynamic, identity, no_bias>>);
}

TEST_CASE("dense: copies are independent") {
  dense<double, 2, 2, relu> original;
  original.weights()(0, 0) = 1;
  auto copied = original;
  original.weights()(0, 0) = 2;
  CHECK(copied.weights()(0, 0) == 1);
  copied = original;
  copied.weights()(0, 0) = 3;
  CHECK(original.weights()(0, 0) == 2);
}

TEST_CASE_TEMPLATE("dense: what was moved from has no weights, and takes others", Layer,
                   dense<double, 3, 2, relu>, dense<double, dynamic, dynamic, relu>) {
  using x_view = matrix_view<const double, dynamic, Layer::in_extent>;
  const std::string gone = "dense: the weights were moved to another layer";
  Layer first(3, 2), second(3, 2);
  first.weights()(2, 1) = 7;
  Layer taken = std::move(first);
  CHECK(taken.weights()(2, 1) == 7);
  const auto refuses = [&](Layer& moved) {
    const Layer& constant = moved;
    typename Layer::tape kept;
    const auto x = make_matrix<double>(1, 3);
    CHECK(message_of<argument_error>([&] { void(moved.weights()); }) == gone);
    CHECK(message_of<argument_error>([&] { void(constant.weights()); }) == gone);
    CHECK(message_of<argument_error>([&] { void(moved.linear_weights()); }) == gone);
    CHECK(message_of<argument_error>([&] { void(constant.linear_weights()); }) == gone);
    CHECK(message_of<argument_error>([&] { void(moved.bias()); }) == gone);
    CHECK(message_of<argument_error>([&] { void(moved.forward(x_view(x), kept)); }) == gone);
    CHECK(moved.in_width() == 3);
    CHECK(moved.out_width() == 2);
  };
  refuses(first);
  second = std::move(taken);  // second had weights of its own
  CHECK(second.weights()(2, 1) == 7);
  refuses(taken);
  Layer copy = taken;
  refuses(copy);
  taken = second;
  CHECK(taken.weights()(2, 1) == 7);
  taken.weights()(2, 1) = 8;
  CHECK(second.weights()(2, 1) == 7);
}

TEST_CASE("dense: a larger layer moved into a smaller one") {
  dense<double, dynamic, dynamic, relu> small(1, 1), large(50, 60);
  large.weights()(50, 59) = 3;
  small = std::move(large);
  CHECK(small.weights()(50, 59) == 3);
  CHECK_THROWS_AS(void(large.weights()), argument_error);
  large = dense<double, dynamic, dynamic, relu>(2, 2);
  CHECK(large.weights()(2, 1) == 0);
}

TEST_CASE("dense: errors") {
  using any = dense<double, dynamic, dynamic, relu>;
  CHECK_THROWS_WITH_AS(any(0, 3), "dense: (0x3), expected numbers of at least 1", shape_error);
  CHECK_THROWS_WITH_AS(any(3, 0), "dense: (3x0), expected numbers of at least 1", shape_error);
  CHECK_THROWS_WITH_AS((dense<double, 4, dynamic, relu>(3, 2)), "extent: got width 3, expected 4",
                       shape_error);
  CHECK_THROWS_WITH_AS((dense<double, 4, 5, relu>(4, 6)), "extent: got width 6, expected 5", shape_error);
  CHECK_THROWS_WITH_AS(any(dynamic, 3), "dense: (dynamicx3), expected numbers of at least 1",
                       shape_error);
  CHECK_THROWS_WITH_AS(any(3, dynamic), "dense: (3xdynamic), expected numbers of at least 1",
                       shape_error);
  CHECK_THROWS_WITH_AS((dense<double, 4, dynamic, relu>(dynamic, 2)),
                       "extent: got width dynamic, expected 4", shape_error);
  // Sizes whose product is 2^64 or more.
  CHECK_THROWS_AS(any(std::size_t{1} << 40, std::size_t{1} << 40), shape_error);
  const any l(4, 5);
  any::tape kept;
  auto x = make_matrix<double>(2, 3), g = make_matrix<double>(2, 6);
  CHECK_THROWS_WITH_AS(l.forward(matrix_view(x), kept), "forward: x is (2x3), expected (2x4)",
                       shape_error);
  const auto good_x = make_matrix<double>(2, 4), good_g = make_matrix<double>(2, 5);
  auto below = make_matrix<double>(2, 4);
  const auto call = [&](const matrix<double>& g_above, const matrix<double>& inputs,
                        matrix<double>& g_below) {
    l.backward_input(g_above, relu{}, matrix_view(inputs), matrix_view(g_below));
  };
  CHECK_THROWS_WITH_AS(call(g, good_x, below), "backward_input: g is (2x6), expected (2x5)",
                       shape_error);
  CHECK_THROWS_WITH_AS(call(good_g, x, below), "backward_input: x is (2x3), expected (2x4)",
                       shape_error);
  CHECK_THROWS_WITH_AS(call(good_g, good_x, x), "backward_input: g_below is (2x3), expected (2x4)",
                       shape_error);
}
