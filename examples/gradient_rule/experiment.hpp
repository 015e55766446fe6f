// A teacher and a student with four hidden layers, and what the gradient rule says of them before,
// during and after training.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <tutelage/tutelage.hpp>

namespace examples {

inline constexpr std::size_t hidden_layers = 4;
/// Half the width of the plane of inputs that is cut into regions, in units of an input's length.
inline constexpr double window = 0.25;
using layer_widths = std::array<std::size_t, hidden_layers + 2>;

struct options {
  layer_widths teacher{20, 10, 15, 20, 25, 20};
  double over_realization = 4;
  double std = 10;
  std::size_t samples = 20'000;
  std::size_t eval_samples = 4096;
  double learning_rate = 0.02;
  std::size_t batch = 64;
  std::size_t epochs = 30;
  bool separated = false;  // train by Theorem 2 of arXiv:1905.13405
  std::uint64_t seed = 1;
  std::size_t threads = 0;

  std::string out;   // folder for figures
  std::string json;  // file, or "-"
  bool quiet = false;

  /// The teacher's widths with hidden ones multiplied.
  [[nodiscard]] layer_widths student() const;
};

struct student_node {
  std::size_t best_teacher;
  double correlation;
  double beta_kk, beta_kk_error;  // E[beta_kk] and its sampling error
};

struct layer_state {
  double rho_mean;
  double separation_error;  // of the update of the weights below the layer
  std::vector<student_node> students;
  tutelage::matrix<double> beta_star, H_star;  // [n_l, m_l]
};

/// The pair at one time.
struct snapshot {
  std::size_t epoch;
  double eval_loss;
  std::vector<layer_state> layers;                               // hidden ones, from the lowest
  std::size_t teacher_regions, student_regions, common_regions;  // that evaluation inputs visit
};

struct slice_polygon {
  bool of_teacher;
  std::vector<std::array<double, 2>> corners;
};

struct run_result {
  std::vector<snapshot> snapshots;      // before, during and after training
  std::vector<slice_polygon> polygons;  // of a plane of inputs, after training
  std::size_t common_polygons;
  double seconds;
};

/// `epoch_done` is told the loss of every epoch's last batch.
run_result run(const options& o, const std::function<void(double loss)>& epoch_done);

}  // namespace examples
