#include "sweep/charts.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/arguments.hpp"

namespace examples {

namespace {

using combination = std::map<std::string, std::string>;

constexpr std::size_t most_colors = 8, most_panels = 12;

// A text of gnuplot's.
std::string in_quotes(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' || c == '\\' ? '\'' : c;
  return result + '"';
}

// One in which no letter has a meaning of its own.
std::string title(const std::string& text) { return in_quotes(text) + " noenhanced"; }

std::string describe(const combination& values) {
  std::string text;
  for (const auto& [name, value] : values) text += (text.empty() ? "" : ", ") + name + " " + value;
  return text;
}

bool is_numeric(const std::vector<std::string>& values) {
  return std::all_of(values.begin(), values.end(),
                     [](const std::string& value) { return to_number<double>(value).has_value(); });
}

// What a figure's axes are of a sweep's.
struct roles {
  std::string x, color;
  std::vector<std::string> positions;  // of x, where its values are no numbers
};

// Along: numbers rather than words, many values rather than few. Colors: of the others the one with
// the most values that colors suffice for.
std::optional<roles> choose_roles(const run_table& table, const report_options& o) {
  roles chosen{o.x, o.color, {}};
  const auto rank = [&](const std::string& axis) {
    const auto values = values_of(table, axis);
    return std::pair(values.size() > 1 && is_numeric(values), values.size());
  };
  for (const auto& axis : table.axes) {
    if (!o.x.empty() || axis == o.color) continue;
    if (chosen.x.empty() || rank(axis) > rank(chosen.x)) chosen.x = axis;
  }
  if (chosen.x.empty()) return std::nullopt;
  for (const auto& axis : table.axes) {
    if (!o.color.empty() || axis == chosen.x) continue;
    const std::size_t count = values_of(table, axis).size();
    if (count > 1 && count <= most_colors &&
        (chosen.color.empty() || count > values_of(table, chosen.color).size())) {
      chosen.color = axis;
    }
  }
  const auto values = values_of(table, chosen.x);
  if (!is_numeric(values)) chosen.positions = values;
  return chosen;
}

std::string position(const roles& chosen, const std::string& value) {
  if (chosen.positions.empty()) return value;
  const auto place = std::find(chosen.positions.begin(), chosen.positions.end(), value);
  return std::to_string(place - chosen.positions.begin());
}

std::string multiplot(std::size_t panels) {
  const std::size_t columns = panels > 4 ? 3 : std::min<std::size_t>(panels, 2);
  const std::size_t rows = (panels + columns - 1) / columns;
  return "set tics font ',9'\nset title font ',10' offset 0,-0.6\nset grid\nset key font ',8' "
         "samplen 1.5\nset multiplot layout " +
         std::to_string(rows) + "," + std::to_string(columns) + "\n";
}

// gnuplot warns of an axis without a length, and a warning is a failure.
class axis_range {
 public:
  void include(double x) {
    least_ = std::min(least_, x);
    most_ = std::max(most_, x);
  }
  // Nothing where gnuplot's own range will do.
  [[nodiscard]] std::string command(const char* axis) const {
    const double room = std::max(0.1 * std::abs(most_), 1e-3);
    if (most_ - least_ > 1e-6 * room) return std::string("set ") + axis + "range [*:*]\n";
    return std::string("set ") + axis + "range [" + csv_number(least_ - room) + ":" +
           csv_number(most_ + room) + "]\n";
  }

 private:
  double least_ = std::numeric_limits<double>::infinity();
  double most_ = -std::numeric_limits<double>::infinity();
};

// Panels of curves: a panel's groups by color, each in the order of x.
std::string value_script(const std::vector<group>& groups, std::size_t value,
                         const std::string& name, const roles& chosen) {
  std::map<combination, std::map<std::string, std::vector<const group*>>> panels;
  std::vector<combination> in_order;  // as the groups are
  for (const auto& g : groups) {
    if (g.values[value].count == 0) continue;
    combination rest = g.axes;
    rest.erase(chosen.x);
    const std::string color = chosen.color.empty() ? "" : rest.at(chosen.color);
    rest.erase(chosen.color);
    if (panels.count(rest) == 0) in_order.push_back(rest);
    panels[rest][color].push_back(&g);
  }
  const std::size_t shown = std::min(panels.size(), most_panels);
  if (shown == 0) return "";
  std::string data, script = multiplot(shown);
  std::string tics;
  for (std::size_t i = 0; i < chosen.positions.size(); ++i) {
    tics +=
        (i == 0 ? "set xtics (" : ", ") + in_quotes(chosen.positions[i]) + " " + std::to_string(i);
  }
  if (!tics.empty()) script += tics + ") noenhanced\n";
  std::size_t block = 0, panel = 0;
  for (const auto& rest : in_order) {
    if (panel++ == shown) break;
    const auto& colors = panels.at(rest);
    script += "set title " + title(describe(rest)) + "\nset xlabel " + title(chosen.x) +
              "\nset ylabel " + title(name) + "\n";
    std::string plot;
    axis_range along, up;
    std::vector<std::string> order;
    for (const auto& [color, members] : colors) order.push_back(color);
    std::sort(order.begin(), order.end(), natural_less);
    for (std::size_t c = 0; c < order.size(); ++c) {
      const std::string block_name = "$curve" + std::to_string(block++);
      data += block_name + " << END\n";
      for (const group* g : colors.at(order[c])) {
        const spread& s = g->values[value];
        const double deviation = std::isnan(s.deviation) ? 0 : s.deviation;
        const std::string x = position(chosen, g->axes.at(chosen.x));
        along.include(to_number<double>(x).value_or(0));
        up.include(s.mean - deviation);
        up.include(s.mean + deviation);
        data += x + " " + csv_number(s.mean) + " " + csv_number(deviation) + "\n";
      }
      data += "END\n";
      plot += (c == 0 ? "plot " : ", ") + block_name +
              " using 1:2:3 with yerrorlines pt 7 ps 0.5 " + line_color(c) + " title " +
              (chosen.color.empty() ? "\"\"" : title(chosen.color + " " + order[c]));
    }
    script += (tics.empty()
                   ? along.command("x")
                   : "set xrange [-0.5:" + std::to_string(chosen.positions.size() - 1) + ".5]\n") +
              up.command("y") + plot + "\n";
  }
  return data + script + "unset multiplot\n";
}

// Curves of one combination: [layer][epoch] the numbers of all seeds.
using curves = std::vector<std::vector<std::vector<double>>>;

void add_history(const nlohmann::json& row, curves& to) {
  const auto results = row.find("results");
  const auto* const history =
      results == row.end() ? nullptr : find_value(*results, "history/rho_mean");
  if (history == nullptr || !history->is_array()) return;
  for (std::size_t epoch = 0; epoch < history->size(); ++epoch) {
    const auto& layers = (*history)[epoch];
    if (!layers.is_array()) return;
    for (std::size_t l = 0; l < layers.size(); ++l) {
      if (!layers[l].is_number()) continue;
      if (to.size() <= l) to.resize(l + 1);
      if (to[l].size() <= epoch) to[l].resize(epoch + 1);
      to[l][epoch].push_back(layers[l].get<double>());
    }
  }
}

}  // namespace

std::string line_color(std::size_t i) {
  static constexpr std::array colors = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                        "#7f7f7f", "#56b4e9", "#e69f00", "#000000"};
  return std::string("lc rgb '") + colors[i % colors.size()] + "'";
}

void draw_values(output_folder& out, const run_table& table, const std::vector<group>& groups,
                 const report_options& o, bool asked_for) {
  constexpr std::size_t unasked = 4;
  const auto chosen = choose_roles(table, o);
  if (!chosen || groups.size() < 2) return;
  for (std::size_t v = 0; v < table.values.size(); ++v) {
    const bool of_layer = table.values[v].starts_with("rho_mean_by_layer/");
    if (!asked_for && v >= unasked && !of_layer) continue;
    std::string file = "value-" + table.values[v];
    std::replace(file.begin(), file.end(), '/', '-');
    const std::string script = value_script(groups, v, table.values[v], *chosen);
    if (!script.empty()) out.draw(file, script);
  }
}

void draw_history(output_folder& out, const run_index& index, const run_table& table) {
  std::vector<combination> order;
  for (const auto& row : table.rows) {
    if (order.empty() || order.back() != row.key.axes) order.push_back(row.key.axes);
  }
  if (order.size() > most_colors) return;
  std::map<combination, curves> all;
  for_each_run(index, [&](const run_key& key, run_status /*status*/, const nlohmann::json& row) {
    add_history(row, all[key.axes]);
  });
  std::size_t layers = 0;
  for (const auto& [axes, of_axes] : all) layers = std::max(layers, of_axes.size());
  if (layers == 0) return;

  std::string data, script = multiplot(layers) + "set yrange [0:1]\nset key bottom right\n";
  std::size_t block = 0;
  for (std::size_t l = 0; l < layers; ++l) {
    std::string bands, means;
    for (std::size_t c = 0; c < order.size(); ++c) {
      const curves& of_axes = all[order[c]];
      if (of_axes.size() <= l) continue;
      const std::string name = "$curve" + std::to_string(block++);
      data += name + " << END\n";
      for (std::size_t epoch = 0; epoch < of_axes[l].size(); ++epoch) {
        const spread s = spread_of(of_axes[l][epoch]);
        const double deviation = std::isnan(s.deviation) ? 0 : s.deviation;
        if (s.count == 0) continue;
        data += std::to_string(epoch) + " " + csv_number(s.mean) + " " +
                csv_number(s.mean - deviation) + " " + csv_number(s.mean + deviation) + "\n";
      }
      data += "END\n";
      bands += (bands.empty() ? "" : ", ") + name +
               " using 1:3:4 with filledcurves fs transparent solid 0.2 noborder " + line_color(c) +
               " notitle";
      means += ", " + name + " using 1:2 with lines lw 2 " + line_color(c) + " title " +
               title(describe(order[c]));
    }
    if (bands.empty()) continue;
    script += "set title 'hidden layer " + std::to_string(l + 1) +
              "'\nset xlabel 'epoch'\nset ylabel 'mean best correlation'\nplot " + bands + means +
              "\n";
  }
  out.draw("history", data + script + "unset multiplot\n");
}

}  // namespace examples
