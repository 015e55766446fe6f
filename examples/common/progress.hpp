// A progress line on a terminal, and nothing elsewhere.
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>

namespace examples {

/// Counts pieces of work that any thread finishes. Draws on standard error, at most ten times a
/// second, when that is a terminal and `quiet` is not set.
class progress {
 public:
  progress(std::size_t total, bool quiet);
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// One more piece is done; `note` is shown behind the bar.
  void advance(const std::string& note);

 private:
  using clock = std::chrono::steady_clock;

  void draw(const std::string& note);

  std::mutex drawing_;
  std::size_t total_;
  std::size_t done_ = 0;
  bool visible_;
  clock::time_point start_ = clock::now();
  clock::time_point last_{};
};

}  // namespace examples
