// What sweep was asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sweep/program_flags.hpp"
#include "sweep/run_key.hpp"

namespace examples {

/// The runs of a sweep: every combination of the axes' values, with every seed.
struct sweep_plan {
  std::string program;
  flag_values flags;       // of all runs
  std::vector<axis> axes;  // the last one's values change fastest
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> keep;  // fields of the results; none: all of them
};

enum class sweep_task { run, merge, report };

struct report_options {
  std::vector<std::string> values;  // of the results; none: all numbers
  std::string x, color;             // axes of the figures; "": sweep chooses
  std::string csv, npz;             // files for the table of runs
};

struct sweep_options {
  sweep_task task = sweep_task::run;
  std::string out = "sweep";  // of every task
  sweep_plan plan;
  bool retry = false;
  std::optional<std::size_t> rank;  // this process's, of `ranks`
  std::size_t ranks = 1;
  std::size_t threads = 0;  // 0: one a core, and one where there are ranks
  report_options report;
  bool quiet = false;
};

/// Reads the command line. Returns what main returns when the program has to end here, everything
/// being said.
std::optional<int> parse(int argc, char** argv, sweep_options& result);

/// In the order in which they are started: with values given from small to large, large ones first,
/// so that the last runs of all are short ones.
std::vector<run_key> runs_of(const sweep_plan& plan);

}  // namespace examples
