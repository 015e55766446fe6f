#include "sweep/figures.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"

namespace examples {

namespace {

constexpr double recovered_above = 0.95;  // correlation

std::string exact(double x) { return nlohmann::json(x).dump(); }

std::string short_text(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

// The values of a setting that runs have.
template <class Value>
std::vector<Value> values_of(const sweep_results& runs, Value run_key::*member) {
  std::set<Value> values;
  for (const auto& [key, record] : runs) values.insert(key.*member);
  return {values.begin(), values.end()};
}

// Calls visit(m, over, polarity, records of all seeds) for every setting.
template <class Visit>
void for_each_setting(const sweep_results& runs, Visit&& visit) {
  for (auto first = runs.begin(); first != runs.end();) {
    const run_key& key = first->first;
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

std::string prefix(const run_key& key) {
  return std::to_string(key.teachers) + ',' + exact(key.over_realization) + ',' +
         exact(key.polarity);
}

std::string students_csv(const sweep_results& runs) {
  std::string csv = "teachers,over_realization,polarity,seed,student,correlation,fan_out_norm\n";
  for (const auto& [key, r] : runs) {
    for (std::size_t k = 0; k < r.student_rho.size(); ++k) {
      csv += prefix(key) + ',' + std::to_string(key.seed) + ',' + std::to_string(k) + ',' +
             exact(r.student_rho[k]) + ',' + exact(r.fan_out_norm[k]) + '\n';
    }
  }
  return csv;
}

// Epochs after which Figure 7 counts.
std::set<std::size_t> success_epochs(std::size_t last) {
  return {std::min<std::size_t>(5, last), last};
}

std::string success_csv(const sweep_results& runs) {
  std::string csv = "teachers,over_realization,polarity,epoch,teacher,success_rate\n";
  for_each_setting(runs, [&](const run_key& key, const auto& seeds) {
    for (const std::size_t epoch : success_epochs(seeds.front()->teacher_rho.size() - 1)) {
      for (std::size_t j = 0; j < key.teachers; ++j) {
        const auto recovered = std::count_if(seeds.begin(), seeds.end(), [&](const run_record* r) {
          return r->teacher_rho[epoch][j] > recovered_above;
        });
        csv += prefix(key) + ',' + std::to_string(epoch) + ',' + std::to_string(j) + ',' +
               exact(static_cast<double>(recovered) / static_cast<double>(seeds.size())) + '\n';
      }
    }
  });
  return csv;
}

std::string dynamics_csv(const sweep_results& runs) {
  std::string csv = "teachers,over_realization,polarity,epoch,teacher,correlation\n";
  for_each_setting(runs, [&](const run_key& key, const auto& seeds) {
    for (std::size_t epoch = 0; epoch < seeds.front()->teacher_rho.size(); ++epoch) {
      for (std::size_t j = 0; j < key.teachers; ++j) {
        double sum = 0;
        for (const run_record* r : seeds) sum += r->teacher_rho[epoch][j];
        csv += prefix(key) + ',' + std::to_string(epoch) + ',' + std::to_string(j) + ',' +
               exact(sum / static_cast<double>(seeds.size())) + '\n';
      }
    }
  });
  return csv;
}

// The value below which a share of them lies, linear in between.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

std::string loss_csv(const sweep_results& runs) {
  std::string csv =
      "teachers,over_realization,polarity,epoch,eval_loss,lower_quartile,upper_quartile,rho_mean\n";
  for_each_setting(runs, [&](const run_key& key, const auto& seeds) {
    const auto of_all = [&](const auto& member, double share) {
      std::vector<double> values;
      for (const run_record* r : seeds) values.push_back(member(*r));
      return ',' + exact(quantile(std::move(values), share));
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

// The panels that one number of teachers has: settings with runs, others are left empty.
struct panels {
  const sweep_results& runs;
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
  return "($1==" + std::to_string(m) + "&&$2==" + exact(over) + "&&$3==" + exact(polarity) + "?" +
         column + ":NaN)";
}

// Colors of the over-realizations, which stay apart on white and in print.
std::string color(std::size_t i) {
  static const char* const colors[] = {"#0072b2", "#d55e00", "#009e73",
                                       "#cc79a7", "#7f7f7f", "#56b4e9"};
  return std::string("lc rgb '") + colors[i % std::size(colors)] + "'";
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
                         color(k) +
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
                      color(k) + " notitle");
      medians.push_back(rows + ":5 with lines lw 2 " + color(k) + " title '" +
                        short_text(all.overs[k]) + "x'");
    }
    bands.insert(bands.end(), medians.begin(), medians.end());
    script += polarity_panel(all, i, "epoch", "loss") + plot(bands);
  }
  return script + "unset multiplot\n";
}

}  // namespace

std::vector<std::string> write_figures(const std::string& folder, const sweep_results& runs) {
  output_folder out(folder);
  const std::string students = out.write("students.csv", students_csv(runs));
  const std::string success = out.write("success.csv", success_csv(runs));
  const std::string dynamics = out.write("dynamics.csv", dynamics_csv(runs));
  const std::string loss = out.write("loss.csv", loss_csv(runs));
  const std::size_t last_epoch = runs.begin()->second.eval_loss.size() - 1;
  for (const std::size_t m : values_of(runs, &run_key::teachers)) {
    sweep_results of_m;
    double largest_norm = 0;
    for (const auto& [key, record] : runs) {
      if (key.teachers != m) continue;
      of_m.insert({key, record});
      for (const double norm : record.fan_out_norm) largest_norm = std::max(largest_norm, norm);
    }
    if (largest_norm == 0) largest_norm = 1;
    const panels all{of_m, m, values_of(of_m, &run_key::over_realization),
                     values_of(of_m, &run_key::polarity)};
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
           success_figure(success, all, last_epoch, values_of(of_m, &run_key::seed).size()));
    const auto& overs = all.overs;
    const double over_of_dynamics =
        std::find(overs.begin(), overs.end(), 5.0) != overs.end() ? 5.0 : overs.back();
    figure("figure8" + suffix, dynamics_figure(dynamics, all, over_of_dynamics));
    figure("loss" + suffix, loss_figure(loss, all));
  }
  return out.written();
}

}  // namespace examples
