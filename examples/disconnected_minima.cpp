// Global minima that no path of global minima joins (arXiv:1906.06247): for five points in the plane and
// three nodes, all components of the set of networks that fit, and the barriers between them, exactly;
// one node more or less; and data with disconnected minima for every number of nodes.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <string>
#include <vector>

#include <tutelage/landscape/disconnected.hpp>
#include <tutelage/landscape/disconnected_family.hpp>

#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"

namespace {

using namespace tutelage;
using examples::number;

struct samples {
  std::string name;
  matrix<double> x, y;
};

samples five_points() {
  return {"five points", {{-1, 1}, {0, 1}, {1, 1}, {2, 1}, {-1, 0}}, {{1}, {1}, {2}, {3}, {0}}};
}
samples six_points() {
  return {"six points",
          {{0, 4}, {-3, -3}, {2, -4}, {-3, 2}, {-3, 3}, {-3, 4}},
          {{12}, {-6}, {-8}, {0}, {3}, {6}}};
}
samples four_points() {
  return {"four points", {{-1, 0}, {1, 1}, {1, 2}, {2, 2}}, {{0}, {0}, {1}, {0}}};
}

double real(const rational& r) { return r.convert_to<double>(); }

// "+ r(3, 0)" and the like; "0" for a node that does nothing.
std::string text(const std::vector<exact_node>& nodes) {
  std::string all;
  for (const exact_node& node : nodes) {
    if (!all.empty()) all += ' ';
    if (node.sign == 0) {
      all += "+ 0";
    } else {
      all += (node.sign > 0 ? "+ r(" : "- r(") + node.w[0].str() + ", " + node.w[1].str() + ")";
    }
  }
  return all;
}

double value(const std::vector<exact_node>& nodes, double x1, double x2) {
  double f = 0;
  for (const exact_node& node : nodes) {
    f += node.sign * std::max(0.0, real(node.w[0]) * x1 + real(node.w[1]) * x2);
  }
  return f;
}

// max |f - y| on the straight line between two minima's (v, w), v = +-1, for the best order of nodes.
double straight_line(const samples& s, const std::vector<exact_node>& from,
                     const std::vector<exact_node>& to) {
  std::vector<std::size_t> order(to.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  double best = 1e300;
  do {
    double worst = 0;
    for (int step = 0; step <= 200; ++step) {
      const double t = step / 200.0;
      for (std::size_t i = 0; i < s.x.shape(0); ++i) {
        double f = 0;
        for (std::size_t k = 0; k < from.size(); ++k) {
          const exact_node &a = from[k], &b = to[order[k]];
          double z = 0;
          for (std::size_t j = 0; j < 2; ++j) {
            z += ((1 - t) * real(a.w[j]) + t * real(b.w[j])) * s.x(i, j);
          }
          f += ((1 - t) * a.sign + t * b.sign) * std::max(0.0, z);
        }
        worst = std::max(worst, std::abs(f - s.y(i, 0)));
      }
    }
    best = std::min(best, worst);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

minimum_landscape explore(const samples& s, std::size_t h) {
  auto found = global_minima(s.x, s.y, h);
  std::printf("%s, %zu nodes: %zu states, %zu cells, %zu %s\n", s.name.c_str(), h, found.states,
              found.cells, found.components.size(),
              found.components.size() == 1 ? "component" : "components");
  for (std::size_t i = 0; i < found.components.size(); ++i) {
    std::printf("  %zu: %zu cells, %s\n", i, found.components[i].cells,
                text(found.components[i].representative).c_str());
  }
  for (std::size_t i = 0; i < found.components.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      std::printf(
          "  barrier %zu-%zu: %s, the straight line's %.4f\n", k, i,
          found.barrier[k][i].str().c_str(),
          straight_line(s, found.components[k].representative, found.components[i].representative));
    }
  }
  return found;
}

// Components of {max |f - y| <= t}: an i is joined to an earlier one where a barrier is at most t.
std::size_t components_at(const minimum_landscape& found, const rational& t) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < found.components.size(); ++i) {
    bool joined = false;
    for (std::size_t k = 0; k < i; ++k) joined = joined || found.barrier[k][i] <= t;
    count += joined ? 0 : 1;
  }
  return count;
}

std::string figure(const samples& s, const minimum_landscape& found) {
  std::string script =
      "set multiplot layout 2,2 title 'Three nodes through five points: functions of the "
      "components "
      "of global minima'\nset xrange [-2.5:2.5]\nset yrange [-2.5:2.5]\nset xtics 1\nset ytics 1\n"
      "set size ratio 1\nset palette defined (0 '#2166ac', 1 '#f7f7f7', 2 '#b2182b')\n"
      "set cbrange [-6:6]\nunset key\n$points << END\n";
  for (std::size_t i = 0; i < s.x.shape(0); ++i) {
    script += number(s.x(i, 0)) + ' ' + number(s.x(i, 1)) + ' ' + number(s.y(i, 0)) + '\n';
  }
  script += "END\n";
  const std::size_t shown = std::min<std::size_t>(3, found.components.size());
  for (std::size_t c = 0; c < shown; ++c) {
    const auto& nodes = found.components[c].representative;
    script += "$map" + std::to_string(c) + " << END\n";
    for (int i = -25; i <= 25; ++i) {
      for (int k = -25; k <= 25; ++k) {
        script += number(i / 10.0) + ' ' + number(k / 10.0) + ' ' +
                  number(value(nodes, i / 10.0, k / 10.0)) + '\n';
      }
      script += '\n';
    }
    script += "END\nset title '" + text(nodes) + "' font ',9'\nplot $map" + std::to_string(c) +
              " with image, $points using 1:2 with points pt 7 ps 0.7 lc rgb 'black', "
              "$points using 1:2:3 with labels offset 0.9,0.5 font ',10'\n";
  }
  rational top = 0;
  for (const auto& row : found.barrier) {
    for (const rational& barrier : row) top = std::max(top, barrier);
  }
  script += "$count << END\n";
  for (int i = 0; i <= 400; ++i) {
    const rational t = top * i / 300;
    script += number(real(t)) + ' ' + std::to_string(components_at(found, t)) + '\n';
  }
  script +=
      "END\nset size noratio\nset title 'components of global minima joined by paths with |f - y| <= t' font "
      "',9'\nset xrange [0:*]\nset yrange [0:" +
      std::to_string(found.components.size() + 1) +
      "]\nset xtics autofreq\nset xlabel 't'\nset grid\n"
      "plot $count with steps lw 3 lc rgb '#b2182b'\nunset multiplot\n";
  return script;
}

std::string csv(const std::vector<std::pair<samples, minimum_landscape>>& all) {
  std::string result = "data,nodes,component,cells,representative,barrier_to_0\n";
  for (const auto& [s, found] : all) {
    for (std::size_t i = 0; i < found.components.size(); ++i) {
      const auto& c = found.components[i];
      result += s.name + ',' + std::to_string(c.representative.size()) + ',' + std::to_string(i) +
                ',' + std::to_string(c.cells) + ",\"" + text(c.representative) + "\"," +
                found.barrier[0][i].str() + '\n';
    }
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Components of the global minima of small networks, and the barriers between them.",
               "disconnected_minima");
  bool quick = false;
  std::string out = ".";
  app.add_flag("--quick", quick, "without six points and four nodes");
  app.add_option("--out", out, "folder for disconnected_minima.csv, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    examples::output_folder results(out);
    std::vector<std::pair<samples, minimum_landscape>> all;
    const auto add = [&](const samples& s, std::size_t h) { all.emplace_back(s, explore(s, h)); };
    add(five_points(), 3);
    add(four_points(), 2);
    add(four_points(), 3);
    if (!quick) add(six_points(), 4);

    std::printf("for every h, 2 h + 1 points of 4 numbers: largest |f - y| of teacher and other\n");
    for (const std::size_t h : {2U, 3U, 5U, 10U, 30U, 100U}) {
      const auto made = make_disconnected_family(h);
      std::printf("  h = %3zu", h);
      for (const auto* net : {&made.teacher, &made.other}) {
        const auto f = (*net)(made.x);
        double worst = 0;
        for (std::size_t i = 0; i < f.size(); ++i) {
          worst = std::max(worst, std::abs(f(i, 0) - made.y(i, 0)));
        }
        std::printf("  %.2g", worst);
      }
      std::printf("\n");
    }
    results.write("disconnected_minima.csv", csv(all));
    results.draw("disconnected_minima", figure(all.front().first, all.front().second));
    results.print();
  });
}
