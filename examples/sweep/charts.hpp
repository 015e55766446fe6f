// Figures of any sweep.
#pragma once

#include <string>
#include <vector>

#include "common/output_folder.hpp"
#include "sweep/arguments.hpp"
#include "sweep/summary.hpp"

namespace examples {

/// Colors that stay apart on white and in print.
std::string line_color(std::size_t i);

/// value-NAME for each value, of those that were not asked for the first four and rho_mean of each
/// layer: mean and standard deviation over seeds along one axis, another one in colors, a panel for
/// every combination of the others. The axis along is o.x, or the one with the most numbers.
void draw_values(output_folder& out, const run_table& table, const std::vector<group>& groups,
                 const report_options& o, bool asked_for);

/// history: the mean correlation of each layer over epochs, mean and standard deviation over seeds, a
/// panel a layer, a color a combination of the axes' values (Figure 12 of arXiv:1905.13405). Nothing
/// where results have no history/rho_mean or there are more than eight combinations.
void draw_history(output_folder& out, const run_index& index, const run_table& table);

}  // namespace examples
