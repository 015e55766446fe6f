// The files of the program; see main.cpp.
#pragma once

#include <string>
#include <vector>

#include "experiment.hpp"

namespace angular {

/// A number that reads back as itself.
std::string number(double x);
std::string number(long double x);

/// Numbers, separated by `separator`.
std::string list(const std::vector<double>& numbers, const char* separator);

std::string random_csv(const std::vector<random_result>& results);
std::string search_csv(const std::vector<search_result>& results);
std::string histogram_csv(const std::vector<random_result>& results);
std::string surfaces_csv(const std::vector<surface>& surfaces);

/// gnuplot scripts.
std::string surfaces_figure(const std::string& title, const std::vector<surface>& surfaces);
std::string histogram_figure(const std::vector<random_result>& results);

}  // namespace angular
