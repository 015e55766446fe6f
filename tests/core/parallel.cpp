#include <tutelage/core/parallel.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>

#include "support/random.hpp"

namespace {

using namespace test;
using namespace std::chrono_literals;

const std::vector<std::size_t> thread_counts{0, 1, 2, 3, 8};

struct failure {
  std::size_t index;
};

// The index whose exception came out; `count` when none did.
template <class F>
std::size_t failed_index(std::size_t count, std::size_t threads, F&& f) {
  try {
    parallel_map(count, threads, f);
  } catch (const failure& e) {
    return e.index;
  }
  return count;
}

}  // namespace

TEST_CASE("parallel_map: results are in order, whatever the number of threads") {
  const auto draw = [](std::size_t i) {
    // Work of very different lengths.
    if (i % 7 == 0) std::this_thread::sleep_for(100us);
    return stream(1, purpose::analysis, i).normal();
  };
  for (const std::size_t count : {0U, 1U, 2U, 3U, 7U, 8U, 9U, 100U}) {
    std::vector<double> expected;
    for (std::size_t i = 0; i < count; ++i) expected.push_back(draw(i));
    for (const std::size_t threads : thread_counts) {
      CHECK(parallel_map(count, threads, draw) == expected);
    }
  }
}

TEST_CASE("parallel_map: each index once, on no more threads than asked for") {
  for (const std::size_t threads : {1U, 2U, 3U, 8U}) {
    for (const std::size_t count : {1U, 2U, 5U, 200U}) {
      std::vector<std::atomic<int>> calls(count);
      std::mutex guard;
      std::set<std::thread::id> seen;
      static_assert(std::is_void_v<decltype(parallel_map(1, 1, [](std::size_t) {}))>);
      parallel_map(count, threads, [&](std::size_t i) {
        ++calls.at(i);
        const std::scoped_lock lock(guard);
        seen.insert(std::this_thread::get_id());
      });
      for (const auto& c : calls) CHECK(c == 1);
      CHECK(seen.size() <= std::min<std::size_t>(threads, count));
      if (threads == 1) CHECK(seen == std::set{std::this_thread::get_id()});
    }
  }
}

TEST_CASE("parallel_map: threads run at the same time") {
  // Each waits until all have begun: with fewer threads at work none would ever end.
  for (const std::size_t threads : {2U, 3U, 8U}) {
    std::atomic<std::size_t> begun = 0;
    const auto met = parallel_map(threads, threads, [&](std::size_t) {
      ++begun;
      const auto give_up = std::chrono::steady_clock::now() + 60s;
      while (begun < threads && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::yield();
      }
      return begun == threads;
    });
    CHECK(met == std::vector<bool>(threads, true));
  }
}

TEST_CASE("parallel_map: nothing to do") {
  for (const std::size_t threads : thread_counts) {
    bool called = false;
    parallel_map(0, threads, [&](std::size_t) { called = true; });
    const auto none = parallel_map(0, threads, [&](std::size_t i) {
      called = true;
      return i;
    });
    CHECK(none.empty());
    CHECK(!called);
  }
}

TEST_CASE("parallel_map: results that only move and have no default") {
  struct result {
    explicit result(std::size_t i) : value(std::make_unique<std::size_t>(i)) {}
    std::unique_ptr<std::size_t> value;
  };
  for (const std::size_t threads : thread_counts) {
    const auto results = parallel_map(20, threads, [](std::size_t i) { return result(i); });
    REQUIRE(results.size() == 20);
    for (std::size_t i = 0; i < 20; ++i) CHECK(*results[i].value == i);
  }
}

TEST_CASE("parallel_map: the lowest index's exception, though higher ones throw first") {
  // Index 3 throws last: after 5, 9 and 10, which were begun on other threads.
  for (const std::size_t threads : {2U, 3U, 8U}) {
    for (int repetition = 0; repetition < 150; ++repetition) {
      const auto lowest = failed_index(16, threads, [](std::size_t i) {
        if (i == 3) std::this_thread::sleep_for(300us);
        if (i == 3 || i == 5 || i == 9 || i == 10) throw failure{i};
      });
      CHECK(lowest == 3);
    }
  }
}

TEST_CASE("parallel_map: the lowest index's exception, though all throw") {
  for (const std::size_t threads : thread_counts) {
    for (int repetition = 0; repetition < 150; ++repetition) {
      const auto lowest = failed_index(8, threads, [](std::size_t i) -> int {
        if (i == 0) std::this_thread::sleep_for(50us);
        throw failure{i};
      });
      CHECK(lowest == 0);
    }
  }
}

TEST_CASE("parallel_map: the lowest index's exception, though it is thrown first") {
  std::atomic<bool> begun = false, thrown = false;
  CHECK(failed_index(2, 2, [&](std::size_t i) {
          if (i == 0) {
            while (!begun) std::this_thread::yield();
            thrown = true;
          } else {
            begun = true;
            while (!thrown) std::this_thread::yield();
            std::this_thread::sleep_for(20ms);
          }
          throw failure{i};
        }) == 0);
}

TEST_CASE("parallel_map: the last index's exception is not lost") {
  for (const std::size_t threads : thread_counts) {
    CHECK(failed_index(9, threads, [](std::size_t i) {
            if (i == 8) throw failure{i};
          }) == 8);
  }
}

TEST_CASE("parallel_map: any type can be thrown, and arrives as it was") {
  for (const std::size_t threads : thread_counts) {
    CHECK_THROWS_WITH_AS(
        parallel_map(4, threads, [](std::size_t) { throw std::out_of_range("far"); }), "far",
        std::out_of_range);
    CHECK_THROWS_AS(parallel_map(4, threads, [](std::size_t) { throw 7; }), int);
  }
}

TEST_CASE("parallel_map: one thread begins nothing after a failure") {
  std::vector<std::size_t> begun;
  CHECK(failed_index(100, 1, [&](std::size_t i) {
          begun.push_back(i);
          if (i == 3) throw failure{i};
        }) == 3);
  CHECK(begun == std::vector<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("parallel_map: several threads begin nothing after a failure") {
  // The others sleep for 200 us an index: half of all indices are 25 s of work of four threads.
  constexpr std::size_t count = 1'000'000;
  std::atomic<std::size_t> begun = 0;
  CHECK(failed_index(count, 4, [&](std::size_t i) {
          if (i == 0) throw failure{i};
          if (++begun < count / 2) std::this_thread::sleep_for(200us);
        }) == 0);
  CHECK(begun < count / 2);
}
