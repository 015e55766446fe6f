// Reference values that PyTorch's autograd and numerical quadrature computed, in
// tests/data/oracles.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <tutelage/core/matrix.hpp>
#include <vector>

namespace test {

/// One file. Keys are JSON pointers: "/W_student/0", "/layers/2/A/4".
class oracle {
 public:
  explicit oracle(const std::string& name);
  ~oracle();

  [[nodiscard]] double number(const std::string& pointer) const;
  [[nodiscard]] std::size_t size(const std::string& pointer) const;
  [[nodiscard]] std::vector<double> numbers(const std::string& pointer) const;
  [[nodiscard]] tutelage::matrix<double> matrix(const std::string& pointer) const;

 private:
  struct json;
  std::unique_ptr<json> json_;
};

}  // namespace test
