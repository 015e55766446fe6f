// One run: what is to be done, and what came of it.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "sweep/journal.hpp"
#include "sweep/rows.hpp"
#include "sweep/run_key.hpp"
#include "sweep/subprocess.hpp"

namespace examples {

struct job {
  run_key key;
  std::string program;
  std::vector<std::string> words;  // of its command line
  std::vector<std::string> keep;   // fields of the results; none: all of them
};

struct outcome {
  run_key key;
  run_status status = run_status::done;
  std::string message;   // why it is not done
  bool refused = false;  // the program does not take its command line: so it will be for the others
};

/// Does a job and appends its row to `rows` (one thread at a time), unless the command line is refused.
///
///   {"axes": {...}, "seed": 1, "status": "done", "config": {...}, "results": {...}}
///   {"axes": {...}, "seed": 1, "status": "diverged" or "failed", "message": "..."}
///
/// Results are what the program prints as JSON: its one run where it has a list `runs`, otherwise
/// everything but `config`. What it says of seconds is left out, as a row depends on its run only.
class job_worker {
 public:
  job_worker(journal& rows, subprocesses& started) : rows_(rows), started_(started) {}

  outcome run(const job& work);

 private:
  journal& rows_;
  subprocesses& started_;
  std::mutex appending_;
};

/// As text, and back.
std::string to_text(const job& work);
job job_of(const std::string& text);
std::string to_text(const outcome& result);
outcome outcome_of(const std::string& text);

}  // namespace examples
