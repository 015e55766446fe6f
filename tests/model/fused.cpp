// The fused products give the bits of the plain ones followed by bias and gate.
#include <complex>

#include <doctest/doctest.h>
#include <tutelage/model/fused.hpp>
#include <tutelage/model/gate.hpp>

#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"

namespace {

using namespace test;

template <class T, class Gate>
void check_forward(std::size_t N, std::size_t in, std::size_t out, const Gate& gate, bool biased) {
  auto random = random_stream(N + 100 * in + 10000 * out);
  const auto X = random_matrix<T>(N, in, random), W = random_matrix<T>(in, out, random);
  const auto b = random_matrix<T>(1, out, random);
  framed<T> F(N, out, 2, T(-7));
  detail::multiply_activate(matrix_view<const T>(X), matrix_view<const T>(W),
                            biased ? std::span<const T>(b.data(), out) : std::span<const T>(), gate,
                            F.view());
  auto expected = make_matrix<T>(N, out);
  for (std::size_t i = 0; biased && i < N; ++i)
    std::copy_n(b.data(), out, expected.data() + i * out);
  // As the fused one: sums begin with the bias.
  if constexpr (detail::simd_scalar<T>) {
    const auto start = [&](std::size_t j, const auto& piece) {
      return biased ? piece.load(b.data() + j) : detail::simd<T>(T(0));
    };
    const matrix_view<T> to(expected);
    detail::multiply_tiled<dynamic>(
        detail::operands{detail::strided_left<T>{X.data(), in, 1},
                         detail::strided_right<T>{W.data(), out}, in},
        N, out, start, [to](std::size_t i, std::size_t j, const auto& sum, const auto& piece) {
          piece.store(to.row(i).data() + j, sum);
        });
  } else {
    multiply(X, W, expected, T(1), T(1));
  }
  for (T& f : expected) f = gate.activate(f);
  INFO(N, " samples, ", in, " to ", out);
  CHECK(to_matrix(F.view()) == expected);
  CHECK(F.intact());
  framed<T> again(N, out, 1, T(-7));
  detail::multiply_activate(scattered<T>(X).view(), matrix_view<const T>(W),
                            biased ? std::span<const T>(b.data(), out) : std::span<const T>(), gate,
                            again.view());
  CHECK(to_matrix(again.view()) == expected);
}

template <class T, class Gate>
void check_backward(std::size_t N, std::size_t in, std::size_t out, const Gate& gate) {
  auto random = random_stream(N + 100 * in + 10000 * out);
  const auto G = random_matrix<T>(N, out, random), W = random_matrix<T>(in, out, random);
  auto below = random_matrix<T>(N, in, random);
  for (T& f : below) f = gate.activate(f);
  framed<T> H(N, in, 2, T(-7));
  detail::multiply_transposed_gated<T, dynamic, dynamic>(matrix_view<const T>(G),
                                                         matrix_view<const T>(W), gate,
                                                         matrix_view<const T>(below), H.view());
  auto expected = make_matrix<T>(N, in);
  multiply(G, transposed(W), expected);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    expected.data()[i] *= gate.factor(below.data()[i]);
  }
  INFO(N, " samples, ", in, " from ", out);
  CHECK(to_matrix(H.view()) == expected);
  CHECK(H.intact());
}

}  // namespace

TEST_CASE_TEMPLATE("forward and backward products with their gates", T, float, double,
                   std::complex<double>) {
  const auto check = [](const auto& gate) {
    for (const std::size_t width : {1U, 7U, 8U, 10U, 17U, 33U, 50U}) {
      for (const std::size_t N : {1U, 5U, 16U}) {
        check_forward<T>(N, 9, width, gate, true);
        check_forward<T>(N, width, 6, gate, false);
        check_backward<T>(N, width, 9, gate);
        check_backward<T>(N, 6, width, gate);
      }
    }
  };
  check(relu{});
  check(leaky_relu<dynamic_slope>(0.3));
}

TEST_CASE_TEMPLATE("large layers go to BLAS and keep bias and gate", T, float, double) {
  const std::size_t N = 64, in = 700, out = 500;
  CHECK_FALSE(detail::tiles_are_faster<T>(N, in, out));
  auto random = random_stream(5);
  const auto X = random_matrix<T>(N, in, random), W = random_matrix<T>(in, out, random);
  const auto b = random_matrix<T>(1, out, random);
  auto F = make_matrix<T>(N, out), expected = make_matrix<T>(N, out);
  detail::multiply_activate(matrix_view<const T>(X), matrix_view<const T>(W),
                            std::span<const T>(b.data(), out), relu{}, matrix_view<T>(F));
  for (std::size_t i = 0; i < N; ++i) std::copy_n(b.data(), out, expected.data() + i * out);
  multiply(X, W, expected, T(1), T(1));
  for (T& f : expected) f = std::max(f, T(0));
  CHECK(F == expected);
}
