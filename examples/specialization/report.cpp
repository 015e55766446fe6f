#include "specialization/report.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include <tutelage/core/files.hpp>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"
#include "pair/json.hpp"
#include "pair/print.hpp"
#include "specialization/configuration.hpp"

namespace examples {

namespace {

// A number as the shortest text that reads back the same.
std::string exact(double x) { return nlohmann::json(x).dump(); }

void print_run(std::ostream& out, const run_result& run) {
  for (std::size_t l = 0; l < run.layers.size(); ++l) {
    const auto& layer = run.layers[l];
    out << format("hidden layer %zu: rho_mean %.4f, %zu of %zu teacher nodes covered\n", l + 1,
                  layer.rho_mean, layer.covered[last_threshold], layer.teachers.size());
    if (l == 0) print_layer(out, layer);
  }
  if (run.analyses) print_sections(out, *run.analyses);
  out << format("loss: %.4g on training inputs, %.4g on evaluation inputs;  %.1f s\n",
                run.train_loss, run.eval_loss, run.seconds);
  if (run.teacher_accuracy) {
    out << format("accuracy on evaluation labels: teacher %.2f%%, student %.2f%%\n",
                  100 * *run.teacher_accuracy, 100 * run.student_accuracy.value_or(0));
  }
}

// A column a measure, a row an epoch.
nlohmann::json describe_history(const std::vector<epoch_result>& history) {
  auto result = nlohmann::json::object();
  for (const auto& e : history) {
    result["epoch"].push_back(e.epoch);
    result["train_loss"].push_back(number_or_null(e.train_loss));
    result["eval_loss"].push_back(e.eval_loss);
    result["rho_mean"].push_back(e.rho_mean);
    result["teacher_rho"].push_back(e.teacher_rho);
  }
  return result;
}

nlohmann::json describe_run(const run_result& run) {
  nlohmann::json result = describe_layer(run.layers.front());
  result["seed"] = run.seed;
  result["train_loss"] = run.train_loss;
  result["eval_loss"] = run.eval_loss;
  result["seconds"] = run.seconds;
  result["history"] = describe_history(run.history);
  if (run.teacher_accuracy) {
    result["teacher_accuracy"] = *run.teacher_accuracy;
    result["student_accuracy"] = number_or_null(run.student_accuracy);
  }
  if (run.analyses) add_sections(result, *run.analyses);
  if (run.layers.size() > 1) {
    for (const auto& layer : run.layers) {
      result["layers"].push_back(describe_layer(layer));
      result["rho_mean_by_layer"][std::to_string(result["layers"].size())] =
          result["layers"].back()["rho_mean"];
    }
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
  nlohmann::json result{{"config", describe_options(o)}, {"runs", nlohmann::json::array()}};
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
