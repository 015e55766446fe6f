#include "sweep/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include <tutelage/core/files.hpp>

#include "common/output_folder.hpp"
#include "sweep/charts.hpp"
#include "sweep/figures.hpp"
#include "sweep/folder.hpp"
#include "sweep/npz_table.hpp"
#include "sweep/summary.hpp"

namespace examples {

namespace {

void check_axis(const run_table& table, const char* flag, const std::string& name) {
  if (name.empty()) return;
  if (std::find(table.axes.begin(), table.axes.end(), name) != table.axes.end()) return;
  std::string axes;
  for (const auto& axis : table.axes) axes += (axes.empty() ? "" : ", ") + axis;
  throw std::runtime_error(std::string(flag) + ": there is no axis " + name + "; axes are " +
                           (axes.empty() ? "none" : axes));
}

// Values that are lists in the first run that has them: npz only.
bool is_list(const run_index& index, const std::string& path) {
  part_reader parts;
  for (const auto& [key, entry] : index.runs()) {
    if (entry.status != run_status::done) continue;
    const auto row = nlohmann::json::parse(parts.read(entry.row));
    const auto* const value = find_value(row.at("results"), path);
    if (value != nullptr && !value->is_null()) return value->is_array();
  }
  return false;
}

}  // namespace

void write_report(const std::string& folder, const report_options& o, bool quiet) {
  static_cast<void>(read_settings(folder));  // it is a sweep's
  const run_index index(folder);
  std::vector<std::string> numbers = o.values;
  if (!o.npz.empty()) {
    std::erase_if(numbers, [&](const std::string& path) { return is_list(index, path); });
  }
  const run_table table =
      read_table(index, o.values.empty() ? std::nullopt : std::optional(numbers));
  check_axis(table, "--x", o.x);
  check_axis(table, "--color", o.color);
  const auto groups = summarize(table);

  const auto extra = [&](const std::string& file, const std::string& content) {
    tutelage::write_file(file, content);
    if (!quiet) std::printf("wrote %s\n", file.c_str());
  };
  if (!o.csv.empty()) extra(o.csv, table_csv(table));
  if (!o.npz.empty()) extra(o.npz, table_npz(index, o.values));

  output_folder out(folder);
  out.write("summary.csv", summary_csv(table, groups));
  draw_values(out, table, groups, o, !numbers.empty());
  draw_history(out, index, table);
  write_published_figures(out, index, table);
  if (!quiet) {
    std::fputs(summary_text(table, groups).c_str(), stdout);
    out.print();
  }
}

}  // namespace examples
