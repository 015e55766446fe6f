#include "common/arguments.hpp"

#include <CLI/CLI.hpp>

namespace examples {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string positive(const std::string& text) {
  const auto number = to_number<double>(text);
  return number && *number > 0 ? "" : "is a number above 0; got " + text;
}

std::vector<std::uint64_t> parse_seeds(const std::string& flag, const std::string& text) {
  std::vector<std::uint64_t> seeds;
  for (const auto& part : split(text, ',')) {
    const auto ends = split(part, '-');
    const auto first = to_number<std::uint64_t>(ends.front());
    const auto last = to_number<std::uint64_t>(ends.back());
    if (ends.size() > 2 || !first || !last || *last < *first || *last - *first >= 100'000) {
      throw CLI::ValidationError(flag, "is a number, a range 1-32 or a list 1,5,9; got " + text);
    }
    for (std::uint64_t i = 0; i <= *last - *first; ++i) seeds.push_back(*first + i);
  }
  return seeds;
}

}  // namespace examples
