// The figures of arXiv:1909.13458 that a sweep gives.
#pragma once

#include <string>
#include <vector>

#include "sweep/results.hpp"

namespace examples {

/// Writes into `folder`, from the runs that are there:
///
///   students.csv, figure5-m10-1  each student's best correlation and fan-out norm in the end: a
///                                panel a polarity and over-realization, three polarities a figure
///   success.csv, figure7-m20     share of seeds that recover each teacher node; a panel a polarity,
///                                dotted after 5 epochs, solid at last
///   dynamics.csv, figure8-m20    each teacher node's best correlation over epochs at 5x, mean over
///                                seeds; a panel a polarity
///   loss.csv, loss-m20           evaluation loss over epochs, median and quartiles over seeds
///
/// (and the same for the other numbers of teachers, m). Returns the files written.
std::vector<std::string> write_figures(const std::string& folder, const sweep_results& runs);

}  // namespace examples
