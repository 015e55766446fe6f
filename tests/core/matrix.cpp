#include <tutelage/core/matrix.hpp>

#include <doctest/doctest.h>

#include <array>
#include <complex>
#include <cstdint>

#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/widths.hpp"

namespace {

using namespace test;

bool on_a_cache_line(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 64 == 0; }

// 0, 1, 2, ... from the left and the top.
template <class T>
matrix<T> numbered(std::size_t rows, std::size_t cols) {
  auto m = make_matrix<T>(rows, cols);
  T next = 0;
  for (T& x : m) x = next++;
  return m;
}

}  // namespace

TEST_CASE_TEMPLATE("make_matrix, make_vector: zeros on a cache line", T, float, double, long double,
                   std::complex<double>) {
  for (const std::size_t rows : {0U, 1U, 2U, 33U}) {
    for (const std::size_t cols : {0U, 1U, 2U, 33U}) {
      const auto m = make_matrix<T>(rows, cols);
      CHECK(m.shape(0) == rows);
      CHECK(m.shape(1) == cols);
      CHECK(m.size() == rows * cols);
      CHECK((m.size() == 0 || on_a_cache_line(m.data())));
      for (const T& x : m) CHECK(x == T(0));
    }
    const auto v = make_vector<T>(rows);
    CHECK(v.size() == rows);
    CHECK((v.size() == 0 || on_a_cache_line(v.data())));
    for (const T& x : v) CHECK(x == T(0));
  }
}

TEST_CASE("padded: whole cache lines") {
  static_assert(padded<double>(0) == 0 && padded<double>(1) == 8 && padded<double>(8) == 8 &&
                padded<double>(9) == 16);
  static_assert(padded<float>(1) == 16 && padded<float>(16) == 16 && padded<float>(17) == 32);
  static_assert(padded<long double>(4) == 4 && padded<long double>(5) == 8);
  static_assert(padded<std::complex<double>>(4) == 4 && padded<std::complex<double>>(5) == 8);
  for (const std::size_t n : dynamic_widths()) {
    CHECK(padded<float>(n) >= n);
    CHECK(padded<float>(n) < n + 16);
    CHECK(padded<float>(n) * sizeof(float) % cache_line == 0);
  }
}

TEST_CASE("matrix_view: static, dynamic and mixed extents show the same numbers") {
  auto m = numbered<double>(6, 10);
  const auto check = [&](const auto& view) {
    CHECK(view.rows() == 3);
    CHECK(view.cols() == 4);
    CHECK(view.stride() == 10);
    CHECK(view.data() == m.data());
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(view.row(i).size() == 4);
      for (std::size_t j = 0; j < 4; ++j) {
        CHECK(&view(i, j) == &m(i, j));
        CHECK(&view.row(i)[j] == &m(i, j));
      }
    }
    const auto middle = view.middle_rows(1, 2);
    static_assert(decltype(middle)::row_extent == dynamic);
    static_assert(decltype(middle)::col_extent == std::remove_cvref_t<decltype(view)>::col_extent);
    CHECK(middle.rows() == 2);
    CHECK(middle.cols() == 4);
    CHECK(&middle(1, 3) == &m(2, 3));
    CHECK(view.middle_rows(3, 0).rows() == 0);
    for (const auto& [first, count] : std::vector<std::array<std::size_t, 2>>{
             {0, 4}, {1, 3}, {4, 0}, {1, dynamic}, {dynamic, 1}}) {
      CHECK_THROWS_WITH_AS(
          void(view.middle_rows(first, count)),
          detail::text("middle_rows: ", count, " rows from row ", first, " on, the matrix has 3")
              .c_str(),
          shape_error);
    }
  };
  check(matrix_view<double>(m.data(), 3, 4, 10));
  check(matrix_view<double, 3, dynamic>(m.data(), 3, 4, 10));
  check(matrix_view<double, dynamic, 4>(m.data(), 3, 4, 10));
  check(matrix_view<const double, 3, 4>(m.data(), 3, 4, 10));
}

TEST_CASE("matrix_view: writes reach the owner") {
  auto m = numbered<float>(2, 3);
  const matrix_view<float> view(m);
  view(1, 2) = 77;
  view.row(0)[1] = -1;
  CHECK(m == matrix<float>{{0, -1, 2}, {3, 4, 77}});
}

TEST_CASE("matrix_view: of xtensor containers, ours and users', const or not") {
  auto ours = numbered<double>(2, 3);
  const auto constant = ours;
  xt::xtensor<double, 2> users{{1, 2, 3}};
  const xt::xtensor<double, 2>& constant_users = users;
  static_assert(std::is_same_v<decltype(matrix_view(ours)), matrix_view<double>>);
  static_assert(std::is_same_v<decltype(matrix_view(constant)), matrix_view<const double>>);
  static_assert(std::is_same_v<decltype(matrix_view(users)), matrix_view<double>>);
  static_assert(std::is_same_v<decltype(matrix_view(constant_users)), matrix_view<const double>>);
  static_assert(!std::is_constructible_v<matrix_view<double>, const matrix<double>&>);
  static_assert(!std::is_constructible_v<matrix_view<float>, matrix<double>&>);
  CHECK(matrix_view(ours).data() == ours.data());
  CHECK(matrix_view(ours).stride() == 3);
  CHECK(matrix_view(constant_users).data() == users.data());
  CHECK(matrix_view(constant_users).rows() == 1);
  CHECK(matrix_view(constant_users).cols() == 3);
  CHECK(matrix_view<double>().rows() == 0);
  CHECK(matrix_view<double>().cols() == 0);
}

TEST_CASE("matrix_view: a static extent is checked where it appears") {
  auto m = numbered<double>(3, 4);
  const matrix_view<double> view(m);
  for_each_static_width([&](auto w) {
    using rows = matrix_view<double, w, dynamic>;
    using cols = matrix_view<double, dynamic, w>;
    if (w == 3) {
      CHECK(rows(view).rows() == 3);
    } else {
      CHECK_THROWS_WITH_AS(rows{view},
                           detail::text("extent: got width 3, expected ", std::size_t{w}).c_str(),
                           shape_error);
    }
    CHECK_THROWS_WITH_AS(cols{view},
                         detail::text("extent: got width 4, expected ", std::size_t{w}).c_str(),
                         shape_error);
  });
  const matrix_view<const double, 3, 4> both(view);
  CHECK(both.data() == m.data());
  CHECK(both.stride() == 4);
  CHECK_THROWS_WITH_AS((matrix_view<double, 3, 4>(m.data(), 3, 5, 5)),
                       "extent: got width 5, expected 4", shape_error);
}

TEST_CASE("copy: between strides, within the view only") {
  auto random = random_stream(1);
  for (const std::size_t w : dynamic_widths()) {
    const auto m = random_matrix<double>(3, w, random);
    framed<double> from(m, 5, not_a_number<double>), to(3, w, 2, -7);
    copy(from.view(), to.view());
    CHECK(to_matrix(to.view()) == m);
    CHECK(to.intact());
    copy(from.view<3, dynamic>(), to.view<dynamic, dynamic>());
    CHECK(to.intact());
  }
  copy(matrix_view<double>(), matrix_view<double>());
}

TEST_CASE("copy: shapes that differ") {
  auto a = numbered<double>(2, 3), b = numbered<double>(3, 2);
  const auto before = b;
  CHECK_THROWS_WITH_AS(copy(matrix_view(a), matrix_view(b)),
                       "copy: destination is (3x2), expected (2x3)", shape_error);
  CHECK_THROWS_WITH_AS(copy(matrix_view(a), matrix_view(a).middle_rows(0, 1)),
                       "copy: destination is (1x3), expected (2x3)", shape_error);
  CHECK(b == before);
}

TEST_CASE("to_matrix: an owned copy") {
  auto m = numbered<double>(4, 3);
  const auto owned = to_matrix(matrix_view(m).middle_rows(1, 2));
  static_assert(std::is_same_v<std::remove_cv_t<decltype(owned)>, matrix<double>>);
  m(1, 0) = 99;
  CHECK(owned == matrix<double>{{3, 4, 5}, {6, 7, 8}});
  CHECK(to_matrix(matrix_view<const double, 0, dynamic>(m.data(), 0, 3, 3)).size() == 0);
}

TEST_CASE("shape_text, require_shape") {
  CHECK(shape_text(64, 10) == "(64x10)");
  CHECK(shape_text(0, 1) == "(0x1)");
  auto m = numbered<double>(2, 3);
  detail::require_shape("f", "x", matrix_view(m), 2, 3);
  CHECK_THROWS_WITH_AS(detail::require_shape("f", "x", matrix_view(m), 3, 3),
                       "f: x is (2x3), expected (3x3)", shape_error);
  CHECK_THROWS_WITH_AS(detail::require_shape("f", "x", matrix_view(m), 2, 2),
                       "f: x is (2x3), expected (2x2)", shape_error);
}

TEST_CASE_TEMPLATE("workspace: padded rows of finite numbers, on cache lines", T, float, double,
                   long double, std::complex<double>) {
  for (const std::size_t w : dynamic_widths()) {
    workspace<T> space;
    const auto view = space.reshape(5, w);
    CHECK(view.rows() == 5);
    CHECK(view.cols() == w);
    CHECK(view.stride() == padded<T>(w));
    CHECK(space.view().data() == view.data());
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(on_a_cache_line(view.row(i).data()));
      for (std::size_t j = 0; j < view.stride(); ++j) CHECK(is_finite(view.row(i).data()[j]));
    }
    // All of it can be written: a sanitizer sees what cannot.
    std::fill_n(view.data(), 5 * view.stride(), T(1));
  }
}

TEST_CASE("workspace: only grows") {
  workspace<double> space;
  CHECK(space.view().rows() == 0);
  CHECK(space.view().cols() == 0);
  const double* const first = space.reshape(4, 20).data();
  for (const auto& [rows, cols] :
       std::vector<std::array<std::size_t, 2>>{{1, 1}, {4, 24}, {12, 8}, {0, 5}, {4, 20}}) {
    CHECK(space.reshape(rows, cols).data() == first);
    CHECK(space.view().rows() == rows);
    CHECK(space.view().cols() == cols);
  }
  const auto larger = space.reshape(13, 8);
  std::fill_n(larger.data(), 13 * larger.stride(), 1.0);
  CHECK(space.reshape(12, 8).data() == larger.data());
}

TEST_CASE("workspace: copies are independent") {
  workspace<double> original;
  original.reshape(2, 3)(1, 2) = 5;
  workspace<double> copied = original, assigned;
  assigned.reshape(40, 40);
  assigned = original;
  original.view()(1, 2) = 6;
  for (auto* const space : {&copied, &assigned}) {
    CHECK(space->view().rows() == 2);
    CHECK(space->view().cols() == 3);
    CHECK(space->view()(1, 2) == 5);
    CHECK(space->view().data() != original.view().data());
  }
  const auto& same = copied;
  copied = same;
  CHECK(copied.view()(1, 2) == 5);
  const workspace<double> empty;
  copied = empty;
  CHECK(copied.view().rows() == 0);
  CHECK(copied.reshape(2, 3)(0, 0) == copied.view()(0, 0));
}

TEST_CASE("workspace: what was moved from can be used again, on its own") {
  workspace<double> source;
  source.reshape(10, 10)(0, 0) = 3;
  workspace<double> moved = std::move(source);
  CHECK(moved.view()(0, 0) == 3);
  CHECK(source.view().data() == nullptr);  // NOLINT(bugprone-use-after-move)
  CHECK(source.view().rows() == 0);
  CHECK(source.reshape(10, 10).data() != moved.view().data());
  source = workspace<double>();
  source.reshape(1, 1);
  workspace<double> target;
  target.reshape(2, 2);
  target = std::move(moved);
  CHECK(target.view()(0, 0) == 3);
  CHECK(moved.view().rows() == 0);           // NOLINT(bugprone-use-after-move)
  const auto again = moved.reshape(10, 10);  // NOLINT(bugprone-use-after-move)
  std::fill_n(again.data(), 10 * again.stride(), 8.0);
  CHECK(target.view()(0, 0) == 3);
}
