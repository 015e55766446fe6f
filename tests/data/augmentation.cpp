#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tutelage/data/augmentation.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

template <class T>
using view = matrix_view<const T>;

// Rows by index, by any ranges and all at once are the same.
template <class Source>
matrix<typename Source::value_type> read_in_all_ways(const Source& source) {
  using T = typename Source::value_type;
  const auto all = read_all(source);
  std::vector<std::size_t> backwards;
  for (std::size_t i = source.rows(); i-- > 0;) backwards.push_back(i);
  auto gathered = make_matrix<T>(source.rows(), source.cols());
  gather(source, std::span<const std::size_t>(backwards), matrix_view<T>(gathered));
  auto pieces = make_matrix<T>(source.rows(), source.cols());
  for_each_chunk(
      source,
      [&](view<T> x, std::size_t first) {
        copy(x, matrix_view<T>(pieces).middle_rows(first, x.rows()));
      },
      7);
  for (std::size_t i = 0; i < source.rows(); ++i) {
    for (std::size_t u = 0; u < source.cols(); ++u) {
      CHECK(gathered(source.rows() - 1 - i, u) == all(i, u));
    }
  }
  CHECK(pieces == all);
  return all;
}

}  // namespace

TEST_CASE_TEMPLATE("agnostic: every sample and its moves along every axis", T, float, double) {
  stream random = random_stream(1);
  const std::size_t N = 11, d = 4;
  const auto x = random_matrix<T>(N, d, random);
  const double step = 0.125;
  const agnostic_augmentation augmented(view<T>(x), step);
  CHECK(augmented.rows() == (2 * d + 1) * N);
  CHECK(augmented.cols() == d);
  const auto all = read_in_all_ways(augmented);
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t u = 0; u < d; ++u) CHECK(all(i, u) == x(i, u));
  }
  std::size_t row = N;
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t axis = 0; axis < d; ++axis) {
      for (const double sign : {1.0, -1.0}) {
        for (std::size_t u = 0; u < d; ++u) {
          CHECK(all(row, u) == x(i, u) + (u == axis ? static_cast<T>(sign * step) : T(0)));
        }
        ++row;
      }
    }
  }
}

TEST_CASE_TEMPLATE("aware: samples in a teacher's band move along its weights", T, float, double) {
  stream random = random_stream(2);
  const std::size_t N = 300, d = 3, m = 4;
  const auto x = random_matrix<T>(N, d, random);
  dense<T, 3, 4, relu> teacher;
  fill_random(teacher.weights(), random);
  for (std::size_t u = 0; u < d; ++u) teacher.weights()(u, 2) = 0;  // has no band
  const double eps = 0.1, step = 0.5;
  const aware_augmentation augmented(view<T>(x), teacher, eps, step);
  const auto all = read_in_all_ways(augmented);
  std::size_t row = N;
  const double unit = 16 * static_cast<double>(epsilon<T>);
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t u = 0; u < d; ++u) CHECK(all(i, u) == x(i, u));
    for (std::size_t j = 0; j < m; ++j) {
      double a = static_cast<double>(teacher.bias()[j]), norm = 0;
      for (std::size_t u = 0; u < d; ++u) {
        const auto w = static_cast<double>(teacher.weights()(u, j));
        a += w * static_cast<double>(x(i, u));
        norm += w * w;
      }
      norm = std::sqrt(norm);
      if (norm == 0 || std::abs(a) > eps * norm) continue;
      for (const double sign : {1.0, -1.0}) {
        REQUIRE(row < all.shape(0));
        for (std::size_t u = 0; u < d; ++u) {
          const double expected = static_cast<double>(x(i, u)) +
                                  sign * step * static_cast<double>(teacher.weights()(u, j)) / norm;
          CHECK(close_to(static_cast<double>(all(row, u)), expected, unit * 4));
        }
        ++row;
      }
    }
  }
  CHECK(row == all.shape(0));
  CHECK(row > N + 20);
}

TEST_CASE("augmentations of augmentations, and of matrices that are theirs") {
  stream random = random_stream(3);
  const auto x = random_matrix<double>(5, 2, random);
  const agnostic_augmentation once(view<double>(x), 1);
  const agnostic_augmentation twice(once, 0.25);
  CHECK(twice.rows() == 125);
  const auto all = read_in_all_ways(twice);
  for (std::size_t i = 0; i < 25; ++i) {
    for (std::size_t move = 0; move < 4; ++move) {
      for (std::size_t u = 0; u < 2; ++u) {
        const double moved = u == move / 2 ? (move % 2 == 0 ? 0.25 : -0.25) : 0;
        CHECK(all(25 + 4 * i + move, u) == all(i, u) + moved);
      }
    }
  }
}

TEST_CASE("teacher-aware inputs lie on the boundaries and beside them, all of one norm") {
  // Without biases the scaling keeps points on their boundary.
  const std::size_t N = 30'000, d = 5;
  const double s = 1.5;
  dense<double, 5, 3, relu, no_bias> teacher;
  stream random = random_stream(4);
  fill_random(teacher.weights(), random);
  const auto x = draw_inputs<double>(teacher_aware_inputs(teacher, s), N, d, 1);
  boundary_distances<double> distances(teacher);
  std::size_t on = 0, above = 0;
  const auto a = distances(matrix_view(x));
  for (std::size_t i = 0; i < N; ++i) {
    double square = 0;
    for (const double value : matrix_view(x).row(i)) square += value * value;
    CHECK(close_to(std::sqrt(square), s * std::sqrt(5.0), 32 * epsilon<double> * s));
    for (std::size_t j = 0; j < 3; ++j) {
      on += std::abs(a(i, j)) <= 64 * epsilon<double>;
      above += a(i, j) > 64 * epsilon<double> && j == 0;
    }
  }
  const auto share = static_cast<double>(on) / N;
  CHECK(std::abs(share - 1.0 / 3) <= 4 * std::sqrt(2.0 / 9 / N));
  // Of node 0's third, a third is above; of the others', a half.
  CHECK(std::abs(static_cast<double>(above) / N - 4.0 / 9) <= 4 * std::sqrt(20.0 / 81 / N));
  // Sample i depends on its number only.
  const auto fewer = draw_inputs<double>(teacher_aware_inputs(teacher, s), 10, d, 1);
  for (std::size_t u = 0; u < d; ++u) CHECK(fewer(9, u) == x(9, u));
}

TEST_CASE("each teacher has its share, a node without weights none") {
  dense<double, 2, 3, relu> teacher;
  teacher.weights()(0, 0) = 2;
  teacher.weights()(1, 2) = 1;
  const std::size_t N = 9000;
  const auto x = draw_inputs<double>(teacher_aware_inputs(teacher, 1), N, 2, 2);
  std::size_t on[2] = {0, 0};
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t u = 0; u < 2; ++u) on[u] += std::abs(x(i, u)) <= 8 * epsilon<double>;
  }
  for (const std::size_t count : on) {
    CHECK(std::abs(static_cast<double>(count) / N - 1.0 / 6) <= 4 * std::sqrt(5.0 / 36 / N));
  }
}

TEST_CASE("settings that mean nothing") {
  const auto x = make_matrix<double>(2, 3);
  dense<double, 3, 2, relu> empty;
  const double nan_number = std::nan("");
  for (const double wrong : {0.0, -1.0, nan_number, std::numeric_limits<double>::infinity()}) {
    CHECK_THROWS_AS(agnostic_augmentation(view<double>(x), wrong), argument_error);
    CHECK_THROWS_AS(aware_augmentation(view<double>(x), empty, 1, wrong), argument_error);
    CHECK_THROWS_AS(teacher_aware_inputs(empty, wrong), argument_error);
  }
  CHECK_THROWS_AS(aware_augmentation(view<double>(x), empty, nan_number, 1), argument_error);
  CHECK_THROWS_AS(aware_augmentation(view<double>(x), empty, std::numeric_limits<double>::infinity(), 1),
                  argument_error);
  CHECK(message_of<argument_error>([&] { teacher_aware_inputs(empty, 1); }) ==
        "teacher_aware_inputs: 0 teacher nodes with a boundary, std 1; expected at least 1 and a "
        "positive number");
  CHECK(message_of<argument_error>([&] { agnostic_augmentation(view<double>(x), -1); }) ==
        "agnostic_augmentation: step is -1, expected a positive number");
  // No band, no moves.
  CHECK(aware_augmentation(view<double>(x), empty, 1, 1).rows() == 2);
  CHECK_THROWS_AS(aware_augmentation(view<double>(x), dense<double, 2, 2, relu>(), 1, 1), shape_error);
  empty.weights()(0, 0) = 1;
  CHECK_THROWS_AS(draw_inputs<double>(teacher_aware_inputs(empty, 1), 1, 4, 1), shape_error);
  const agnostic_augmentation augmented(view<double>(x), 1);
  const std::vector<std::size_t> beyond{14};
  auto out = make_matrix<double>(1, 3);
  CHECK_THROWS_AS(gather(augmented, std::span<const std::size_t>(beyond), matrix_view<double>(out)),
                  shape_error);
  std::vector<double> row(3), narrow(2);
  CHECK_THROWS_AS(augmented.read_row(14, std::span<double>(row)), shape_error);
  CHECK_THROWS_AS(augmented.read_row(0, std::span<double>(narrow)), shape_error);
  const aware_augmentation aware(view<double>(x), empty, 1, 1);
  CHECK(message_of<shape_error>([&] { aware.read_row(6, std::span<double>(row)); }) ==
        "aware_augmentation: row 6 into 3 elements, expected a row below 6 and 3 elements");
  CHECK_THROWS_AS(aware.read_row(0, std::span<double>(narrow)), shape_error);
}
