// The frame of a program.
#pragma once

#include <CLI/CLI.hpp>
#include <iostream>

#include <tutelage/core/blas_threads.hpp>

namespace examples {

/// Parses the command line, then calls run(). Returns what main returns: 0, 1 when run() throws,
/// whose message is printed behind the program's name, and 2 for a wrong command line.
template <class Run>
int run_program(CLI::App& app, int argc, char** argv, const Run& run) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  const tutelage::blas_threads one(1);
  try {
    run();
  } catch (const std::exception& problem) {
    std::cerr << app.get_name() << ": " << problem.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace examples
