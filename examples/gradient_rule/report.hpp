// What the run found, for people, programs and figures.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "gradient_rule/experiment.hpp"

namespace examples {

void print_table(std::ostream& out, const options& o, const run_result& result);

std::string to_json(const options& o, const run_result& result);

/// Writes nodes.csv, slice.csv and, where gnuplot is, the figures into o.out. Returns the paths
/// written.
std::vector<std::string> write_files(const options& o, const run_result& result);

}  // namespace examples
