// What the program was asked to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace examples {

struct options {
  std::vector<std::size_t> teacher{100, 10, 50};  // widths, from input to output
  double over_realization = 5;
  double polarity = 1;
  double leaky = 0;
  std::vector<double> teacher_values{-0.5, -0.25, 0, 0.25, 0.5};
  std::string teacher_bias = "-0.1";  // a number, "uniform" or "tuned"
  std::size_t teacher_epochs = 5;     // of a teacher that is trained on labels

  std::string input = "gaussian";  // or "uniform", "fashion-mnist", a folder or prefix of IDX files
  double std = 1.5;
  std::size_t samples = 10'000;  // 0: all there are
  std::size_t eval_samples = 10'000;

  std::string student_init = "0.005";                      // a Gaussian scale, or "default"
  std::string loss = "mse";                                // or "cross-entropy"
  std::map<std::size_t, double> learning_rate{{0, 0.01}};  // from an epoch on
  std::size_t batch = 16;
  std::size_t steps_per_epoch = 1000;  // 0: every sample once, without replacement
  std::size_t epochs = 20;

  std::vector<std::uint64_t> seeds{1};
  std::string scalar = "double";
  std::size_t threads = 0;  // 0: one a core

  std::string published;             // "", "two-layer" or "deep"
  std::string out;                   // folder for history and figures
  std::string json;                  // file, or "-"
  std::string checkpoint;            // each seed's run is kept in this name and .SEED
  std::size_t checkpoint_every = 0;  // steps; 0: an epoch's
  bool analyses = true;              // of gradients, observers, bounds and pruning, when a run ends
  bool quiet = false;

  [[nodiscard]] bool reads_images() const { return input != "gaussian" && input != "uniform"; }
  /// The teacher's widths with hidden ones multiplied.
  [[nodiscard]] std::vector<std::size_t> student() const;
};

/// Reads the command line. Returns what main returns when the program has to end here, everything
/// being said.
std::optional<int> parse(int argc, char** argv, options& result);

}  // namespace examples
