#include <tutelage/io/npy_rows.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/gradient/expectations.hpp>
#include <tutelage/train/read_ahead.hpp>
#include <tutelage/train/train.hpp>

#include "support/array_content.hpp"
#include "support/lesson.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using net = static_net<double>;
static_assert(row_source<npy_rows<float>> && row_source<npy_rows<double>>);

// Inputs and targets in memory and in files.
struct both {
  temporary_folder folder;
  lesson<double> of{600};
  data_set<matrix<double>, matrix<double>> memory{of.x, of.y};
  npy_rows<double> x = written("x.npy", of.x), y = written("y.npy", of.y);

  [[nodiscard]] npy_rows<double> written(const std::string& name, const matrix<double>& m) const {
    write_npy(folder / name, m);
    return npy_rows<double>(folder / name);
  }
};

template <class Batches>
std::vector<matrix<long double>> trained(Batches&& batches) {
  net student = random_net<net>(9);
  train(student, batches, mean_squared_error{}, momentum_sgd{.rate = 0.05}, {.epochs = 3});
  return weights_of(student);
}

}  // namespace

TEST_CASE("npy_rows: rows of any type, where they lie or converted") {
  const temporary_folder folder;
  const auto path = [&](const std::string& content) { return folder.write("x.npy", content); };
  workspace<double> scratch;
  const auto check = [&](const npy_rows<double>& rows, bool in_place) {
    REQUIRE(rows.rows() == 3);
    REQUIRE(rows.cols() == 2);
    const auto two = read_rows(rows, 1, 2, scratch);
    CHECK((two.data() != scratch.view().data()) == in_place);
    const std::vector<std::size_t> indices{2, 0, 2};
    auto chosen = make_matrix<double>(3, 2);
    gather(rows, indices, matrix_view(chosen));
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(two(0, k) == static_cast<double>(3 + k));
      CHECK(two(1, k) == static_cast<double>(5 + k));
      CHECK(chosen(0, k) == static_cast<double>(5 + k));
      CHECK(chosen(1, k) == static_cast<double>(1 + k));
    }
    CHECK(rows.head(2).rows() == 2);
    CHECK(rows.head(9).rows() == 3);
    CHECK(message_of<shape_error>([&] { read_rows(rows, 2, 2, scratch); }) ==
          "read_rows: 2 rows from 2 on, there are 3");
    const std::vector<std::size_t> outside{3};
    auto one = make_matrix<double>(1, 2);
    CHECK(message_of<shape_error>([&] { gather(rows, outside, matrix_view(one)); }) ==
          "read_row: sample 3 into 2 elements, expected one below 3 into 2");
  };
  const std::vector<double> six{1, 2, 3, 4, 5, 6};
  check(npy_rows<double>(path(npy_of("<f8", "(3, 2)", bytes_of(six)))), true);
  check(npy_rows<double>(path(npy_of("<f8", "(3, 1, 2)", bytes_of(six)))), true);
  check(npy_rows<double>(path(npy_of("|u1", "(3, 2)", "\1\2\3\4\5\6"))), false);
  check(npy_rows<double>(
            path(npy_of("<f4", "(3, 2)", bytes_of(std::vector<float>{1, 2, 3, 4, 5, 6})))),
        false);
  // A header of another length: no double may lie there.
  check(npy_rows<double>(path(std::string("\x93NUMPY\1\0\x41\0", 10) +
                              "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}" +
                              std::string(7, ' ') + "\n" + bytes_of(six))),
        false);
  CHECK(thrown_by<format_error>([&] {
          npy_rows<double> rows(path(npy_of("<f8", "(3, 2)", bytes_of(six), "True")));
        }).field() == "fortran_order");
  CHECK(thrown_by<format_error>([&] {
          npy_rows<double> rows(path(npy_of("<f8", "()", bytes_of(six).substr(0, 8))));
        }).field() == "shape");
}

TEST_CASE("npy_rows: training, losses, alignment and expectations as from memory, bit for bit") {
  const both b;
  const data_set file(b.x, b.y);
  const batch_settings drawn{.batch = 8, .steps = 40, .seed = 5};
  const auto expected = trained(with_replacement(b.memory, drawn));
  CHECK(trained(with_replacement(file, drawn)) == expected);
  CHECK(trained(read_ahead(with_replacement(file, drawn))) == expected);
  const shuffle_settings each{.batch = 7, .seed = 5};
  CHECK(trained(read_ahead(shuffled(file, each))) == trained(shuffled(b.memory, each)));
  CHECK(trained(full_batch(file, 2)) == trained(full_batch(b.memory, 2)));

  const net teacher = random_net<net>(50), student = random_net<net>(9);
  CHECK(mean_loss(student, file, mean_squared_error{}) ==
        mean_loss(student, b.memory, mean_squared_error{}));
  const auto of_file = align(teacher, student, b.x)[0];
  const auto of_memory = align(teacher, student, b.of.x)[0];
  for (std::size_t j = 0; j < of_memory.teacher_nodes(); ++j) {
    CHECK(of_file.best_rho(j) == of_memory.best_rho(j));
  }
}

TEST_CASE("npy_rows: what is not finite is refused where it enters") {
  both b;
  b.of.y(17, 1) = std::numeric_limits<double>::infinity();
  CHECK(message_of<argument_error>([&] { data_set data(b.x, b.written("bad.npy", b.of.y)); }) ==
        "data_set: targets has inf at row 17, column 1, expected finite numbers");
  CHECK(message_of<shape_error>([&] { data_set data(b.x, b.y.head(599)); }) ==
        "data_set: 600 inputs and 599 targets, expected equally many and at least 1");
}

TEST_CASE("npy_rows: labels") {
  const temporary_folder folder;
  const auto read = [&](const std::string& content) {
    return read_npy_labels(folder.write("labels.npy", content));
  };
  CHECK(read(npy_of("<i8", "(3,)", bytes_of<std::int64_t>({0, 7, 2147483647}))) ==
        std::vector<std::uint32_t>{0, 7, 2147483647});
  CHECK(read(npy_of("|u1", "(2,)", "\1\2")) == std::vector<std::uint32_t>{1, 2});
  const auto refused = [&](const std::string& content) {
    return thrown_by<format_error>([&] { read(content); }).field();
  };
  CHECK(refused(npy_of("<i8", "(2,)", bytes_of<std::int64_t>({0, -1}))) == "labels");
  CHECK(refused(npy_of("<i8", "(1,)", bytes_of<std::int64_t>({2147483648}))) == "labels");
  CHECK(refused(npy_of("<f8", "(1,)", bytes_of<double>({0.5}))) == "labels");
  CHECK(refused(npy_of("|u1", "(2, 1)", "\1\2")) == "shape");
}
