#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>

#include <tutelage/train/schedule.hpp>

#include "support/close_to.hpp"
#include "support/thrown.hpp"

namespace {

using namespace test;

constexpr std::size_t last_epoch = std::numeric_limits<std::size_t>::max();

}  // namespace

TEST_CASE("what a schedule is") {
  static_assert(rate_schedule<learning_rate> && rate_schedule<step_rates> &&
                rate_schedule<halving_rate> && rate_schedule<cosine_rate>);
  const auto function = [](std::size_t epoch) { return 1.0F / static_cast<float>(epoch + 1); };
  static_assert(rate_schedule<decltype(function)>);
  static_assert(!rate_schedule<std::map<std::size_t, double>>);
}

TEST_CASE("learning_rate: a number, a schedule, or any function of the epoch") {
  for (const std::size_t epoch : {std::size_t{0}, std::size_t{1}, last_epoch}) {
    CHECK(learning_rate(0.3)(epoch) == 0.3);
    CHECK(learning_rate(0.5F)(epoch) == 0.5);
    CHECK(learning_rate(2)(epoch) == 2);
  }
  const learning_rate halved = halving_rate{0.4, 1};
  CHECK(halved(0) == 0.4);
  CHECK(halved(2) == 0.1);
  learning_rate copied = [](std::size_t epoch) { return 1.0F / static_cast<float>(epoch + 1); };
  CHECK(copied(3) == 0.25);
  copied = halved;
  CHECK(copied(1) == 0.2);
  copied = 0.7;
  CHECK(copied(1) == 0.7);
}

TEST_CASE("step_rates: the rate of the largest listed epoch that has come") {
  const step_rates rates({{0, 0.2}, {20, 0.1}, {21, 0.05}, {100, 0.4}});
  for (std::size_t epoch = 0; epoch < 200; ++epoch) {
    CHECK(rates(epoch) == (epoch < 20 ? 0.2 : epoch < 21 ? 0.1 : epoch < 100 ? 0.05 : 0.4));
  }
  CHECK(rates(last_epoch) == 0.4);
  const step_rates one({{0, 0.5}});
  CHECK(one(0) == 0.5);
  CHECK(one(last_epoch) == 0.5);
}

TEST_CASE("step_rates without a beginning") {
  CHECK(message_of<argument_error>([] {
          step_rates({{1, 0.2}, {20, 0.1}});
        }) == "step_rates: no rate for epoch 0");
  CHECK(message_of<argument_error>([] { step_rates(std::map<std::size_t, double>{}); }) ==
        "step_rates: no rate for epoch 0");
}

TEST_CASE("step_rates as text") {
  const step_rates rates("0:0.2,20:1e-1,7:3");
  for (std::size_t epoch = 0; epoch < 30; ++epoch) {
    CHECK(rates(epoch) == (epoch < 7 ? 0.2 : epoch < 20 ? 3 : 0.1));
  }
  const auto refused = [](const char* text) {
    return message_of<argument_error>([&] { step_rates{text}; });
  };
  CHECK(refused("") == "step_rates: \"\", expected an epoch at character 0");
  CHECK(refused("0.1") == "step_rates: \"0.1\", expected a colon at character 1");
  CHECK(refused("0:") == "step_rates: \"0:\", expected a rate at character 2");
  CHECK(refused("0:0.1,") == "step_rates: \"0:0.1,\", expected an epoch at character 6");
  CHECK(refused("0:0.1 5:2") == "step_rates: \"0:0.1 5:2\", expected a comma at character 5");
  CHECK(refused("-1:0.1") == "step_rates: \"-1:0.1\", expected an epoch at character 0");
  CHECK(refused("0:1,0:2") == "step_rates: \"0:1,0:2\", expected every epoch once at character 7");
  CHECK(refused("3:0.1") == "step_rates: no rate for epoch 0");
}

TEST_CASE("halving_rate halves after every so many epochs") {
  CHECK(halving_rate{}.rate == 0.01);
  CHECK(halving_rate{}.every == 10);
  for (const std::size_t every : {1U, 3U, 10U}) {
    const halving_rate rate{0.3, every};
    double expected = 0.3;
    for (std::size_t epoch = 0; epoch < 60; ++epoch) {
      if (epoch > 0 && epoch % every == 0) expected /= 2;
      CHECK(rate(epoch) == expected);
    }
  }
  CHECK(halving_rate{0.3, 0}(1000) == 0.3);  // never
  // Down to nothing, and never up again.
  const double largest = std::numeric_limits<double>::max();
  CHECK(halving_rate{largest, 1}(1023) == largest / std::ldexp(1, 1023));
  for (const std::size_t epoch :
       {std::size_t{5000}, std::size_t{1} << 31, (std::size_t{1} << 32) - 1, last_epoch}) {
    CHECK(halving_rate{largest, 1}(epoch) == 0);
    CHECK(halving_rate{-0.3, 1}(epoch) == 0);
  }
  CHECK(halving_rate{0.25, last_epoch}(last_epoch) == 0.125);
}

TEST_CASE("cosine_rate goes down half a cosine") {
  CHECK(cosine_rate{}.rate == 0.01);
  CHECK(cosine_rate{}.epochs == 100);
  CHECK(cosine_rate{}.final_rate == 0);
  const cosine_rate rate{0.8, 50, 0.1};
  for (std::size_t epoch = 0; epoch <= 50; ++epoch) {
    const long double angle =
        std::numbers::pi_v<long double> * static_cast<long double>(epoch) / 50;
    const long double expected = 0.1 + (0.8 - 0.1) * (1 + std::cos(angle)) / 2;
    CHECK(close_to(rate(epoch), static_cast<double>(expected), 4 * epsilon<double> * 0.9));
    if (epoch > 0) CHECK(rate(epoch) < rate(epoch - 1));
  }
  CHECK(close_to(rate(0), 0.8, epsilon<double>));
  CHECK(close_to(rate(25), 0.45, epsilon<double>));
  CHECK(rate(50) == 0.1);
  CHECK(rate(51) == 0.1);
  CHECK(rate(last_epoch) == 0.1);
  CHECK(cosine_rate{0.5, 10}(0) == 0.5);
  CHECK(cosine_rate{0.5, 10}(10) == 0);
  CHECK(cosine_rate{0.5, 0, 0.2}(0) == 0.2);  // over before it began
  CHECK(cosine_rate{0.5, 1, 0.2}(0) == 0.5);
  CHECK(cosine_rate{0.5, 1, 0.2}(1) == 0.2);
}
