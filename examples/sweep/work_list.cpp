#include "sweep/work_list.hpp"

#include <stdexcept>

#include "common/program.hpp"

namespace examples {

std::optional<job> work_list::next() {
  const std::scoped_lock lock(changing_);
  if (stopped_ || next_ == jobs_.size()) return std::nullopt;
  return jobs_[next_++];
}

void work_list::report(const outcome& result) {
  if (result.refused) {
    return stop("the program refuses the command line of " + describe(result.key) + ": " +
                result.message);
  }
  const std::scoped_lock lock(changing_);
  ++ended_;
  told_(result);
}

void work_list::stop(const std::string& why) {
  const std::scoped_lock lock(changing_);
  if (!stopped_) stopped_ = why;
}

std::size_t work_list::ended() const {
  const std::scoped_lock lock(changing_);
  return ended_;
}

void work_list::check() const {
  const std::scoped_lock lock(changing_);
  if (stopped_) throw std::runtime_error(*stopped_);
}

void work_through(work_list& jobs, job_worker& worker) {
  try {
    while (const auto work = jobs.next()) jobs.report(worker.run(*work));
  } catch (const std::exception& problem) {
    jobs.stop(plain_message(problem));
  }
}

}  // namespace examples
