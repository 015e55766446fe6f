// What a run has recorded so far, in the form in which its checkpoint keeps it.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <tutelage/analysis/evaluator.hpp>
#include <tutelage/model/layer.hpp>

#include "specialization/experiment.hpp"

namespace examples {

class run_history {
 public:
  /// A row an epoch, the first before training; not a number where nothing was recorded.
  run_history(std::size_t epochs, std::size_t hidden_layers, std::size_t teachers)
      : hidden_layers_(hidden_layers),
        rows_(tutelage::make_matrix<double>(epochs + 1, 2 + hidden_layers + teachers)) {
    rows_.fill(std::numeric_limits<double>::quiet_NaN());
  }

  void record(std::size_t epoch, std::optional<double> train_loss,
              const tutelage::evaluation& now) {
    std::size_t column = 0;
    if (train_loss) rows_(epoch, column) = *train_loss;
    rows_(epoch, ++column) = now.loss;
    for (const auto& layer : now.layers) rows_(epoch, ++column) = layer.rho_mean();
    const auto& lowest = now.layers.front();
    for (std::size_t j = 0; j < lowest.teacher_nodes(); ++j) {
      rows_(epoch, ++column) = lowest.best_rho(j);
    }
  }

  /// All epochs.
  [[nodiscard]] std::vector<epoch_result> result() const {
    std::vector<epoch_result> epochs;
    for (std::size_t epoch = 0; epoch < rows_.shape(0); ++epoch) {
      const auto row = tutelage::matrix_view(rows_).row(epoch);
      const auto teachers = row.begin() + 2 + static_cast<std::ptrdiff_t>(hidden_layers_);
      epochs.push_back({epoch, std::isnan(row[0]) ? std::nullopt : std::optional(row[0]), row[1],
                        std::vector<double>(row.begin() + 2, teachers),
                        std::vector<double>(teachers, row.end())});
    }
    return epochs;
  }

  /// As a checkpoint's record (train/checkpoint.hpp).
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) {
    visit(tutelage::block<double>{prefix + "history", {rows_.shape(0), rows_.shape(1)}, rows_});
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, const Visit& visit) const {
    visit(
        tutelage::block<const double>{prefix + "history", {rows_.shape(0), rows_.shape(1)}, rows_});
  }

 private:
  std::size_t hidden_layers_;
  // train loss, eval loss, rho_mean of each hidden layer, best rho of each teacher node of the lowest
  tutelage::matrix<double> rows_;
};

}  // namespace examples
