// A sweep as arrays of NumPy.
#pragma once

#include <string>
#include <vector>

#include "sweep/rows.hpp"

namespace examples {

/// The bytes of a .npz file: an array for each axis (of float64, or of text where a value is none),
/// `seed` (uint64), `status` (text) and for each value an array of float64 whose first index is the
/// run. A value may be a list, or a list of lists: where runs have different sizes, and where a run has
/// none, the array has NaN. Without `values` those of read_table. Throws as read_table does.
std::string table_npz(const run_index& index, const std::vector<std::string>& values);

}  // namespace examples
