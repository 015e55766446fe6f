#include "support/oracle.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace test {

struct oracle::json {
  nlohmann::json root;
  [[nodiscard]] const nlohmann::json& at(const std::string& pointer) const {
    return root.at(nlohmann::json::json_pointer(pointer));
  }
};

oracle::oracle(const std::string& name) : json_(std::make_unique<json>()) {
  std::ifstream file(std::string(ORACLES) + "/" + name + ".json");
  if (!file) throw std::runtime_error("no oracle " + name);
  json_->root = nlohmann::json::parse(file);
}

oracle::~oracle() = default;

double oracle::number(const std::string& pointer) const { return json_->at(pointer).get<double>(); }

std::size_t oracle::size(const std::string& pointer) const { return json_->at(pointer).size(); }

std::vector<double> oracle::numbers(const std::string& pointer) const {
  return json_->at(pointer).get<std::vector<double>>();
}

tutelage::matrix<double> oracle::matrix(const std::string& pointer) const {
  const auto rows = json_->at(pointer).get<std::vector<std::vector<double>>>();
  auto result = tutelage::make_matrix<double>(rows.size(), rows.at(0).size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].size(); ++j) result(i, j) = rows[i].at(j);
  }
  return result;
}

}  // namespace test
