#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/data/images.hpp>
#include <tutelage/train/data_set.hpp>

#include "support/close_to.hpp"
#include "support/idx_content.hpp"
#include "support/random.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

using namespace test;

TEST_CASE("data sets of every kind of inputs and targets") {
  stream random = random_stream(4);
  const auto x = random_matrix<double>(7, 2, random), y = random_matrix<double>(7, 3, random);
  const std::vector<label> labels{0, 1, 2, 0, 1, 2, 0};
  const data_set of_matrices(x, y);
  static_assert(std::is_same_v<decltype(of_matrices)::value_type, double>);
  static_assert(std::is_same_v<decltype(of_matrices)::targets_type, matrix<double>>);
  CHECK(of_matrices.size() == 7);
  CHECK(of_matrices.inputs() == x);
  CHECK(of_matrices.targets() == y);
  const data_set of_view(matrix_view<const double>(x).middle_rows(2, 3),
                         std::vector<label>{1, 1, 2});
  static_assert(std::is_same_v<decltype(of_view)::targets_type, std::vector<label>>);
  CHECK(of_view.size() == 3);
  CHECK(of_view.inputs().data() == matrix_view(x).row(2).data());

  const auto rows = middle_targets(y, 2, 4);
  CHECK(rows.data() == matrix_view(y).row(2).data());
  CHECK(rows.rows() == 4);
  CHECK(rows.cols() == 3);
  const auto some = middle_targets(labels, 2, 4);
  CHECK(some.data() == labels.data() + 2);
  CHECK(some.size() == 4);
  CHECK(middle_targets(labels, 7, 0).empty());
}

TEST_CASE("data sets whose numbers differ, or are 0") {
  const auto refused = [](std::size_t inputs, std::size_t targets) {
    const std::string of_matrix = message_of<shape_error>(
        [&] { data_set(make_matrix<double>(inputs, 2), make_matrix<double>(targets, 3)); });
    const std::string of_labels = message_of<shape_error>(
        [&] { data_set(make_matrix<float>(inputs, 2), std::vector<label>(targets)); });
    CHECK(of_labels == of_matrix);
    return of_matrix;
  };
  CHECK(refused(3, 4) == "data_set: 3 inputs and 4 targets, expected equally many and at least 1");
  CHECK(refused(4, 3) == "data_set: 4 inputs and 3 targets, expected equally many and at least 1");
  CHECK(refused(0, 0) == "data_set: 0 inputs and 0 targets, expected equally many and at least 1");
  CHECK(refused(1, 0) == "data_set: 1 inputs and 0 targets, expected equally many and at least 1");
}

TEST_CASE_TEMPLATE("numbers that are not finite are named where they enter", T, float, double,
                   long double) {
  const auto x = make_matrix<T>(300, 5), y = make_matrix<T>(300, 2);
  for (const T wrong : {std::numeric_limits<T>::quiet_NaN(), std::numeric_limits<T>::infinity(),
                        -std::numeric_limits<T>::infinity()}) {
    for (const std::size_t i : {0U, 7U, 299U}) {
      auto bad_x = x, bad_y = y;
      bad_x(i, 4) = wrong;
      bad_y(i, 1) = wrong;
      CHECK(message_of<argument_error>([&] { data_set(bad_x, y); }) ==
            detail::text("data_set: inputs has ", wrong, " at row ", i,
                         ", column 4, expected finite numbers"));
      CHECK(message_of<argument_error>([&] { data_set(bad_x, std::vector<label>(300)); }) ==
            message_of<argument_error>([&] { data_set(bad_x, y); }));
      CHECK(message_of<argument_error>([&] { data_set(x, bad_y); }) ==
            detail::text("data_set: targets has ", wrong, " at row ", i,
                         ", column 1, expected finite numbers"));
    }
  }
  auto largest = x;
  largest(3, 3) = std::numeric_limits<T>::max();
  CHECK_NOTHROW(data_set(largest, y));
}

TEST_CASE("targets that are not there") {
  const auto y = make_matrix<double>(7, 2);
  const std::vector<label> labels(7);
  const auto refused = [&](std::size_t first, std::size_t count) {
    const auto message = message_of<shape_error>([&] { middle_targets(y, first, count); });
    CHECK(message_of<shape_error>([&] { middle_targets(labels, first, count); }) == message);
    return message;
  };
  CHECK(refused(5, 3) == "middle_targets: 3 targets from 5 on, there are 7");
  CHECK(refused(8, 0) == "middle_targets: 0 targets from 8 on, there are 7");
  const auto all = static_cast<std::size_t>(-1);
  CHECK(refused(1, all) ==
        detail::text("middle_targets: ", all, " targets from 1 on, there are 7"));
}

TEST_CASE("a data set that was moved from has no samples") {
  data_set from(make_matrix<double>(5, 4), std::vector<label>(5, 2));
  data_set to = std::move(from);
  CHECK(to.size() == 5);
  CHECK(from.size() == 0);
  from = to;
  CHECK(from.size() == 5);
  from = std::move(to);
  CHECK(from.size() == 5);
  CHECK(to.size() == 0);
}

TEST_CASE("images as inputs") {
  const temporary_folder folder;
  std::vector<std::uint8_t> pixels(1200, 3);
  pixels[5] = 4;  // images of one color are refused
  const image_rows<double> images(folder.write("images", idx_content({300, 2, 2}, pixels)));
  CHECK(data_set(images, std::vector<label>(300)).size() == 300);
  CHECK(message_of<shape_error>([&] { data_set(images, std::vector<label>(299)); }) ==
        "data_set: 300 inputs and 299 targets, expected equally many and at least 1");
}
