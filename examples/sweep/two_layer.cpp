#include "sweep/two_layer.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/arguments.hpp"

namespace examples {

namespace {

using nlohmann::json;

// Calls visit(m, over, polarity, records of all seeds) for every setting.
template <class Visit>
void for_each_setting(const two_layer_runs& runs, Visit&& visit) {
  for (auto first = runs.begin(); first != runs.end();) {
    const two_layer_key& key = first->first;
    std::vector<const run_record*> seeds;
    auto last = first;
    for (; last != runs.end() && last->first.teachers == key.teachers &&
           last->first.over_realization == key.over_realization &&
           last->first.polarity == key.polarity;
         ++last) {
      seeds.push_back(&last->second);
    }
    visit(key, seeds);
    first = last;
  }
}

std::string prefix(const setting& key) {
  return std::to_string(key.teachers) + ',' + csv_number(key.over_realization) + ',' +
         csv_number(key.polarity);
}

// The value below which a share of them lies, linear in between.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

std::vector<double> numbers(const json& list, const char* field) {
  std::vector<double> result;
  for (const auto& entry : list) result.push_back(entry.at(field));
  return result;
}

run_record record_of(const json& results) {
  const json& history = results.at("history");
  run_record record{history.at("eval_loss"),
                    {},
                    history.at("teacher_rho"),
                    numbers(results.at("students"), "correlation"),
                    numbers(results.at("students"), "fan_out_norm")};
  for (const auto& layers : history.at("rho_mean")) record.rho_mean.push_back(layers.at(0));
  return record;
}

}  // namespace

two_layer_runs read_two_layer_runs(const run_index& index, const run_table& table) {
  two_layer_runs runs;
  if (table.axes != std::vector<std::string>{"over-realization", "polarity", "teacher"})
    return runs;
  bool all = true;
  for_each_run(index, [&](const run_key& key, run_status status, const json& row) {
    if (status != run_status::done) return;
    const auto widths = split(key.axes.at("teacher"), '-');
    const auto over = to_number<double>(key.axes.at("over-realization"));
    const auto polarity = to_number<double>(key.axes.at("polarity"));
    const auto m = to_number<std::size_t>(widths.size() == 3 ? widths[1] : "");
    const json& results = row.at("results");
    if (!m || !over || !polarity || !results.contains("history") || !results.contains("students")) {
      all = false;
      return;
    }
    std::optional<run_record> record;
    try {
      record = record_of(results);
    } catch (const json::exception&) {  // another program's history
      all = false;
      return;
    }
    // Other widths at the ends, and the same number of nodes: no published sweep.
    all = runs.insert({{{*m, *over, *polarity}, key.seed}, std::move(*record)}).second && all;
  });
  if (!all) runs.clear();
  return runs;
}

std::string students_csv(const two_layer_runs& runs) {
  std::string csv = "teachers,over_realization,polarity,seed,student,correlation,fan_out_norm\n";
  for (const auto& [key, r] : runs) {
    for (std::size_t k = 0; k < r.student_rho.size(); ++k) {
      csv += prefix(key) + ',' + std::to_string(key.seed) + ',' + std::to_string(k) + ',' +
             csv_number(r.student_rho[k]) + ',' + csv_number(r.fan_out_norm[k]) + '\n';
    }
  }
  return csv;
}

std::set<std::size_t> success_epochs(std::size_t last) {
  return {std::min<std::size_t>(5, last), last};
}

std::string success_csv(const two_layer_runs& runs) {
  std::string csv = "teachers,over_realization,polarity,epoch,teacher,success_rate\n";
  for_each_setting(runs, [&](const two_layer_key& key, const auto& seeds) {
    for (const std::size_t epoch : success_epochs(seeds.front()->teacher_rho.size() - 1)) {
      for (std::size_t j = 0; j < key.teachers; ++j) {
        const auto recovered = std::count_if(seeds.begin(), seeds.end(), [&](const run_record* r) {
          return r->teacher_rho[epoch][j] > recovered_above;
        });
        csv += prefix(key) + ',' + std::to_string(epoch) + ',' + std::to_string(j) + ',' +
               csv_number(static_cast<double>(recovered) / static_cast<double>(seeds.size())) +
               '\n';
      }
    }
  });
  return csv;
}

std::string dynamics_csv(const two_layer_runs& runs) {
  std::string csv = "teachers,over_realization,polarity,epoch,teacher,correlation\n";
  for_each_setting(runs, [&](const two_layer_key& key, const auto& seeds) {
    for (std::size_t epoch = 0; epoch < seeds.front()->teacher_rho.size(); ++epoch) {
      for (std::size_t j = 0; j < key.teachers; ++j) {
        double sum = 0;
        for (const run_record* r : seeds) sum += r->teacher_rho[epoch][j];
        csv += prefix(key) + ',' + std::to_string(epoch) + ',' + std::to_string(j) + ',' +
               csv_number(sum / static_cast<double>(seeds.size())) + '\n';
      }
    }
  });
  return csv;
}

std::string loss_csv(const two_layer_runs& runs) {
  std::string csv =
      "teachers,over_realization,polarity,epoch,eval_loss,lower_quartile,upper_quartile,rho_mean\n";
  for_each_setting(runs, [&](const two_layer_key& key, const auto& seeds) {
    const auto of_all = [&](const auto& member, double share) {
      std::vector<double> values;
      for (const run_record* r : seeds) values.push_back(member(*r));
      return ',' + csv_number(quantile(std::move(values), share));
    };
    for (std::size_t epoch = 0; epoch < seeds.front()->eval_loss.size(); ++epoch) {
      const auto loss = [&](const run_record& r) { return r.eval_loss[epoch]; };
      csv += prefix(key) + ',' + std::to_string(epoch) + of_all(loss, 0.5) + of_all(loss, 0.25) +
             of_all(loss, 0.75) +
             of_all([&](const run_record& r) { return r.rho_mean[epoch]; }, 0.5) + '\n';
    }
  });
  return csv;
}

}  // namespace examples
