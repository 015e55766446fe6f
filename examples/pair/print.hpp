// The analyses of a pair as lines of a report.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <iterator>
#include <string>
#include <vector>

#include "pair/layers.hpp"
#include "pair/sections.hpp"

namespace examples {

/// As printf, at most 255 characters.
[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...);

/// "100-10-50".
std::string joined(const std::vector<std::size_t>& widths);

inline constexpr std::size_t last_threshold = std::size(thresholds) - 1;

/// Teachers from the strongest fan-out to the weakest.
std::vector<std::size_t> by_strength(const layer_result& layer);

/// One line a teacher node.
void print_layer(std::ostream& out, const layer_result& layer);

void print_sections(std::ostream& out, const sections& s);

}  // namespace examples
