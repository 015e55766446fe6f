// Networks that memorize N random points: how many nodes the constructions need and what data sets are
// known that need, how far rounding leaves them from the labels, and how large their weights are.
//
//   one layer       N nodes (arXiv:1611.03530)
//   two layers      d1 d2 = 4 N (arXiv:1810.07770, Theorem 3.1), one output
//   three layers    the same and 4 p, p classes (Proposition 3.2)
//   residual        4 ceil(N_c / d) a class in blocks and 2 p (Section 4)
//   needed          alternating labels on a line turn N - 2 times
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <tutelage/data/inputs.hpp>
#include <tutelage/landscape/memorization/breakpoints.hpp>
#include <tutelage/landscape/memorization/one_layer.hpp>
#include <tutelage/landscape/memorization/residual.hpp>
#include <tutelage/landscape/memorization/three_layers.hpp>
#include <tutelage/landscape/memorization/two_layers.hpp>

#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/table.hpp"

namespace {

using namespace tutelage;
using examples::number;

constexpr std::size_t inputs = 20, classes = 10;

double real(std::size_t n) { return static_cast<double>(n); }

// max |f - y|, in pieces: one layer of N nodes at N points would be N^2 numbers.
template <class Network>
double residual_of(const Network& net, const matrix<double>& x, const matrix<double>& y) {
  double worst = 0;
  activations<Network> kept;
  for_each_chunk(x, [&](const auto& rows, std::size_t first) {
    const auto f = net.forward(rows, kept);
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = 0; k < f.cols(); ++k) {
        worst = std::max(worst, std::abs(f(i, k) - y(first + i, k)));
      }
    }
  });
  return worst;
}

template <class Network>
double largest_weight(Network& net) {
  double largest = 0;
  net.for_each_parameter([&](const matrix_view<double>& W) {
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (const double w : W.row(i)) largest = std::max(largest, std::abs(w));
    }
  });
  return largest;
}

struct outcome {
  std::size_t nodes;
  double residual, weight;
};

template <class Network>
outcome judge(Network net, std::size_t nodes, const matrix<double>& x, const matrix<double>& y) {
  return {nodes, residual_of(net, x, y), largest_weight(net)};
}

// The fewest hidden nodes in two layers of which N - 2 kinks are to be had.
std::size_t needed_in_two_layers(std::size_t N) {
  std::size_t fewest = N;
  for (std::size_t d1 = 1; d1 < fewest; ++d1) {
    std::size_t d2 = 1;
    while (most_alternating_points(std::array<std::size_t, 2>{d1, d2}) < N && d1 + d2 < fewest)
      ++d2;
    fewest = std::min(fewest, d1 + d2);
  }
  return fewest;
}

struct result {
  std::size_t N;
  double gap;                 // least gap over range, on the line
  std::size_t needed;         // of two layers
  std::array<outcome, 4> of;  // one, two, three layers, residual
};

result memorize(std::size_t N, std::uint64_t seed) {
  const auto x = draw_inputs<double>(gaussian_inputs{1}, N, inputs, seed);
  const auto y = draw_inputs<double>(uniform_inputs{1}, N, 1, seed, purpose::evaluation);
  stream random(seed, purpose::teacher);
  std::vector<label> labels(N);
  auto one_hot = make_matrix<double>(N, classes);
  for (std::size_t i = 0; i < N; ++i) {
    labels[i] = static_cast<label>(random.below(classes));
    one_hot(i, labels[i]) = 1;
  }
  const auto widths = smallest_two_layer_widths(N, 1);
  const std::size_t two = widths.d1 + widths.d2;
  const std::size_t groups = residual_groups(labels, classes, inputs);
  const std::array<std::size_t, 2> blocks{4 * (groups / 2), 4 * (groups - groups / 2)};
  return {N,
          project(x, seed).least_gap,
          needed_in_two_layers(N),
          {judge(memorize_one_layer(x, y, seed), N, x, y),
           judge(memorize_two_layers(x, y, widths, seed), two, x, y),
           judge(memorize_three_layers(x, labels, classes, seed), two + 4 * classes, x, one_hot),
           judge(memorize_residual(x, labels, classes, blocks, seed),
                 blocks[0] + blocks[1] + 2 * classes, x, one_hot)}};
}

// ---- Alternating labels on a line ---------------------------------------------------------------

struct line_example {
  std::size_t points, kinks, most;
  std::string curve, at;  // data blocks
};

line_example alternate(std::size_t N) {
  auto x = make_matrix<double>(N, 1), y = make_matrix<double>(N, 1);
  line_example e{N, 0, 0, "", ""};
  for (std::size_t i = 0; i < N; ++i) {
    x(i, 0) = real(i);
    y(i, 0) = real(i % 2);
    e.at += number(x(i, 0)) + ' ' + number(y(i, 0)) + '\n';
  }
  const auto net = memorize_two_layers(x, y, 1);
  const std::array<double, 1> p{-0.5}, q{real(N) - 0.5};
  e.kinks = breakpoints_along(p, q, net).size();
  e.most = most_breakpoints(std::array<std::size_t, 2>{net.widths()[1], net.widths()[2]});
  auto fine = make_matrix<double>(50 * N + 1, 1);
  for (std::size_t i = 0; i < fine.size(); ++i) fine(i, 0) = real(i) / 50 - 0.5;
  const auto f = net(fine);
  for (std::size_t i = 0; i < fine.size(); ++i) {
    e.curve += number(fine(i, 0)) + ' ' + number(f(i, 0)) + '\n';
  }
  return e;
}

// ---- Figure -------------------------------------------------------------------------------------

const std::array<const char*, 4> names{"one layer", "two layers", "three layers, 10 classes",
                                       "residual, 10 classes"};

std::string figure(const std::vector<result>& results, const line_example& line) {
  std::string script =
      "set datafile separator whitespace\nset multiplot layout 2,2 title 'Networks through N "
      "random "
      "points'\nset grid\nset logscale xy\nset format '10^{%L}'\nset key font ',8'\n$results << "
      "END\n";
  for (const result& r : results) {
    script += std::to_string(r.N) + ' ' + std::to_string(r.needed) + ' ' + number(1 / r.gap);
    for (const outcome& o : r.of) {
      script += ' ' + std::to_string(o.nodes) + ' ' + number(std::max(o.residual, 1e-17)) + ' ' +
                number(o.weight);
    }
    script += '\n';
  }
  script += "END\n$curve << END\n" + line.curve + "END\n$at << END\n" + line.at + "END\n";
  const auto lines = [&](std::size_t first, std::size_t count) {
    std::string text;
    for (std::size_t k = 0; k < count; ++k) {
      text += std::string(k == 0 ? "plot " : ", ") +
              "$results using 1:" + std::to_string(4 + 3 * k + first) +
              " with linespoints lw 2 pt 7 ps 0.6 title '" + names[k] + "'";
    }
    return text;
  };
  script += "set xlabel 'N'\nset key top left\nset ylabel 'hidden nodes'\n" + lines(0, 4) +
            ", $results using 1:2 with lines dt 2 lc rgb 'black' title 'two layers need'\n";
  script +=
      "set ylabel 'largest |f - y|'\nset yrange [*:1e-2]\n" + lines(1, 4) + "\nset yrange [*:*]\n";
  script += "set ylabel 'largest weight'\n" + lines(2, 4) +
            ", $results using 1:3 with lines dt 2 lc rgb 'black' title 'range / least gap'\n";
  script +=
      "unset logscale\nset format '%g'\nset key top right\nset xlabel 'x'\nset ylabel 'f'\n"
      "set xrange [-1:12]\nset yrange [-1.5:2.5]\n"
      "plot $curve with lines lw 2 title 'two layers, " +
      std::to_string(line.kinks) + " kinks', $at with points pt 7 lc rgb 'black' title '" +
      std::to_string(line.points) + " points'\nunset multiplot\n";
  return script;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Networks that memorize random points: nodes, residuals, weights.", "memorization");
  std::uint64_t seed = 1;
  bool quick = false;
  std::string out = ".";
  app.add_option("--seed", seed, "of points, labels and directions");
  app.add_flag("--quick", quick, "up to 1,000 points instead of 10,000");
  app.add_option("--out", out, "folder for memorization.csv, .json, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    examples::make_folder(out);  // or say so before the work
    std::vector<std::size_t> sizes{10, 30, 100, 300, 1000};
    if (!quick) sizes.insert(sizes.end(), {3000, 10'000});
    std::vector<result> results;
    examples::table table({"N", "least_gap", "two_layers_need", "nodes_1", "residual_1", "weight_1",
                           "nodes_2", "residual_2", "weight_2", "nodes_3", "residual_3", "weight_3",
                           "nodes_residual", "residual_residual", "weight_residual"});
    std::printf(
        "hidden nodes and largest |f - y| for N Gaussian points of %zu numbers, %zu classes\n"
        "    N  least gap | one layer          | two layers: need         | three layers       | "
        "residual\n",
        inputs, classes);
    for (const std::size_t N : sizes) {
      results.push_back(memorize(N, seed));
      const result& r = results.back();
      std::printf("%5zu  %9.2g |", N, r.gap);
      std::vector<double> row{real(N), r.gap, real(r.needed)};
      for (std::size_t k = 0; k < 4; ++k) {
        const outcome& o = r.of[k];
        if (k == 1) std::printf(" %5zu", r.needed);
        std::printf(" %6zu  %10.2g %s", o.nodes, o.residual, k < 3 ? "|" : "\n");
        row.insert(row.end(), {real(o.nodes), o.residual, o.weight});
      }
      table.add(row);
    }
    const auto line = alternate(12);
    std::printf(
        "%zu points with alternating labels: two layers of the fewest nodes have %zu kinks, at "
        "least "
        "%zu are needed, at most %zu possible\n",
        line.points, line.kinks, line.points - 2, line.most);
    examples::write_results(out, "memorization", table, figure(results, line));
  });
}
