// Figures by gnuplot.
#pragma once

#include <string>

namespace examples {

/// Draws `script` (everything after `set output`) twice, to `stem`.svg and `stem`.png. A figure
/// appears whole or not at all. Returns false when gnuplot is not installed; throws
/// std::runtime_error when it fails.
bool draw(const std::string& stem, const std::string& script);

/// A file name as a gnuplot string.
std::string quoted(const std::string& path);

}  // namespace examples
