#include "report.hpp"

#include <cstdio>

namespace bounds {

namespace {

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

std::string short_number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", x);
  return text;
}

}  // namespace

std::string panels_csv(const std::vector<panel>& panels) {
  std::string text = "over_realization,p_W,p_V,step,u_mean,u_std,r_mean,r_std\n";
  for (const auto& p : panels) {
    const auto& s = p.settings;
    for (std::size_t t = 0; t < p.u_mean.size(); ++t) {
      text += std::to_string(s.factor) + ',' + number(s.start.p_W) + ',' + number(s.start.p_V) +
              ',' + std::to_string(t * s.steps) + ',' + number(p.u_mean[t]) + ',' +
              number(p.u_std[t]) + ',' + number(p.r_mean[t]) + ',' + number(p.r_std[t]) + '\n';
    }
  }
  return text;
}

std::string curves_csv(const theorem_4_run& four, const theorem_5_run& five) {
  std::string text = "theorem,quantity,step,measured,bound\n";
  const auto add = [&](const char* theorem, const std::vector<bounded>& curves) {
    for (const auto& c : curves) {
      for (std::size_t t = 0; t < c.measured.size(); ++t) {
        text += std::string(theorem) + ",\"" + c.name + "\"," + std::to_string(t) + ',' +
                number(c.measured[t]) + ',' + number(c.bound[t]) + '\n';
      }
    }
  };
  add("4", four.curves);
  add("5", five.curves);
  return text;
}

std::string panels_figure(const std::vector<panel>& panels, std::size_t columns) {
  std::string script =
      "set multiplot layout " + std::to_string(panels.size() / columns) + "," +
      std::to_string(columns) +
      " title 'Norms of rows of V: u-set (blue), r-set (orange), mean and deviation over seeds'\n"
      "unset key\nset yrange [0:*]\nset style fill transparent solid 0.25 noborder\n"
      "set tics font ',8'\nset title font ',9' offset 0,-0.7\n";
  std::size_t k = 0;
  for (const auto& p : panels) {
    const auto& s = p.settings;
    const std::string block = "$panel" + std::to_string(k++);
    script += block + " << END\n";
    for (std::size_t t = 0; t < p.u_mean.size(); ++t) {
      script += std::to_string(t * s.steps) + ' ' + number(p.u_mean[t]) + ' ' + number(p.u_std[t]) +
                ' ' + number(p.r_mean[t]) + ' ' + number(p.r_std[t]) + '\n';
    }
    script +=
        "END\nset xtics " + std::to_string((s.epochs * s.steps + 1) / 2) + "\nset title '" +
        std::to_string(s.factor) + "x, p_W = " + short_number(s.start.p_W) +
        ", p_V = " + short_number(s.start.p_V) + "'\nplot " + block +
        " using 1:($2-$3):($2+$3) with filledcurves lc rgb '#1f77b4', '' using 1:2 with lines "
        "lw 2 lc rgb '#1f77b4', '' using 1:($4-$5):($4+$5) with filledcurves lc rgb '#ff7f0e', "
        "'' using 1:4 with lines lw 2 lc rgb '#ff7f0e'\n";
  }
  return script + "unset multiplot\n";
}

std::string curves_figure(const theorem_4_run& four, const theorem_5_run& five) {
  static const char* const colors[] = {"#1f77b4", "#2ca02c", "#ff7f0e"};
  std::string script =
      "set multiplot layout 1,2 title 'Measured (solid) and bounded (dashed)'\nset logscale y\n"
      "set format y '10^{%L}'\nset xlabel 'step'\nset key bottom left\n";
  const auto draw = [&](const std::string& title, const std::string& prefix,
                        const std::vector<bounded>& curves) {
    std::string lines;
    for (std::size_t k = 0; k < curves.size(); ++k) {
      const std::string block = "$" + prefix + std::to_string(k);
      script += block + " << END\n";
      for (std::size_t t = 0; t < curves[k].measured.size(); ++t) {
        // Below this all is round-off.
        const double measured = curves[k].measured[t];
        script += std::to_string(t) + ' ' + (measured > 1e-14 ? number(measured) : "NaN") + ' ' +
                  number(curves[k].bound[t]) + '\n';
      }
      script += "END\n";
      const std::string color = std::string(" lc rgb '") + colors[k] + "'";
      lines += (lines.empty() ? "plot " : ", ") + block + " using 1:2 with lines lw 2" + color +
               " title '" + curves[k].name + "' noenhanced, '' using 1:3 with lines dt 2 lw 2" +
               color + " notitle";
    }
    script += "set title '" + title + "'\n" + lines + '\n';
  };
  draw("Theorem 4", "four", four.curves);
  draw("Theorem 5", "five", five.curves);
  return script + "unset multiplot\n";
}

}  // namespace bounds
