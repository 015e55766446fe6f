// Learning rates by epoch (from 0).
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <map>
#include <numbers>

#include <tutelage/core/errors.hpp>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

/// The same rate in every epoch.
struct constant_rate {
  double rate = 0.01;
  [[nodiscard]] double operator()(std::size_t /*epoch*/) const noexcept { return rate; }
};

/// The rate of the largest listed epoch that has come: {{0, 0.2}, {20, 0.1}} is 0.2, from epoch 20
/// on 0.1.
class step_rates {
 public:
  /// Throws argument_error unless the list names epoch 0.
  explicit step_rates(std::map<std::size_t, double> from_epoch)
      : from_epoch_(std::move(from_epoch)) {
    if (from_epoch_.count(0) == 0) throw argument_error("step_rates: no rate for epoch 0");
  }
  [[nodiscard]] double operator()(std::size_t epoch) const {
    return std::prev(from_epoch_.upper_bound(epoch))->second;
  }

 private:
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

/// Satisfied by the four above and by any function from an epoch to a rate.
template <class S>
concept rate_schedule = requires(const S& s, std::size_t epoch) {
  { s(epoch) } -> std::convertible_to<double>;
};

}  // namespace tutelage
