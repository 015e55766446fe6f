// Random direction sets, climbs and surfaces of the least determinant; see main.cpp.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory/angular/determinant_search.hpp>

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

/// Angular-distance functions for which Conjecture 5.5 does not hold. (pi - t) cos t:
struct gate_cosine {
  template <class T>
  T operator()(T t) const {
    return (std::numbers::pi_v<T> - t) * std::cos(t);
  }
};

/// Poisson's kernel, r = 1/2: positive definite.
struct poisson_kernel {
  template <class T>
  T operator()(T t) const {
    return T(0.75) / (T(1.25) - std::cos(t));
  }
};

/// Meets Lemmas 4.2 and 4.3 too.
struct lemmas_met {
  template <class T>
  T operator()(T t) const {
    const auto c = [&](int k) { return std::cos(static_cast<T>(k) * t); };
    return T(1.2) + c(1) + T(0.01) * (c(2) + c(3) + c(4)) + T(0.07) * c(5) +
           T(0.001) / (T(1.25) - c(1));
  }
};

/// min_i det M_i over two directions, the others fixed: [steps, steps], both from 0 to 2 pi.
struct surface {
  std::string fixed;  // as in "theta_1 = 1"
  matrix<double> z;
};

/// Those of Figure 2 (m = 3, theta_1 fixed) and Figure 3 (m = 4, theta_1 and theta_4 fixed).
std::vector<surface> figure_2(std::size_t steps);
std::vector<surface> figure_3(std::size_t steps);

}  // namespace angular
