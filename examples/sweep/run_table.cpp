#include "sweep/run_table.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <utility>

#include "common/arguments.hpp"

namespace examples {

namespace {

using nlohmann::json;

constexpr double none = std::numeric_limits<double>::quiet_NaN();

// Calls visit(path, number) for every number below `value` that no list holds.
void for_each_number(const json& value, const std::string& path,
                     const std::function<void(const std::string&, double)>& visit) {
  if (value.is_number()) return visit(path, value.get<double>());
  if (!value.is_object()) return;
  for (const auto& [name, part] : value.items()) {
    for_each_number(part, path.empty() ? name : path + "/" + name, visit);
  }
}

double number_at(const json& results, const std::string& path, const run_key& key) {
  const json* const value = find_value(results, path);
  if (value == nullptr || value->is_null()) return none;
  if (value->is_number()) return value->get<double>();
  if (value->is_boolean()) return value->get<bool>() ? 1 : 0;
  throw std::runtime_error(
      "--value: " + path + " of " + describe(key) + " is " +
      (value->is_array() ? "a list: name one number of it, as in " + path + "/0, or use --npz"
                         : std::string("no number: ") + value->type_name()));
}

}  // namespace

const json* find_value(const json& results, const std::string& path) {
  const json* at = &results;
  for (const auto& step : split(path, '/')) {
    if (at->is_object()) {
      const auto found = at->find(step);
      if (found == at->end()) return nullptr;
      at = &*found;
    } else if (at->is_array()) {
      const auto index = to_number<std::size_t>(step);
      if (!index || *index >= at->size()) return nullptr;
      at = &(*at)[*index];
    } else {
      return nullptr;
    }
  }
  return at;
}

void for_each_run(const run_index& index,
                  const std::function<void(const run_key&, run_status, const json& row)>& visit) {
  part_reader parts;
  for (const auto& [key, entry] : index.runs()) {
    const std::string line = parts.read(entry.row);
    try {
      visit(key, entry.status, json::parse(line));
    } catch (const json::exception& problem) {
      throw std::runtime_error(entry.row.file + ": the run of " + describe(key) + ": " +
                               problem.what());
    }
  }
}

run_table read_table(const run_index& index, const std::optional<std::vector<std::string>>& given) {
  run_table table;
  const std::vector<std::string> values = given.value_or(std::vector<std::string>{});
  table.values = values;
  std::vector<std::map<std::string, double>> found;  // of each run, where no values are asked for
  std::set<std::pair<std::ptrdiff_t, std::string>> names;
  for_each_run(index, [&](const run_key& key, run_status status, const json& row) {
    const json results = row.value("results", json::object());
    table.rows.push_back({key, status, {}});
    for (const auto& path : values) {
      table.rows.back().numbers.push_back(number_at(results, path, key));
    }
    if (given) return;
    found.emplace_back();
    for_each_number(results, "", [&](const std::string& path, double number) {
      if (path.empty() || path == "seed") return;  // which has a column
      names.insert({std::count(path.begin(), path.end(), '/'), path});
      found.back()[path] = number;
    });
  });
  if (table.rows.empty()) throw std::runtime_error("there are no runs to report");
  for (const auto& [name, value] : table.rows.front().key.axes) table.axes.push_back(name);
  for (const auto& [depth, name] : names) table.values.push_back(name);
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& name : table.values) {
      const auto number = found[i].find(name);
      table.rows[i].numbers.push_back(number == found[i].end() ? none : number->second);
    }
  }
  for (std::size_t v = 0; v < values.size(); ++v) {
    const bool some = std::any_of(table.rows.begin(), table.rows.end(), [&](const table_row& row) {
      return !std::isnan(row.numbers[v]);
    });
    if (!some) throw std::runtime_error("--value: no run has a number " + values[v]);
  }
  return table;
}

std::string column_name(const std::vector<std::string>& axes, const std::string& value) {
  const bool taken = value == "seed" || value == "status" ||
                     std::find(axes.begin(), axes.end(), value) != axes.end();
  return taken ? "results/" + value : value;
}

std::vector<std::string> values_of(const run_table& table, const std::string& axis) {
  std::set<std::string, decltype(&natural_less)> values(&natural_less);
  for (const auto& row : table.rows) values.insert(row.key.axes.at(axis));
  return {values.begin(), values.end()};
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string csv_number(double x) { return std::isfinite(x) ? json(x).dump() : ""; }

std::string table_csv(const run_table& table) {
  std::string csv;
  for (const auto& name : table.axes) csv += csv_field(name) + ',';
  csv += "seed,status";
  for (const auto& name : table.values) csv += ',' + csv_field(column_name(table.axes, name));
  csv += '\n';
  for (const auto& row : table.rows) {
    for (const auto& [name, value] : row.key.axes) csv += csv_field(value) + ',';
    csv += std::to_string(row.key.seed) + ',' + to_string(row.status);
    for (const double number : row.numbers) csv += ',' + csv_number(number);
    csv += '\n';
  }
  return csv;
}

}  // namespace examples
