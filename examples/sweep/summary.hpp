// Mean and spread over seeds.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "sweep/run_table.hpp"

namespace examples {

/// Of one value over the runs that have it.
struct spread {
  std::size_t count = 0;
  double mean = 0, deviation = 0;  // sqrt(sum (x - mean)^2 / (count - 1)); NaN for one run
  double least = 0, most = 0;
};

/// The runs of one combination of the axes' values.
struct group {
  std::map<std::string, std::string> axes;
  std::size_t done = 0, diverged = 0, failed = 0;
  std::vector<spread> values;
};

spread spread_of(const std::vector<double>& numbers);

/// In the order of the rows.
std::vector<group> summarize(const run_table& table);

std::string summary_csv(const run_table& table, const std::vector<group>& groups);

/// For people, the first values only.
std::string summary_text(const run_table& table, const std::vector<group>& groups);

}  // namespace examples
