// Tables and figures of a sweep.
#pragma once

#include <string>

#include "sweep/arguments.hpp"

namespace examples {

/// Writes into `folder`, from the runs that are there:
///
///   summary.csv      for every combination of the axes' values how many runs are done, diverged and
///                    failed, and of each value mean, standard deviation, minimum and maximum
///   value-NAME       a value against an axis, mean and standard deviation over seeds: another axis in
///                    colors, a panel for every combination of the others
///   history          where results have one: the mean correlation of each layer over epochs
///   and the figures of figures.hpp, where the runs are those of a published sweep
///
/// the table o.csv and the arrays o.npz; prints a table and what was written. Throws io_error, and
/// std::runtime_error when there are no runs or a value or axis that was asked for is not there.
void write_report(const std::string& folder, const report_options& o, bool quiet);

}  // namespace examples
