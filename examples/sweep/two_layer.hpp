// The runs of the two-layer sweep of arXiv:1909.13458, and tables of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "sweep/run_table.hpp"

namespace examples {

/// A run without its seed.
struct setting {
  std::size_t teachers;
  double over_realization;
  double polarity;
};

struct two_layer_key : setting {
  std::uint64_t seed;
  auto tie() const { return std::tie(teachers, over_realization, polarity, seed); }
  bool operator<(const two_layer_key& other) const { return tie() < other.tie(); }
};

/// What of a run the figures need. An epoch has an entry before training and one after each epoch.
struct run_record {
  std::vector<double> eval_loss;                 // an epoch
  std::vector<double> rho_mean;                  // an epoch; of the lowest layer
  std::vector<std::vector<double>> teacher_rho;  // an epoch; each teacher's best correlation
  std::vector<double> student_rho;               // in the end; a student's best correlation
  std::vector<double> fan_out_norm;              // in the end; of each student
};

using two_layer_runs = std::map<two_layer_key, run_record>;

/// The runs that are done, or none where axes are not teacher (of two layers), over-realization and
/// polarity, or results have no history and students.
two_layer_runs read_two_layer_runs(const run_index& index, const run_table& table);

/// A teacher node is recovered when its best correlation is above.
inline constexpr double recovered_above = 0.95;

/// Epochs after which Figure 7 counts, when `last` is the last one.
std::set<std::size_t> success_epochs(std::size_t last);

std::string students_csv(const two_layer_runs& runs);
std::string success_csv(const two_layer_runs& runs);
std::string dynamics_csv(const two_layer_runs& runs);
std::string loss_csv(const two_layer_runs& runs);

}  // namespace examples
