// The files of the program; see main.cpp.
#pragma once

#include <string>
#include <vector>

#include "experiment.hpp"

namespace bounds {

std::string panels_csv(const std::vector<panel>& panels);
std::string curves_csv(const theorem_4_run& four, const theorem_5_run& five);

/// gnuplot scripts. `columns` panels lie side by side.
std::string panels_figure(const std::vector<panel>& panels, std::size_t columns);
std::string curves_figure(const theorem_4_run& four, const theorem_5_run& five);

}  // namespace bounds
