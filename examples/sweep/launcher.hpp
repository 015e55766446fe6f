// How this process was started.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "common/arguments.hpp"
#include "sweep/arguments.hpp"

namespace examples {

/// Its number when mpirun (of Open MPI or MPICH) or srun --mpi started it.
inline std::optional<std::size_t> launched_rank() {
  for (const char* const name : {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"}) {
    if (const char* const value = std::getenv(name)) return to_number<std::size_t>(value);
  }
  return std::nullopt;
}

/// parse(); of processes that mpirun started, the first speaks for all.
inline std::optional<int> parse_on_rank(int argc, char** argv, sweep_options& o) {
  if (launched_rank().value_or(0) == 0) return parse(argc, argv, o);
  auto* const out = std::cout.rdbuf(nullptr);
  auto* const errors = std::cerr.rdbuf(nullptr);
  const auto code = parse(argc, argv, o);
  std::cout.rdbuf(out);
  std::cerr.rdbuf(errors);
  return code;
}

}  // namespace examples
