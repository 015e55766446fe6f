// What was asked, and what was found.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tutelage/core/matrix.hpp>
#include <tutelage/data/label.hpp>

#include "pair/layers.hpp"
#include "pair/sections.hpp"

namespace examples {

inline constexpr std::size_t least_depth = 2, most_depth = 5;
inline constexpr std::size_t similarity_samples = 4096;  // at most; the first ones

struct question {
  std::string teacher;  // empty: none
  std::vector<std::string> students;
  std::string inputs, labels;  // files; labels may be empty
  std::string gate = "relu";   // or "leaky:c"
  double slope = 0;            // c
  std::string json, out;
  bool quiet = false;

  [[nodiscard]] bool taught() const { return !teacher.empty(); }
  [[nodiscard]] std::vector<std::string> files() const {
    auto result = students;
    if (taught()) result.insert(result.begin(), teacher);
    return result;
  }
  /// What a report calls network i of files().
  [[nodiscard]] std::string role(std::size_t i) const {
    if (taught()) return i == 0 ? "teacher" : "student";
    return students.size() == 1 ? "student" : i == 0 ? "first student" : "second student";
  }
};

/// Inputs, and labels or targets where they are given.
struct samples {
  tutelage::matrix<double> x;                       // [N, n_0]
  std::vector<tutelage::label> labels;              // [N], or empty
  std::optional<tutelage::matrix<double>> targets;  // [N, C]
};

/// One network on the inputs.
struct network_facts {
  struct layer {
    std::vector<double> fan_in, fan_out;  // norms of each node
    std::vector<double> open;             // share of the samples at which each node's gate is open
  };
  std::string role, file;
  std::vector<std::size_t> widths;
  std::vector<layer> layers;  // hidden ones, from the lowest
  std::size_t regions;        // visited
  double tolerance;           // of co-linear groups
  std::size_t groups, largest_group,
      constant;        // of the lowest layer: groups, nodes without weights
  double mean_square;  // of the outputs
  std::optional<double> accuracy, cross_entropy, squared_loss;
};

struct expected {
  tutelage::matrix<double> mean, error;
};

/// One hidden layer of a pair.
struct pair_layer {
  layer_result matches;
  tutelage::matrix<double> rho;   // [m, n]
  std::vector<double> canonical;  // correlations, largest first
  double cca, svcca, cka;         // means of the canonical correlations, and linear CKA
  // With a teacher only.
  expected A, B, gated_A, gated_B;        // [n, m], [n, n]
  double mean_squared_gradient_norm = 0;  // E |g_l|^2
};

struct pair_facts {
  double loss;                       // half the mean squared difference of the outputs
  std::optional<double> relative;    // to what the first network's outputs vary; none: they do not
  std::vector<pair_layer> layers;    // hidden ones, from the lowest
  std::optional<sections> analyses;  // with a teacher only
};

struct findings {
  std::size_t samples;
  std::vector<network_facts> networks;
  std::optional<pair_facts> pair;
};

/// Everything about networks of `depth` layers. Instantiated for 2 to 5 in files of their own, to be
/// compiled at the same time. Throws shape_error and argument_error.
template <std::size_t depth>
findings inspect(const question& asked, const samples& given);

extern template findings inspect<2>(const question&, const samples&);
extern template findings inspect<3>(const question&, const samples&);
extern template findings inspect<4>(const question&, const samples&);
extern template findings inspect<5>(const question&, const samples&);

}  // namespace examples
