// One run: a teacher, a student that learns from it, and what the student became.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pair/layers.hpp"
#include "pair/sections.hpp"
#include "specialization/options.hpp"

namespace examples {

struct epoch_result {
  std::size_t epoch;
  std::optional<double> train_loss;  // mean of the epoch's step losses; none before training
  double eval_loss;
  std::vector<double> rho_mean;     // a layer
  std::vector<double> teacher_rho;  // lowest layer: each teacher's best correlation
};

struct run_result {
  std::uint64_t seed;
  double train_loss;
  double eval_loss;
  double seconds;
  std::optional<double> teacher_accuracy;  // of a teacher trained on labels, on evaluation images
  std::optional<double> student_accuracy;
  std::vector<layer_result> layers;  // hidden ones, from the lowest
  std::optional<sections> analyses;  // of the lowest; none where they were not asked for
  std::vector<epoch_result> history;
};

/// What a run tells while it works.
class run_observer {
 public:
  virtual ~run_observer() = default;
  virtual void epoch_done(double eval_loss, double rho_mean) = 0;
  virtual void teacher_trained(std::uint64_t seed, double accuracy) = 0;
};

/// All seeds, in their order.
std::vector<run_result> run_all(const options& o, run_observer& observer);

}  // namespace examples
