// The figures of arXiv:1909.13458 that a sweep gives.
#pragma once

#include <string>
#include <vector>

#include "sweep/results.hpp"

namespace examples {

/// Writes into `folder`, as far as the runs that a figure needs are there:
///
///   students.csv, figure5-m10    each student's best correlation and fan-out norm
///   success.csv, figure7-m20     share of teachers recovered, by polarity; after 5 epochs and at
///   last dynamics.csv, figure8-m20    each teacher's best correlation over epochs at 5x, mean over
///   seeds loss.csv, loss-m20           evaluation loss over epochs, median over seeds
///
/// (and the same for the other numbers of teachers, m). Returns the files written.
std::vector<std::string> write_figures(const std::string& folder, const sweep_results& runs);

}  // namespace examples
