// The published sweep of the two-layer experiment (arXiv:1909.13458, Section 7): over-realization,
// number of teachers and polarity, 32 seeds each. Runs on all cores, keeps what each run found,
// goes on where it was stopped, and draws Figures 5, 7, 8 and the losses.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include <tutelage/core/parallel.hpp>

#include "common/arguments.hpp"
#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "common/progress.hpp"
#include "specialization/experiment.hpp"
#include "sweep/figures.hpp"
#include "sweep/results.hpp"

namespace {

using namespace examples;

struct sweep_options {
  std::vector<std::size_t> teachers{5, 10, 20};
  std::vector<double> over_realization{1, 2, 5, 10};
  std::vector<double> polarity{0, 0.5, 1, 1.5, 2, 2.5};
  std::vector<std::uint64_t> seeds;
  std::size_t epochs = 100;
  std::size_t steps_per_epoch = 1000;
  std::size_t samples = 10'000;
  std::size_t eval_samples = 10'000;
  std::size_t threads = 0;
  std::string out = "sweep";
  bool quiet = false;
};

// What main returns when the program has to end here, everything being said.
std::optional<int> parse(int argc, char** argv, sweep_options& o) {
  CLI::App app(
      "Runs the published sweep of the two-layer experiment and draws its figures. What is "
      "found is\nkept in OUT/runs.jsonl: stop it when you like, the same command goes on.",
      "sweep");
  bool quick = false;
  std::string seeds;
  auto* teachers = app.add_option("--teachers", o.teachers, "numbers of teacher nodes")
                       ->check(positive)
                       ->delimiter(',');
  app.add_option("--over-realization", o.over_realization, "factors, as 1,2,5,10")
      ->check(positive)
      ->delimiter(',');
  auto* polarity = app.add_option("--polarity", o.polarity, "polarities, as 0,1,2.5")
                       ->check(CLI::Number)
                       ->delimiter(',');
  app.add_option("--seeds", seeds, "1, 1-32 or 1,5,9; default 1-32");
  auto* epochs = app.add_option("--epochs", o.epochs, "epochs");
  app.add_option("--steps-per-epoch", o.steps_per_epoch, "steps")->check(positive);
  app.add_option("--samples", o.samples, "training inputs")->check(positive);
  app.add_option("--eval-samples", o.eval_samples, "evaluation inputs")->check(positive);
  app.add_option("--threads", o.threads, "runs at a time; 0: one a core");
  app.add_option("--out", o.out, "folder of results and figures");
  app.add_flag("--quick", quick,
               "10 and 20 teachers, polarities 0, 1 and 2, 2 seeds, 20 epochs: about two minutes");
  app.add_flag("--quiet", o.quiet, "no progress and no list of files");
  return parse_command_line(app, argc, argv, [&] {
    if (quick) {
      if (teachers->empty()) o.teachers = {10, 20};
      if (polarity->empty()) o.polarity = {0, 1, 2};
      if (epochs->empty()) o.epochs = 20;
    }
    o.seeds = parse_seeds("--seeds", !seeds.empty() ? seeds : quick ? "1-2" : "1-32");
  });
}

options options_of(const sweep_options& o, const run_key& key) {
  options run;
  run.teacher = {100, key.teachers, 50};
  run.over_realization = key.over_realization;
  run.polarity = key.polarity;
  run.seeds = {key.seed};
  run.epochs = o.epochs;
  run.steps_per_epoch = o.steps_per_epoch;
  run.samples = o.samples;
  run.eval_samples = o.eval_samples;
  run.threads = 1;
  return run;
}

// The settings that all runs of a file share.
std::string settings_of(const sweep_options& o) {
  return nlohmann::json{{"sweep",
                         {{"epochs", o.epochs},
                          {"steps_per_epoch", o.steps_per_epoch},
                          {"samples", o.samples},
                          {"eval_samples", o.eval_samples}}}}
      .dump();
}

// The largest students first, so that the last runs of all are short ones.
std::vector<run_key> runs_of(const sweep_options& o) {
  std::vector<run_key> keys;
  for (const std::size_t m : o.teachers) {
    for (const double over : o.over_realization) {
      for (const double p : o.polarity) {
        for (const auto seed : o.seeds) keys.push_back({m, over, p, seed});
      }
    }
  }
  std::stable_sort(keys.begin(), keys.end(), [](const run_key& a, const run_key& b) {
    return static_cast<double>(a.teachers) * a.over_realization >
           static_cast<double>(b.teachers) * b.over_realization;
  });
  return keys;
}

run_record record_of(const run_result& run) {
  run_record record;
  for (const auto& epoch : run.history) {
    record.eval_loss.push_back(epoch.eval_loss);
    record.rho_mean.push_back(epoch.rho_mean.front());
    record.teacher_rho.push_back(epoch.teacher_rho);
  }
  for (const auto& student : run.layers.front().students) {
    record.student_rho.push_back(student.correlation);
    record.fan_out_norm.push_back(student.fan_out_norm);
  }
  return record;
}

struct silent : run_observer {
  void epoch_done(double /*eval_loss*/, double /*rho_mean*/) override {}
  void teacher_trained(std::uint64_t /*seed*/, double /*accuracy*/) override {}
};

void sweep(const sweep_options& o) {
  results_file results(o.out, settings_of(o));
  const on_interrupt said([&] {
    return "sweep: stopped; " + std::to_string(results.count()) + " runs are kept in " +
           results.path() + ": the same command goes on with the rest";
  });
  std::vector<run_key> missing;
  for (const run_key& key : runs_of(o)) {
    if (results.runs().count(key) == 0) missing.push_back(key);
  }
  if (!o.quiet) {
    std::fprintf(stderr, "%zu runs to do, %zu found in %s\n", missing.size(), results.count(),
                 results.path().c_str());
  }
  {
    progress bar(std::max<std::size_t>(1, missing.size()), o.quiet);
    tutelage::parallel_map(missing.size(), o.threads, [&](std::size_t i) {
      silent observer;
      const run_key& key = missing[i];
      const auto runs = run_all(options_of(o, key), observer);
      results.append(key, record_of(runs.front()));
      char note[80];
      std::snprintf(note, sizeof note, "%zu teachers, %gx, polarity %g", key.teachers,
                    key.over_realization, key.polarity);
      bar.advance(note);
    });
  }
  results.sort();
  for (const auto& file : write_figures(o.out, results.runs())) {
    if (!o.quiet) std::printf("wrote %s\n", file.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  sweep_options o;
  if (const auto code = parse(argc, argv, o)) return *code;
  return run_guarded("sweep", [&] { sweep(o); });
}
