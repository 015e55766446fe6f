#include "specialization/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include <tutelage/core/files.hpp>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"

namespace examples {

namespace {

std::string joined(const std::vector<std::size_t>& widths) {
  std::string text;
  for (const auto w : widths) {
    if (!text.empty()) text += '-';
    text += std::to_string(w);
  }
  return text;
}

// A number as the shortest text that reads back the same.
std::string exact(double x) { return nlohmann::json(x).dump(); }

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  return line;
}

// Teachers from the strongest fan-out to the weakest.
std::vector<std::size_t> by_strength(const layer_result& layer) {
  std::vector<std::size_t> order(layer.teachers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return layer.teachers[a].fan_out_norm > layer.teachers[b].fan_out_norm;
  });
  return order;
}

constexpr std::size_t last_threshold = std::size(thresholds) - 1;

void print_layer(std::ostream& out, const layer_result& layer) {
  out << "  teacher  fan-out  student      rho  angle (deg)  bias gap  students on it\n";
  for (const std::size_t j : by_strength(layer)) {
    const auto& t = layer.teachers[j];
    const std::string angle = t.angle ? format("%11.3f", *t.angle * 180 / M_PI) : "          -";
    const std::string gap =
        t.bias_gap && std::isfinite(*t.bias_gap) ? format("%8.4f", *t.bias_gap) : "       -";
    out << format("  %7zu  %7.4f  %7zu  %7.4f  %s  %s  %14zu\n", j, t.fan_out_norm, t.best_student,
                  t.correlation, angle.c_str(), gap.c_str(), t.matches[last_threshold]);
  }
  std::vector<double> unmatched, matched;
  for (const auto& s : layer.students) {
    (s.correlation > thresholds[last_threshold] ? matched : unmatched).push_back(s.fan_out_norm);
  }
  const auto median = [](std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  };
  out << format("  matched students (rho > %.2f): %zu", thresholds[last_threshold], matched.size());
  if (!matched.empty()) out << format(", median fan-out norm %.4f", median(matched));
  out << format("\n  unmatched students: %zu", unmatched.size());
  if (!unmatched.empty()) out << format(", median fan-out norm %.4f", median(unmatched));
  out << '\n';
  if (layer.unchanging_teachers + layer.unchanging_students > 0) {
    out << format("  dead or constant on the evaluation set: %zu teacher, %zu student nodes\n",
                  layer.unchanging_teachers, layer.unchanging_students);
  }
}

void print_sections(std::ostream& out, const sections& s) {
  if (s.local) {
    std::size_t holds = 0;
    double share = 1, bound = 0, distance = 0;
    for (const auto& t : s.local->teachers) {
      holds += t.bound.has_value();
      share = std::min(share, t.share);
      bound = std::max(bound, t.bound.value_or(0));
      distance = std::max(distance, t.distance.value_or(0));
    }
    out << format(
        "proved by gradients alone: %zu of %zu teacher nodes have a student's boundary near their "
        "own,\n  at %.0f%% or more of the nearest samples, within %.3g at the median (seen: "
        "%.3g)\n",
        holds, s.local->teachers.size(), 100 * share, bound, distance);
  }
  const auto& o = s.observers;
  std::size_t observed = 0;
  double kappa = 1;
  for (const auto& t : o.teachers) {
    observed += t.best_observer.has_value();
    kappa = std::min(kappa, t.kappa);
  }
  out << format(
      "observers: %zu of %zu teacher nodes seen within %g of their boundary, "
      "least kappa %.2f, tau %.3f\n",
      observed, o.teachers.size(), o.eps, kappa, o.tau);
  out << "critical: largest gradient of a sample";
  for (const auto& l : s.critical.layers) out << format("  %.3g (median %.3g)", l.max, l.median);
  out << "\n";
  if (s.bounds) {
    std::size_t holds = 0, witnesses = 0;
    double gap = 0, needed = 0;
    for (const auto& t : s.bounds->teachers) {
      holds += t.failing.empty();
      witnesses += t.witness.has_value();
      gap = std::max(gap, t.student_gap);
      needed = std::max(needed, t.samples_needed);
    }
    out << format(
        "bounds: %zu of %zu certified to eps %g (%.3g samples would be needed), found to "
        "eps %.3g; witnesses %zu\n",
        holds, s.bounds->teachers.size(), s.bounds->eps, needed, gap, witnesses);
  }
  const auto& p = s.pruning;
  out << format("pruning: %zu groups within %g, merging changes outputs by %.2g%%; %zu unmatched",
                p.groups, p.tolerance, 100 * p.merged_change, p.unmatched);
  if (p.unmatched > 0 && p.pruned_change) {
    out << format(", at most %.2g%% of a matched one's strength, pruning changes outputs by %.2g%%",
                  100 * p.unmatched_strength, 100 * *p.pruned_change);
  }
  out << '\n';
  if (p.kink && p.kink_bound && std::isfinite(*p.kink_bound)) {
    out << format(
        "  groups without a teacher: gradients prove kinks of %.3g at most (seen: %.3g)\n",
        *p.kink_bound, *p.kink);
  }
}

void print_run(std::ostream& out, const run_result& run) {
  for (std::size_t l = 0; l < run.layers.size(); ++l) {
    const auto& layer = run.layers[l];
    out << format("hidden layer %zu: rho_mean %.4f, %zu of %zu teacher nodes covered\n", l + 1,
                  layer.rho_mean, layer.covered[last_threshold], layer.teachers.size());
    if (l == 0) print_layer(out, layer);
  }
  print_sections(out, run.analyses);
  out << format("loss: %.4g on training inputs, %.4g on evaluation inputs;  %.1f s\n",
                run.train_loss, run.eval_loss, run.seconds);
  if (run.teacher_accuracy) {
    out << format("accuracy on evaluation labels: teacher %.2f%%, student %.2f%%\n",
                  100 * *run.teacher_accuracy, 100 * run.student_accuracy.value_or(0));
  }
}

nlohmann::json thresholded(const std::vector<std::size_t>& counts) {
  nlohmann::json result = nlohmann::json::object();
  for (std::size_t i = 0; i < counts.size(); ++i) result[format("%g", thresholds[i])] = counts[i];
  return result;
}

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

nlohmann::json index_or_null(const std::optional<std::size_t>& k) {
  return k ? nlohmann::json(*k) : nlohmann::json(nullptr);
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
  nlohmann::json teachers = nlohmann::json::array();
  for (const auto& t : s.observers.teachers) {
    teachers.push_back({{"band", t.band},
                        {"best_observer", index_or_null(t.best_observer)},
                        {"kappa", t.kappa},
                        {"two_sided", t.two_sided}});
  }
  result["observers"] = {
      {"eps", s.observers.eps}, {"tau", s.observers.tau}, {"teachers", std::move(teachers)}};
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

nlohmann::json describe_run(const run_result& run) {
  nlohmann::json result = describe_layer(run.layers.front());
  result["seed"] = run.seed;
  result["train_loss"] = run.train_loss;
  result["eval_loss"] = run.eval_loss;
  result["seconds"] = run.seconds;
  if (run.teacher_accuracy) {
    result["teacher_accuracy"] = *run.teacher_accuracy;
    result["student_accuracy"] = number_or_null(run.student_accuracy);
  }
  add_sections(result, run.analyses);
  if (run.layers.size() > 1) {
    for (const auto& layer : run.layers) result["layers"].push_back(describe_layer(layer));
  }
  return result;
}

// Each student node of the lowest layer is a point; seeds have colors of their own.
std::string specialization_figure(const std::string& nodes, std::size_t seeds) {
  const std::string columns = "(column('layer')==1 ? column('correlation') : NaN):'fan_out_norm'";
  return "set datafile separator ','\n"
         "set key off\nset grid\nset xlabel 'best correlation with a teacher node'\n"
         "set ylabel 'fan-out norm'\nset title 'Student nodes of the lowest hidden layer'\n"
         "set xrange [-0.05:1.05]\nset yrange [0:*]\n"
         "set palette defined (0 '#3b4cc0', 0.5 '#888888', 1 '#b40426')\nset cblabel "
         "'seed'\nplot " +
         quoted(nodes) + " using " + columns +
         (seeds > 1 ? ":'seed' with points pt 7 ps 0.8 lc palette\n"
                    : " with points pt 7 ps 0.8 lc rgb '#3b4cc0'\n");
}

std::string dynamics_figure(const std::string& history, const run_result& run) {
  const auto order = by_strength(run.layers.front());
  const std::size_t m = order.size();
  std::string script =
      "set datafile separator ','\nset datafile missing ''\n"
      "set grid\nset xlabel 'epoch'\nset ylabel 'best correlation'\n"
      "set title 'Teacher nodes from strong (blue) to weak (red)'\nset yrange [0:1.02]\nset key "
      "off\n" +
      format("set xrange [0:%zu]\n", std::max<std::size_t>(1, run.history.back().epoch));
  const std::size_t first_column =
      5 + run.layers.size();  // seed, epoch, 2 losses, rho_mean a layer
  for (std::size_t i = 0; i < m; ++i) {
    const double hue =
        m > 1 ? 0.67 * (1 - static_cast<double>(i) / static_cast<double>(m - 1)) : 0.67;
    script += (i == 0 ? "plot " : ", ") + quoted(history) +
              format(
                  " every ::1 using ($1==%llu ? $2 : NaN):%zu with lines lw 2 lc rgb hsv2rgb(%.3f, "
                  "0.85, 0.8)",
                  static_cast<unsigned long long>(run.seed), first_column + order[i], hue);
  }
  return script + "\n";
}

std::string history_csv(const std::vector<run_result>& runs) {
  std::string csv = "seed,epoch,train_loss,eval_loss";
  for (std::size_t l = 0; l < runs[0].layers.size(); ++l)
    csv += ",rho_mean_" + std::to_string(l + 1);
  for (std::size_t j = 0; j < runs[0].layers[0].teachers.size(); ++j)
    csv += ",rho_teacher_" + std::to_string(j);
  csv += '\n';
  for (const auto& run : runs) {
    for (const auto& e : run.history) {
      csv += std::to_string(run.seed) + ',' + std::to_string(e.epoch) + ',' +
             (e.train_loss ? exact(*e.train_loss) : "") + ',' + exact(e.eval_loss);
      for (const double rho : e.rho_mean) csv += ',' + exact(rho);
      for (const double rho : e.teacher_rho) csv += ',' + exact(rho);
      csv += '\n';
    }
  }
  return csv;
}

std::string nodes_csv(const std::vector<run_result>& runs) {
  std::string csv = "seed,layer,student,correlation,fan_out_norm,best_teacher\n";
  for (const auto& run : runs) {
    for (std::size_t l = 0; l < run.layers.size(); ++l) {
      for (std::size_t k = 0; k < run.layers[l].students.size(); ++k) {
        const auto& s = run.layers[l].students[k];
        csv += std::to_string(run.seed) + ',' + std::to_string(l + 1) + ',' + std::to_string(k) +
               ',' + exact(s.correlation) + ',' + exact(s.fan_out_norm) + ',' +
               std::to_string(s.best_teacher) + '\n';
      }
    }
  }
  return csv;
}

}  // namespace

void print_table(std::ostream& out, const options& o, const std::vector<run_result>& runs) {
  out << "teacher " << joined(o.teacher) << ", student " << joined(o.student())
      << format(" (%gx), ", o.over_realization)
      << (o.leaky > 0 ? format("leaky ReLU %g", o.leaky) : "ReLU") << ", " << o.scalar << '\n';
  if (runs.size() == 1) {
    print_run(out, runs.front());
    return;
  }
  out << "  seed";
  for (std::size_t l = 0; l < runs[0].layers.size(); ++l) {
    out << format("  layer %zu: rho_mean covered", l + 1);
  }
  out << "   eval loss        s\n";
  for (const auto& run : runs) {
    out << format("%6llu", static_cast<unsigned long long>(run.seed));
    for (const auto& layer : run.layers) {
      out << format("           %8.4f %3zu/%-3zu", layer.rho_mean, layer.covered[last_threshold],
                    layer.teachers.size());
    }
    out << format("  %10.4g %8.1f\n", run.eval_loss, run.seconds);
  }
}

std::string to_json(const options& o, const std::vector<run_result>& runs) {
  nlohmann::json rates = nlohmann::json::object();
  for (const auto& [epoch, rate] : o.learning_rate) rates[std::to_string(epoch)] = rate;
  nlohmann::json result{{"config",
                         {{"teacher", o.teacher},
                          {"student", o.student()},
                          {"over_realization", o.over_realization},
                          {"polarity", o.polarity},
                          {"leaky", o.leaky},
                          {"teacher_values", o.teacher_values},
                          {"teacher_bias", o.teacher_bias},
                          {"input", o.input},
                          {"std", o.std},
                          {"samples", o.samples},
                          {"eval_samples", o.eval_samples},
                          {"student_init", o.student_init},
                          {"loss", o.loss},
                          {"learning_rate", rates},
                          {"batch", o.batch},
                          {"steps_per_epoch", o.steps_per_epoch},
                          {"epochs", o.epochs},
                          {"seeds", o.seeds},
                          {"scalar", o.scalar}}},
                        {"runs", nlohmann::json::array()}};
  for (const auto& run : runs) result["runs"].push_back(describe_run(run));
  return result.dump(2);
}

std::vector<std::string> write_files(const options& o, const std::vector<run_result>& runs) {
  output_folder out(o.out);
  const std::string history = out.write("history.csv", history_csv(runs));
  const std::string nodes = out.write("nodes.csv", nodes_csv(runs));
  out.draw("specialization", specialization_figure(nodes, runs.size()));
  out.draw("dynamics", dynamics_figure(history, runs.front()));
  return out.written();
}

}  // namespace examples
