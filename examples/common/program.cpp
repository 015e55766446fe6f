#include "common/program.hpp"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <stdexcept>

#include <tutelage/core/blas_threads.hpp>
#include <tutelage/core/errors.hpp>

#include "common/arguments.hpp"
#include "common/interrupt.hpp"

namespace examples {

namespace {

// Before the option's own checks: a transform, which changes nothing.
void check_first(CLI::Option& option, const std::function<std::string(const std::string&)>& check) {
  option.transform(CLI::Validator([check](std::string& text) { return check(text); }, ""));
}

// CLI11 takes -1 as the largest of all whole numbers, and nan as a number.
void check_numbers(CLI::App& app) {
  for (CLI::Option* const option : app.get_options()) {
    const std::string type = option->get_type_name();
    if (type.rfind("UINT", 0) == 0) {
      check_first(*option, [](const std::string& text) {
        return to_number<std::uint64_t>(text) ? "" : "is a whole number from 0 on; got " + text;
      });
    } else if (type.rfind("FLOAT", 0) == 0) {
      check_first(*option, [](const std::string& text) {
        const auto number = to_number<double>(text);
        return number && std::isfinite(*number) ? "" : "is a finite number; got " + text;
      });
    }
  }
}

// "name_of_a_function: what" without the name.
std::string without_function(const std::string& message) {
  const std::size_t end = message.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789<>", 0);
  return end != std::string::npos && end > 0 && message.compare(end, 2, ": ") == 0
             ? message.substr(end + 2)
             : message;
}

}  // namespace

std::optional<int> parse_command_line(CLI::App& app, int argc, char** argv,
                                      const std::function<void()>& finish) {
  check_numbers(app);
  try {
    app.parse(argc, argv);
    finish();
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  return std::nullopt;
}

int run_guarded(const std::string& name, const std::function<void()>& run) {
  const tutelage::blas_threads one(1);
  try {
    run();
    std::cout.flush();
    if (!std::cout || std::fflush(stdout) != 0) {
      throw std::runtime_error("cannot write to standard output");
    }
  } catch (const std::exception& problem) {
    std::cerr << name << ": " << plain_message(problem) << '\n';
    return 1;
  }
  return 0;
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& run) {
  if (const auto code = parse_command_line(app, argc, argv)) return *code;
  const on_interrupt said([&] { return app.get_name() + ": " + nothing_kept; });
  return run_guarded(app.get_name(), run);
}

std::string plain_message(const std::exception& problem) {
  if (const auto* files = dynamic_cast<const std::filesystem::filesystem_error*>(&problem)) {
    return "cannot use " + files->path1().string() + ": " + files->code().message();
  }
  const bool of_a_function = dynamic_cast<const tutelage::shape_error*>(&problem) != nullptr ||
                             dynamic_cast<const tutelage::argument_error*>(&problem) != nullptr;
  return of_a_function ? without_function(problem.what()) : problem.what();
}

}  // namespace examples
