// Numbers in named columns, as CSV and as JSON.
#pragma once

#include <string>
#include <vector>

namespace examples {

class table {
 public:
  explicit table(std::vector<std::string> columns) : columns_(std::move(columns)) {}

  /// One number a column; what is not finite is written as an empty field and as null.
  void add(std::vector<double> row) { rows_.push_back(std::move(row)); }

  [[nodiscard]] std::string csv() const;
  /// An array of objects, one a row.
  [[nodiscard]] std::string json() const;

 private:
  std::vector<std::string> columns_;
  std::vector<std::vector<double>> rows_;
};

/// Writes `stem`.csv, `stem`.json and, where gnuplot is, the figures of `script`, which may plot
/// `stem`.csv; makes the folder. Prints what was written. Throws when a file cannot be written.
void write_results(const std::string& folder, const std::string& name, const table& results,
                   const std::string& script);

}  // namespace examples
