// Independent pieces of work on several threads, with results that do not depend on how many.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <tutelage/core/target.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// Calls work(0), ..., work(count-1), begun in this order on up to `threads` threads (this one among
// them; 0 = one a core). After an exception no further index is begun; the exception of the lowest
// index is rethrown. All lower indices were begun before it, so it does not depend on timing.
template <class Work>
void run_in_order(std::size_t count, std::size_t threads, const Work& work) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency());
  std::atomic<std::size_t> next = 0;
  std::mutex failing;
  std::size_t failed_index = count;
  std::exception_ptr failure;
  const auto worker = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        next = count;
        const std::scoped_lock lock(failing);
        if (i < failed_index) {
          failed_index = i;
          failure = std::current_exception();
        }
      }
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::size_t t = 1; t < std::min(threads, count); ++t) others.emplace_back(worker);
    worker();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace detail

/// [f(0), ..., f(count-1)], computed on up to `threads` threads (0 = one a core). When calls throw,
/// no further index is begun and the exception of the lowest index is rethrown.
template <class F>
auto parallel_map(std::size_t count, std::size_t threads, F&& f) {
  using result = std::invoke_result_t<F&, std::size_t>;
  if constexpr (std::is_void_v<result>) {
    detail::run_in_order(count, threads, [&](std::size_t i) { f(i); });
  } else {
    std::vector<std::optional<result>> slots(count);
    detail::run_in_order(count, threads, [&](std::size_t i) { slots[i].emplace(f(i)); });
    std::vector<result> results;
    results.reserve(count);
    for (auto& slot : slots) results.push_back(std::move(*slot));
    return results;
  }
}

}  // namespace tutelage
