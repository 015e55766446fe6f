// Which inputs? Loss on fresh Gaussian inputs against the number of training samples, drawn from
// the same Gaussian or by a distribution that knows the teacher's boundaries (arXiv:1909.13458,
// Figure 9): with the latter a few samples suffice.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <tutelage/tutelage.hpp>

#include "common/gnuplot.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/progress.hpp"
#include "common/table.hpp"

namespace {

using namespace tutelage;

struct losses {
  double gaussian, aware;
};

losses run(std::size_t samples, std::size_t steps, std::uint64_t seed) {
  mlp<double, relu, 20, 5, 10> teacher;
  construct_teacher(teacher, {.seed = seed}, constant_bias{-0.1});
  const double s = 1.5;
  const auto fresh = draw_inputs<double>(gaussian_inputs{s}, 2000, 20, seed, purpose::evaluation);
  const data_set evaluation(fresh, outputs(teacher, fresh));
  const auto learn = [&](const auto& distribution) {
    mlp<double, relu, 20, 25, 10> student;
    initialize(student, gaussian_start{0.05}, seed);
    const auto x = draw_inputs<double>(distribution, samples, 20, seed);
    const data_set data(x, outputs(teacher, x));
    train(student, with_replacement(data, {.batch = 16, .steps = steps, .seed = seed}),
          mean_squared_error{}, sgd{.rate = 0.01}, {.epochs = 1});
    return mean_loss(student, evaluation, mean_squared_error{});
  };
  return {learn(gaussian_inputs{s}), learn(teacher_aware_inputs(teacher.layer<1>(), s))};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Evaluation loss against the number of samples, Gaussian or teacher-aware.",
               "dataset");
  std::size_t seeds = 10;
  bool quick = false;
  std::string out = ".";
  app.add_option("--seeds", seeds, "teachers and students to average over")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--quick", quick, "2 seeds and fewer steps");
  app.add_option("--out", out, "folder for dataset.csv, .json, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) seeds = 2;
    examples::make_folder(out);  // or say so before the work
    const std::vector<std::size_t> sizes{50, 100, 200, 500, 1000, 2000, 5000};
    examples::table results({"samples", "gaussian", "gaussian_error", "aware", "aware_error"});
    std::printf("samples     gaussian        aware   (geometric means over %zu seeds)\n", seeds);
    for (const std::size_t samples : sizes) {
      const auto all = parallel_map(
          seeds, 0, [&](std::size_t i) { return run(samples, quick ? 10'000 : 100'000, i + 1); });
      // Means of logarithms, with their standard errors.
      const auto summarize = [&](auto member) {
        double mean = 0, variance = 0;
        for (const auto& l : all) mean += std::log(l.*member) / static_cast<double>(seeds);
        for (const auto& l : all) variance += std::pow(std::log(l.*member) - mean, 2);
        const auto n = static_cast<double>(seeds);
        return std::pair(std::exp(mean), seeds > 1 ? std::sqrt(variance / (n - 1) / n) : 0.0);
      };
      const auto [gaussian, gaussian_error] = summarize(&losses::gaussian);
      const auto [aware, aware_error] = summarize(&losses::aware);
      std::printf("%7zu  %11.4g  %11.4g\n", samples, gaussian, aware);
      results.add({static_cast<double>(samples), gaussian, gaussian_error, aware, aware_error});
    }
    const std::string file = examples::quoted(out + "/dataset.csv");
    const auto curve = [&](const std::string& name, const std::string& title) {
      return file + " using 'samples':'" + name + "':(column('" + name + "')*exp(-column('" + name +
             "_error'))):(column('" + name + "')*exp(column('" + name +
             "_error'))) with yerrorlines lw 2 pt 7 title '" + title + "'";
    };
    examples::write_results(out, "dataset", results,
                            "set grid\nset logscale xy\nset xlabel 'training samples'\n"
                            "set ylabel 'loss on fresh Gaussian inputs'\nplot " +
                                curve("gaussian", "Gaussian inputs") + ", " +
                                curve("aware", "teacher-aware inputs") + "\n");
  });
}
