#include "sweep/run_key.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/arguments.hpp"

namespace examples {

namespace {

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

// A name that looks like one, 007, is none.
std::optional<double> finite_number(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  if (digits.size() > 1 && digits[0] == '0' && is_digit(digits[1])) return std::nullopt;
  const auto number = to_number<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;
}

// The digits that `text` begins with, without leading zeros; both are taken from it.
std::string_view take_digits(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && is_digit(text[end])) ++end;
  std::string_view digits = text.substr(0, end);
  text.remove_prefix(end);
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

// Below, at or above 0 as `a` comes before, with or after `b`.
int compare_words(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const auto x = take_digits(a), y = take_digits(b);
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y); order != 0) return order;
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front() ? -1 : 1;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty());
}

}  // namespace

std::string canonical(const std::string& text) {
  const auto number = finite_number(text);
  if (!number) return text;
  if (const auto whole = to_number<std::int64_t>(text)) return std::to_string(*whole);
  if (const auto large = to_number<std::uint64_t>(text)) return std::to_string(*large);
  constexpr double exact = 9007199254740992;  // up to here doubles have all whole numbers
  if (std::trunc(*number) == *number && std::abs(*number) <= exact) {
    return std::to_string(static_cast<std::int64_t>(*number));
  }
  return nlohmann::json(*number).dump();
}

bool natural_less(std::string_view a, std::string_view b) {
  const auto x = finite_number(a), y = finite_number(b);
  if (x && y && *x != *y) return *x < *y;
  if (x.has_value() != y.has_value()) return x.has_value();
  const int order = compare_words(a, b);
  return order != 0 ? order < 0 : a < b;
}

nlohmann::json value_json(const std::string& value) {
  if (!finite_number(value)) return value;
  if (const auto whole = to_number<std::int64_t>(value)) return *whole;
  if (const auto large = to_number<std::uint64_t>(value)) return *large;
  return *finite_number(value);
}

bool operator<(const run_key& a, const run_key& b) {
  auto x = a.axes.begin();
  auto y = b.axes.begin();
  for (; x != a.axes.end() && y != b.axes.end(); ++x, ++y) {
    if (x->first != y->first) return x->first < y->first;
    if (natural_less(x->second, y->second)) return true;
    if (natural_less(y->second, x->second)) return false;
  }
  if (x != a.axes.end() || y != b.axes.end()) return x == a.axes.end();
  return a.seed < b.seed;
}

bool operator==(const run_key& a, const run_key& b) { return a.seed == b.seed && a.axes == b.axes; }

std::string describe(const run_key& key) {
  std::string text;
  for (const auto& [name, value] : key.axes) text += name + " " + value + ", ";
  return text + "seed " + std::to_string(key.seed);
}

}  // namespace examples
