#include "inspect/report.hpp"

#include <algorithm>
#include <cmath>
#include <ostream>

#include "pair/json.hpp"
#include "pair/print.hpp"

namespace examples {

namespace {

using nlohmann::json;

json rows_of(const tutelage::matrix<double>& m) {
  json result = json::array();
  for (std::size_t i = 0; i < m.shape(0); ++i) {
    json row = json::array();
    for (std::size_t k = 0; k < m.shape(1); ++k) row.push_back(number_or_null(m(i, k)));
    result.push_back(std::move(row));
  }
  return result;
}

json describe(const network_facts& n) {
  json layers = json::array(), normalizations = json::array();
  for (std::size_t l = 0; l < n.layers.size(); ++l) {
    const auto& layer = n.layers[l];
    layers.push_back({{"layer", l + 1},
                      {"fan_in_norms", layer.fan_in},
                      {"fan_out_norms", layer.fan_out},
                      {"open_shares", layer.open}});
  }
  for (const auto& b : n.normalizations) {
    json places = json::array();
    for (const auto& place : boundaries_of(b)) places.push_back(number_or_null(place));
    normalizations.push_back({{"module", b.name},
                              {"below_gate", b.below_gate},
                              {"gamma", b.gamma},
                              {"beta", b.beta},
                              {"boundaries", std::move(places)}});
  }
  json result{{"role", n.role},
              {"file", n.file},
              {"text", n.text},
              {"widths", n.widths},
              {"layers", std::move(layers)},
              {"batch_norms", std::move(normalizations)},
              {"regions", n.regions ? json(*n.regions) : json(nullptr)},
              {"groups", nullptr},
              {"mean_square_output", n.mean_square},
              {"accuracy", number_or_null(n.accuracy)},
              {"cross_entropy", number_or_null(n.cross_entropy)},
              {"squared_loss", number_or_null(n.squared_loss)}};
  if (n.groups) {
    result["groups"] = {{"tolerance", n.groups->tolerance},
                        {"count", n.groups->groups},
                        {"largest", n.groups->largest},
                        {"constant", n.groups->constant}};
  }
  return result;
}

json describe(const pair_layer& layer, std::size_t number, bool taught, bool nodes) {
  json result = describe_layer(layer.matches);
  result["layer"] = number;
  result["rho"] = rows_of(layer.rho);
  result["canonical_correlations"] = layer.canonical;
  result["cca"] = layer.cca;
  result["svcca"] = layer.svcca;
  result["cka"] = layer.cka;
  if (!taught) return result;
  result["mean_squared_gradient_norm"] = layer.mean_squared_gradient_norm;
  result["max_gradient"] = layer.max_gradient;
  if (!nodes) return result;
  const auto add = [&](const std::string& name, const expected& e) {
    result["mean_" + name] = rows_of(e.mean);
    result["mean_" + name + "_error"] = rows_of(e.error);
  };
  add("A", layer.A);
  add("B", layer.B);
  add("gated_A", layer.gated_A);
  add("gated_B", layer.gated_B);
  if (layer.observers) result["observers"] = describe_observers(*layer.observers);
  return result;
}

void add_facts(json& result, const question& asked, const facts& f, bool nodes, bool images) {
  result["units"] = images ? "channels" : "nodes";
  result["similarity_samples"] = f.similarity_samples;
  result["networks"] = json::array();
  for (const auto& n : f.networks) result["networks"].push_back(describe(n));
  if (!f.pair) return;
  const auto& p = *f.pair;
  result["loss"] = p.loss;
  result["relative_loss"] = number_or_null(p.relative);
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    result["layers"].push_back(describe(p.layers[l], l + 1, asked.taught(), nodes));
  }
  if (nodes) {
    result["permutation"] = nullptr;
    if (p.order) {
      result["permutation"] = {{"agreement", p.order->agreement},
                               {"moved", p.order->moved},
                               {"orders", p.order->orders},
                               {"middle_loss", number_or_null(p.order->middle)},
                               {"aligned_middle_loss", number_or_null(p.order->aligned_middle)}};
    }
  }
  if (p.analyses) add_sections(result, *p.analyses);
}

std::string gate_text(double slope) {
  return slope > 0 ? format("leaky ReLU %g", slope) : std::string("ReLU");
}

}  // namespace

std::vector<std::optional<double>> boundaries_of(const normalization& b) {
  std::vector<std::optional<double>> result;
  for (std::size_t c = 0; c < b.beta.size(); ++c) {
    const double place = -b.beta[c] / std::abs(b.gamma[c]);
    result.push_back(std::isfinite(place) ? std::optional(place) : std::nullopt);
  }
  return result;
}

std::string to_json(const question& asked, const findings& found) {
  json result{{"config",
               {{"teacher", asked.taught() ? json(asked.teacher) : json(nullptr)},
                {"students", asked.students},
                {"inputs", asked.inputs},
                {"labels", asked.labels.empty() ? json(nullptr) : json(asked.labels)},
                {"layers", asked.layers},
                {"image", asked.image.empty() ? json(nullptr) : json(asked.image)},
                {"gate", found.slope > 0 ? format("leaky:%g", found.slope) : "relu"}}},
              {"samples", found.samples},
              {"not_by_nodes", found.nodes ? json(nullptr) : json(found.reason)}};
  add_facts(result, asked, found.main(), found.nodes.has_value(), !found.nodes && found.images);
  if (found.nodes && found.channels)
    add_facts(result["channels"], asked, *found.channels, false, true);
  return result.dump(2);
}

void print(std::ostream& out, const question& asked, const findings& found) {
  const char* const units = found.nodes || !found.images ? "nodes" : "channels";
  out << found.samples << " samples, " << gate_text(found.slope) << '\n';
  if (!found.nodes) {
    out << "layers, not single nodes, are analysed: " << found.reason << '\n';
  }
  for (const auto& n : found.main().networks) {
    out << n.role << ' ' << joined(n.widths) << ", " << n.file << '\n';
    if (asked.layers.empty() && !n.normalizations.empty()) out << "  read as " << n.text << '\n';
    for (std::size_t l = 0; l < n.layers.size(); ++l) {
      std::size_t shut = 0, open = 0;
      for (const double share : n.layers[l].open) {
        shut += share == 0;
        open += share == 1;
      }
      out << format("  hidden layer %zu: %zu %s never open, %zu always\n", l + 1, shut, units,
                    open);
    }
    for (const auto& b : n.normalizations) {
      const auto negative =
          std::count_if(b.beta.begin(), b.beta.end(), [](double x) { return x < 0; });
      out << format("  batch norm %s: %td of %zu biases negative\n", b.name.c_str(), negative,
                    b.beta.size());
    }
    if (n.regions && n.groups) {
      out << format("  %zu regions visited, %zu co-linear groups of %zu nodes\n", *n.regions,
                    n.groups->groups, n.widths[1]);
    }
    if (n.accuracy) {
      out << format("  accuracy %.2f%%, cross entropy %.4g\n", 100 * *n.accuracy,
                    n.cross_entropy.value_or(0));
    }
    if (n.squared_loss) out << format("  loss against the targets %.4g\n", *n.squared_loss);
  }
  if (!found.main().pair) return;
  const auto& p = *found.main().pair;
  out << format("loss between them: %.4g", p.loss);
  if (p.relative) out << format(", %.3g%% of what the first varies", 100 * *p.relative);
  out << '\n';
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    const auto& layer = p.layers[l];
    out << format("hidden layer %zu: rho_mean %.4f, %zu of %zu %s covered; CCA %.4f, CKA %.4f\n",
                  l + 1, layer.matches.rho_mean, layer.matches.covered[last_threshold],
                  layer.matches.teachers.size(), units, layer.cca, layer.cka);
    if (l == 0) print_layer(out, layer.matches);
  }
  if (p.order) {
    out << format(
        "permutation: agreement %.4f with %zu nodes moved; loss half way %.4g, before %.4g\n",
        p.order->agreement, p.order->moved, p.order->aligned_middle, p.order->middle);
  }
  if (p.analyses) print_sections(out, *p.analyses);
}

}  // namespace examples
