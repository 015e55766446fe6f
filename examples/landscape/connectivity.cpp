// Are students of one teacher connected? Loss along the paths of the theory, along straight lines,
// and along straight lines to the second student in the first one's order and scale (aligned):
//
//   exact    students that are the teacher's function: no loss on the path (arXiv:1909.13458, App. E)
//   depth 2  trained students, over-realized 5 times, by the same path; to within a tolerance
//   depth 3, 4   trained students, by the path of dropout-stable networks (arXiv:1906.06247)
//   planted  the same network with permuted, rescaled nodes: is the permutation found?
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <tutelage/core/parallel.hpp>
#include <tutelage/landscape/connectivity.hpp>
#include <tutelage/landscape/dropout_path.hpp>
#include <tutelage/landscape/path_loss.hpp>
#include <tutelage/landscape/permutation_alignment.hpp>

#include "common/arguments.hpp"
#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/table.hpp"
#include "landscape/trained.hpp"

namespace {

using namespace landscape;
using examples::number;

struct options {
  std::size_t pairs = 8;
  std::size_t epochs = 20;
  std::size_t planted = 100;
  std::size_t samples = 2000;
  double tolerance = 0.2;
  std::uint64_t seed = 1;
  std::size_t threads = 0;
  std::string out = ".";
};

using two_layer_net = mlp<double, relu, dynamic, dynamic, dynamic>;
using three_layer_net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic>;
using four_layer_net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic, dynamic>;

/// Losses along one line, by the teacher's power; position from 0 to 1.
struct curve {
  std::string line;  // path, straight or aligned
  std::vector<double> position, loss;
  double largest = 0;
  std::size_t segments = 0;
};

struct pair_result {
  double first = 0, second = 0;  // losses of the students
  std::vector<curve> curves;
  std::string refused;  // why there is no path
};

struct group_result {
  std::string name;
  std::size_t depth = 0, epochs = 0;
  std::vector<pair_result> pairs;
};

template <class Network>
curve measure(const std::string& name, const piecewise_path<Network>& path,
              const lesson<Network>& l, std::size_t points) {
  const path_grid grid{points, 1e-4};
  curve result{name, {}, {}, 0, path.segments()};
  for (const path_point& p : losses_along(path, l.evaluation, mean_squared_error{}, grid)) {
    result.position.push_back(p.position() /
                              static_cast<double>(std::max<std::size_t>(path.segments(), 1)));
    result.loss.push_back(p.loss / l.power);
  }
  result.largest = largest_loss(path, l.evaluation, mean_squared_error{}, grid).loss / l.power;
  return result;
}

// The two straight lines of a pair, and the path that `find` finds.
template <class Network, class Find>
pair_result compare(const lesson<Network>& l, const Network& first, const Network& second,
                    const Find& find) {
  pair_result result{l.loss(first), l.loss(second), {}, {}};
  try {
    result.curves.push_back(measure("path", find(first, second), l, 4));
  } catch (const argument_error& e) {
    result.refused = e.what();
  }
  result.curves.push_back(measure("straight", straight_line(first, second), l, 24));
  result.curves.push_back(
      measure("aligned", straight_line(first, align_nodes(first, second).network), l, 24));
  return result;
}

// A student that is the teacher: every teacher node split over several, in random places and scales,
// the rest without fan-out.
two_layer_net exact_student(const two_layer_net& teacher, std::size_t n, stream random) {
  const std::size_t d = teacher.in_width(), m = teacher.widths()[1], C = teacher.out_width();
  two_layer_net student({d, n, C});
  auto& lower = student.layer<1>();
  auto& upper = student.layer<2>();
  const auto place = random.permutation(n);
  std::size_t next = 0;
  for (std::size_t j = 0; j < m; ++j) {
    const std::size_t copies = 1 + random.below(n / m - 1);
    for (std::size_t i = 0; i < copies; ++i) {
      const std::size_t k = place[next++];
      const double scale = std::exp(random.normal()), share = 1 / static_cast<double>(copies);
      for (std::size_t u = 0; u <= d; ++u) {
        lower.weights()(u, k) = scale * teacher.layer<1>().weights()(u, j);
      }
      for (std::size_t c = 0; c < C; ++c) {
        upper.weights()(k, c) = share / scale * teacher.layer<2>().weights()(j, c);
      }
    }
  }
  for (; next < n; ++next) {
    for (std::size_t u = 0; u <= d; ++u) lower.weights()(u, place[next]) = random.normal();
  }
  std::copy_n(teacher.layer<2>().bias().data(), C, upper.bias().data());
  return student;
}

lesson<two_layer_net> two_layer_lesson(const options& o) {
  two_layer_net teacher({100, 10, 50});
  construct_teacher(teacher, {.polarity = 1, .seed = o.seed}, constant_bias{-0.1});
  return {std::move(teacher), o.samples, o.seed};
}

group_result exact_pairs(const options& o) {
  const auto l = two_layer_lesson(o);
  group_result result{"exact", 2, 0, {}};
  result.pairs = parallel_map(o.pairs, o.threads, [&](std::size_t p) {
    const auto first = exact_student(l.teacher, 50, stream(2 * p, purpose::student)),
               second = exact_student(l.teacher, 50, stream(2 * p + 1, purpose::student));
    return compare(l, first, second,
                   [&](const auto& a, const auto& b) { return student_path(l.teacher, a, b); });
  });
  return result;
}

group_result two_layer_pairs(const options& o, std::size_t epochs) {
  const auto l = two_layer_lesson(o);
  group_result result{"trained", 2, epochs, {}};
  result.pairs = parallel_map(o.pairs, o.threads, [&](std::size_t p) {
    const auto student = [&](std::uint64_t seed) {
      return trained_student(l, {100, 50, 50}, gaussian_start{0.005}, 0.01, epochs, 1000, seed);
    };
    const auto first = student(2 * p + 1), second = student(2 * p + 2);
    return compare(l, first, second, [&](const auto& a, const auto& b) {
      return student_path(l.teacher, a, b, {o.tolerance, 3 * o.tolerance});
    });
  });
  return result;
}

template <class Network>
group_result deep_pairs(const options& o, std::size_t epochs) {
  widths_of<Network> m, n;
  m.fill(10);
  n.fill(50);
  m.front() = n.front() = 20;
  n.back() = 10;
  Network teacher(m);
  construct_teacher(teacher, {.seed = o.seed}, uniform_bias{0.5});
  const lesson<Network> l(std::move(teacher), o.samples, o.seed);
  group_result result{"trained", Network::depth, epochs, {}};
  result.pairs = parallel_map(std::max<std::size_t>(o.pairs / 2, 1), o.threads, [&](std::size_t p) {
    const auto student = [&](std::uint64_t seed) {
      return trained_student(l, n, linear_default_start{}, 0.05, epochs, 1000, seed);
    };
    const auto first = student(2 * p + 1), second = student(2 * p + 2);
    return compare(l, first, second, [](const auto& a, const auto& b) {
      return dropout_path(a, strongest_dropout(a), b, strongest_dropout(b));
    });
  });
  return result;
}

void print(const group_result& g, examples::table& rows) {
  std::printf("%s, depth %zu", g.name.c_str(), g.depth);
  if (g.epochs > 0) std::printf(", %zu epochs", g.epochs);
  std::printf("\n  pair  student 1  student 2  segments       path   straight    aligned\n");
  for (std::size_t p = 0; p < g.pairs.size(); ++p) {
    const pair_result& r = g.pairs[p];
    const auto largest = [&](const std::string& line) {
      for (const curve& c : r.curves) {
        if (c.line == line) return c.largest;
      }
      return std::nan("");
    };
    const std::size_t segments = r.refused.empty() ? r.curves.front().segments : 0;
    std::printf("  %4zu  %9.2e  %9.2e  ", p, r.first, r.second);
    if (r.refused.empty()) {
      std::printf("%8zu  %9.2e", segments, largest("path"));
    } else {
      std::printf("%8s  %9s", "-", "none");
    }
    std::printf("  %9.2e  %9.2e\n", largest("straight"), largest("aligned"));
    if (!r.refused.empty()) std::printf("        %s\n", r.refused.c_str());
    rows.add({g.name == "exact" ? 0.0 : 1.0, static_cast<double>(g.depth),
              static_cast<double>(g.epochs), static_cast<double>(p), r.first, r.second,
              static_cast<double>(segments), largest("path"), largest("straight"),
              largest("aligned")});
  }
}

// Permuted and rescaled copies of random networks of three layers: how many permutations are found,
// and the largest losses on the straight lines before and after.
void print_planted(const options& o, std::size_t h) {
  struct outcome {
    bool found;
    double before, after;
  };
  const auto runs = parallel_map(o.planted, o.threads, [&](std::size_t i) {
    stream random(i + 1, purpose::analysis, h);
    three_layer_net net({10, h, h, 5});
    initialize(net, linear_default_start{}, i + 1);
    three_layer_net source = net, moved = net;
    node_orders<three_layer_net> places;
    for (auto& order : places) {
      const auto drawn = random.permutation(h);
      order.assign(drawn.begin(), drawn.end());
    }
    const auto scale = [&](auto& lower, auto& upper, std::size_t u, double factor) {
      for (std::size_t k = 0; k < lower.weights().rows(); ++k) lower.weights()(k, u) *= factor;
      for (double& v : upper.weights().row(u)) v /= factor;
    };
    for (std::size_t u = 0; u < h; ++u) {
      scale(source.layer<1>(), source.layer<2>(), u, std::exp(random.normal()));
      scale(source.layer<2>(), source.layer<3>(), u, std::exp(random.normal()));
    }
    for (std::size_t k = 0; k < h; ++k) {
      for (std::size_t u = 0; u <= 10; ++u) {
        moved.layer<1>().weights()(u, places[0][k]) = source.layer<1>().weights()(u, k);
      }
      for (std::size_t u = 0; u < h; ++u) {
        moved.layer<2>().weights()(places[0][u], places[1][k]) = source.layer<2>().weights()(u, k);
      }
      moved.layer<2>().bias()[places[1][k]] = source.layer<2>().bias()[k];
      for (std::size_t c = 0; c < 5; ++c) {
        moved.layer<3>().weights()(places[1][k], c) = source.layer<3>().weights()(k, c);
      }
    }
    const auto x = draw_inputs<double>(gaussian_inputs{1}, 200, 10, i + 1);
    const data_set data(x, outputs(net, x));
    const double power = mean_loss(three_layer_net(net.widths()), data, mean_squared_error{});
    const auto aligned = align_nodes(net, moved);
    const auto largest = [&](const three_layer_net& end) {
      return largest_loss(straight_line(net, end), data, mean_squared_error{}, {8, 1e-3}).loss /
             power;
    };
    return outcome{aligned.nodes == places, largest(moved), largest(aligned.network)};
  });
  std::size_t found = 0;
  double before = 0, after = 0;
  for (const outcome& r : runs) {
    found += r.found ? 1 : 0;
    before += r.before / static_cast<double>(runs.size());
    after = std::max(after, r.after);
  }
  std::printf(
      "planted, 3 layers of width %zu: %zu of %zu permutations found, largest loss on the "
      "line %.2g (mean) before, %.2g (worst) after\n",
      h, found, runs.size(), before, after);
}

std::string curves_csv(const std::vector<group_result>& groups) {
  std::string text = "students,depth,epochs,pair,line,position,loss\n";
  for (const group_result& g : groups) {
    for (std::size_t p = 0; p < g.pairs.size(); ++p) {
      for (const curve& c : g.pairs[p].curves) {
        for (std::size_t i = 0; i < c.loss.size(); ++i) {
          text += g.name + ',' + std::to_string(g.depth) + ',' + std::to_string(g.epochs) + ',' +
                  std::to_string(p) + ',' + c.line + ',' + number(c.position[i]) + ',' +
                  number(c.loss[i]) + '\n';
        }
      }
    }
  }
  return text;
}

// One panel a group, one line a pair and kind of line.
std::string figure(const std::vector<group_result>& groups) {
  constexpr double floor = 1e-33;  // where exact zeros are drawn
  std::string script =
      "set multiplot layout 2,3 title 'Loss over the power of the teacher, between two students'\n"
      "set logscale y\nset format y '10^{%L}'\nset xlabel 'part of the way' font ',10'\n"
      "set xrange [0:1]\nset xtics 0.5\nset tics font ',10'\nset title font ',11'\n"
      "set key center center font ',10'\n";
  std::size_t blocks = 0;
  for (const group_result& g : groups) {
    std::string lines;
    const struct {
      const char *line, *color;
    } styles[] = {{"straight", "#d62728"}, {"aligned", "#ff7f0e"}, {"path", "#1f77b4"}};
    for (const auto& style : styles) {
      bool titled = false;
      for (const pair_result& r : g.pairs) {
        for (const curve& c : r.curves) {
          if (c.line != style.line) continue;
          const std::string block = "$c" + std::to_string(blocks++);
          script += block + " << END\n";
          for (std::size_t i = 0; i < c.loss.size(); ++i) {
            script += number(c.position[i]) + ' ' + number(std::max(c.loss[i], floor)) + '\n';
          }
          script += "END\n";
          lines += (lines.empty() ? "plot " : ", ") + block + " with lines lw 1.5 lc rgb '" +
                   style.color + "' " + (titled ? "notitle" : "title '" + c.line + "'");
          titled = true;
        }
      }
    }
    script += g.epochs == 0 ? "set title 'exact students, 2 layers'\nset yrange [1e-33:1e3]\n"
                            : "set title 'trained, " + std::to_string(g.depth) + " layers, " +
                                  std::to_string(g.epochs) + " epochs'\nset yrange [1e-7:10]\n";
    script += lines + "\nunset key\n";  // the first panel has room for it
  }
  return script + "unset multiplot\n";
}

void run(const options& o) {
  std::vector<group_result> groups;
  examples::table rows({"trained", "depth", "epochs", "pair", "first", "second", "segments", "path",
                        "straight", "aligned"});
  const auto add = [&](group_result g) {
    print(g, rows);
    groups.push_back(std::move(g));
  };
  std::printf("largest losses on evaluation samples, by the teacher's power\n");
  add(exact_pairs(o));
  add(two_layer_pairs(o, o.epochs));
  add(two_layer_pairs(o, 5 * o.epochs));
  add(deep_pairs<three_layer_net>(o, o.epochs));
  add(deep_pairs<four_layer_net>(o, o.epochs));
  for (const std::size_t h : {30U, 50U}) print_planted(o, h);

  examples::output_folder out(o.out);
  out.write("connectivity.csv", rows.csv());
  out.write("connectivity.json", rows.json());
  out.write("connectivity_curves.csv", curves_csv(groups));
  out.draw("connectivity", figure(groups));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Loss along paths and straight lines between students of one teacher.",
               "connectivity");
  options o;
  bool quick = false;
  app.add_option("--pairs", o.pairs, "of students; half as many of 3 and 4 layers")
      ->check(examples::positive);
  app.add_option("--epochs", o.epochs, "of 1000 steps; 5 times as many in the second table")
      ->check(examples::positive);
  app.add_option(
         "--tolerance", o.tolerance,
         "of angles and regular biases of trained nodes; of what a group adds, 3 times that")
      ->check(CLI::PositiveNumber);
  app.add_option("--planted", o.planted, "permutations of each width")->check(examples::positive);
  app.add_option("--seed", o.seed, "of teachers and inputs");
  app.add_option("--threads", o.threads, "0 = one a core; results do not depend on it");
  app.add_option("--out", o.out,
                 "folder for connectivity.csv, .json, .svg and .png, connectivity_curves.csv");
  app.add_flag("--quick", quick, "2 pairs, 2 epochs, 5 permutations");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) {
      o.pairs = 2;
      o.epochs = 2;
      o.planted = 5;
      o.samples = 500;
    }
    run(o);
  });
}
