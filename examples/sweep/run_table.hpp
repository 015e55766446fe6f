// What runs found, as a table.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "sweep/rows.hpp"
#include "sweep/run_key.hpp"

namespace examples {

struct table_row {
  run_key key;
  run_status status;
  std::vector<double> numbers;  // a value each; NaN where the run has none
};

struct run_table {
  std::vector<std::string> axes, values;
  std::vector<table_row> rows;  // in the order of run_key
};

/// What a path leads to, by the names of objects and the indices of lists, as in history/eval_loss/5;
/// null when it leads nowhere.
const nlohmann::json* find_value(const nlohmann::json& results, const std::string& path);

/// Calls visit(key, status, row) for every run, in order.
void for_each_run(
    const run_index& index,
    const std::function<void(const run_key&, run_status, const nlohmann::json& row)>& visit);

/// `given` values of all runs; where none are given all numbers that no list holds, those that no
/// object holds first. Throws std::runtime_error for a value that is no number in some run or that no
/// run has.
run_table read_table(const run_index& index,
                     const std::optional<std::vector<std::string>>& given = {});

/// What a value's column is called beside those of these axes, the seed and the status.
std::string column_name(const std::vector<std::string>& axes, const std::string& value);

/// The values of an axis that runs have, in natural order.
std::vector<std::string> values_of(const run_table& table, const std::string& axis);

/// All rows as CSV: axes, seed, status, values.
std::string table_csv(const run_table& table);

/// Text as a field of CSV.
std::string csv_field(const std::string& text);

/// A number that reads back the same; nothing where it is not finite.
std::string csv_number(double x);

}  // namespace examples
