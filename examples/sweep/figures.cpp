#include "sweep/figures.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <set>

#include <tutelage/core/files.hpp>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"

namespace examples {

namespace {

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

std::string success_csv(const sweep_results& runs) {
  std::string csv = "teachers,over_realization,polarity,epoch,share_recovered,all_recovered\n";
  for_each_setting(runs, [&](const run_key& key, const auto& seeds) {
    const std::size_t last = seeds.front()->teacher_rho.size() - 1;
    std::set<std::size_t> epochs{std::min<std::size_t>(5, last), last};
    for (const std::size_t epoch : epochs) {
      double share = 0, all = 0;
      for (const run_record* r : seeds) {
        const std::size_t covered = r->covered(epoch);
        share += static_cast<double>(covered) / static_cast<double>(key.teachers);
        all += covered == key.teachers ? 1 : 0;
      }
      const double n = static_cast<double>(seeds.size());
      csv += prefix(key) + ',' + std::to_string(epoch) + ',' + exact(share / n) + ',' +
             exact(all / n) + '\n';
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

std::string loss_csv(const sweep_results& runs) {
  std::string csv = "teachers,over_realization,polarity,epoch,eval_loss,rho_mean\n";
  for_each_setting(runs, [&](const run_key& key, const auto& seeds) {
    const auto median = [&](const auto& of) {
      std::vector<double> values;
      for (const run_record* r : seeds) values.push_back(of(*r));
      std::sort(values.begin(), values.end());
      return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
    };
    for (std::size_t epoch = 0; epoch < seeds.front()->eval_loss.size(); ++epoch) {
      csv += prefix(key) + ',' + std::to_string(epoch) + ',' +
             exact(median([&](const run_record& r) { return r.eval_loss[epoch]; })) + ',' +
             exact(median([&](const run_record& r) { return r.rho_mean[epoch]; })) + '\n';
    }
  });
  return csv;
}

// Rows of a file that belong to a panel: columns 1 to 3 are teachers, over-realization, polarity.
std::string where(std::size_t m, double over, double polarity, const std::string& column) {
  return "($1==" + std::to_string(m) + "&&$2==" + exact(over) + "&&$3==" + exact(polarity) + "?" +
         column + ":NaN)";
}

const std::string csv_header =
    "set datafile separator ','\nset key off\nset datafile missing NaN\n";

// Figure 5: a panel for each over-realization (rows) and polarity (columns).
std::string students_figure(const std::string& file, std::size_t m,
                            const std::vector<double>& overs,
                            const std::vector<double>& polarities) {
  std::string script =
      csv_header + "set multiplot layout " + std::to_string(overs.size()) + "," +
      std::to_string(polarities.size()) +
      " title 'students: best correlation (x), fan-out norm (y)'\n"
      "set xrange [-0.1:1.05]\nset xtics 0.5\nset yrange [0:*]\n"
      "set ytics autofreq\nset tics font ',7'\nset title font ',8' offset 0,-0.8\n";
  for (const double over : overs) {
    for (const double p : polarities) {
      script += "set title '" + short_text(over) + "x, p = " + short_text(p) + "'\nplot " +
                quoted(file) + " every ::1 using " + where(m, over, p, "$6") +
                ":7:4 with points pt 7 ps 0.15 lc palette z\n";
    }
  }
  return "unset colorbox\n" + script + "unset multiplot\n";
}

// Figure 7: solid at last, dotted after 5 epochs.
std::string success_figure(const std::string& file, std::size_t m, const std::vector<double>& overs,
                           std::size_t last_epoch) {
  const std::size_t early = std::min<std::size_t>(5, last_epoch);
  std::string script = csv_header +
                       "set key outside\nset xlabel 'polarity p'\nset ylabel 'teachers recovered'\n"
                       "set yrange [0:1.05]\nplot ";
  for (std::size_t i = 0; i < overs.size(); ++i) {
    const auto line = [&](std::size_t epoch, const std::string& style) {
      return quoted(file) + " every ::1 using ($1==" + std::to_string(m) +
             "&&$2==" + exact(overs[i]) + "&&$4==" + std::to_string(epoch) +
             "?$3:NaN):5 with linespoints lc " + std::to_string(i + 1) + style;
    };
    if (i > 0) script += ", ";
    script += line(last_epoch, " lw 2 title '" + short_text(overs[i]) + "x'");
    if (early != last_epoch) script += ", " + line(early, " dt 3 notitle");
  }
  return script + "\n";
}

std::string panels(const std::string& title, std::size_t count) {
  const std::size_t rows = (count + 2) / 3;
  return csv_header + "set multiplot layout " + std::to_string(rows) + ",3 title '" + title + "'\n";
}

// Figure 8: the strongest teacher is blue, the weakest red.
std::string dynamics_figure(const std::string& file, std::size_t m, double over,
                            const std::vector<double>& polarities) {
  std::string script =
      panels("best correlation of each teacher over epochs, " + short_text(over) +
                 "x (blue: strongest)",
             polarities.size()) +
      "set yrange [-0.1:1.05]\nset palette rgb 33,13,10\nset cbrange [0:" + std::to_string(m - 1) +
      "]\nunset colorbox\n";
  for (const double p : polarities) {
    script += "set title 'p = " + short_text(p) + "'\nplot for [j=0:" + std::to_string(m - 1) +
              "] " + quoted(file) + " every ::1 using ($5==j?" + where(m, over, p, "$4") +
              ":NaN):6:5 with lines lc palette z\n";
  }
  return script + "unset multiplot\n";
}

std::string loss_figure(const std::string& file, std::size_t m, const std::vector<double>& overs,
                        const std::vector<double>& polarities) {
  std::string script = panels("evaluation loss over epochs, median over seeds", polarities.size()) +
                       "set logscale y\nset format y '10^{%T}'\nset key top right font ',7'\n";
  for (const double p : polarities) {
    script += "set title 'p = " + short_text(p) + "'\nplot ";
    for (std::size_t i = 0; i < overs.size(); ++i) {
      if (i > 0) script += ", ";
      script += quoted(file) + " every ::1 using " + where(m, overs[i], p, "$4") +
                ":5 with lines lw 2 title '" + short_text(overs[i]) + "x'";
    }
    script += "\n";
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
  const auto overs = values_of(runs, &run_key::over_realization);
  const auto polarities = values_of(runs, &run_key::polarity);
  const std::size_t last_epoch = runs.begin()->second.eval_loss.size() - 1;
  const double over_of_dynamics =
      std::find(overs.begin(), overs.end(), 5.0) != overs.end() ? 5.0 : overs.back();
  for (const std::size_t m : values_of(runs, &run_key::teachers)) {
    const auto figure = [&](const std::string& name, const std::string& script) {
      out.draw(name + "-m" + std::to_string(m), script);
    };
    figure("figure5", students_figure(students, m, overs, polarities));
    figure("figure7", success_figure(success, m, overs, last_epoch));
    figure("figure8", dynamics_figure(dynamics, m, over_of_dynamics, polarities));
    figure("loss", loss_figure(loss, m, overs, polarities));
  }
  return out.written();
}

}  // namespace examples
