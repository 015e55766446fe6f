// What was asked, and what was found.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <tutelage/core/matrix.hpp>
#include <tutelage/data/label.hpp>

#include "inspect/sequence.hpp"
#include "pair/layers.hpp"
#include "pair/sections.hpp"

namespace examples {

inline constexpr std::size_t least_depth = 2, most_depth = 5;
inline constexpr std::size_t similarity_samples = 4096;  // at most; the first ones

struct question {
  std::string teacher;  // empty: none
  std::vector<std::string> students;
  std::string inputs, labels;       // files; labels may be empty
  std::string gate;                 // "relu" or "leaky:c", where it was said
  std::vector<std::string> layers;  // none, for all files, or a text a file
  std::string image;                // "CxHxW", or empty
  std::string json, out;
  bool quiet = false;

  [[nodiscard]] bool taught() const { return !teacher.empty(); }
  [[nodiscard]] std::vector<std::string> files() const {
    auto result = students;
    if (taught()) result.insert(result.begin(), teacher);
    return result;
  }
  /// What is known of network i of files() beside its file. Throws std::runtime_error.
  [[nodiscard]] sequence_settings settings(std::size_t i) const;
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

/// One network on the inputs. Its units are nodes, or channels of images.
struct network_facts {
  struct layer {
    std::vector<double> fan_in, fan_out;  // norms of each unit's weights
    std::vector<double> open;  // share of samples (and positions) at which each one's gate is open
  };
  struct colinear {  // nodes of the lowest layer
    double tolerance;
    std::size_t groups, largest, constant;  // constant: without weights
  };
  std::string role, file, text;     // text: its layers
  std::vector<std::size_t> widths;  // units
  std::vector<layer> layers;        // hidden ones, from the lowest
  std::vector<normalization> normalizations;
  std::optional<std::size_t> regions;  // visited; nodes only
  std::optional<colinear> groups;      // nodes only
  double mean_square;                  // of the outputs
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
  double mean_squared_gradient_norm = 0;  // E |g_l|^2
  double max_gradient = 0;                // largest entry of g_l over the samples
  // And of nodes only.
  expected A, B, gated_A, gated_B;  // [n, m], [n, n]
  std::optional<observers_section> observers;
};

/// The second network's nodes in the first one's order and scale, where widths are equal.
struct permutation {
  double agreement;                              // of weights, at most 1
  std::size_t moved;                             // nodes that are elsewhere in the second
  std::vector<std::vector<std::size_t>> orders;  // of hidden layers: the second's node at i
  double middle, aligned_middle;  // losses against the first, half way on the straight line
};

struct pair_facts {
  double loss;                       // half the mean squared difference of the outputs
  std::optional<double> relative;    // to what the first network's outputs vary; none: they do not
  std::vector<pair_layer> layers;    // hidden ones, from the lowest
  std::optional<permutation> order;  // nodes of equal widths only
  std::optional<sections> analyses;  // with a teacher, nodes only
};

/// All of one kind of units.
struct facts {
  std::size_t similarity_samples;
  std::vector<network_facts> networks;
  std::optional<pair_facts> pair;
};

struct findings {
  std::size_t samples;
  double slope;  // of the gates
  /// Networks of dense layers, folded into such where they were others; or why there is none.
  std::optional<facts> nodes;
  std::string reason;
  bool images;  // some layer gives images: its units are channels
  /// Of networks with images, and of those that are not analysed node by node.
  std::optional<facts> channels;

  [[nodiscard]] const facts& main() const { return nodes ? *nodes : *channels; }
};

/// A network as dense layers.
struct dense_network {
  const sequence* origin;
  std::vector<tutelage::matrix<double>> weights;  // [n_{l-1}+1, n_l]
};

/// Everything about networks of `depth` dense layers. Instantiated for 2 to 5 in files of their own,
/// to be compiled at the same time. Throws shape_error and argument_error.
template <std::size_t depth>
facts inspect_nodes(const question& asked, const std::vector<dense_network>& networks,
                    const samples& given);

extern template facts inspect_nodes<2>(const question&, const std::vector<dense_network>&,
                                       const samples&);
extern template facts inspect_nodes<3>(const question&, const std::vector<dense_network>&,
                                       const samples&);
extern template facts inspect_nodes<4>(const question&, const std::vector<dense_network>&,
                                       const samples&);
extern template facts inspect_nodes<5>(const question&, const std::vector<dense_network>&,
                                       const samples&);

/// What can be said of channels, whatever the layers. Throws as above.
facts inspect_channels(const question& asked, const std::vector<sequence>& networks,
                       const samples& given);

/// Reads all files and does what fits.
findings inspect(const question& asked);

}  // namespace examples
