#include "sweep/figures.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include "common/gnuplot.hpp"
#include "sweep/charts.hpp"
#include "sweep/two_layer.hpp"

namespace examples {

namespace {

std::string short_text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

// The values of a setting that runs have.
template <class Value, class Owner>
std::vector<Value> values_of(const two_layer_runs& runs, Value Owner::*member) {
  std::set<Value> values;
  for (const auto& [key, record] : runs) values.insert(key.*member);
  return {values.begin(), values.end()};
}

// The panels that one number of teachers has: settings with runs, others are left empty.
struct panels {
  const two_layer_runs& runs;
  std::size_t teachers;
  std::vector<double> overs, polarities;

  [[nodiscard]] bool has(double over, double polarity) const {
    return std::any_of(runs.begin(), runs.end(), [&](const auto& run) {
      return run.first.teachers == teachers && run.first.over_realization == over &&
             run.first.polarity == polarity;
    });
  }
};

// Column `column` of the rows of a panel: columns 1 to 3 are teachers, over-realization, polarity.
std::string where(std::size_t m, double over, double polarity, const std::string& column) {
  return "($1==" + std::to_string(m) + "&&$2==" + csv_number(over) +
         "&&$3==" + csv_number(polarity) + "?" + column + ":NaN)";
}

// Nearly all of the hues, none of them too bright for white; the first blue, the last red.
const std::string rainbow =
    "set palette model HSV functions 0.67*(1-gray), 0.9, 0.55+0.3*abs(2*gray-1)\n";

// Panels share their axes' names: on the left and at the bottom.
std::string axis_names(std::size_t i, std::size_t columns, std::size_t count, const std::string& x,
                       const std::string& y) {
  return "set ylabel '" + (i % columns == 0 ? y : "") + "'\nset xlabel '" +
         (i + columns >= count ? x : "") + "'\n";
}

// Panels of one size.
std::string multiplot(std::size_t rows, std::size_t columns, const std::string& title) {
  return "set datafile separator ','\nset datafile missing NaN\nset tics font ',9'\n"
         "set title font ',10' offset 0,-0.6\nset xlabel font ',10' offset 0,0.5\n"
         "set ylabel font ',10' offset 1,0\nset multiplot layout " +
         std::to_string(rows) + "," + std::to_string(columns) + " title \"" + title +
         "\" font ',11' margins 0.075,0.98,0.085,0.86 spacing 0.065,0.11\n";
}

const std::string empty_panel = "set multiplot next\n";

// Figure 5: three polarities (rows) by all over-realizations (columns), all on the same axes.
std::string students_figure(const std::string& file, const panels& all,
                            const std::vector<double>& polarities, double largest_norm) {
  const std::size_t columns = all.overs.size(), count = columns * polarities.size();
  std::set<std::uint64_t> seeds;
  for (const auto& [key, record] : all.runs) seeds.insert(key.seed);
  std::string script =
      multiplot(
          polarities.size(), columns,
          "Student nodes of " + std::to_string(all.teachers) + " teacher nodes; a color a seed") +
      rainbow + "set key off\nset grid\nset xrange [-0.2:1.1]\nset xtics 0.5\nset yrange [0:" +
      short_text(1.05 * largest_norm) + "]\nset ytics 0.5\nset cbrange [" +
      std::to_string(*seeds.begin()) + ":" +
      std::to_string(std::max(*seeds.rbegin(), *seeds.begin() + 1)) + "]\nunset colorbox\n";
  std::size_t i = 0;
  for (const double p : polarities) {
    for (const double over : all.overs) {
      script += axis_names(i++, columns, count, "best correlation", "fan-out norm");
      if (!all.has(over, p)) {
        script += empty_panel;
        continue;
      }
      script += "set title '" + short_text(over) + "x, p = " + short_text(p) + "'\nplot " +
                quoted(file) + " every ::1 using " + where(all.teachers, over, p, "$6") +
                ":7:4 with points pt 7 ps 0.35 lc palette z\n";
    }
  }
  return script + "unset multiplot\n";
}

std::string panel_grid(const panels& all, const std::string& title) {
  return multiplot((all.polarities.size() + 2) / 3, std::min<std::size_t>(3, all.polarities.size()),
                   title);
}

std::string polarity_panel(const panels& all, std::size_t i, const std::string& x,
                           const std::string& y) {
  // The first panel's legend is that of all.
  return axis_names(i, 3, all.polarities.size(), x, y) + (i == 1 ? "set key off\n" : "") +
         "set title 'p = " + short_text(all.polarities[i]) + "'\n";
}

// Joins curves of a panel as one plot command, or leaves the panel empty.
std::string plot(const std::vector<std::string>& curves) {
  std::string text;
  for (const auto& curve : curves) text += (text.empty() ? "plot " : ", ") + curve;
  return text.empty() ? empty_panel : text + "\n";
}

// Figure 7: strong teacher nodes, to the left, are recovered first.
std::string success_figure(const std::string& file, const panels& all, std::size_t last_epoch,
                           std::size_t seeds) {
  const std::size_t m = all.teachers;
  const auto epochs = success_epochs(last_epoch);
  std::string title = "Share of " + std::to_string(seeds) +
                      " seeds that recover a teacher node (correlation above " +
                      short_text(recovered_above) + ")\\nsolid: after " +
                      std::to_string(last_epoch) + " epochs";
  if (epochs.size() > 1) title += ", dotted: after " + std::to_string(*epochs.begin());
  std::string script =
      panel_grid(all, title) +
      "set grid\nset yrange [-0.03:1.03]\nset xrange [-0.5:" + std::to_string(m - 1) +
      ".5]\nset key opaque bottom left font ',8' samplen 1.5\n";
  for (std::size_t i = 0; i < all.polarities.size(); ++i) {
    const double p = all.polarities[i];
    std::vector<std::string> curves;
    for (std::size_t k = 0; k < all.overs.size(); ++k) {
      if (!all.has(all.overs[k], p)) continue;
      for (const std::size_t epoch : epochs) {
        const bool last = epoch == last_epoch;
        curves.push_back(quoted(file) + " every ::1 using ($4==" + std::to_string(epoch) + "?" +
                         where(m, all.overs[k], p, "$5") + ":NaN):6 with linespoints pt 7 ps 0.3 " +
                         line_color(k) +
                         (last ? " lw 2 title '" + short_text(all.overs[k]) + "x'"
                               : std::string(" lw 1.5 dt 3 notitle")));
      }
    }
    script += polarity_panel(all, i, "teacher node", "success rate") + plot(curves);
  }
  return script + "unset multiplot\n";
}

std::string epochs_axis(const panels& all) {
  const std::size_t last = all.runs.begin()->second.eval_loss.size() - 1;
  return "set xrange [0:" + std::to_string(std::max<std::size_t>(1, last)) + "]\n";
}

// Figure 8: the strongest teacher is blue, the weakest red.
std::string dynamics_figure(const std::string& file, const panels& all, double over) {
  const std::size_t m = all.teachers;
  std::string script =
      panel_grid(all,
                 "Best correlation of each teacher node, " + short_text(over) +
                     "x, mean over seeds\\nblue: node 0 (for p > 0 the strongest), red: node " +
                     std::to_string(m - 1)) +
      epochs_axis(all) + rainbow +
      "set grid\nset key off\nset yrange [-0.03:1.03]\nset cbrange [0:" +
      std::to_string(std::max<std::size_t>(m - 1, 1)) + "]\nunset colorbox\n";
  for (std::size_t i = 0; i < all.polarities.size(); ++i) {
    const double p = all.polarities[i];
    std::vector<std::string> curves;
    for (std::size_t j = 0; j < m && all.has(over, p); ++j) {
      const std::string index = std::to_string(j);
      curves.push_back(quoted(file) + " every ::1 using ($5==" + index + "?" +
                       where(m, over, p, "$4") + ":NaN):6 with lines lw 1.5 lc palette cb " +
                       index);
    }
    script += polarity_panel(all, i, "epoch", "correlation") + plot(curves);
  }
  return script + "unset multiplot\n";
}

std::string loss_figure(const std::string& file, const panels& all) {
  std::string script =
      panel_grid(all, "Evaluation loss, median and quartiles over seeds") + epochs_axis(all) +
      "set grid\nset logscale y\nset format y '10^{%L}'\nset key top right font ',8' samplen 1.5\n";
  for (std::size_t i = 0; i < all.polarities.size(); ++i) {
    const double p = all.polarities[i];
    std::vector<std::string> bands, medians;
    for (std::size_t k = 0; k < all.overs.size(); ++k) {
      if (!all.has(all.overs[k], p)) continue;
      const std::string rows =
          quoted(file) + " every ::1 using " + where(all.teachers, all.overs[k], p, "$4");
      bands.push_back(rows + ":6:7 with filledcurves fs transparent solid 0.2 noborder " +
                      line_color(k) + " notitle");
      medians.push_back(rows + ":5 with lines lw 2 " + line_color(k) + " title '" +
                        short_text(all.overs[k]) + "x'");
    }
    bands.insert(bands.end(), medians.begin(), medians.end());
    script += polarity_panel(all, i, "epoch", "loss") + plot(bands);
  }
  return script + "unset multiplot\n";
}

}  // namespace

void write_published_figures(output_folder& out, const run_index& index, const run_table& table) {
  const two_layer_runs runs = read_two_layer_runs(index, table);
  if (runs.empty()) return;
  const std::string students = out.write("students.csv", students_csv(runs));
  const std::string success = out.write("success.csv", success_csv(runs));
  const std::string dynamics = out.write("dynamics.csv", dynamics_csv(runs));
  const std::string loss = out.write("loss.csv", loss_csv(runs));
  const std::size_t last_epoch = runs.begin()->second.eval_loss.size() - 1;
  for (const std::size_t m : values_of(runs, &two_layer_key::teachers)) {
    two_layer_runs of_m;
    double largest_norm = 0;
    for (const auto& [key, record] : runs) {
      if (key.teachers != m) continue;
      of_m.insert({key, record});
      for (const double norm : record.fan_out_norm) largest_norm = std::max(largest_norm, norm);
    }
    if (largest_norm == 0) largest_norm = 1;
    const panels all{of_m, m, values_of(of_m, &two_layer_key::over_realization),
                     values_of(of_m, &two_layer_key::polarity)};
    const auto figure = [&](const std::string& name, const std::string& script) {
      out.draw(name, script);
    };
    const std::string suffix = "-m" + std::to_string(m);
    constexpr std::size_t rows = 3;
    for (std::size_t i = 0; i < all.polarities.size(); i += rows) {
      const auto first = all.polarities.begin() + static_cast<std::ptrdiff_t>(i);
      const std::size_t count = std::min(rows, all.polarities.size() - i);
      figure("figure5" + suffix + "-" + std::to_string(i / rows + 1),
             students_figure(students, all, {first, first + static_cast<std::ptrdiff_t>(count)},
                             largest_norm));
    }
    figure("figure7" + suffix,
           success_figure(success, all, last_epoch, values_of(of_m, &two_layer_key::seed).size()));
    const auto& overs = all.overs;
    const double over_of_dynamics =
        std::find(overs.begin(), overs.end(), 5.0) != overs.end() ? 5.0 : overs.back();
    figure("figure8" + suffix, dynamics_figure(dynamics, all, over_of_dynamics));
    figure("loss" + suffix, loss_figure(loss, all));
  }
}

}  // namespace examples
