// The jobs of a sweep as they are handed out.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sweep/job.hpp"

namespace examples {

/// Any thread may call any of these.
class work_list {
 public:
  /// `told` is called for each outcome, by one thread at a time.
  work_list(std::vector<job> jobs, std::function<void(const outcome&)> told)
      : jobs_(std::move(jobs)), told_(std::move(told)) {}

  /// None when all are handed out, or the work is stopped.
  std::optional<job> next();
  /// A job came to its end. One whose command line was refused stops the work.
  void report(const outcome& result);
  /// Nothing is handed out from now on. The first reason counts.
  void stop(const std::string& why);
  /// How many came to their ends.
  [[nodiscard]] std::size_t ended() const;
  /// Throws std::runtime_error when the work was stopped.
  void check() const;

 private:
  mutable std::mutex changing_;
  std::vector<job> jobs_;
  std::size_t next_ = 0, ended_ = 0;
  std::optional<std::string> stopped_;
  std::function<void(const outcome&)> told_;
};

/// Does jobs until none is handed out; what goes wrong stops the work.
void work_through(work_list& jobs, job_worker& worker);

}  // namespace examples
