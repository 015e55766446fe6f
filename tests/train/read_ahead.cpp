#include <tutelage/train/read_ahead.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/lesson.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

// Samples that say their epoch and step; one step is refused.
struct counted {
  using value_type = double;
  std::size_t refused = 1000;
  workspace<double> x{};

  [[nodiscard]] std::uint64_t seed() const { return 7; }
  [[nodiscard]] std::size_t steps() const { return 3; }
  batch<matrix_view<const double>, matrix_view<const double>> next(std::size_t epoch,
                                                                   std::size_t step) {
    const std::size_t number = 10 * epoch + step;
    if (number == refused) throw argument_error("refused");
    const auto view = x.reshape(1, 1);
    view(0, 0) = static_cast<double>(number);
    return {view, view};
  }
};

double number(read_ahead<counted>& source, std::size_t epoch, std::size_t step) {
  return source.next(epoch, step).x(0, 0);
}

}  // namespace

TEST_CASE("read_ahead: batches in order and out of it") {
  read_ahead source{counted{}};
  CHECK(source.seed() == 7);
  CHECK(source.steps() == 3);
  for (std::size_t epoch = 0; epoch < 50; ++epoch) {
    for (std::size_t step = 0; step < 3; ++step) {
      CHECK(number(source, epoch, step) == static_cast<double>(10 * epoch + step));
    }
  }
  for (const std::size_t wanted : {12U, 12U, 0U, 2U, 41U, 42U, 50U, 1U}) {
    CHECK(number(source, wanted / 10, wanted % 10) == static_cast<double>(wanted));
  }
  read_ahead moved = std::move(source);
  CHECK(number(moved, 0, 2) == 2);
}

TEST_CASE("read_ahead: a batch stays until the next is asked for") {
  read_ahead source{counted{}};
  for (std::size_t step = 0; step < 3; ++step) {
    const auto samples = source.next(0, step);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // the next is there
    CHECK(samples.x(0, 0) == static_cast<double>(step));
  }
}

TEST_CASE("read_ahead: what a batch throws comes when it is asked for, not before") {
  read_ahead source{counted{.refused = 2}};
  CHECK(number(source, 0, 0) == 0);
  CHECK(number(source, 0, 1) == 1);
  CHECK(number(source, 1, 0) == 10);  // not the one that is refused
  CHECK(number(source, 0, 1) == 1);
  CHECK(message_of<argument_error>([&] { number(source, 0, 2); }) == "refused");
  CHECK(message_of<argument_error>([&] { number(source, 0, 2); }) == "refused");
  CHECK(number(source, 1, 1) == 11);
}

TEST_CASE("read_ahead: the library's sources, with as many steps as they have") {
  const lesson<double> of(20);
  const data_set data(of.x, of.y);
  shuffled plain(data, {.batch = 8, .seed = 3});
  read_ahead ahead(plain);
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    for (std::size_t step = 0; step < plain.steps(); ++step) {
      const auto expected = plain.next(epoch, step);
      const auto got = ahead.next(epoch, step);
      REQUIRE(got.x.rows() == expected.x.rows());
      for (std::size_t i = 0; i < got.x.rows(); ++i) {
        CHECK(got.x.row(i).data() == expected.x.row(i).data());
      }
    }
  }
}
