// Networks, inputs and labels as files have them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inspect/findings.hpp"

namespace examples {

/// The widths n_0, ..., n_L of the network in a file. Throws std::runtime_error that says what is
/// taken, unless it has 2 to 5 dense layers in sequence, and io_error and format_error.
std::vector<std::size_t> read_widths(const std::string& file);

/// Inputs, [N, inputs], and labels. Labels of one dimension are whole numbers below `outputs`, of two
/// targets, [N, outputs]; a network of one output has targets in one dimension. Throws shape_error,
/// io_error and format_error.
samples read_samples(const question& asked, std::size_t inputs, std::size_t outputs);

}  // namespace examples
