// Where and by what a run was done: what may differ between two runs with the same results.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace examples {

/// Name and value: version, commit, compiler, processor, blas_kernel, host. Of this program and
/// machine, which are those of the runs that it starts: both are built together.
std::vector<std::pair<std::string, std::string>> describe_machine();

/// Now, as 2026-11-26T17:24:51Z.
std::string time_of_day();

}  // namespace examples
