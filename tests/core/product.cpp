#include "reference/product.hpp"

#include <array>
#include <complex>
#include <limits>
#include <tutelage/core/product.hpp>

#include "support/framed.hpp"
#include "support/gauge.hpp"
#include "support/random.hpp"
#include "support/scattered.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

struct shape {
  std::size_t m, k, n;  // (m x k) times (k x n)
};

template <class T>
struct factors {
  T alpha, beta;
};

// alpha = 1 and beta = 0 or 1 have branches of their own in every BLAS.
template <class T>
constexpr std::array<factors<T>, 7> all_factors() {
  const auto odd = [] {
    if constexpr (is_complex<T>) {
      return T(0.75, -1.5);
    } else {
      return T(0.75);
    }
  }();
  return {{{1, 0}, {1, 1}, {odd, 0}, {odd, 1}, {-2, -odd}, {0, odd}, {0, 0}}};
}

template <class T>
matrix<T> transpose_of(const matrix<T>& m) {
  auto result = make_matrix<T>(m.shape(1), m.shape(0));
  for (std::size_t i = 0; i < m.shape(0); ++i) {
    for (std::size_t j = 0; j < m.shape(1); ++j) result(j, i) = m(i, j);
  }
  return result;
}

// One product: operands between numbers that must not be read, the result between numbers that
// must not be written, and filled with what must not be read where beta is 0.
template <class T>
class trial {
 public:
  [[gnu::noinline]] trial(const shape& s, const factors<T>& by, std::size_t pad, stream& random)
      : shape_(s), by_(by), pad_(pad) {
    const auto A = random_matrix<T>(s.m, s.k, random), B = random_matrix<T>(s.k, s.n, random);
    for (const bool transpose : {false, true}) {
      a_.emplace_back(transpose ? transpose_of(A) : A, pad, not_a_number<T>);
      b_.emplace_back(transpose ? transpose_of(B) : B, pad / 2, not_a_number<T>);
    }
    C_ = random_matrix<T>(s.m, s.n, random);
    expected_ = reference::multiply<wide_t<T>>(widen(A), widen(B), widen(C_),
                                               static_cast<wide_t<T>>(by.alpha),
                                               static_cast<wide_t<T>>(by.beta));
    if (by.beta == T(0)) C_.fill(not_a_number<T>);
  }

  /// Each of the three extents is its number or `dynamic`.
  template <std::size_t M = dynamic, std::size_t K = dynamic, std::size_t N = dynamic>
  void run() {
    const auto a = a_[0].template view<M, K>();
    const auto b = b_[0].template view<K, N>();
    const auto a_t = transposed(a_[1].template view<K, M>());
    const auto b_t = transposed(b_[1].template view<N, K>());
    framed<T> c(C_, pad_ + 1, canary);
    const auto out = c.template view<M, N>();
    multiply(a, b, out, by_.alpha, by_.beta);
    judge(c, "A B");
    multiply(a, b_t, out, by_.alpha, by_.beta);
    judge(c, "A B^T");
    multiply(a_t, b, out, by_.alpha, by_.beta);
    judge(c, "A^T B");
    multiply(a_t, b_t, out, by_.alpha, by_.beta);
    judge(c, "A^T B^T");
    const scattered<T> a_rows(to_matrix(a_[0].view())), a_columns(to_matrix(a_[1].view()));
    multiply(a_rows.template view<K>(), b, out, by_.alpha, by_.beta);
    judge(c, "A B, A scattered");
    multiply(a_rows.template view<K>(), b_t, out, by_.alpha, by_.beta);
    judge(c, "A B^T, A scattered");
    multiply(transposed(a_columns.template view<M>()), b, out, by_.alpha, by_.beta);
    judge(c, "A^T B, A scattered");
  }

 private:
  static constexpr T canary = T(-12345);

  // Judges a result and makes C what it was.
  [[gnu::noinline]] void judge(framed<T>& c, const char* what) {
    INFO(what, ": (", shape_.m, "x", shape_.k, ") (", shape_.k, "x", shape_.n, "), alpha ",
         real_part(by_.alpha), ", beta ", real_part(by_.beta), ", pad ", pad_);
    // k products and sums, alpha, beta and their sum; the reference rounds in the same places.
    const double roundings = 2 * (static_cast<double>(shape_.k) + 3);
    CHECK(within(c.view(), expected_.C, expected_.gauge, roundings));
    CHECK(c.intact());
    copy(matrix_view(C_), c.view());
  }

  shape shape_;
  factors<T> by_;
  std::size_t pad_;
  std::vector<framed<T>> a_, b_;  // as they are, and their transposes
  matrix<T> C_;
  reference::product<wide_t<T>> expected_;
};

template <class T>
[[gnu::noinline]] void check(const shape& s, const factors<T>& by, std::size_t pad,
                             stream& random) {
  trial<T>(s, by, pad, random).run();
}

// Each width in each of the three places, beside a few others.
template <class F>
void for_each_shape(F&& f) {
  constexpr std::array<std::array<std::size_t, 2>, 4> others{{{1, 1}, {2, 7}, {16, 3}, {9, 33}}};
  for (const std::size_t w : dynamic_widths()) {
    for (const auto& [p, q] : others) {
      f(shape{w, p, q});
      f(shape{p, w, q});
      f(shape{p, q, w});
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("multiply: dynamic extents", T, float, double, long double,
                   std::complex<double>) {
  auto random = random_stream(1);
  std::size_t number = 0;
  for_each_shape([&](const shape& s) {
    const auto by = all_factors<T>()[number % all_factors<T>().size()];
    check<T>(s, by, number++ % 5, random);
  });
  for (const auto& by : all_factors<T>()) {
    for (const shape& s : {shape{1, 1, 1}, shape{2, 2, 2}, shape{5, 3, 7}, shape{16, 17, 18},
                           // A sum of nothing is 0: C = beta C.
                           shape{1, 0, 1}, shape{17, 0, 5}, shape{3, 0, 64}, shape{0, 4, 5},
                           shape{4, 5, 0}, shape{0, 0, 0}}) {
      for (const std::size_t pad : {0U, 1U, 8U}) check<T>(s, by, pad, random);
    }
  }
}

TEST_CASE("multiply: static and mixed extents") {
  auto random = random_stream(2);
  for_each_static_width([&](auto w) {
    std::size_t pad = 0;
    for (const auto& by : all_factors<double>()) {
      trial<double>({w, w, w}, by, pad++ % 3, random).run<w, w, w>();
      trial<double>({13, 20, w}, by, pad % 3, random).run<dynamic, 20, w>();
    }
  });
  for_each_width<3, 16>([&](auto w) {
    trial<double> any({w, w, w}, {1, 1}, 1, random);
    any.run<w, dynamic, dynamic>();
    any.run<dynamic, w, dynamic>();
    any.run<dynamic, dynamic, w>();
  });
}

TEST_CASE_TEMPLATE("multiply: static extents of other scalars", T, float, long double,
                   std::complex<double>) {
  auto random = random_stream(3);
  for_each_width<1, 3, 8, 10, 17>([&](auto w) {
    for (const auto& by : all_factors<T>()) {
      trial<T>({11, w, w}, by, 1, random).template run<dynamic, w, w>();
    }
  });
}

TEST_CASE("multiply: large products") {
  auto random = random_stream(4);
  for (const shape& s : {shape{1024, 100, 50}, shape{129, 257, 300}, shape{64, 784, 50}}) {
    check<double>(s, {1, 0}, 0, random);
    check<double>(s, {0.5, 1}, 3, random);
    check<float>(s, {1, 0}, 0, random);
  }
}

TEST_CASE_TEMPLATE("multiply: a NaN reaches its row or column and no other", T, float, double,
                   long double, std::complex<double>) {
  auto random = random_stream(5);
  for (const std::size_t w : dynamic_widths()) {
    const auto A = random_matrix<T>(6, w, random), B = random_matrix<T>(w, 7, random);
    auto broken_a = A, broken_b = B;
    broken_a(2, w - 1) = not_a_number<T>;
    broken_b(0, 3) = not_a_number<T>;
    auto c = make_matrix<T>(6, 7), d = make_matrix<T>(6, 7);
    multiply(broken_a, B, c);
    multiply(A, broken_b, d);
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t j = 0; j < 7; ++j) {
        CHECK(is_finite(c(i, j)) == (i != 2));
        CHECK(is_finite(d(i, j)) == (j != 3));
      }
    }
  }
}

TEST_CASE("multiply: matrices, views and users' containers are operands") {
  const matrix<double> a{{1, 2}, {3, 4}}, b{{5, 6}, {7, 8}};
  const matrix<double> ab{{19, 22}, {43, 50}}, ab_t{{17, 23}, {39, 53}}, a_tb{{26, 30}, {38, 44}};
  auto c = make_matrix<double>(2, 2);
  multiply(a, b, c);
  CHECK(c == ab);
  multiply(a, transposed(b), c);
  CHECK(c == ab_t);
  multiply(transposed(a), b, c);
  CHECK(c == a_tb);
  multiply(a, b, c, 2, 1);
  CHECK(c == a_tb + 2 * ab);
  auto mutable_b = b;
  multiply(matrix_view<const double, 2, 2>(matrix_view(a)), matrix_view(mutable_b), matrix_view(c));
  CHECK(c == ab);
  xt::xtensor<double, 2> users{{0, 0}, {0, 0}};
  multiply(a, matrix_view(b), matrix_view(users));
  CHECK(users == ab);
}

TEST_CASE("transposed: shape and base") {
  const auto a = make_matrix<float>(3, 5);
  const auto t = transposed(a);
  CHECK(t.rows() == 5);
  CHECK(t.cols() == 3);
  CHECK(t.base.data() == a.data());
  const auto s = transposed(matrix_view<const float, 3, 5>(matrix_view(a)));
  static_assert(s.row_extent == 5 && s.col_extent == 3);
  CHECK(s.rows() == 5);
  CHECK(s.cols() == 3);
}

TEST_CASE("multiply: shapes that do not fit") {
  using T = double;
  const auto m = [](std::size_t rows, std::size_t cols) { return make_matrix<T>(rows, cols); };
  auto c = m(2, 5);
  c.fill(7);
  const auto before = c;
  CHECK_THROWS_WITH_AS(multiply(m(2, 3), m(4, 5), c), "multiply: (2x3) times (4x5) into (2x5)",
                       shape_error);
  CHECK_THROWS_WITH_AS(multiply(m(1, 3), m(3, 5), c), "multiply: (1x3) times (3x5) into (2x5)",
                       shape_error);
  CHECK_THROWS_WITH_AS(multiply(m(2, 3), m(3, 4), c), "multiply: (2x3) times (3x4) into (2x5)",
                       shape_error);
  CHECK_THROWS_WITH_AS(multiply(transposed(m(2, 3)), m(3, 5), c),
                       "multiply: (3x2) times (3x5) into (2x5)", shape_error);
  CHECK_THROWS_WITH_AS(multiply(m(2, 3), transposed(m(3, 5)), c),
                       "multiply: (2x3) times (5x3) into (2x5)", shape_error);
  // An empty result is checked as well.
  CHECK_THROWS_WITH_AS(multiply(m(0, 3), m(4, 5), matrix_view<T>(nullptr, 0, 5, 5)),
                       "multiply: (0x3) times (4x5) into (0x5)", shape_error);
  // Static against dynamic extents.
  const auto a = m(2, 3), b = m(4, 5);
  CHECK_THROWS_WITH_AS(multiply(matrix_view<const T, 2, 3>(matrix_view(a)), b, matrix_view(c)),
                       "multiply: (2x3) times (4x5) into (2x5)", shape_error);
  CHECK(c == before);
}

TEST_CASE("multiply: extents beyond what BLAS counts") {
  // Large enough for BLAS. Their strides are wrong, but nothing is read before it is found.
  const std::size_t large = std::size_t{std::numeric_limits<int>::max()} + 1, n = 400;
  auto m = make_matrix<double>(n, n);
  const matrix_view<double> small(m), wide(m.data(), n, n, large);
  const char* message = "multiply: extent 2147483648 is too large for BLAS";
  CHECK_THROWS_WITH_AS(multiply(wide, small, small), message, shape_error);
  CHECK_THROWS_WITH_AS(multiply(small, wide, small), message, shape_error);
  CHECK_THROWS_WITH_AS(multiply(small, small, wide), message, shape_error);
}
