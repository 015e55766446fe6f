// Pruning: trains a five times over-realized student, then takes away the nodes that no teacher
// explains and merges those that do the same (arXiv:1909.13458, Theorem 2 and Corollary 1). The
// function stays, the width shrinks towards the teacher's.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

#include "common/gnuplot.hpp"
#include "common/program.hpp"
#include "common/table.hpp"

int main(int argc, char** argv) {
  CLI::App app("Trains a student of 50 nodes on a teacher of 10 and prunes it.", "pruning");
  std::uint64_t seed = 1;
  double polarity = 0;
  bool quick = false;
  std::string out = ".";
  app.add_option("--seed", seed, "of teacher, student and inputs");
  app.add_option("--polarity", polarity, "fan-out of teacher node j falls as 1/j^p");
  app.add_flag("--quick", quick, "10 epochs of training for 100");
  app.add_option("--out", out, "folder for pruning.csv, .json, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    using namespace tutelage;
    mlp<double, relu, 100, 10, 50> teacher;
    construct_teacher(teacher, {.polarity = polarity, .seed = seed}, constant_bias{-0.1});
    mlp<double, relu, 100, 50, 50> student;
    initialize(student, gaussian_start{0.005}, seed);
    const auto x = draw_inputs<double>(gaussian_inputs{1.5}, 10'000, 100, seed);
    const auto fresh =
        draw_inputs<double>(gaussian_inputs{1.5}, 10'000, 100, seed, purpose::evaluation);
    const data_set data(x, outputs(teacher, x));
    train(student, with_replacement(data, {.batch = 16, .steps = 1000, .seed = seed}),
          mean_squared_error{}, sgd{.rate = 0.01}, {.epochs = quick ? 10U : 100U});

    const auto matches = align(teacher, student, fresh)[0];
    const auto strengths = node_strengths<1>(student);
    examples::table nodes({"student", "teacher", "correlation", "strength"});
    auto kept = all_nodes(student);
    kept[0].clear();
    for (std::size_t k = 0; k < strengths.size(); ++k) {
      const std::size_t j = matches.best_teacher(k);
      nodes.add({static_cast<double>(k), static_cast<double>(j), matches.rho(j, k),
                 static_cast<double>(strengths[k])});
      if (matches.rho(j, k) > 0.95) kept[0].push_back(k);
    }
    if (kept[0].empty()) throw argument_error("no student is matched; train for longer");
    std::printf("%-34s %5s  %s\n", "", "nodes", "change of outputs / deviation");
    const auto show = [&](const char* what, const auto& net) {
      std::printf("%-34s %5zu  %.2e\n", what, net.widths()[1],
                  output_change(student, net, fresh).relative());
    };
    show("student", student);
    const auto matched = keep_nodes(student, kept);
    show("without unmatched nodes", matched);
    for (const double tolerance : {0.01, 0.05, 0.2}) {
      char what[64];
      std::snprintf(what, sizeof what, "merged within %g", tolerance);
      show(what, merge_colinear<1>(matched, tolerance));
    }
    show("teacher", teacher);
    examples::write_results(
        out, "pruning", nodes,
        "set key off\nset grid\nset logscale y\nset xrange [-0.05:1.05]\n"
        "set xlabel 'best correlation with a teacher node'\n"
        "set ylabel 'strength |v||w|'\nset title 'Student nodes: unmatched ones are weak'\nplot " +
            examples::quoted(out + "/pruning.csv") +
            " using 'correlation':'strength' with points pt 7 ps 0.8 lc rgb '#3b4cc0'\n");
  });
}
