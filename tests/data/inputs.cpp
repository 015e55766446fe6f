#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include <tutelage/data/inputs.hpp>

#include "support/close_to.hpp"
#include "support/framed.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr std::array all_purposes{purpose::teacher,    purpose::student, purpose::inputs,
                                  purpose::evaluation, purpose::batches, purpose::analysis};

// Sizes around the chunk of 256 rows, and the smallest.
constexpr std::array<std::size_t, 9> row_counts{0, 1, 2, 255, 256, 257, 511, 512, 1000};

// A moment of a distribution: E[x^p], and the variance of x^p.
struct moment {
  int power;
  double mean;
  double variance;
};

// The mean of n draws of x^p is off by a standard deviation of sqrt(variance / n).
template <class D>
void check_moments(const D& distribution, const std::vector<moment>& moments) {
  const std::size_t N = 2000, d = 10;
  const auto x = draw_inputs<double>(distribution, N, d, 7);
  for (const moment& m : moments) {
    double sum = 0;
    for (const double value : x) sum += std::pow(value, m.power);
    const auto n = static_cast<double>(N * d);
    INFO("power ", m.power);
    CHECK(close_to(sum / n, m.mean, 4 * std::sqrt(m.variance / n)));
  }
  // Coordinates are uncorrelated: each product has mean 0 and variance E[x^2]^2. The largest of 45
  // standard normal numbers exceeds 5 with probability 3e-5.
  for (std::size_t a = 0; a < d; ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      double sum = 0;
      for (std::size_t i = 0; i < N; ++i) sum += x(i, a) * x(i, b);
      CHECK(close_to(sum / static_cast<double>(N), 0,
                     5 * moments.at(1).mean / std::sqrt(static_cast<double>(N))));
    }
  }
}

template <class T>
bool same_rows(const matrix_view<const T>& a, const matrix_view<const T>& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return false;
  for (std::size_t i = 0; i < a.rows(); ++i) {
    if (!std::ranges::equal(a.row(i), b.row(i))) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("gaussian inputs have the moments of N(0, std^2)") {
  for (const double s : {1.0, 1.5, 10.0}) {
    check_moments(gaussian_inputs{s}, {{1, 0, s * s},
                                       {2, s * s, 2 * std::pow(s, 4)},
                                       {3, 0, 15 * std::pow(s, 6)},
                                       {4, 3 * std::pow(s, 4), 96 * std::pow(s, 8)}});
  }
  CHECK(gaussian_inputs{}.std == 1);
}

TEST_CASE("uniform inputs have the moments of U[-a, a] and stay inside") {
  for (const double a : {1.0, 0.25, 30.0}) {
    check_moments(uniform_inputs{a}, {{1, 0, a * a / 3},
                                      {2, a * a / 3, std::pow(a, 4) * 4 / 45},
                                      {3, 0, std::pow(a, 6) / 7},
                                      {4, std::pow(a, 4) / 5, std::pow(a, 8) * 16 / 225}});
    for (const double x : draw_inputs<double>(uniform_inputs{a}, 2000, 10, 8)) {
      REQUIRE(std::abs(x) <= a);
    }
  }
  CHECK(uniform_inputs{}.half_width == 1);
}

TEST_CASE("impossible distributions are refused") {
  CHECK(message_of<argument_error>([] { draw_inputs<double>(gaussian_inputs{-1}, 1, 2, 1); }) ==
        "stream::fill_normal: mean 0, std -1, expected finite and std not negative");
  CHECK(message_of<argument_error>([] { draw_inputs<double>(uniform_inputs{-2}, 1, 2, 1); }) ==
        "stream::fill_uniform: [2, -2), expected finite ends in order");
}

TEST_CASE_TEMPLATE("sample i depends on i only", T, float, double, long double) {
  const auto check = [](const auto& distribution) {
    const std::size_t most = 1000;
    for (const std::size_t d : {1U, 2U, 3U, 20U}) {
      const auto all = draw_inputs<T>(distribution, most, d, 3);
      for (const std::size_t N : row_counts) {
        const auto some = draw_inputs<T>(distribution, N, d, 3);
        CHECK(some.shape(0) == N);
        CHECK(some.shape(1) == d);
        CHECK(same_rows<T>(some, as_rows(all).middle_rows(0, N)));
      }
      // From any number on, and in any order.
      for (const std::size_t first : {998U, 500U, 1U, 0U}) {
        auto two = make_matrix<T>(2, d);
        draw_inputs(distribution, matrix_view(two), 3, purpose::inputs, first);
        CHECK(same_rows<T>(two, as_rows(all).middle_rows(first, 2)));
      }
      // It is the first draw of a stream of its own.
      for (const std::size_t i : {0U, 1U, 256U, 999U}) {
        std::vector<T> row(d);
        stream random(3, purpose::inputs, i);
        distribution(random, std::span<T>(row));
        CHECK(std::ranges::equal(row, matrix_view(all).row(i)));
      }
    }
  };
  check(gaussian_inputs{1.5});
  check(uniform_inputs{2});
}

TEST_CASE("every scalar type gets the same draws, rounded once") {
  const auto check = [](const auto& distribution) {
    const auto of_double = draw_inputs<double>(distribution, 50, 7, 5);
    const auto of_float = draw_inputs<float>(distribution, 50, 7, 5);
    const auto of_long_double = draw_inputs<long double>(distribution, 50, 7, 5);
    for (std::size_t i = 0; i < 50; ++i) {
      for (std::size_t j = 0; j < 7; ++j) {
        CHECK(of_float(i, j) == static_cast<float>(of_double(i, j)));
        CHECK(of_long_double(i, j) == of_double(i, j));
      }
    }
  };
  check(gaussian_inputs{1.5});
  check(uniform_inputs{2});
}

TEST_CASE("seeds and purposes have draws of their own") {
  // 53 random bits each: that any two of these 21,600 numbers are equal has probability 1e-7 or so.
  std::vector<double> seen;
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    for (const purpose what : all_purposes) {
      const auto x = draw_inputs<double>(gaussian_inputs{}, 300, 4, seed, what);
      seen.insert(seen.end(), x.begin(), x.end());
    }
  }
  std::ranges::sort(seen);
  CHECK(std::ranges::adjacent_find(seen) == seen.end());
  CHECK(draw_inputs<double>(gaussian_inputs{}, 3, 4, 9) ==
        draw_inputs<double>(gaussian_inputs{}, 3, 4, 9, purpose::inputs));
}

TEST_CASE("a function that fills a row is a distribution") {
  const auto sign = [](stream& random, auto x) {
    for (auto& value : x) value = random.uniform() < 0.5 ? -1 : 1;
  };
  static_assert(input_distribution<decltype(sign)>);
  const auto x = draw_inputs<float>(sign, 300, 2, 1);
  CHECK(std::ranges::all_of(x, [](float value) { return std::abs(value) == 1; }));
  CHECK(std::ranges::count(x, 1.0F) > 0);
  CHECK(std::ranges::count(x, -1.0F) > 0);
}

TEST_CASE_TEMPLATE("for_each_chunk visits every row of a matrix once, in order, in place", T, float,
                   double) {
  stream random = random_stream(1);
  for (const std::size_t N : row_counts) {
    framed<T> padded(random_matrix<T>(N, 3, random), 2, T(0));
    const auto view = padded.view();
    for (const std::size_t chunk :
         {std::size_t{1}, std::size_t{7}, chunk_rows, std::size_t{2000}}) {
      std::size_t next = 0;
      for_each_chunk(
          view,
          [&](const matrix_view<const T>& rows, std::size_t first) {
            CHECK(first == next);
            CHECK(rows.rows() == std::min(chunk, N - first));
            CHECK(rows.cols() == 3);
            CHECK(rows.data() == view.row(first).data());
            CHECK(rows.stride() == view.stride());
            next += rows.rows();
          },
          chunk);
      CHECK(next == N);
    }
  }
  CHECK(chunk_rows == 256);
  const auto m = random_matrix<T>(chunk_rows + 1, 2, random);
  std::vector<std::size_t> sizes;
  for_each_chunk(m, [&](const auto& rows, std::size_t first) {
    CHECK(rows.data() == m.data() + 2 * first);
    sizes.push_back(rows.rows());
  });
  CHECK(sizes == std::vector<std::size_t>{256, 1});
}

TEST_CASE("for_each_chunk refuses chunks of nothing") {
  const auto m = make_matrix<double>(2, 2);
  CHECK(message_of<argument_error>([&] {
          for_each_chunk(
              m, [](const auto&, std::size_t) {}, 0);
        }) == "for_each_chunk: chunk is 0, expected at least 1");
}

TEST_CASE_TEMPLATE("matrices and views of all extents are sources of rows", T, float, double,
                   long double) {
  static_assert(row_source<matrix_view<const T>>);
  static_assert(row_source<matrix_view<const T, dynamic, 3>>);
  static_assert(row_source<matrix_view<const T, 5, 3>>);
  stream random = random_stream(2);
  const auto m = random_matrix<T>(5, 3, random);
  framed<T> padded(m, 4, T(-1));
  const std::vector<std::size_t> indices{4, 0, 0, 3};
  const auto check = [&](const auto& source) {
    CHECK(same_rows<T>(as_rows(source), m));
    framed<T> gathered(indices.size(), 3, 2, T(7));
    gather(source, indices, gathered.view());
    for (std::size_t i = 0; i < indices.size(); ++i) {
      CHECK(std::ranges::equal(gathered.view().row(i), matrix_view(m).row(indices[i])));
    }
    CHECK(gathered.intact());
    workspace<T> scratch;
    const matrix_view<const T> rows = read_rows(source, 1, 3, scratch);
    CHECK(rows.data() == source.row(1).data());
    CHECK(same_rows<T>(rows, as_rows(m).middle_rows(1, 3)));
    CHECK(read_rows(source, 5, 0, scratch).rows() == 0);
    CHECK(scratch.view().rows() == 0);
    CHECK(read_all(source) == m);
  };
  check(matrix_view<const T>(m));
  check(matrix_view<const T>(padded.view()));
  check(matrix_view<const T, dynamic, 3>(padded.view()));
  check(matrix_view<const T, 5, 3>(padded.view()));
}

TEST_CASE("read_all over chunk borders") {
  for (const std::size_t N : row_counts) {
    const auto m = draw_inputs<double>(gaussian_inputs{}, N, 2, 1);
    CHECK(read_all(as_rows(m)) == m);
  }
}

TEST_CASE("gather of nothing, and its errors") {
  const auto m = draw_inputs<double>(gaussian_inputs{}, 5, 3, 1);
  auto none = make_matrix<double>(0, 3);
  gather(as_rows(m), {}, matrix_view(none));
  auto two = make_matrix<double>(2, 3);
  const std::vector<std::size_t> three{0, 1, 2}, good{0, 4}, bad{4, 5};
  CHECK(message_of<shape_error>([&] { gather(as_rows(m), three, matrix_view(two)); }) ==
        "gather: out is (2x3), expected (3x3)");
  auto narrow = make_matrix<double>(2, 2);
  CHECK(message_of<shape_error>([&] { gather(as_rows(m), good, matrix_view(narrow)); }) ==
        "gather: out is (2x2), expected (2x3)");
  CHECK(message_of<shape_error>([&] { gather(as_rows(m), bad, matrix_view(two)); }) ==
        "gather: row 5, expected one below 5");
  CHECK(two == make_matrix<double>(2, 3));
}

TEST_CASE("draw_inputs: a draw that is no number is named") {
  auto x = make_matrix<double>(4, 3);
  const auto infinite = [](stream&, std::span<double> row) { row[1] = 1 / row[0]; };
  x(2, 0) = 0;
  x(0, 0) = x(1, 0) = x(3, 0) = 1;
  CHECK_THROWS_WITH_AS(draw_inputs(infinite, matrix_view<double>(x), 1),
                       "draw_inputs: the draw has inf at row 2, column 1, expected finite numbers",
                       argument_error);
}
