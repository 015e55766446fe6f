// Runs a program for every combination of its flags' values, with many seeds, on any number of
// machines; keeps what each run found, goes on where it was stopped, and makes tables and figures. The
// published sweeps of arXiv:1909.13458 and arXiv:1905.13405 are presets.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <thread>

#include "common/program.hpp"
#include "sweep/folder.hpp"
#include "sweep/launcher.hpp"
#include "sweep/report.hpp"
#include "sweep/sweep.hpp"

namespace {

using namespace examples;

// MPI is in a program of its own: this one starts without it, and where there is none.
[[noreturn]] void become_sweep_mpi(char** argv) {
  const std::string program =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "sweep_mpi";
  ::execv(program.c_str(), argv);
  throw std::runtime_error("started by mpirun, but there is no " + program +
                           ": it is built where CMake finds MPI; sweep --rank R --of N needs none");
}

void merge(const sweep_options& o) {
  sweep_folder folder(o.out);
  folder.merge_at_end();
}

}  // namespace

int main(int argc, char** argv) {
  sweep_options o;
  if (const auto code = parse_on_rank(argc, argv, o)) return *code;
  return run_guarded("sweep", [&] {
    if (o.task != sweep_task::run && launched_rank().value_or(0) != 0) return;  // the first does it
    if (o.task == sweep_task::merge) return merge(o);
    if (o.task == sweep_task::report) return write_report(o.out, o.report, o.quiet);
    if (!o.rank && launched_rank()) become_sweep_mpi(argv);
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    run_sweep(o, threads_of(o.threads > 0 ? o.threads : o.rank ? 1 : cores));
    if (!o.rank) write_report(o.out, o.report, o.quiet);
    check_failures(o);
  });
}
