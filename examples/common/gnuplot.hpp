// Figures by gnuplot.
#pragma once

#include <string>

namespace examples {

/// Draws `script` (everything after `set output`) twice, to `stem`.svg and `stem`.png, each written
/// whole or not at all. Returns false when gnuplot is not installed. Throws std::runtime_error when
/// it fails, says anything (a warning is a figure that is not what was meant) or leaves a figure
/// that is not whole, and tutelage::io_error when a file cannot be written.
bool draw(const std::string& stem, const std::string& script);

/// A file name as a gnuplot string.
std::string quoted(const std::string& path);

}  // namespace examples
