// A hook that remembers what training did.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>

#include <tutelage/train/train.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Records every epoch. Each measure is a function from an epoch_report to a number, called then:
///
///     history h([&](const auto& r) { return mean_loss(r.student, evaluation, loss); });
template <class... Measures>
class history {
 public:
  struct record {
    std::size_t epoch;   // epochs done
    std::uint64_t step;  // steps done
    double train_loss;   // mean of the epoch's step losses
    double rate;
    std::array<double, sizeof...(Measures)> measured;
  };

  explicit history(Measures... measures) : measures_(std::move(measures)...) {}

  template <class Network, class Optimizer>
  void on_epoch(const epoch_report<Network, Optimizer>& report) {
    const auto measured = std::apply(
        [&](auto&... measure) {
          return std::array<double, sizeof...(Measures)>{static_cast<double>(measure(report))...};
        },
        measures_);
    records_.push_back({report.epoch, report.step, report.train_loss, report.rate, measured});
  }

  [[nodiscard]] const std::vector<record>& records() const noexcept { return records_; }

 private:
  std::tuple<Measures...> measures_;
  std::vector<record> records_;
};

}  // namespace tutelage
