// Arguments of the command line that several programs take.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace examples {

/// The number that all of `text` is.
template <class Number>
std::optional<Number> to_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> split(const std::string& text, char separator);

/// For CLI::Option::check.
std::string positive(const std::string& text);

/// Does a file's name stand for standard output?
inline bool is_standard_output(std::string_view name) {
  return name == "-" || name == "/dev/stdout" || name == "/dev/fd/1";
}

/// Seeds as a number, a range 1-32 or a list 1,5,9. Throws CLI::ValidationError that names `flag`.
std::vector<std::uint64_t> parse_seeds(const std::string& flag, const std::string& text);

}  // namespace examples
