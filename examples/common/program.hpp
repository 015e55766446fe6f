// The frame of a program.
#pragma once

#include <CLI/CLI.hpp>
#include <exception>
#include <functional>
#include <optional>
#include <string>

namespace examples {

/// Parses the command line; finish() then may throw CLI::ParseError too. Every whole number must be
/// one from 0 on, every other number finite. Returns what main returns when the program ends here:
/// 0 after --help, 2 for a wrong command line, everything being said.
std::optional<int> parse_command_line(
    CLI::App& app, int argc, char** argv, const std::function<void()>& finish = [] {});

/// Calls run() with one thread of BLAS. Returns what main returns: 0, or 1 when run() throws or
/// standard output cannot be written; the message is printed behind the program's name.
int run_guarded(const std::string& name, const std::function<void()>& run);

/// parse_command_line, then run_guarded. Ctrl-C says that nothing is kept.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& run);

/// What happened, without the names of the functions of a library that it happened in.
std::string plain_message(const std::exception& problem);

}  // namespace examples
