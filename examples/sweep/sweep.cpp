#include "sweep/sweep.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

#include "common/interrupt.hpp"
#include "common/progress.hpp"
#include "sweep/folder.hpp"

namespace examples {

namespace {

using clock = std::chrono::steady_clock;

std::string duration_text(double seconds) {
  char text[40];
  if (seconds < 90) {
    std::snprintf(text, sizeof text, "%.0f s", seconds);
  } else if (seconds < 5400) {
    std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
  } else {
    std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
  }
  return text;
}

// A bar at a terminal, otherwise a line a minute.
class watch {
 public:
  watch(std::size_t total, bool quiet)
      : total_(total),
        lines_(!quiet && ::isatty(STDERR_FILENO) == 0),
        bar_(std::max<std::size_t>(1, total), quiet) {}

  void tell(const outcome& result) {
    ++ended_;
    if (result.status == run_status::failed) ++failed_;
    if (result.status == run_status::diverged) ++diverged_;
    bar_.advance(describe(result.key));
    const auto now = clock::now();
    if (!lines_ || now - said_ < std::chrono::minutes(1)) return;
    said_ = now;
    const double spent = std::chrono::duration<double>(now - begun_).count();
    const double left = spent * static_cast<double>(total_ - ended_) / static_cast<double>(ended_);
    std::fprintf(stderr, "%zu of %zu runs, %zu diverged, %zu failed, %s left\n", ended_, total_,
                 diverged_, failed_, duration_text(left).c_str());
  }

 private:
  std::size_t total_, ended_ = 0, failed_ = 0, diverged_ = 0;
  bool lines_;
  progress bar_;
  clock::time_point begun_ = clock::now(), said_ = clock::now();
};

// Those of this process that the folder has not.
std::vector<job> missing_jobs(const sweep_options& o, const swept_program& program,
                              const run_index& index) {
  std::vector<job> jobs;
  const auto all = runs_of(o.plan);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % o.ranks != o.rank.value_or(0)) continue;
    const auto found = index.runs().find(all[i]);
    const bool again =
        o.retry && found != index.runs().end() && found->second.status == run_status::failed;
    if (found != index.runs().end() && !again) continue;
    jobs.push_back({all[i], program.path(),
                    program.words(o.plan.flags, all[i].axes, std::to_string(all[i].seed)),
                    o.plan.keep});
  }
  return jobs;
}

void check_flags(const swept_program& program, const sweep_plan& plan) {
  for (const axis& a : plan.axes) program.require(a.name);
  for (const auto& [name, values] : plan.flags) program.require(name);
}

std::string message_of(const run_index::entry& run) {
  return nlohmann::json::parse(part_reader().read(run.row)).at("message");
}

}  // namespace

crew threads_of(std::size_t count) {
  return [count](work_list& jobs, job_worker& own) {
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < count; ++i) {
      others.emplace_back([&] { work_through(jobs, own); });
    }
    work_through(jobs, own);
  };
}

void run_sweep(const sweep_options& o, const crew& workers) {
  subprocesses started;
  const swept_program program(o.plan.program, started);
  check_flags(program, o.plan);
  sweep_folder folder(o.out, o.plan, o.rank.has_value());
  const run_index found(o.out);
  auto missing = missing_jobs(o, program, found);
  const std::size_t count = missing.size(), before = found.runs().size();
  if (!o.quiet) {
    std::fprintf(
        stderr,
        "%zu runs to do, %zu found in %s; stop them when you like: the same command goes on\n",
        count, before, o.out.c_str());
  }
  {
    watch shown(count, o.quiet);
    work_list jobs(std::move(missing), [&](const outcome& result) { shown.tell(result); });
    const on_interrupt said([&] {
      started.stop();
      return "sweep: stopped; " + std::to_string(before + jobs.ended()) + " runs are kept in " +
             o.out + ": the same command goes on with the rest";
    });
    {
      journal rows(o.out, o.rank.value_or(0));
      job_worker own(rows, started);
      workers(jobs, own);
    }
    jobs.check();
  }
  folder.merge_at_end();
}

void check_failures(const sweep_options& o) {
  const run_index index(o.out);
  std::size_t failed = 0;
  const run_key* first = nullptr;
  const auto all = runs_of(o.plan);
  for (const run_key& key : all) {
    const auto found = index.runs().find(key);
    if (found == index.runs().end() || found->second.status != run_status::failed) continue;
    ++failed;
    if (first == nullptr) first = &key;
  }
  if (failed == 0) return;
  throw std::runtime_error(std::to_string(failed) + " of " + std::to_string(all.size()) +
                           " runs failed, one of them at " + describe(*first) + ": " +
                           message_of(index.runs().at(*first)) + "; --retry does them again");
}

}  // namespace examples
