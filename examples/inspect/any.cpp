// Reads networks and samples, and does what fits them.
#include <algorithm>
#include <stdexcept>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/text.hpp>

#include "common/arguments.hpp"
#include "inspect/files.hpp"
#include "inspect/findings.hpp"
#include "pair/print.hpp"

namespace examples {

namespace {

using tutelage::detail::text;

std::optional<double> slope_of(const std::string& gate) {
  if (gate.empty()) return std::nullopt;
  return gate == "relu" ? 0 : to_number<double>(gate.substr(gate.find(':') + 1));
}

// All files' networks have the first one's gates, inputs and outputs.
void require_alike(const std::vector<sequence>& networks) {
  const sequence& first = networks.front();
  for (const auto& net : networks) {
    const auto unlike = [&](std::size_t of_file, std::size_t of_first, const std::string& what) {
      if (of_file == of_first) return;
      throw tutelage::shape_error(
          text(net.file, ": ", of_file, " ", what, ", ", first.file, " has ", of_first));
    };
    unlike(net.hidden().size() + 1, first.hidden().size() + 1, "layers");
    unlike(net.inputs(), first.inputs(), "inputs");
    unlike(net.outputs(), first.outputs(), "outputs");
    if (net.slope != first.slope) {
      throw std::runtime_error(text(net.file, ": gates have slope ", net.slope, ", those of ",
                                    first.file, " ", first.slope));
    }
  }
  if (first.hidden().empty()) {
    throw std::runtime_error(first.file + ": has 1 layer, expected 2 or more, a gate between");
  }
}

bool has_images(const sequence& net) {
  const auto hidden = net.hidden();
  return std::any_of(hidden.begin(), hidden.end(),
                     [](const auto& image) { return image.height * image.width > 1; });
}

}  // namespace

sequence_settings question::settings(std::size_t i) const {
  sequence_settings result;
  if (!layers.empty()) result.layers = layers[layers.size() == 1 ? 0 : i];
  if (!image.empty()) {
    const auto sides = split(image, 'x');
    std::vector<std::size_t> numbers;
    for (const auto& side : sides) numbers.push_back(to_number<std::size_t>(side).value_or(0));
    if (numbers.size() != 3 || std::count(numbers.begin(), numbers.end(), 0) > 0) {
      throw std::runtime_error("--image: is " + image + ", expected CxHxW as in 3x32x32");
    }
    result.image = tutelage::image_shape{numbers[0], numbers[1], numbers[2]};
  }
  result.slope = slope_of(gate);
  return result;
}

findings inspect(const question& asked) {
  std::vector<sequence> networks;
  for (std::size_t i = 0; i < asked.files().size(); ++i) {
    networks.push_back(read_sequence(asked.files()[i], asked.settings(i)));
  }
  require_alike(networks);
  const samples given = read_samples(asked, networks.front().inputs(), networks.front().outputs());
  findings result{given.x.shape(0), networks.front().slope, {}, {}, false, {}};

  std::vector<dense_network> dense;
  const std::size_t depth = networks.front().hidden().size() + 1;
  if (depth > most_depth) {
    result.reason = format(
        "there are %zu layers with gates between, and %zu to %zu are analysed "
        "node by node",
        depth, least_depth, most_depth);
  }
  for (const auto& net : networks) {
    result.images = result.images || has_images(net);
    if (!result.reason.empty()) continue;
    auto as_dense = fold_sequence(net);
    result.reason = as_dense.reason;
    dense.push_back({&net, std::move(as_dense.weights)});
  }
  if (result.images || !result.reason.empty())
    result.channels = inspect_channels(asked, networks, given);
  if (result.reason.empty()) {
    switch (depth) {
      case 2:
        result.nodes = inspect_nodes<2>(asked, dense, given);
        break;
      case 3:
        result.nodes = inspect_nodes<3>(asked, dense, given);
        break;
      case 4:
        result.nodes = inspect_nodes<4>(asked, dense, given);
        break;
      default:
        result.nodes = inspect_nodes<5>(asked, dense, given);
    }
  }
  return result;
}

}  // namespace examples
