// Batches that are read while a step is computed.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>
#include <type_traits>
#include <utility>

#include <tutelage/train/batches.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// A batch source whose next batch a thread of its own asks for, for data on disk or computed. It has
/// two copies of the source: one's batch is in use, the other's on its way. A source is a function of
/// seed, epoch and step, so batches are those of the source itself.
template <batch_source Batches>
class read_ahead {
  using samples = decltype(std::declval<Batches&>().next(0, 0));

 public:
  using value_type = typename Batches::value_type;

  explicit read_ahead(const Batches& batches) : shared_(std::make_unique<state>(batches)) {}

  [[nodiscard]] std::uint64_t seed() const noexcept { return shared_->sources[0].seed(); }
  [[nodiscard]] std::size_t steps() const { return shared_->sources[in_use_].steps(); }

  /// Batches may be asked for in any order; in that of training they are there.
  samples next(std::size_t epoch, std::size_t step) {
    state& s = *shared_;
    std::optional<samples> result;
    if (asked_) {
      s.done.acquire();
      asked_ = false;
      if (s.epoch == epoch && s.step == step) {
        if (s.problem) std::rethrow_exception(std::exchange(s.problem, nullptr));
        in_use_ = 1 - in_use_;
        result = std::exchange(s.result, std::nullopt);
      }
      s.problem = nullptr;  // of a batch that nobody wants
    }
    if (!result) result = s.sources[in_use_].next(epoch, step);
    const bool last = step + 1 >= s.sources[in_use_].steps();
    s.epoch = last ? epoch + 1 : epoch;
    s.step = last ? 0 : step + 1;
    s.source = 1 - in_use_;
    asked_ = true;
    s.asked.release();
    return *result;
  }

 private:
  // The thread has all but the source in use from `asked` to `done`.
  struct state {
    explicit state(const Batches& batches) : sources{batches, batches} {}
    state(const state&) = delete;
    state& operator=(const state&) = delete;
    ~state() {
      stopping = true;
      asked.release();
    }

    void work() {
      for (asked.acquire(); !stopping; asked.acquire()) {
        try {
          result = sources[source].next(epoch, step);
        } catch (...) {
          problem = std::current_exception();
        }
        done.release();
      }
    }

    std::array<Batches, 2> sources;
    std::size_t source = 0, epoch = 0, step = 0;
    std::optional<samples> result;
    std::exception_ptr problem;
    std::atomic<bool> stopping = false;
    std::counting_semaphore<2> asked{0}, done{0};
    std::jthread thread{[this] { work(); }};  // last: it ends before the others
  };

  std::unique_ptr<state> shared_;
  std::size_t in_use_ = 0;
  bool asked_ = false;
};

}  // namespace tutelage
