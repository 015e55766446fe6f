// Networks whose layers are known at run time: dense, convolutions, normalization, pools, as files and
// a line of text say.
//
//   --image 1x28x28 --layers "conv:padding=1 bn relu avgpool:2 flatten linear"
//
//   linear, conv, bn    the file's next module of that kind, or name=...
//     conv              stride, padding, dilation (one number or HxW), groups
//     bn                eps; in evaluation, with its running statistics
//   maxpool, avgpool    size, then stride and padding as PyTorch's
//   relu, leaky:c       a gate; one kind for the whole network
//   flatten             images are nodes from here on
//
// Files hold weights and no more: what stands between them is never guessed. Two kinds of files need
// no text: dense layers alone, gated below the top, and nn.Sequential's with BatchNorm1d, whose
// numbering has a gap where a gate is.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <tutelage/model/batch_norm.hpp>
#include <tutelage/model/conv2d.hpp>
#include <tutelage/model/dense.hpp>
#include <tutelage/model/pool.hpp>

namespace examples {

using rows = tutelage::matrix_view<const double>;

/// f = x for x > 0, slope x else.
struct gate_layer {
  double slope;
};

/// One layer. `out` is what it gives: images, or nodes as images of one position.
struct sequence_layer {
  std::variant<tutelage::dense<double, tutelage::dynamic, tutelage::dynamic, tutelage::identity>,
               tutelage::conv2d<double>, tutelage::batch_norm<double>,
               tutelage::batch_norm<double, tutelage::dynamic, tutelage::image_shape>,
               tutelage::average_pool<double, tutelage::image_shape>,
               tutelage::max_pool<double, tutelage::image_shape>, gate_layer>
      layer;
  std::string name;  // of the file's module
  tutelage::image_shape out;

  [[nodiscard]] bool is_gate() const { return std::holds_alternative<gate_layer>(layer); }
};

/// The scales and biases of a batch normalization: f = gamma y + beta, y of mean 0 and variance 1.
struct normalization {
  std::string name;
  bool below_gate;                  // a gate follows directly
  std::vector<double> gamma, beta;  // a node or channel
};

struct sequence {
  std::string file, text;  // of the layers, as --layers takes them
  tutelage::image_shape in;
  double slope = 0;
  std::vector<sequence_layer> layers;

  [[nodiscard]] std::size_t inputs() const { return in.size(); }
  [[nodiscard]] std::size_t outputs() const { return layers.back().out.size(); }
  /// What gates give, from the lowest.
  [[nodiscard]] std::vector<tutelage::image_shape> hidden() const;
  [[nodiscard]] std::vector<normalization> normalizations() const;
};

/// What is asked beside the file: empty text, no image and gate where they are not given.
struct sequence_settings {
  std::string layers;
  std::optional<tutelage::image_shape> image;
  std::optional<double> slope;  // of --gate
};

/// Throws std::runtime_error that says what is taken, io_error, format_error and shape_error.
sequence read_sequence(const std::string& file, const sequence_settings& settings);

/// What each gate gives, and the outputs.
std::vector<tutelage::matrix<double>> activations_of(const sequence& net, const rows& x);

/// Calls visit(number of the gate from 0, g) for the gradient at what each gate takes, from the
/// highest; `g` is the gradient at the outputs.
void pull_down(const sequence& net, const rows& x, tutelage::matrix<double> g,
               const std::function<void(std::size_t, const tutelage::matrix<double>&)>& visit);

/// The same function as dense layers with a gate below the top one, W [in+1, out] each; or why not.
struct folded {
  std::vector<tutelage::matrix<double>> weights;
  std::string reason;  // empty: they are there
};
folded fold_sequence(const sequence& net);

/// Images as rows of channels: [N, C P] as [N P, C].
tutelage::matrix<double> channels_in_columns(const tutelage::image_shape& image, const rows& f);

}  // namespace examples
