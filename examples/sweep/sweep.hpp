// A sweep from its command line to its table.
#pragma once

#include <functional>

#include "sweep/arguments.hpp"
#include "sweep/work_list.hpp"

namespace examples {

/// Whoever does the jobs that this process hands out, until all are done or the work is stopped.
using crew = std::function<void(work_list& jobs, job_worker& own)>;

/// Threads of this process.
crew threads_of(std::size_t count);

/// Does the runs that the folder has not, and merges the rows unless others are at work. Throws when
/// the work was stopped.
void run_sweep(const sweep_options& o, const crew& workers);

/// Throws when runs of the plan failed: they are kept, but nobody should take them for done.
void check_failures(const sweep_options& o);

}  // namespace examples
