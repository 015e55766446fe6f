// Population gradient descent on the orthonormal target; see main.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <tutelage/theory/population/critical_point.hpp>

namespace orthonormal {

using namespace tutelage;

/// One descent.
struct descent_run {
  std::vector<std::size_t> steps;  // of the snapshots, growing geometrically
  std::vector<double> loss;        // relative to the target's power, at each
  double final_loss = 0;           // relative; what has not learned goes on, to 51 times the steps
  double gradient_norm = 0;        // there
  std::optional<classified_point<double>> end;  // where it has vanished and the loss has not
  std::vector<std::vector<double>> degrees;     // the loss by Hermite degree, at each snapshot
  std::vector<double> higher;                   // of all degrees above, at most
};

struct width_settings {
  std::size_t d, n;  // target of d nodes, students of n
  std::size_t seeds, steps;
  double rate;
};

inline constexpr std::size_t highest_degree = 6;
inline constexpr double learned = 1e-2;  // a relative loss below counts as learned

std::vector<descent_run> run_width(const width_settings& settings, std::size_t threads);

/// Particles in 3 dimensions: independent, and closed under reflections along the target's nodes.
struct particle_run {
  std::vector<std::size_t> steps;
  std::vector<double> loss, asymmetry;
};
particle_run run_particles(std::size_t particles, bool closed, std::size_t steps, double rate);

}  // namespace orthonormal
