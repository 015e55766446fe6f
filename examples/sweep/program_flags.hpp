// The flags of a program that a sweep starts.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sweep/subprocess.hpp"

namespace examples {

/// A flag's name without its dashes and the words that follow it, canonical.
using flag_values = std::map<std::string, std::vector<std::string>>;

/// A flag whose values make runs, in the order given, canonical.
struct axis {
  std::string name;
  std::vector<std::string> values;
};

/// Reads polarity=0,0.5,1; values that have commas are separated by semicolons. Throws
/// std::invalid_argument for a missing name, an empty value or one that is there twice.
axis parse_axis(const std::string& text);

/// Reads --epochs 20 --leaky=0.1 --separated. Throws std::invalid_argument for words before the first
/// flag and a flag that is there twice.
flag_values parse_flags(const std::vector<std::string>& words);

/// The words of a command line that give these flags.
std::vector<std::string> to_words(const flag_values& flags);

/// A program that can be swept: found, and asked for its flags.
class swept_program {
 public:
  /// `name` is a path when it has a slash, otherwise a program beside this one. Throws
  /// std::runtime_error when there is none, its --help fails, or it has no --json or no seed.
  swept_program(const std::string& name, subprocesses& started);

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Does its --help name this flag?
  [[nodiscard]] bool has(std::string_view flag) const;
  /// Throws std::runtime_error when it does not, or when sweep itself gives this flag.
  void require(const std::string& flag) const;
  /// Runs it with the flags that a sweep gives: one seed, JSON to standard output, one thread, silent.
  [[nodiscard]] std::vector<std::string> words(const flag_values& flags,
                                               const std::map<std::string, std::string>& axes,
                                               const std::string& seed) const;

 private:
  std::string name_, path_, help_;
};

}  // namespace examples
