#include "sweep/summary.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace examples {

namespace {

std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", x);
  return text;
}

std::string padded(const std::string& text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

}  // namespace

spread spread_of(const std::vector<double>& numbers) {
  spread result;
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  result.count = numbers.size();
  if (numbers.empty()) return {0, none, none, none, none};
  const auto n = static_cast<double>(numbers.size());
  for (const double x : numbers) result.mean += x / n;
  double squares = 0;
  for (const double x : numbers) squares += (x - result.mean) * (x - result.mean);
  result.deviation = numbers.size() > 1 ? std::sqrt(squares / (n - 1)) : none;
  const auto [least, most] = std::minmax_element(numbers.begin(), numbers.end());
  result.least = *least;
  result.most = *most;
  return result;
}

std::vector<group> summarize(const run_table& table) {
  std::vector<group> groups;
  for (std::size_t first = 0; first < table.rows.size();) {
    group now;
    now.axes = table.rows[first].key.axes;
    std::vector<std::vector<double>> numbers(table.values.size());
    std::size_t i = first;
    for (; i < table.rows.size() && table.rows[i].key.axes == now.axes; ++i) {
      const table_row& row = table.rows[i];
      ++(row.status == run_status::done       ? now.done
         : row.status == run_status::diverged ? now.diverged
                                              : now.failed);
      for (std::size_t v = 0; v < numbers.size(); ++v) {
        if (!std::isnan(row.numbers[v])) numbers[v].push_back(row.numbers[v]);
      }
    }
    for (const auto& of_value : numbers) now.values.push_back(spread_of(of_value));
    groups.push_back(std::move(now));
    first = i;
  }
  return groups;
}

std::string summary_csv(const run_table& table, const std::vector<group>& groups) {
  std::string csv;
  for (const auto& name : table.axes) csv += csv_field(name) + ',';
  csv += "done,diverged,failed";
  for (const auto& name : table.values) {
    for (const char* const what : {"_mean", "_std", "_min", "_max"}) {
      csv += ',' + csv_field(name + what);
    }
  }
  csv += '\n';
  for (const auto& g : groups) {
    for (const auto& [name, value] : g.axes) csv += csv_field(value) + ',';
    csv +=
        std::to_string(g.done) + ',' + std::to_string(g.diverged) + ',' + std::to_string(g.failed);
    for (const auto& s : g.values) {
      for (const double x : {s.mean, s.deviation, s.least, s.most}) csv += ',' + csv_number(x);
    }
    csv += '\n';
  }
  return csv;
}

std::string summary_text(const run_table& table, const std::vector<group>& groups) {
  constexpr std::size_t most_values = 4;
  const std::size_t values = std::min(most_values, table.values.size());
  std::vector<std::vector<std::string>> cells(1);
  for (const auto& name : table.axes) cells[0].push_back(name);
  for (const char* const name : {"done", "diverged", "failed"}) cells[0].emplace_back(name);
  cells[0].insert(cells[0].end(), table.values.begin(),
                  table.values.begin() + static_cast<std::ptrdiff_t>(values));
  for (const auto& g : groups) {
    cells.emplace_back();
    for (const auto& [name, value] : g.axes) cells.back().push_back(value);
    for (const std::size_t count : {g.done, g.diverged, g.failed}) {
      cells.back().push_back(std::to_string(count));
    }
    for (std::size_t v = 0; v < values; ++v) {
      const spread& s = g.values[v];
      cells.back().push_back(s.count == 0 ? "-"
                             : s.count == 1
                                 ? short_number(s.mean)
                                 : short_number(s.mean) + " +- " + short_number(s.deviation));
    }
  }
  std::vector<std::size_t> widths(cells[0].size(), 0);
  for (const auto& line : cells) {
    for (std::size_t c = 0; c < line.size(); ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  std::string text;
  for (const auto& line : cells) {
    for (std::size_t c = 0; c < line.size(); ++c) text += "  " + padded(line[c], widths[c]);
    text += '\n';
  }
  return text;
}

}  // namespace examples
