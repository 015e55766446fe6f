#include "inspect/report.hpp"

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
  json layers = json::array();
  for (std::size_t l = 0; l < n.layers.size(); ++l) {
    const auto& layer = n.layers[l];
    layers.push_back({{"layer", l + 1},
                      {"fan_in_norms", layer.fan_in},
                      {"fan_out_norms", layer.fan_out},
                      {"open_shares", layer.open}});
  }
  return {{"role", n.role},
          {"file", n.file},
          {"widths", n.widths},
          {"layers", std::move(layers)},
          {"regions", n.regions},
          {"groups",
           {{"tolerance", n.tolerance},
            {"count", n.groups},
            {"largest", n.largest_group},
            {"constant", n.constant}}},
          {"mean_square_output", n.mean_square},
          {"accuracy", number_or_null(n.accuracy)},
          {"cross_entropy", number_or_null(n.cross_entropy)},
          {"squared_loss", number_or_null(n.squared_loss)}};
}

json describe(const pair_layer& layer, std::size_t number, bool taught) {
  json result = describe_layer(layer.matches);
  result["layer"] = number;
  result["rho"] = rows_of(layer.rho);
  result["canonical_correlations"] = layer.canonical;
  result["cca"] = layer.cca;
  result["svcca"] = layer.svcca;
  result["cka"] = layer.cka;
  if (!taught) return result;
  const auto add = [&](const std::string& name, const expected& e) {
    result["mean_" + name] = rows_of(e.mean);
    result["mean_" + name + "_error"] = rows_of(e.error);
  };
  add("A", layer.A);
  add("B", layer.B);
  add("gated_A", layer.gated_A);
  add("gated_B", layer.gated_B);
  result["mean_squared_gradient_norm"] = layer.mean_squared_gradient_norm;
  return result;
}

}  // namespace

std::string to_json(const question& asked, const findings& found) {
  json result{{"config",
               {{"teacher", asked.taught() ? json(asked.teacher) : json(nullptr)},
                {"students", asked.students},
                {"inputs", asked.inputs},
                {"labels", asked.labels.empty() ? json(nullptr) : json(asked.labels)},
                {"gate", asked.gate}}},
              {"samples", found.samples},
              {"networks", json::array()}};
  for (const auto& n : found.networks) result["networks"].push_back(describe(n));
  if (!found.pair) return result.dump(2);
  const auto& p = *found.pair;
  result["loss"] = p.loss;
  result["relative_loss"] = number_or_null(p.relative);
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    result["layers"].push_back(describe(p.layers[l], l + 1, p.analyses.has_value()));
    if (p.analyses) result["layers"][l]["max_gradient"] = p.analyses->critical.layers[l].max;
  }
  if (p.analyses) add_sections(result, *p.analyses);
  return result.dump(2);
}

void print(std::ostream& out, const question& asked, const findings& found) {
  out << found.samples << " samples, "
      << (asked.slope > 0 ? format("leaky ReLU %g", asked.slope) : "ReLU") << '\n';
  for (const auto& n : found.networks) {
    out << n.role << ' ' << joined(n.widths) << ", " << n.file << '\n';
    for (std::size_t l = 0; l < n.layers.size(); ++l) {
      std::size_t shut = 0, open = 0;
      for (const double share : n.layers[l].open) {
        shut += share == 0;
        open += share == 1;
      }
      out << format("  hidden layer %zu: %zu nodes never open, %zu always\n", l + 1, shut, open);
    }
    out << format("  %zu regions visited, %zu co-linear groups of %zu nodes\n", n.regions, n.groups,
                  n.widths[1]);
    if (n.accuracy) {
      out << format("  accuracy %.2f%%, cross entropy %.4g\n", 100 * *n.accuracy,
                    n.cross_entropy.value_or(0));
    }
    if (n.squared_loss) out << format("  loss against the targets %.4g\n", *n.squared_loss);
  }
  if (!found.pair) return;
  const auto& p = *found.pair;
  out << format("loss between them: %.4g", p.loss);
  if (p.relative) out << format(", %.3g%% of what the first varies", 100 * *p.relative);
  out << '\n';
  for (std::size_t l = 0; l < p.layers.size(); ++l) {
    const auto& layer = p.layers[l];
    out << format("hidden layer %zu: rho_mean %.4f, %zu of %zu nodes covered; CCA %.4f, CKA %.4f\n",
                  l + 1, layer.matches.rho_mean, layer.matches.covered[last_threshold],
                  layer.matches.teachers.size(), layer.cca, layer.cka);
    if (l == 0) print_layer(out, layer.matches);
  }
  if (p.analyses) print_sections(out, *p.analyses);
}

}  // namespace examples
