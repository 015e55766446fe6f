// Learning rates by epoch (from 0).
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <iterator>
#include <map>
#include <numbers>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Satisfied by the three below and by any function from an epoch to a rate.
template <class S>
concept rate_schedule = requires(const S& s, std::size_t epoch) {
  { s(epoch) } -> std::convertible_to<double>;
};

/// The rate that an optimizer has in each epoch. Made of a number, the rate of all epochs, or of a
/// schedule: sgd{.rate = 0.01}, sgd{.rate = cosine_rate{0.1, 50}}.
class learning_rate {
 public:
  // A template, so that it is only refused where an optimizer is made without a rate.
  template <bool given = false>
  learning_rate() {
    static_assert(given, "learning_rate: an optimizer needs one: sgd{.rate = 0.01}, say");
  }

  template <class Rate>
    requires(!std::same_as<Rate, learning_rate>)
  learning_rate(Rate rate) {  // NOLINT(google-explicit-constructor)
    constexpr bool is_number = std::is_arithmetic_v<Rate>;
    static_assert(is_number || rate_schedule<Rate>,
                  "learning_rate: a rate is a number, or a schedule: a function of the epoch");
    if constexpr (is_number) {
      of_epoch_ = [rate](std::size_t) { return static_cast<double>(rate); };
    } else if constexpr (rate_schedule<Rate>) {
      of_epoch_ = std::move(rate);
    }
  }

  [[nodiscard]] double operator()(std::size_t epoch) const { return of_epoch_(epoch); }

 private:
  std::function<double(std::size_t)> of_epoch_;
};

/// The rate of the largest listed epoch that has come: {{0, 0.2}, {20, 0.1}} is 0.2, from epoch 20
/// on 0.1. The same as text: "0:0.2,20:0.1".
class step_rates {
 public:
  /// Throws argument_error unless the list names epoch 0.
  explicit step_rates(std::map<std::size_t, double> from_epoch)
      : from_epoch_(std::move(from_epoch)) {
    if (from_epoch_.count(0) == 0) throw argument_error("step_rates: no rate for epoch 0");
  }
  /// Throws argument_error for any other text, and for an epoch that comes twice.
  explicit step_rates(const char* text) : step_rates(parse(text)) {}

  [[nodiscard]] double operator()(std::size_t epoch) const {
    return std::prev(from_epoch_.upper_bound(epoch))->second;
  }

 private:
  static std::map<std::size_t, double> parse(std::string_view text) {
    std::map<std::size_t, double> result;
    const char *at = text.data(), *const end = at + text.size();
    const auto wrong = [&](const char* expected) {
      return argument_error(detail::text("step_rates: \"", text, "\", expected ", expected,
                                         " at character ", at - text.data()));
    };
    const auto read = [&](auto& number, const char* what) {
      const auto [rest, error] = std::from_chars(at, end, number);
      if (error != std::errc()) throw wrong(what);
      at = rest;
    };
    while (true) {
      std::size_t epoch = 0;
      double rate = 0;
      read(epoch, "an epoch");
      if (at == end || *at != ':') throw wrong("a colon");
      ++at;
      read(rate, "a rate");
      if (!result.emplace(epoch, rate).second) throw wrong("every epoch once");
      if (at == end) return result;
      if (*at != ',') throw wrong("a comma");
      ++at;
    }
  }

  std::map<std::size_t, double> from_epoch_;
};

/// Halved after every `every` epochs.
struct halving_rate {
  double rate = 0.01;
  std::size_t every = 10;
  [[nodiscard]] double operator()(std::size_t epoch) const {
    constexpr std::size_t vanished = 5000;  // halvings that leave 0 of any double
    return every == 0 ? rate
                      : std::ldexp(rate, -static_cast<int>(std::min(epoch / every, vanished)));
  }
};

/// From `rate` down to `final_rate` over `epochs` epochs along half a cosine.
struct cosine_rate {
  double rate = 0.01;
  std::size_t epochs = 100;
  double final_rate = 0;
  [[nodiscard]] double operator()(std::size_t epoch) const {
    const double part =
        epochs == 0 ? 1.0 : std::min(1.0, static_cast<double>(epoch) / static_cast<double>(epochs));
    return final_rate + 0.5 * (rate - final_rate) * (1 + std::cos(std::numbers::pi * part));
  }
};

}  // namespace tutelage
