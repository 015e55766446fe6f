// Noisy recovery: while a student trains, the angle and the bias gap of each teacher node to its
// nearest student against the largest gradient on a ball of inputs, with the proved bounds above
// (Theorem 5 of the first version of arXiv:1909.13458). The gradient is measured on many samples of
// the ball: its largest value over all inputs may be a little larger.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/table.hpp"

namespace {

using namespace tutelage;

constexpr std::size_t d = 3, m = 3, n = 6, C = 4;
constexpr double radius = 3;

// Uniform in the ball around the origin.
struct ball_inputs {
  void operator()(stream& random, std::span<double> x) const {
    random.fill_normal(x);
    double square = 0;
    for (const double value : x) square += value * value;
    const double length = radius * std::pow(random.uniform(), 1.0 / static_cast<double>(x.size()));
    for (double& value : x) value *= length / std::sqrt(square);
  }
};

// The least bounds of teacher j over all students that see it.
template <class Teacher, class Student>
noisy_bounds best_bounds(const Teacher& teacher, const Student& student, std::size_t j,
                         double eps) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  noisy_bounds best{infinity, infinity, infinity, infinity};
  const ball region{std::vector<double>(d), radius};
  const auto norms = fan_in_norms(teacher.template layer<1>());
  for (std::size_t k = 0; k < n; ++k) {
    double alpha = 0;
    for (std::size_t c = 0; c < C; ++c) {
      alpha +=
          student.template layer<2>().weights()(k, c) * teacher.template layer<2>().weights()(j, c);
    }
    const double coefficient = std::abs(alpha) * norms[j];
    if (coefficient == 0) continue;
    const auto seen = see_boundary(teacher.template layer<1>(), j, student.template layer<1>(), k,
                                   region, 5 * eps / coefficient);
    const auto bounds = noisy_recovery({.eps = eps,
                                        .eps0 = eps,
                                        .K = m + n,
                                        .d = d,
                                        .coefficient = coefficient,
                                        .radius = seen.radius,
                                        .reach = seen.reach});
    if (bounds.sine < best.sine) best = bounds;
  }
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Distance of teacher nodes to their students against the gradient, with its bound.",
               "noisy_recovery");
  std::uint64_t seed = 1;
  bool quick = false;
  std::string out = ".";
  app.add_option("--seed", seed, "of teacher, student and inputs");
  app.add_flag("--quick", quick, "60 epochs of training for 400");
  app.add_option("--out", out, "folder for noisy_recovery.csv, .json, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    examples::make_folder(out);  // or say so before the work
    mlp<double, relu, d, m, C> teacher;
    construct_teacher(teacher, {.seed = seed}, uniform_bias{0.5});
    mlp<double, relu, d, n, C> student;
    initialize(student, near_start{teacher, 0.1}, seed);
    const auto x = draw_inputs<double>(ball_inputs{}, 20'000, d, seed);
    const data_set data(x, outputs(teacher, x));
    examples::table results(
        {"epoch", "teacher", "gradient", "sine", "bias_gap", "sine_bound", "bias_gap_bound"});
    std::size_t broken = 0;
    double next = 1;
    const auto measure = [&](std::size_t epoch) {
      if (static_cast<double>(epoch) < next) return;
      next *= 1.25;
      const double eps = measure_gradients(teacher, student, x).layer(1).max();
      if (eps == 0) return;
      const auto weights = align_weights(teacher.layer<1>(), student.layer<1>());
      for (std::size_t j = 0; j < m; ++j) {
        std::size_t nearest = 0;
        const auto gap = [&](std::size_t k) {
          return std::max(weights.sine(j, k), weights.boundary_gap(j, k));
        };
        for (std::size_t k = 1; k < n; ++k) nearest = gap(k) < gap(nearest) ? k : nearest;
        const auto bounds = best_bounds(teacher, student, j, eps);
        const double sine = weights.sine(j, nearest), bias = weights.boundary_gap(j, nearest);
        broken += sine > bounds.sine || bias > bounds.bias_gap;
        results.add({static_cast<double>(epoch), static_cast<double>(j), eps, sine, bias,
                     bounds.sine, bounds.bias_gap});
      }
    };
    train(student, with_replacement(data, {.batch = 16, .steps = 1000, .seed = seed}),
          mean_squared_error{}, sgd{.rate = 0.1}, {.epochs = quick ? 60U : 400U},
          on_epoch_end{[&](const auto& report) { measure(report.epoch); }});
    std::printf("largest gradient at the end %.3g; bounds that the weights break: %zu\n",
                measure_gradients(teacher, student, x).layer(1).max(), broken);
    // A color a teacher node; filled for the sine, open for the gap of biases, lines for bounds.
    const std::string file = examples::quoted(out + "/noisy_recovery.csv");
    static const char* const colors[m] = {"#0072b2", "#d55e00", "#009e73"};
    std::string plot;
    for (std::size_t j = 0; j < m; ++j) {
      const auto curve = [&](const std::string& column, const std::string& style,
                             const std::string& title) {
        plot += (plot.empty() ? "plot " : ", ") + file +
                " using (column('teacher')==" + std::to_string(j) + "?column('gradient'):NaN):'" +
                column + "' with " + style + " lc rgb '" + colors[j] + "' title '" + title + "'";
      };
      const std::string node = "teacher " + std::to_string(j) + ": ";
      curve("sine", "points pt 7 ps 0.6", node + "sine of the angle");
      curve("bias_gap", "points pt 6 ps 0.6", node + "gap of biases");
      curve("sine_bound", "lines lw 2", node + "bound of the sine");
      curve("bias_gap_bound", "lines lw 2 dt 3", node + "bound of the gap");
    }
    examples::write_results(
        out, "noisy_recovery", results,
        "set grid\nset datafile missing NaN\nset logscale xy\nset format xy '10^{%L}'\n"
        "set bmargin 8\nset key bottom center outside maxrows 4 font ',9' samplen 2\n"
        "set title 'Teacher nodes and their nearest students, with proved bounds'\n"
        "set xlabel 'largest gradient of the lowest layer on a sample'\n"
        "set ylabel 'distance to the nearest student'\n" +
            plot + "\n");
    if (broken > 0) throw std::runtime_error("the weights break a proved bound");
  });
}
