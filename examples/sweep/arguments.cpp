#include "sweep/arguments.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <stdexcept>

#include <tutelage/core/text.hpp>

#include "common/arguments.hpp"
#include "common/program.hpp"
#include "sweep/published.hpp"

namespace examples {

namespace {

// Everything behind the first "--" is of the program that is swept.
std::vector<std::string> take_flags_of_runs(int& argc, char** argv) {
  char** const end = argv + argc;
  char** const dashes = std::find(argv, end, std::string("--"));
  std::vector<std::string> words;
  if (dashes == end) return words;
  words.assign(dashes + 1, end);
  argc = static_cast<int>(dashes - argv);
  return words;
}

// The published plan, or none, with what was given besides.
sweep_plan plan_of(sweep_plan plan, const std::vector<std::string>& axes,
                   const std::vector<std::string>& flags) {
  std::vector<std::string> given;
  for (const auto& text : axes) {
    axis read = parse_axis(text);
    if (std::find(given.begin(), given.end(), read.name) != given.end()) {
      throw std::invalid_argument("--axis: " + read.name + " is there twice");
    }
    given.push_back(read.name);
    const auto same = std::find_if(plan.axes.begin(), plan.axes.end(),
                                   [&](const axis& a) { return a.name == read.name; });
    if (same == plan.axes.end()) {
      plan.flags.erase(read.name);
      plan.axes.push_back(std::move(read));
    } else {
      *same = std::move(read);
    }
  }
  for (auto& [name, values] : parse_flags(flags)) {
    for (const axis& a : plan.axes) {
      if (a.name == name) {
        throw std::invalid_argument("--" + name + " is an axis: give --axis " + name + "=...");
      }
    }
    plan.flags[name] = values;
  }
  return plan;
}

template <class Value>
void check_distinct(const char* flag, std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  const auto twice = std::adjacent_find(values.begin(), values.end());
  if (twice == values.end()) return;
  throw CLI::ValidationError(flag, tutelage::detail::text(*twice, " is there twice"));
}

}  // namespace

std::optional<int> parse(int argc, char** argv, sweep_options& o) {
  const auto flags = take_flags_of_runs(argc, argv);
  CLI::App app(
      "Runs a program for every combination of its flags' values and for many seeds, and keeps "
      "what "
      "each\nrun found in OUT: stop it when you like, the same command goes on. Flags of all runs "
      "follow --:\n  sweep --program specialization --axis polarity=0,1,2 --axis "
      "scalar=float,double "
      "--seeds 1-32 -- --epochs 20\n  mpirun -n 64 sweep ...      the same on many machines",
      "sweep");
  std::string published = "two-layer", seeds, merge, report;
  std::vector<std::string> axes, keep;
  std::size_t rank = 0;
  bool quick = false;
  app.add_option("--program", o.plan.program, "a program beside this one, or a path");
  app.add_option("--published", published, "a sweep of the papers, which is the default")
      ->check(CLI::IsMember({"two-layer", "samples", "deep"}))
      ->excludes("--program");
  app.add_flag("--quick", quick, "a small part of a published sweep: two minutes")
      ->excludes("--program");
  app.add_option("--axis", axes, "a flag and its values: polarity=0,1,2; again for the next")
      ->allow_extra_args(false);
  app.add_option("--seeds", seeds, "1, 1-32 or 1,5,9");
  app.add_option("--keep", keep, "fields of the results to keep, as history,rho_mean; default all")
      ->delimiter(',');
  app.add_option("--out", o.out, "folder of results, tables and figures");
  app.add_flag("--retry", o.retry, "do runs that failed again");
  app.add_option("--threads", o.threads, "runs at a time; 0: one a core");
  auto* ranks =
      app.add_option("--of", o.ranks, "processes that share the runs without MPI")->check(positive);
  auto* given_rank = app.add_option("--rank", rank, "which of them this is, from 0")->needs(ranks);
  ranks->needs(given_rank);
  auto* merged = app.add_option("--merge", merge, "a folder whose ranks' files are made one");
  auto* reported = app.add_option("--report", report, "a folder whose tables and figures are made");
  app.add_option("--value", o.report.values,
                 "a number of the results for tables and figures: rho_mean, history/eval_loss/5")
      ->delimiter(',')
      ->needs(reported);
  app.add_option("--x", o.report.x, "axis along the figures")->needs(reported);
  app.add_option("--color", o.report.color, "axis that has colors in the figures")->needs(reported);
  app.add_option("--csv", o.report.csv, "file for a table of all runs")->needs(reported);
  app.add_option("--npz", o.report.npz, "file for the same as arrays of NumPy")->needs(reported);
  app.add_flag("--quiet", o.quiet, "no progress and no list of files");
  merged->excludes(reported);
  return parse_command_line(app, argc, argv, [&] {
    if (!merged->empty()) o.task = sweep_task::merge, o.out = merge;
    if (!reported->empty()) o.task = sweep_task::report, o.out = report;
    if (!given_rank->empty()) o.rank = rank;
    if (rank >= o.ranks) {
      throw CLI::ValidationError("--rank", "is from 0 to " + std::to_string(o.ranks - 1) +
                                               " with --of " + std::to_string(o.ranks) + "; got " +
                                               std::to_string(rank));
    }
    check_distinct("--keep", keep);
    check_distinct("--value", o.report.values);
    if (!o.report.x.empty() && o.report.x == o.report.color) {
      throw CLI::ValidationError("--color", "is another axis than --x");
    }
    try {
      const bool own = !o.plan.program.empty();
      auto plan = own ? o.plan : published_sweep(published, quick);
      if (own) plan.seeds = {1};
      if (!keep.empty()) plan.keep = keep;
      if (!seeds.empty()) plan.seeds = parse_seeds("--seeds", seeds);
      check_distinct("--seeds", plan.seeds);
      o.plan = plan_of(std::move(plan), axes, flags);
    } catch (const std::invalid_argument& problem) {
      throw CLI::ValidationError(problem.what());
    }
  });
}

std::vector<run_key> runs_of(const sweep_plan& plan) {
  std::vector<run_key> runs(1);
  for (const axis& a : plan.axes) {
    std::vector<run_key> longer;
    for (const run_key& run : runs) {
      for (auto value = a.values.rbegin(); value != a.values.rend(); ++value) {
        longer.push_back(run);
        longer.back().axes[a.name] = *value;
      }
    }
    runs = std::move(longer);
  }
  std::vector<run_key> all;
  for (const run_key& run : runs) {
    for (const auto seed : plan.seeds) {
      all.push_back(run);
      all.back().seed = seed;
    }
  }
  return all;
}

}  // namespace examples
