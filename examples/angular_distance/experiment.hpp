// Random direction sets, climbs and surfaces of the least determinant; see main.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tutelage/theory/determinant_search.hpp>

namespace angular {

using namespace tutelage;

/// Counts of log10(-min det M_i) in [lowest, lowest + bins * width).
struct histogram {
  static constexpr double lowest = -30, width = 0.5;
  static constexpr std::size_t bins = 76;
  std::array<std::size_t, bins> counts{};
};

/// What random sets of m directions showed of arc_cosine<1>.
struct random_result {
  std::size_t m = 0;
  std::size_t sets = 0;
  std::size_t decided_in_double = 0;            // a length of a student is proved negative
  std::size_t decided_in_long_double = 0;       // of those that double left open
  std::vector<std::vector<double>> undecided;   // sets whose sign long double leaves open
  std::vector<std::vector<double>> violations;  // sets with no negative length
  double largest = 0;                           // min_i det M_i, over all sets
  std::vector<double> theta;                    // where
  histogram seen;
};

random_result random_sets(std::size_t m, std::size_t sets, std::uint64_t seed, std::size_t threads);

/// The best of many climbs.
struct search_result {
  std::size_t m = 0;
  double gap = 0;
  found_directions best;
  bool negative = false;  // does long double prove a student's length negative there?
};

search_result search(std::size_t m, double gap, std::size_t climbs, std::size_t evaluations,
                     std::uint64_t seed, std::size_t threads);

/// 1 + max(0, 1 - t): an angular-distance function that violates Conjecture 5.5.
struct triangle {
  template <class T>
  T operator()(T t) const {
    return 1 + (t < 1 ? 1 - t : 0);
  }
};
found_directions search_triangle(std::size_t climbs, std::size_t evaluations, std::uint64_t seed,
                                 std::size_t threads);

/// min_i det M_i over two directions, the others fixed: [steps, steps], both from 0 to 2 pi.
struct surface {
  std::string fixed;  // as in "theta_1 = 1"
  matrix<double> z;
};

/// Those of Figure 2 (m = 3, theta_1 fixed) and Figure 3 (m = 4, theta_1 and theta_4 fixed).
std::vector<surface> figure_2(std::size_t steps);
std::vector<surface> figure_3(std::size_t steps);

}  // namespace angular
