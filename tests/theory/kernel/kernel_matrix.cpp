#include <array>
#include <cmath>
#include <complex>
#include <tutelage/theory/kernel/kernel_matrix.hpp>
#include <vector>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

template <class T>
std::vector<T> column(const matrix<T>& W, std::size_t j) {
  std::vector<T> result;
  for (std::size_t i = 0; i < W.shape(0); ++i) result.push_back(W(i, j));
  return result;
}

template <class T>
double norm(const std::vector<T>& v) {
  double sum = 0;
  for (const T& x : v) sum = std::hypot(sum, static_cast<double>(real_part(x)));
  return sum;
}

// Every element against gaussian_pair, which uses no product.
template <class T>
comparison judge(const matrix<T>& W, const matrix<T>& V, gate_pair<real_t<T>> gates,
                 real_t<T> std) {
  framed<T> K(W.shape(1), V.shape(1), 3, not_a_number<T>);
  gaussian_kernel_matrix<T>(W, V, gates, std, K.view());
  comparison found;
  for (std::size_t i = 0; i < W.shape(1); ++i) {
    for (std::size_t j = 0; j < V.shape(1); ++j) {
      const auto w = column(W, i), v = column(V, j);
      const T expected = gaussian_pair<T>(w, v, gates, std).kernel();
      // d products round, and some 10 operations after them.
      const double tolerance = static_cast<double>(epsilon<T>) *
                               (static_cast<double>(W.shape(0)) + 10) * norm(w) * norm(v) *
                               static_cast<double>(std * std);
      found.add(static_cast<double>(std::abs(K.view()(i, j) - expected)),
                tolerance > 0 ? tolerance : 1e-300, detail::text("(", i, ", ", j, ")"),
                static_cast<double>(real_part(K.view()(i, j))),
                static_cast<double>(real_part(expected)));
    }
  }
  return found;
}

}  // namespace

TEST_CASE_TEMPLATE("as pair by pair, at every width", T, float, double, long double,
                   std::complex<double>) {
  stream random = random_stream(1);
  comparison worst;
  for (const std::size_t m : dynamic_widths()) {
    const std::size_t n = 1 + random.below(4), d = 1 + random.below(20);
    auto W = random_matrix<T>(d, n, random), V = random_matrix<T>(d, m, random);
    if constexpr (is_complex<T>) {  // gates look at the real part: small steps only
      for (T& x : W) x.imag(x.imag() * 1e-30);
      for (T& x : V) x.imag(x.imag() * 1e-30);
    }
    // Multiples, opposites, and near ones.
    for (std::size_t j = 0; j < m; ++j) {
      const int kind = static_cast<int>(random.below(8));
      if (kind > 3) continue;
      for (std::size_t i = 0; i < d; ++i) {
        V(i, j) = W(i, j % n) * real_t<T>(kind % 2 == 0 ? 2 : -1);
        if (kind > 1) V(i, j) *= T(1 + static_cast<real_t<T>>(1e-7 * random.normal()));
      }
    }
    const auto slope = static_cast<real_t<T>>(0.25 * static_cast<double>(random.below(4)));
    const auto found = judge<T>(W, V, {slope, 0}, static_cast<real_t<T>>(1.5));
    worst.add(found.worst, 1, found.where, 0, 0);
  }
  CHECK(worst);
}

TEST_CASE_TEMPLATE("zero nodes expect nothing", T, float, double, long double) {
  stream random = random_stream(2);
  auto W = random_matrix<T>(5, 3, random), V = random_matrix<T>(5, 9, random);
  for (std::size_t i = 0; i < 5; ++i) W(i, 1) = V(i, 4) = 0;
  auto K = make_matrix<T>(3, 9);
  gaussian_kernel_matrix<T>(W, V, {0, 0}, 1, matrix_view(K));
  for (std::size_t j = 0; j < 9; ++j) CHECK(K(1, j) == 0);
  for (std::size_t i = 0; i < 3; ++i) CHECK(K(i, 4) == 0);
  CHECK(judge<T>(W, V, {0, 0}, 1));
}

TEST_CASE("what does not fit") {
  const auto W = make_matrix<double>(4, 2), V = make_matrix<double>(3, 2);
  auto K = make_matrix<double>(2, 3);
  CHECK(message_of<shape_error>([&] {
          gaussian_kernel_matrix<double>(W, V, {0, 0}, 1, matrix_view(K));
        }) == "gaussian_kernel_matrix: V is (3x2), expected (4x2)");
  CHECK(message_of<shape_error>([&] {
          gaussian_kernel_matrix<double>(W, W, {0, 0}, 1, matrix_view(K));
        }) == "gaussian_kernel_matrix: K is (2x3), expected (2x2)");
}

TEST_CASE("nodes and inputs of any length: the same digits, where K is in the range") {
  stream random = random_stream(77);
  const auto W = random_matrix<double>(5, 3, random), V = random_matrix<double>(5, 4, random);
  const auto K_of = [](const matrix<double>& a, const matrix<double>& b, double std) {
    auto K = make_matrix<double>(a.shape(1), b.shape(1));
    gaussian_kernel_matrix<double>(a, b, {0.25, 0}, std, matrix_view(K));
    return K;
  };
  const auto plain = K_of(W, V, 1.5);
  for (const auto& [w, v, s] : {std::array{600, -600, 0},
                                {-1000, 900, 50},
                                {0, 1000, -500},
                                {-500, -500, 500},
                                {900, 100, -500}}) {
    auto scaled_w = W, scaled_v = V;
    for (double& x : scaled_w) x = std::scalbn(x, w);
    for (double& x : scaled_v) x = std::scalbn(x, v);
    const auto K = K_of(scaled_w, scaled_v, std::scalbn(1.5, s));
    for (std::size_t i = 0; i < plain.size(); ++i)
      CHECK(K.data()[i] == std::scalbn(plain.data()[i], w + v + 2 * s));
  }
  // Columns of different lengths.
  auto mixed = W;
  for (std::size_t i = 0; i < 5; ++i) mixed(i, 1) = std::scalbn(mixed(i, 1), 700);
  const auto K = K_of(mixed, V, 1.5);
  for (std::size_t j = 0; j < 4; ++j) {
    CHECK(K(0, j) == plain(0, j));
    CHECK(K(1, j) == std::scalbn(plain(1, j), 700));
  }
}
