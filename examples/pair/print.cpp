#include "pair/print.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <numeric>
#include <ostream>

namespace examples {

std::string format(const char* pattern, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(line, sizeof line, pattern, arguments);
  va_end(arguments);
  return line;
}

std::string joined(const std::vector<std::size_t>& widths) {
  std::string text;
  for (const auto w : widths) {
    if (!text.empty()) text += '-';
    text += std::to_string(w);
  }
  return text;
}

std::vector<std::size_t> by_strength(const layer_result& layer) {
  std::vector<std::size_t> order(layer.teachers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return layer.teachers[a].fan_out_norm > layer.teachers[b].fan_out_norm;
  });
  return order;
}

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

}  // namespace examples
