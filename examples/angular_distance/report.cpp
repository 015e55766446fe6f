#include "report.hpp"

#include <cmath>
#include <cstdio>
#include <numbers>

namespace angular {

namespace {

double angle_of(std::size_t i, std::size_t steps) {
  return 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(steps);
}

}  // namespace

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

std::string number(long double x) {
  char text[48];
  std::snprintf(text, sizeof text, "%.21Lg", x);
  return text;
}

std::string list(const std::vector<double>& numbers, const char* separator) {
  std::string text;
  for (const double x : numbers) text += (text.empty() ? "" : separator) + number(x);
  return text;
}

std::string random_csv(const std::vector<random_result>& results) {
  std::string text =
      "m,sets,negative_in_double,negative_in_long_double,undecided,violations,largest_min_det,"
      "theta\n";
  for (const auto& r : results) {
    text += std::to_string(r.m) + ',' + std::to_string(r.sets) + ',' +
            std::to_string(r.decided_in_double) + ',' + std::to_string(r.decided_in_long_double) +
            ',' + std::to_string(r.undecided.size()) + ',' + std::to_string(r.violations.size()) +
            ',' + number(r.largest) + ',' + list(r.theta, " ") + '\n';
  }
  return text;
}

std::string search_csv(const std::vector<search_result>& results) {
  std::string text = "m,gap,min_det,proved_negative,theta\n";
  for (const auto& r : results) {
    text += std::to_string(r.m) + ',' + number(r.gap) + ',' + number(r.best.min_determinant) + ',' +
            (r.negative ? "yes," : "no,") + list(r.best.theta, " ") + '\n';
  }
  return text;
}

std::string histogram_csv(const std::vector<random_result>& results) {
  std::string text = "m,log10_from,sets\n";
  for (const auto& r : results) {
    for (std::size_t b = 0; b < histogram::bins; ++b) {
      const double from = histogram::lowest + histogram::width * static_cast<double>(b);
      text +=
          std::to_string(r.m) + ',' + number(from) + ',' + std::to_string(r.seen.counts[b]) + '\n';
    }
  }
  return text;
}

std::string surfaces_csv(const std::vector<surface>& surfaces) {
  std::string text = "fixed,theta_2,theta_3,min_det\n";
  for (const auto& s : surfaces) {
    const std::size_t steps = s.z.shape(0);
    for (std::size_t i = 0; i < steps; ++i) {
      for (std::size_t j = 0; j < steps; ++j) {
        text += '"' + s.fixed + "\"," + number(angle_of(i, steps)) + ',' +
                number(angle_of(j, steps)) + ',' + number(s.z(i, j)) + '\n';
      }
    }
  }
  return text;
}

std::string surfaces_figure(const std::string& title, const std::vector<surface>& surfaces) {
  std::string script =
      "set multiplot layout 1," + std::to_string(surfaces.size()) + " title '" + title +
      "'\nset size ratio 1\nset xrange [0:2*pi]\nset yrange [0:2*pi]\n" +
      "set xtics ('0' 0, '{/Symbol p}' pi, '2{/Symbol p}' 2*pi)\n" +
      "set ytics ('0' 0, '{/Symbol p}' pi, '2{/Symbol p}' 2*pi)\n" +
      "set cbrange [*:0]\nset xlabel '{/Symbol q}_2'\nset ylabel '{/Symbol q}_3'\nunset key\n" +
      "set cbtics font ',8'\nset colorbox horizontal user origin graph 0,-0.45 " +
      "size graph 1,0.06\nset palette defined (0 '#08306b', 1 '#6baed6', 2 '#ffffff')\n";
  for (std::size_t k = 0; k < surfaces.size(); ++k) {
    const auto& s = surfaces[k];
    const std::size_t steps = s.z.shape(0);
    script += "$surface" + std::to_string(k) + " << END\n";
    for (std::size_t i = 0; i < steps; ++i) {
      for (std::size_t j = 0; j < steps; ++j) {
        script += number(angle_of(i, steps)) + ' ' + number(angle_of(j, steps)) + ' ' +
                  number(s.z(i, j)) + '\n';
      }
      script += '\n';
    }
    std::string label = s.fixed;
    for (std::size_t at = 0; (at = label.find("theta", at)) != std::string::npos;) {
      label.replace(at, 5, "{/Symbol q}");
    }
    script += "END\nset title '" + label + "'\nplot $surface" + std::to_string(k) +
              " using 1:2:3 with image\n";
  }
  return script + "unset multiplot\n";
}

std::string histogram_figure(const std::vector<random_result>& results) {
  std::string script =
      "set title 'Random directions: how negative the least determinant is'\n"
      "set xrange [-24:3]\nset xlabel 'log_{10} (-min_i det M_i)'\nset ylabel 'share of the "
      "sets'\nset key left top\n";
  std::string lines;
  for (const auto& r : results) {
    const std::string block = "$m" + std::to_string(r.m);
    script += block + " << END\n";
    for (std::size_t b = 0; b < histogram::bins; ++b) {
      const double from = histogram::lowest + histogram::width * (static_cast<double>(b) + 0.5);
      script += number(from) + ' ' +
                number(static_cast<double>(r.seen.counts[b]) / static_cast<double>(r.sets)) + '\n';
    }
    script += "END\n";
    lines += (lines.empty() ? "plot " : ", ") + block +
             " with steps lw 2 title 'm = " + std::to_string(r.m) + "'";
  }
  return script + lines + '\n';
}

}  // namespace angular
