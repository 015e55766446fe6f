// Convergence in the plane: 2 teacher and 6 student nodes, two inputs (arXiv:1909.13458, Figure 3).
// Draws each node's boundary before, during and after training, with the strength |v||w| of each
// node: students that match no teacher lose theirs. (|v| alone, as in the paper's legend, may stay
// while |w| goes: what a node adds to the output changes with the input as |v||w| does.)
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

#include "common/arguments.hpp"
#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"

namespace {

using namespace tutelage;
using examples::number;

using teacher_network = mlp<double, relu, 2, 2, 4>;
using student_network = mlp<double, relu, 2, 6, 4>;

constexpr double range = 3;  // of the figure, in both coordinates

struct snapshot {
  std::size_t epoch;
  matrix<double> weights;  // of the student's lowest layer, [3, 6]
  std::vector<double> fan_out, strength;
};

// |v_k||w_k| of each node k.
template <class Network>
std::vector<double> strengths(const Network& net) {
  auto result = fan_out_norms<1>(net);
  const auto norms = fan_in_norms(net.template layer<1>());
  for (std::size_t k = 0; k < result.size(); ++k) result[k] *= norms[k];
  return result;
}

// Node k's boundary w.x + b = 0 within the figure, as the two lines of a gnuplot data block; none
// where a node has no boundary there.
std::string boundary(const matrix_view<const double>& W, std::size_t k) {
  const double w0 = W(0, k), w1 = W(1, k), b = W(2, k);
  const double norm = std::hypot(w0, w1);
  const double half = range * std::sqrt(2.0);
  if (norm == 0 || std::abs(b) >= half * norm) return "";
  const double px = -b / norm * (w0 / norm), py = -b / norm * (w1 / norm);  // nearest to the origin
  const double reach = std::sqrt(half * half - px * px - py * py);
  const double dx = -w1 / norm * reach, dy = w0 / norm * reach;
  return number(px - dx) + ' ' + number(py - dy) + '\n' + number(px + dx) + ' ' + number(py + dy) +
         '\n';
}

std::string figure(const teacher_network& teacher, const std::vector<snapshot>& snapshots) {
  static const char* const colors[] = {"#e41a1c", "#377eb8", "#4daf4a",
                                       "#984ea3", "#ff7f00", "#a65628"};
  std::string script =
      "set multiplot layout 2," + std::to_string((snapshots.size() + 1) / 2) +
      " title \"Boundaries of teacher (black, solid) and student nodes (dashed)\\n"
      "legend: strength |v||w| of each\" font ',11' "
      "margins 0.06,0.99,0.18,0.84 spacing 0.05,0.26\n"
      "set clip two\nset size ratio 1\nset xrange [-3:3]\nset yrange [-3:3]\nset xtics 3\n"
      "set ytics 3\nset tics font ',9'\nset title font ',10'\nset xlabel 'x_1' font ',9' "
      "offset 0,0.7\nset ylabel 'x_2' font ',9' offset 1,0\n"
      "set key at graph 0.5,-0.34 center top maxrows 4 font ',7' samplen 1.2\n";
  const auto taught = strengths(teacher);
  for (const auto& s : snapshots) {
    std::string lines;
    const auto add = [&](const std::string& name, const std::string& points,
                         const std::string& style, double strength) {
      char title[64];
      std::snprintf(title, sizeof title, "%s: %.2g", name.c_str(), strength);
      // Without a boundary there is nothing to plot but the legend.
      std::string source = "keyentry";
      if (!points.empty()) {
        source = "$" + std::string(1, name.front()) + name.substr(name.size() - 1);
        script += source + " << END\n" + points + "END\n";
      }
      lines += (lines.empty() ? "plot " : ", ") + source + " with lines " + style + " title '" +
               title + "'";
    };
    for (std::size_t j = 0; j < 2; ++j) {
      add("teacher " + std::to_string(j), boundary(teacher.layer<1>().weights(), j),
          "lw 2.5 lc rgb 'black'", taught[j]);
    }
    for (std::size_t k = 0; k < 6; ++k) {
      add("student " + std::to_string(k), boundary(matrix_view(s.weights), k),
          std::string("dt 2 lw 2 lc rgb '") + colors[k] + "'", s.strength[k]);
    }
    script += "set title 'epoch " + std::to_string(s.epoch) + "'\n" + lines + "\n";
  }
  return script + "unset multiplot\n";
}

std::string csv(const teacher_network& teacher, const std::vector<snapshot>& snapshots) {
  std::string text = "epoch,network,node,w0,w1,b,fan_out_norm,strength\n";
  const auto row = [&](const std::string& epoch, const char* which, std::size_t k,
                       const matrix_view<const double>& W, double fan_out, double strength) {
    text += epoch + ',' + which + ',' + std::to_string(k);
    for (std::size_t i = 0; i < 3; ++i) text += ',' + number(W(i, k));
    text += ',' + number(fan_out) + ',' + number(strength) + '\n';
  };
  const auto fan_out = fan_out_norms<1>(teacher), taught = strengths(teacher);
  for (std::size_t j = 0; j < 2; ++j) {
    row("", "teacher", j, teacher.layer<1>().weights(), fan_out[j], taught[j]);
  }
  for (const auto& s : snapshots) {
    for (std::size_t k = 0; k < 6; ++k) {
      row(std::to_string(s.epoch), "student", k, matrix_view(s.weights), s.fan_out[k],
          s.strength[k]);
    }
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains 6 student nodes on 2 teacher nodes in the plane and draws their boundaries.",
               "convergence_2d");
  std::uint64_t seed = 9;
  std::size_t epochs = 2000;
  std::string out = ".";
  app.add_option("--seed", seed, "of teacher, student and inputs");
  app.add_option("--epochs", epochs, "of 100 steps")->check(examples::positive);
  app.add_option("--out", out, "folder for convergence_2d.csv, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    examples::output_folder results(out);
    teacher_network teacher;
    construct_teacher(teacher, {.seed = seed}, uniform_bias{0.5});
    student_network student;
    initialize(student, linear_default_start{}, seed);
    const auto x = draw_inputs<double>(gaussian_inputs{1.0}, 10'000, 2, seed);
    const data_set data(x, outputs(teacher, x));

    std::vector<snapshot> all;
    const auto keep = [&](std::size_t epoch) {
      all.push_back({epoch, to_matrix(student.layer<1>().weights()), fan_out_norms<1>(student),
                     strengths(student)});
    };
    keep(0);
    train(student, with_replacement(data, {.batch = 16, .steps = 100, .seed = seed}),
          mean_squared_error{}, sgd{.rate = 0.05}, {.epochs = epochs},
          on_epoch_end{[&](const auto& report) { keep(report.epoch); }});

    const double loss = mean_loss(student, data, mean_squared_error{});
    const auto alignment = align(teacher, student, x)[0];
    const auto weights = align_weights(teacher.layer<1>(), student.layer<1>());
    std::printf("student  best teacher      rho  angle (deg)     |v|  |v||w|\n");
    for (std::size_t k = 0; k < 6; ++k) {
      const std::size_t j = alignment.best_teacher(k);
      std::printf("%7zu  %12zu  %7.4f  %11.3f  %.4f  %.4f\n", k, j, alignment.rho(j, k),
                  weights.angle(j, k) * 180 / M_PI, all.back().fan_out[k], all.back().strength[k]);
    }
    std::printf("loss %.3g, %zu of 2 teacher nodes covered\n", loss, alignment.covered(0.95));

    results.write("convergence_2d.csv", csv(teacher, all));
    // Six pictures: geometric in the epoch, where most happens early.
    std::vector<snapshot> shown;
    for (std::size_t i = 0; i < 6; ++i) {
      const double part =
          (std::pow(static_cast<double>(epochs) + 1, static_cast<double>(i) / 5) - 1);
      const auto epoch = static_cast<std::size_t>(std::lround(part));
      if (shown.empty() || shown.back().epoch != epoch)
        shown.push_back(all[std::min(epoch, epochs)]);
    }
    results.draw("convergence_2d", figure(teacher, shown));
    results.print();
  });
}
