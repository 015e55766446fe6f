#include "pair/json.hpp"

#include <cmath>
#include <utility>

#include "pair/print.hpp"

namespace examples {

namespace {

nlohmann::json thresholded(const std::vector<std::size_t>& counts) {
  nlohmann::json result = nlohmann::json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) result[format("%g", thresholds[i])] = counts[i];
  return result;
}

nlohmann::json index_or_null(const std::optional<std::size_t>& k) {
  return k ? nlohmann::json(*k) : nlohmann::json(nullptr);
}

}  // namespace

nlohmann::json number_or_null(const std::optional<double>& x) {
  return x && std::isfinite(*x) ? nlohmann::json(*x) : nlohmann::json(nullptr);
}

nlohmann::json describe_layer(const layer_result& layer) {
  nlohmann::json teachers = nlohmann::json::array(), students = nlohmann::json::array();
  for (std::size_t j = 0; j < layer.teachers.size(); ++j) {
    const auto& t = layer.teachers[j];
    teachers.push_back({{"index", j},
                        {"fan_out_norm", t.fan_out_norm},
                        {"best_student", t.best_student},
                        {"correlation", t.correlation},
                        {"angle", number_or_null(t.angle)},
                        {"bias_gap", number_or_null(t.bias_gap)},
                        {"matches", thresholded(t.matches)}});
  }
  for (std::size_t k = 0; k < layer.students.size(); ++k) {
    const auto& s = layer.students[k];
    students.push_back({{"index", k},
                        {"best_teacher", s.best_teacher},
                        {"correlation", s.correlation},
                        {"fan_out_norm", s.fan_out_norm}});
  }
  return {{"rho_mean", layer.rho_mean},
          {"covered", thresholded(layer.covered)},
          {"teachers", std::move(teachers)},
          {"students", std::move(students)}};
}

nlohmann::json describe_observers(const observers_section& s) {
  nlohmann::json teachers = nlohmann::json::array();
  for (const auto& t : s.teachers) {
    teachers.push_back({{"band", t.band},
                        {"best_observer", index_or_null(t.best_observer)},
                        {"kappa", t.kappa},
                        {"two_sided", t.two_sided}});
  }
  return {{"eps", s.eps}, {"tau", s.tau}, {"teachers", std::move(teachers)}};
}

void add_sections(nlohmann::json& result, const sections& s) {
  result["local"] = nullptr;
  if (s.local) {
    nlohmann::json proved = nlohmann::json::array();
    for (const auto& t : s.local->teachers) {
      proved.push_back({{"samples", t.samples},
                        {"width", t.width},
                        {"share", t.share},
                        {"bound", number_or_null(t.bound)},
                        {"distance", number_or_null(t.distance)},
                        {"student", index_or_null(t.student)},
                        {"student_share", t.student_share}});
    }
    result["local"] = {{"teachers", std::move(proved)}};
  }
  result["observers"] = describe_observers(s.observers);
  nlohmann::json layers = nlohmann::json::array();
  for (const auto& l : s.critical.layers) {
    layers.push_back({{"max", l.max},
                      {"median", l.median},
                      {"percentile_99", l.percentile_99},
                      {"batch_max", l.batch_max}});
  }
  result["critical"] = {{"layers", std::move(layers)}};
  result["bounds"] = nullptr;
  if (s.bounds) {
    nlohmann::json certificates = nlohmann::json::array();
    for (const auto& t : s.bounds->teachers) {
      certificates.push_back({{"outcome", t.outcome},
                              {"failing", t.failing},
                              {"observer", index_or_null(t.observer)},
                              {"width", t.width},
                              {"boundaries", t.boundaries},
                              {"samples", t.samples},
                              {"required_samples", t.required_samples},
                              {"gradient", t.gradient},
                              {"rounding", t.rounding},
                              {"allowed_gradient", t.allowed_gradient},
                              {"smallest_eps", number_or_null(t.smallest_eps)},
                              {"samples_needed", number_or_null(t.samples_needed)},
                              {"student_gap", number_or_null(t.student_gap)},
                              {"witness", number_or_null(t.witness)}});
    }
    result["bounds"] = {{"eps", s.bounds->eps},
                        {"eta", s.bounds->eta},
                        {"mu", s.bounds->mu},
                        {"teachers", std::move(certificates)}};
  }
  const auto& p = s.pruning;
  result["pruning"] = {{"tolerance", p.tolerance},
                       {"groups", p.groups},
                       {"aligned_groups", p.aligned_groups},
                       {"merged_width", p.merged_width},
                       {"merged_change", number_or_null(p.merged_change)},
                       {"unmatched", p.unmatched},
                       {"unmatched_strength", p.unmatched_strength},
                       {"pruned_change", number_or_null(p.pruned_change)},
                       {"kink", number_or_null(p.kink)},
                       {"kink_bound", number_or_null(p.kink_bound)}};
}

}  // namespace examples
