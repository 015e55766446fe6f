// One pass of SGD over fresh Gaussian inputs: simulations beside the order parameters' mean with
// its noise term and the gradient flow without. At a large rate the three part: the mean follows
// the simulations, the flow does not.
#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <tutelage/theory.hpp>
#include <tutelage/tutelage.hpp>

#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"

namespace {

using namespace tutelage;
using examples::number;

using net = two_layer<double, relu, dynamic, dynamic, 1>;

struct options {
  std::size_t inputs = 400, teachers = 2, students = 2, runs = 5, batch = 1;
  double rate = 0.8, until = 40, overlap = 0.05;
  std::uint64_t seed = 1;
  std::string out = ".";
};

constexpr std::size_t points = 80;  // of each curve

// Teacher nodes of length 1, nearly orthogonal; student nodes of length 1/2 with this overlap with
// a teacher of their own, so that the curves of all runs break their symmetry alike. All
// fan-outs 1.
void construct(net& teacher, net& student, const options& o) {
  stream teacher_draws(o.seed, purpose::teacher), student_draws(o.seed, purpose::student);
  const double scale = 1 / std::sqrt(static_cast<double>(o.inputs));
  for (std::size_t i = 0; i < o.inputs; ++i) {
    teacher_draws.fill_normal(teacher.layer<1>().weights().row(i), 0, scale);
    student_draws.fill_normal(student.layer<1>().weights().row(i), 0, scale / 2);
    for (std::size_t k = 0; k < o.students; ++k) {
      student.layer<1>().weights()(i, k) +=
          o.overlap * teacher.layer<1>().weights()(i, k % o.teachers);
    }
  }
  for (std::size_t j = 0; j < o.teachers; ++j) teacher.layer<2>().weights()(j, 0) = 1;
  for (std::size_t k = 0; k < o.students; ++k) student.layer<2>().weights()(k, 0) = 1;
}

// What a curve is made of: the loss and R.
struct point {
  double loss = 0;
  std::vector<double> R;
};

point read(order_dynamics<double>& dynamics, matrix_view<const double> S) {
  point result{dynamics.loss(S), {}};
  for (std::size_t k = 0; k < dynamics.students(); ++k) {
    for (std::size_t j = dynamics.students(); j < S.cols(); ++j) result.R.push_back(S(k, j));
  }
  return result;
}

template <class Velocity>
std::vector<point> integrate(order_dynamics<double>& dynamics, const matrix<double>& S,
                             const Velocity& velocity, double step) {
  const std::size_t nodes = S.shape(0);
  adaptive_flow<double, Velocity> flow(std::vector<double>(S.begin(), S.end()), velocity, 1e-6);
  std::vector<point> curve;
  for (std::size_t i = 0; i <= points; ++i) {
    flow.advance(step * static_cast<double>(i));
    curve.push_back(read(dynamics, {flow.position().data(), nodes, nodes, nodes}));
  }
  return curve;
}

std::vector<std::vector<point>> simulate(order_dynamics<double>& dynamics, const net& teacher,
                                         const net& student, const online_settings& settings,
                                         const options& o, double step) {
  std::vector<std::vector<point>> runs;
  for (std::size_t run = 0; run < o.runs; ++run) {
    online_sgd simulation(teacher, student, settings, o.seed + run);
    std::vector<point> curve;
    for (std::size_t i = 0; i <= points; ++i) {
      const auto until = static_cast<std::uint64_t>(std::llround(step * static_cast<double>(i)));
      while (simulation.steps() < until) simulation.step();
      curve.push_back(read(dynamics, order_parameters(teacher, simulation.student())));
    }
    runs.push_back(curve);
  }
  return runs;
}

struct curve {
  std::string name;
  std::vector<point> points;
};

std::string csv(const std::vector<curve>& curves, const options& o) {
  std::string text = "curve,time,loss";
  for (std::size_t k = 0; k < o.students; ++k) {
    for (std::size_t j = 0; j < o.teachers; ++j) {
      text += ",R" + std::to_string(k) + '_' + std::to_string(j);
    }
  }
  text += '\n';
  for (const auto& c : curves) {
    for (std::size_t i = 0; i <= points; ++i) {
      text += c.name + ',' + number(o.until * static_cast<double>(i) / points) + ',' +
              number(c.points[i].loss);
      for (const double r : c.points[i].R) text += ',' + number(r);
      text += '\n';
    }
  }
  return text;
}

std::string figure(const std::vector<curve>& curves, const options& o) {
  std::string script, losses, overlaps;
  char rate[32];
  std::snprintf(rate, sizeof rate, "%g", o.rate);
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const bool simulated = c > 1;
    script += "$curve" + std::to_string(c) + " << END\n";
    for (std::size_t i = 0; i <= points; ++i) {
      script += number(o.until * static_cast<double>(i) / points) + ' ' +
                number(std::max(curves[c].points[i].loss, 1e-16));
      for (const double r : curves[c].points[i].R) script += ' ' + number(r);
      script += '\n';
    }
    script += "END\n";
    const std::string style = simulated ? " with points pt 7 ps 0.25 lc rgb '#e41a1c'"
                              : c == 0  ? " with lines lw 2 lc rgb 'black'"
                                        : " with lines lw 1.5 dt 2 lc rgb '#377eb8'";
    const std::string title = c < 3 ? " title '" +
                                          std::string(c == 0   ? "mean, with noise term"
                                                      : c == 1 ? "gradient flow"
                                                               : "simulations") +
                                          "'"
                                    : " notitle";
    const std::string from = "$curve" + std::to_string(c) + " using 1:";
    losses += (losses.empty() ? "plot " : ", ") + from + "2" + style + title;
    for (std::size_t r = 0; r < curves[c].points[0].R.size(); ++r) {
      overlaps +=
          (overlaps.empty() ? "plot " : ", ") + from + std::to_string(r + 3) + style + " notitle";
    }
  }
  return script + "set multiplot layout 2,1 title 'Online SGD, " + std::to_string(o.inputs) +
         " inputs, rate times inputs " + rate +
         "'\nset xlabel 'steps / inputs'\nset logscale y\nset format y '10^{%L}'\nset ylabel "
         "'loss'\n" +
         losses + "\nunset logscale y\nset format y '%g'\nset ylabel 'overlaps R'\n" + overlaps +
         "\nunset multiplot\n";
}

void run(const options& o) {
  const blas_threads one(1);
  const std::array<std::size_t, 3> teacher_widths{o.inputs, o.teachers, 1},
      student_widths{o.inputs, o.students, 1};
  net teacher(teacher_widths), student(student_widths);
  construct(teacher, student, o);
  const online_settings settings{.rate = o.rate / static_cast<double>(o.inputs), .batch = o.batch};
  online_dynamics<double> dynamics(order_dynamics<double>(teacher, student), o.inputs, settings);
  const auto S = order_parameters(teacher, student);
  const std::size_t nodes = S.shape(0);
  const double step = o.until * static_cast<double>(o.inputs) / points;  // in steps of SGD

  std::vector<curve> curves;
  curves.push_back(
      {"mean",
       integrate(
           dynamics.flow(), S,
           [&](std::span<const double> x, std::span<double> dx) {
             dynamics.drift({x.data(), nodes, nodes, nodes}, {dx.data(), nodes, nodes, nodes});
           },
           step)});
  curves.push_back({"flow", integrate(
                                dynamics.flow(), S,
                                [&](std::span<const double> x, std::span<double> dx) {
                                  dynamics.flow().drift({x.data(), nodes, nodes, nodes},
                                                        {dx.data(), nodes, nodes, nodes});
                                  for (double& v : dx) v *= settings.rate;
                                },
                                step)});
  std::size_t number_of_run = 0;
  for (auto& c : simulate(dynamics.flow(), teacher, student, settings, o, step)) {
    curves.push_back({"simulation " + std::to_string(number_of_run++), std::move(c)});
  }

  std::printf("steps/inputs      mean      flow  simulations\n");
  for (std::size_t i = 0; i <= points; i += points / 8) {
    double average = 0;
    for (std::size_t c = 2; c < curves.size(); ++c) average += curves[c].points[i].loss;
    std::printf("%12.3g  %8.3g  %8.3g  %11.3g\n", o.until * static_cast<double>(i) / points,
                curves[0].points[i].loss, curves[1].points[i].loss,
                average / static_cast<double>(o.runs));
  }
  examples::output_folder out(o.out);
  out.write("online_learning.csv", csv(curves, o));
  out.draw("online_learning", figure(curves, o));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Simulates online SGD and integrates the order parameters it has on average.",
               "online_learning");
  options o;
  bool quick = false;
  auto* inputs = app.add_option("--inputs", o.inputs, "input width")->check(CLI::Range(2, 100000));
  app.add_option("--teachers", o.teachers, "teacher nodes")->check(CLI::Range(1, 10));
  app.add_option("--students", o.students, "student nodes")->check(CLI::Range(1, 10));
  app.add_option("--rate", o.rate, "learning rate times inputs")->check(CLI::PositiveNumber);
  app.add_option("--batch", o.batch, "samples a step")->check(CLI::PositiveNumber);
  auto* until = app.add_option("--until", o.until, "steps over inputs at the end")
                    ->check(CLI::PositiveNumber);
  app.add_option("--overlap", o.overlap, "of a student with its teacher, at the start");
  auto* runs = app.add_option("--runs", o.runs, "simulations")->check(CLI::Range(1, 1000));
  app.add_option("--seed", o.seed, "of teacher, student and inputs");
  app.add_flag("--quick", quick, "100 inputs, 2 runs, a short time");
  app.add_option("--out", o.out, "folder for online_learning.csv, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    if (quick && inputs->count() == 0) o.inputs = 100;
    if (quick && until->count() == 0) o.until = 10;
    if (quick && runs->count() == 0) o.runs = 2;
    run(o);
  });
}
