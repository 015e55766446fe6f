#include "common/table.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include <tutelage/core/files.hpp>

#include "common/output_folder.hpp"

namespace examples {

std::string table::csv() const {
  std::string text;
  for (const auto& column : columns_) text += (text.empty() ? "" : ",") + column;
  text += '\n';
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += ',';
      if (std::isfinite(row[i])) text += nlohmann::json(row[i]).dump();
    }
    text += '\n';
  }
  return text;
}

std::string table::json() const {
  nlohmann::json result = nlohmann::json::array();
  for (const auto& row : rows_) {
    nlohmann::json object = nlohmann::json::object();
    for (std::size_t i = 0; i < row.size(); ++i) {
      object[columns_[i]] =
          std::isfinite(row[i]) ? nlohmann::json(row[i]) : nlohmann::json(nullptr);
    }
    result.push_back(std::move(object));
  }
  return result.dump(2);
}

void write_results(const std::string& folder, const std::string& name, const table& results,
                   const std::string& script) {
  output_folder out(folder);
  out.write(name + ".csv", results.csv());
  out.write(name + ".json", results.json() + "\n");
  out.draw(name, "set datafile separator ','\n" + script);
  out.print();
}

}  // namespace examples
