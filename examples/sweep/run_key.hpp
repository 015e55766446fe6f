// Which run of a sweep: a value of every axis, and a seed.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace examples {

/// A value as programs take it and rows show it, one text a value: 1, 1.0 and 1e0 are "1"; what is no
/// finite number stays as it is, and so do names as 007.
std::string canonical(const std::string& text);

/// Numbers by size and before words, words with the numbers in them by size: 5 < 10,
/// 100-5-50 < 100-10-50.
bool natural_less(std::string_view a, std::string_view b);

/// A canonical value as JSON, a number where it is one.
nlohmann::json value_json(const std::string& value);

struct run_key {
  std::map<std::string, std::string> axes;  // canonical values
  std::uint64_t seed = 0;
};

/// The order of rows: by axis in alphabetical order, then by seed.
bool operator<(const run_key& a, const run_key& b);
bool operator==(const run_key& a, const run_key& b);

/// For people, as in "polarity 0.5, teacher 100-10-50, seed 3".
std::string describe(const run_key& key);

}  // namespace examples
