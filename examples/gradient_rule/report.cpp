#include "gradient_rule/report.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"

namespace examples {

namespace {

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  return line;
}

std::string joined(const layer_widths& widths) {
  std::string text;
  for (const auto w : widths) text += (text.empty() ? "" : "-") + std::to_string(w);
  return text;
}

// A number as the shortest text that reads back the same.
std::string exact(double x) { return nlohmann::json(x).dump(); }

nlohmann::json rows_of(const tutelage::matrix<double>& m) {
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t i = 0; i < m.shape(0); ++i) {
    const auto row = tutelage::matrix_view(m).row(i);
    rows.push_back(std::vector<double>(row.begin(), row.end()));
  }
  return rows;
}

// Students by their teacher, the most correlated first.
std::vector<std::size_t> by_teacher(const layer_state& layer) {
  std::vector<std::size_t> order(layer.students.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    const auto &p = layer.students[a], &q = layer.students[b];
    if (p.best_teacher != q.best_teacher) return p.best_teacher < q.best_teacher;
    return p.correlation > q.correlation;
  });
  return order;
}

// The transpose of a matrix [n, m] as a gnuplot data block, students in the given order.
std::string block(const std::string& name, const tutelage::matrix<double>& m,
                  const std::vector<std::size_t>& order) {
  std::string text = "$" + name + " << END\n";
  for (std::size_t j = 0; j < m.shape(1); ++j) {
    for (const std::size_t k : order) text += exact(m(k, j)) + ' ';
    text += '\n';
  }
  return text + "END\n";
}

// beta* and H* of the lowest hidden layer at each time (arXiv:1905.13405, Figure 11).
std::string heat_maps(const run_result& result) {
  const std::size_t columns = result.snapshots.size();
  std::string script =
      "set multiplot layout 2," + std::to_string(columns) +
      " columnsfirst title 'Lowest hidden layer: students ordered by their teacher'\n"
      "set palette defined (-1 '#3b4cc0', 0 '#f7f7f7', 1 '#b40426')\nset colorbox\n"
      "set xlabel 'student'\nset ylabel 'teacher'\nset tics scale 0\nunset key\n";
  for (std::size_t s = 0; s < columns; ++s) {
    const auto& now = result.snapshots[s];
    const auto& layer = now.layers.front();
    const auto order = by_teacher(layer);
    const auto map = [&](const char* title, const tutelage::matrix<double>& m) {
      double largest = 0;
      for (const double value : m) largest = std::max(largest, std::abs(value));
      if (largest == 0) largest = 1;
      const std::string name = title[0] == 'H' ? format("H%zu", s) : format("beta%zu", s);
      script += block(name, m, order) + format("set cbrange [%.17g:%.17g]\n", -largest, largest) +
                format("set title '%s, epoch %zu'\n", title, now.epoch) +
                format("set xrange [-0.5:%zu.5]\nset yrange [-0.5:%zu.5]\n", m.shape(0) - 1,
                       m.shape(1) - 1) +
                "plot $" + name + " matrix with image\n";
    };
    map("beta*", layer.beta_star);
    map("H*", layer.H_star);
  }
  return script + "unset multiplot\n";
}

// E[beta_kk] against correlation: the L-shape (arXiv:1909.13458, Figure 5 of the first version). A
// layer's panels have the same axes.
std::string strengths(const run_result& result, const std::string& nodes) {
  const std::size_t columns = result.snapshots.size();
  std::string script =
      "set datafile separator ','\nset multiplot layout " + std::to_string(hidden_layers) + "," +
      std::to_string(columns) +
      " title 'Student nodes: E[beta_{kk}] against best correlation' font ',12' "
      "margins 0.09,0.98,0.08,0.88 spacing 0.08,0.08\n"
      "unset key\nset grid\nset xrange [-0.2:1.05]\nset xtics 0.5\nset tics font ',9'\n"
      "set title font ',10' offset 0,-0.7\nset xlabel font ',10' offset 0,0.5\n"
      "set ylabel font ',10' offset 1,0\nset format y '%.2g'\n";
  for (std::size_t l = 1; l <= hidden_layers; ++l) {
    double largest = 0;
    for (const auto& now : result.snapshots) {
      for (const auto& s : now.layers[l - 1].students) largest = std::max(largest, s.beta_kk);
    }
    if (largest == 0) largest = 1;
    script += format("set yrange [0:%.17g]\nset ytics %.1g\n", 1.05 * largest, largest / 2);
    for (std::size_t i = 0; i < columns; ++i) {
      const std::size_t epoch = result.snapshots[i].epoch;
      script += format("set ylabel '%s'\nset xlabel '%s'\n", i == 0 ? "E[beta_{kk}]" : "",
                       l == hidden_layers ? "best correlation" : "") +
                format("set title 'layer %zu, epoch %zu'\nplot ", l, epoch) + quoted(nodes) +
                format(
                    " every ::1 using ($1==%zu && $2==%zu ? $5 : NaN):6 with points pt 7 ps 0.4 "
                    "lc rgb '#3b4cc0'\n",
                    epoch, l);
    }
  }
  return script + "unset multiplot\n";
}

std::string plane(const run_result& result) {
  std::string lines[2];
  for (const auto& polygon : result.polygons) {
    auto& text = lines[polygon.of_teacher ? 1 : 0];
    for (std::size_t i = 0; i <= polygon.corners.size(); ++i) {
      const auto& corner = polygon.corners[i % polygon.corners.size()];
      text += format("%.6g %.6g\n", corner[0], corner[1]);
    }
    text += '\n';
  }
  return "$student << END\n" + lines[0] + "END\n$teacher << END\n" + lines[1] +
         "END\nset size ratio 1\n" +
         format("set xrange [%g:%g]\nset yrange [%g:%g]\n", -window, window, -window, window) +
         "set key outside below\nset title 'Regions around an input, after training'\n"
         "set xlabel 'along the second input'\nset ylabel 'along the third input'\n"
         "plot $student with lines lw 0.5 lc rgb '#6a8cd8' title 'student', "
         "$teacher with lines lw 1.8 lc rgb '#b40426' title 'teacher'\n";
}

std::string nodes_csv(const run_result& result) {
  std::string csv = "epoch,layer,student,best_teacher,correlation,beta_kk,beta_kk_error\n";
  for (const auto& now : result.snapshots) {
    for (std::size_t l = 0; l < hidden_layers; ++l) {
      const auto& students = now.layers[l].students;
      for (std::size_t k = 0; k < students.size(); ++k) {
        const auto& s = students[k];
        csv += format("%zu,%zu,%zu,%zu,", now.epoch, l + 1, k, s.best_teacher) +
               exact(s.correlation) + ',' + exact(s.beta_kk) + ',' + exact(s.beta_kk_error) + '\n';
      }
    }
  }
  return csv;
}

std::string slice_csv(const run_result& result) {
  std::string csv = "network,region,corner,a,b\n";
  for (std::size_t r = 0; r < result.polygons.size(); ++r) {
    const auto& polygon = result.polygons[r];
    for (std::size_t i = 0; i < polygon.corners.size(); ++i) {
      csv += format("%s,%zu,%zu,", polygon.of_teacher ? "teacher" : "student", r, i) +
             exact(polygon.corners[i][0]) + ',' + exact(polygon.corners[i][1]) + '\n';
    }
  }
  return csv;
}

}  // namespace

void print_table(std::ostream& out, const options& o, const run_result& result) {
  out << "teacher " << joined(o.teacher) << ", student " << joined(o.student())
      << format(" (%gx), trained by %s\n", o.over_realization,
                o.separated ? "the separated dynamics" : "gradient descent");
  for (const auto& now : result.snapshots) {
    out << format("epoch %zu: evaluation loss %.4g\n", now.epoch, now.eval_loss)
        << "  layer  rho_mean  E[beta_kk] of matched  of unmatched students  separation error\n";
    for (std::size_t l = 0; l < hidden_layers; ++l) {
      const auto& layer = now.layers[l];
      double sums[2] = {0, 0};
      std::size_t counts[2] = {0, 0};
      for (const auto& s : layer.students) {
        const std::size_t side = s.correlation > 0.9 ? 0 : 1;
        sums[side] += s.beta_kk;
        ++counts[side];
      }
      const auto mean = [&](std::size_t side) {
        return counts[side] == 0 ? std::string("          -")
                                 : format("%11.4g", sums[side] / static_cast<double>(counts[side]));
      };
      out << format("  %5zu  %8.4f  %s (%4zu)   %s (%4zu)        %16.4f\n", l + 1, layer.rho_mean,
                    mean(0).c_str(), counts[0], mean(1).c_str(), counts[1], layer.separation_error);
    }
    out << format(
        "  regions visited by %zu inputs: %zu of the teacher, %zu of the student, %zu of "
        "both\n",
        o.eval_samples, now.teacher_regions, now.student_regions, now.common_regions);
  }
  std::size_t teacher_polygons = 0;
  for (const auto& polygon : result.polygons) teacher_polygons += polygon.of_teacher;
  out << format(
      "regions around an input, in a plane: %zu of the teacher, %zu of the student, %zu of "
      "both;  %.1f s\n",
      teacher_polygons, result.polygons.size() - teacher_polygons, result.common_polygons,
      result.seconds);
}

std::string to_json(const options& o, const run_result& result) {
  nlohmann::json snapshots = nlohmann::json::array();
  for (const auto& now : result.snapshots) {
    nlohmann::json layers = nlohmann::json::array();
    for (const auto& layer : now.layers) {
      nlohmann::json students = nlohmann::json::array();
      for (const auto& s : layer.students) {
        students.push_back({{"best_teacher", s.best_teacher},
                            {"correlation", s.correlation},
                            {"beta_kk", s.beta_kk},
                            {"beta_kk_error", s.beta_kk_error}});
      }
      layers.push_back({{"rho_mean", layer.rho_mean},
                        {"separation_error", layer.separation_error},
                        {"students", std::move(students)},
                        {"beta_star", rows_of(layer.beta_star)},
                        {"H_star", rows_of(layer.H_star)}});
    }
    snapshots.push_back({{"epoch", now.epoch},
                         {"eval_loss", now.eval_loss},
                         {"teacher_regions", now.teacher_regions},
                         {"student_regions", now.student_regions},
                         {"common_regions", now.common_regions},
                         {"layers", std::move(layers)}});
  }
  const nlohmann::json json{{"config",
                             {{"teacher", o.teacher},
                              {"student", o.student()},
                              {"over_realization", o.over_realization},
                              {"std", o.std},
                              {"samples", o.samples},
                              {"eval_samples", o.eval_samples},
                              {"learning_rate", o.learning_rate},
                              {"batch", o.batch},
                              {"epochs", o.epochs},
                              {"dynamics", o.separated ? "separated" : "gradient"},
                              {"seed", o.seed}}},
                            {"common_polygons", result.common_polygons},
                            {"seconds", result.seconds},
                            {"snapshots", std::move(snapshots)}};
  return json.dump(2);
}

std::vector<std::string> write_files(const options& o, const run_result& result) {
  output_folder out(o.out);
  const std::string nodes = out.write("nodes.csv", nodes_csv(result));
  out.write("slice.csv", slice_csv(result));
  out.draw("beta", heat_maps(result));
  out.draw("strengths", strengths(result, nodes));
  out.draw("plane", plane(result));
  return out.written();
}

}  // namespace examples
