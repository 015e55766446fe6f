// The figures of arXiv:1909.13458 that the two-layer sweep gives.
#pragma once

#include "common/output_folder.hpp"
#include "sweep/run_table.hpp"

namespace examples {

/// Writes, from the runs that are done, where axes are teacher (of two layers), over-realization and
/// polarity and the results have history and students; elsewhere nothing:
///
///   students.csv, figure5-m10-1  each student's best correlation and fan-out norm in the end: a
///                                panel a polarity and over-realization, three polarities a figure
///   success.csv, figure7-m20     share of seeds that recover each teacher node; a panel a polarity,
///                                dotted after 5 epochs, solid at last
///   dynamics.csv, figure8-m20    each teacher node's best correlation over epochs at 5x, mean over
///                                seeds; a panel a polarity
///   loss.csv, loss-m20           evaluation loss over epochs, median and quartiles over seeds
///
/// (and the same for the other numbers of teachers, m).
void write_published_figures(output_folder& out, const run_index& index, const run_table& table);

}  // namespace examples
