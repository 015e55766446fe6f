#include <tutelage/core/gram.hpp>

#include "support/framed.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

// alpha S^T S + beta G by plain loops, judged in the upper triangle; the lower must not be touched.
template <class T>
void check_gram(std::size_t N, std::size_t n, T alpha, T beta, stream& random) {
  CAPTURE(N);
  CAPTURE(n);
  const auto S = random_matrix<T>(N, n, random), before = random_matrix<T>(n, n, random);
  framed<T> padded_S(S, 3, not_a_number<T>), G(before, 5, T(7));
  if (beta == T(0)) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t k = j; k < n; ++k) G.view()(j, k) = not_a_number<T>;
    }
  }
  gram(padded_S.view(), G.view(), alpha, beta);
  using W = wide_t<T>;
  auto expected = make_matrix<W>(n, n);
  auto gauge = make_matrix<real_t<W>>(n, n);
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < n; ++k) {
      const auto add = [&](const W& term) {
        expected(j, k) += term;
        gauge(j, k) += std::abs(term);
      };
      if (k < j) {
        CHECK(G.view()(j, k) == before(j, k));
        add(static_cast<W>(before(j, k)));
        continue;
      }
      if (beta != T(0)) add(static_cast<W>(beta) * static_cast<W>(before(j, k)));
      for (std::size_t i = 0; i < N; ++i) {
        add(static_cast<W>(alpha) * static_cast<W>(S(i, j)) * static_cast<W>(S(i, k)));
      }
    }
  }
  CHECK(within(G.view(), expected, gauge, static_cast<double>(N + 4)));
  symmetrize(G.view());
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t k = 0; k < j; ++k) CHECK(G.view()(j, k) == G.view()(k, j));
  }
  CHECK(G.intact());
}

}  // namespace

TEST_CASE_TEMPLATE("Gram matrices of all widths", T, float, double, long double,
                   std::complex<double>) {
  stream random = random_stream(1);
  for (const std::size_t n : dynamic_widths()) {
    check_gram<T>(n % 7, n, T(1), T(0), random);
    check_gram<T>(1 + n % 5, n, T(0.5), T(-2), random);
    check_gram<T>(40, n, T(-1), T(1), random);
  }
}

TEST_CASE("static extents") {
  stream random = random_stream(2);
  const auto S = random_matrix<double>(6, 3, random);
  auto G = make_matrix<double>(3, 3), expected = G;
  gram(matrix_view<const double, 6, 3>(matrix_view(S)), matrix_view<double, 3, 3>(matrix_view(G)));
  gram(S, matrix_view(expected));
  CHECK(G == expected);
  symmetrize(matrix_view<double, 3, 3>(matrix_view(G)));
  CHECK(G(2, 0) == G(0, 2));
}

TEST_CASE("shapes that do not fit, and nothing to do") {
  auto G = make_matrix<double>(3, 4);
  CHECK(message_of<shape_error>([&] { gram(make_matrix<double>(5, 3), matrix_view(G)); }) ==
        "gram: G is (3x4), expected (3x3)");
  auto kept = make_matrix<double>(2, 2);
  kept(0, 1) = 4;
  gram(make_matrix<double>(0, 2), matrix_view(kept), 1, 0.5);
  CHECK(kept(0, 1) == 2);
  auto none = make_matrix<double>(0, 0);
  gram(make_matrix<double>(3, 0), matrix_view(none));
}
