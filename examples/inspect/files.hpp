// Inputs and labels as files have them.
#pragma once

#include <cstddef>

#include "inspect/findings.hpp"

namespace examples {

/// Inputs, [N, inputs], and labels. Labels of one dimension are whole numbers below `outputs`, of two
/// targets, [N, outputs]; a network of one output has targets in one dimension. Throws shape_error,
/// io_error and format_error.
samples read_samples(const question& asked, std::size_t inputs, std::size_t outputs);

}  // namespace examples
