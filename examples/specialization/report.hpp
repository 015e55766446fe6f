// What the runs found, for people, programs and figures.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "specialization/experiment.hpp"

namespace examples {

void print_table(std::ostream& out, const options& o, const std::vector<run_result>& runs);

std::string to_json(const options& o, const std::vector<run_result>& runs);

/// Writes history.csv, nodes.csv and, where gnuplot is, the two figures into o.out. Returns the
/// paths written.
std::vector<std::string> write_files(const options& o, const std::vector<run_result>& runs);

}  // namespace examples
