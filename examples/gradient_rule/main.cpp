// The recursive gradient rule at work: V, A and B of a student before, during and after training,
// how far the separation of arXiv:1905.13405 is from the truth, and the regions of input space.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <optional>

#include <tutelage/core/files.hpp>

#include "common/arguments.hpp"
#include "common/interrupt.hpp"
#include "common/program.hpp"
#include "common/progress.hpp"
#include "gradient_rule/experiment.hpp"
#include "gradient_rule/report.hpp"

namespace {

using namespace examples;

layer_widths parse_widths(const std::string& text) {
  layer_widths widths{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (std::size_t l = 0; l < widths.size(); ++l) {
    if (l > 0 && (at == end || *at++ != '-')) at = nullptr;
    const auto [rest, error] = at != nullptr ? std::from_chars(at, end, widths[l])
                                             : std::from_chars_result{end, std::errc{EINVAL}};
    if (error != std::errc{} || widths[l] == 0 || widths[l] > 10'000 ||
        (l + 1 == widths.size() && rest != end)) {
      throw CLI::ValidationError(
          "--teacher",
          "is an input width, 4 hidden widths and an output width, from 1 to "
          "10000, as in 20-10-15-20-25-20; got " +
              text);
    }
    at = rest;
  }
  return widths;
}

// What main returns when the program has to end here, everything being said.
std::optional<int> parse(int argc, char** argv, options& o) {
  CLI::App app(
      "Trains a student with 4 hidden layers and shows what the recursive gradient rule says of "
      "it.",
      "gradient_rule");
  std::string teacher;
  bool quick = false;
  app.add_option("--teacher", teacher, "widths from input to output, as in 20-10-15-20-25-20");
  auto* over = app.add_option("--over-realization", o.over_realization,
                              "student's hidden widths over the teacher's")
                   ->check(CLI::Range(0.01, 100.0));
  app.add_option("--std", o.std, "standard deviation of inputs")->check(positive);
  auto* samples = app.add_option("--samples", o.samples, "training inputs")->check(positive);
  auto* eval_samples = app.add_option("--eval-samples", o.eval_samples,
                                      "inputs over which expectations are taken, at least 3")
                           ->check(CLI::Range(3, 100'000'000));
  app.add_option("--learning-rate", o.learning_rate, "of every step")->check(positive);
  app.add_option("--batch", o.batch, "samples a step")->check(positive);
  auto* epochs = app.add_option("--epochs", o.epochs, "over all training inputs");
  app.add_flag("--separated", o.separated,
               "train by Theorem 2 of arXiv:1905.13405 instead of the gradient");
  app.add_option("--seed", o.seed, "of teacher, student and inputs");
  app.add_option("--threads", o.threads, "that compute expectations; 0: one a core");
  app.add_option("--out", o.out, "folder for CSV files and figures");
  app.add_option("--json", o.json, "file for the results, - for standard output");
  app.add_flag("--quick", quick, "a small student, few samples and epochs: seconds in all");
  app.add_flag("--quiet", o.quiet, "no table and no progress");
  const auto code = parse_command_line(app, argc, argv, [&] {
    if (!teacher.empty()) o.teacher = parse_widths(teacher);
  });
  if (quick) {
    if (over->empty()) o.over_realization = 2;
    if (samples->empty()) o.samples = 5000;
    if (eval_samples->empty()) o.eval_samples = 1024;
    if (epochs->empty()) o.epochs = 10;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  options o;
  if (const auto code = parse(argc, argv, o)) return *code;
  const on_interrupt said([] { return std::string("gradient_rule: ") + nothing_kept; });
  return run_guarded("gradient_rule", [&] {
    run_result result;
    {
      progress shown(std::max<std::size_t>(1, o.epochs), o.quiet);
      result = run(o, [&](double loss) {
        char note[40];
        std::snprintf(note, sizeof note, "loss %.3g", loss);
        shown.advance(note);
      });
    }
    const auto files = o.out.empty() ? std::vector<std::string>() : write_files(o, result);
    const bool json_to_output = is_standard_output(o.json);
    if (!o.quiet) {
      std::ostream& out = json_to_output ? std::cerr : std::cout;
      print_table(out, o, result);
      for (const auto& file : files) out << "wrote " << file << '\n';
    }
    if (json_to_output) {
      std::cout << to_json(o, result) << '\n';
    } else if (!o.json.empty()) {
      tutelage::write_file(o.json, to_json(o, result) + "\n");
    }
  });
}
