// Figure 7 of arXiv:1905.13405 and its convergence bounds beside simulations; see main.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tutelage/theory/overlap/contraction_bounds.hpp>

namespace bounds {

using namespace tutelage;

/// How lucky students start.
struct luck {
  double p_W, p_V;
};

/// Teacher 10-20-30, students of `factor` times 20 hidden nodes, no biases.
struct panel_settings {
  std::size_t factor;
  luck start;
  std::size_t epochs, steps;  // steps an epoch
  std::size_t seeds;
};

/// Norms of rows of V in the u-set and in the r-set: mean over nodes, then mean and standard
/// deviation over seeds, before training and after each epoch.
struct panel {
  panel_settings settings;
  std::vector<double> u_mean, u_std, r_mean, r_std;
};

panel run_panel(const panel_settings& settings, std::size_t threads);

/// One quantity that a theorem bounds, step by step.
struct bounded {
  std::string name;
  std::vector<double> measured, bound;
};

/// Orthonormal teachers and idle students of one bias.
struct bound_settings {
  double bias, theta_0;
  double reach;  // of the r-set; Theorem 5 only
  std::size_t m, n;
  double eta;
  std::size_t steps;
};

struct theorem_4_run {
  bound_settings settings;
  theorem_4_setting constants;
  theorem_4_bound bound;
  std::vector<bounded> curves;
};
theorem_4_run run_theorem_4(const bound_settings& settings);

struct theorem_5_run {
  bound_settings settings;
  theorem_5_setting constants;
  theorem_5_bound printed, repaired;
  double measured_move = 0;  // of the r-set; its bound is R
  std::vector<bounded> curves;
};
theorem_5_run run_theorem_5(const bound_settings& settings, std::uint64_t seed);

}  // namespace bounds
