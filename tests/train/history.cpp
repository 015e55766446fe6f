#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <tutelage/train/history.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"
#include "support/weights.hpp"

namespace {

using namespace test;

using net = mlp<double, relu, 3, 4, 2>;

net random_net(std::uint64_t seed) {
  net result;
  stream random = random_stream(seed);
  randomize(result, random);
  return result;
}

}  // namespace

TEST_CASE("a history records every epoch, and measures it then") {
  const auto teacher = random_net(1);
  auto student = random_net(2);
  const auto x = draw_inputs<double>(gaussian_inputs{}, 50, 3, 1, purpose::evaluation);
  const data_set evaluation(x, outputs(teacher, x));
  // What a history should say, from a hook beside it.
  struct expected_record {
    std::size_t epoch;
    std::uint64_t step;
    double train_loss, rate, evaluation_loss;
  };
  std::vector<expected_record> expected;
  on_epoch_end note([&](const auto& r) {
    expected.push_back({r.epoch, r.step, r.train_loss, r.rate,
                        mean_loss(r.student, evaluation, mean_squared_error{})});
  });
  history kept(
      [&](const auto& r) { return mean_loss(r.student, evaluation, mean_squared_error{}); },
      [](const auto& r) { return r.epoch * 10; },  // any number will do
      [](const auto& r) { return static_cast<float>(r.rate); });
  history nothing_measured;
  CHECK(kept.records().empty());
  static_assert(train_hook<decltype(kept), net, sgd>);
  static_assert(std::is_same_v<decltype(nothing_measured), history<>>);
  train(student, fresh_each_step(teacher, gaussian_inputs{}, {.batch = 8, .steps = 5}),
        mean_squared_error{}, sgd{.rate = step_rates("0:0.1,2:0.05")}, {.epochs = 4}, note, kept,
        nothing_measured);
  const auto& records = kept.records();
  REQUIRE(records.size() == 4);
  REQUIRE(nothing_measured.records().size() == 4);
  for (std::size_t e = 0; e < 4; ++e) {
    CHECK(records[e].epoch == e + 1);
    CHECK(records[e].step == 5 * (e + 1));
    CHECK(records[e].rate == (e < 2 ? 0.1 : 0.05));
    CHECK(records[e].train_loss == expected[e].train_loss);
    CHECK(records[e].measured.size() == 3);
    CHECK(records[e].measured[0] == expected[e].evaluation_loss);
    CHECK(records[e].measured[1] == static_cast<double>(10 * (e + 1)));
    CHECK(records[e].measured[2] == static_cast<double>(static_cast<float>(records[e].rate)));
    CHECK(nothing_measured.records()[e].epoch == e + 1);
    CHECK(nothing_measured.records()[e].train_loss == records[e].train_loss);
    CHECK(nothing_measured.records()[e].measured.empty());
  }
  CHECK(records[3].measured[0] == mean_loss(student, evaluation, mean_squared_error{}));
  // A history goes on where it was.
  train(student, fresh_each_step(teacher, gaussian_inputs{}, {.batch = 8, .steps = 2}),
        mean_squared_error{}, sgd{.rate = 0.1}, {.epochs = 1}, kept);
  REQUIRE(records.size() == 5);
  CHECK(records[4].epoch == 1);
  CHECK(records[4].step == 2);
  CHECK(records[4].rate == 0.1);
}

TEST_CASE("measures may keep something of their own") {
  const auto teacher = random_net(1);
  auto student = random_net(2);
  history counted([calls = 0](const auto&) mutable { return ++calls; });
  train(student, fresh_each_step(teacher, gaussian_inputs{}, {.batch = 8, .steps = 1}),
        mean_squared_error{}, sgd{.rate = 0.1}, {.epochs = 3}, counted);
  REQUIRE(counted.records().size() == 3);
  CHECK(counted.records()[0].measured == std::array{1.0});
  CHECK(counted.records()[2].measured == std::array{3.0});
}
