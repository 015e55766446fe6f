#include "specialization/options.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "common/arguments.hpp"
#include "common/program.hpp"

namespace examples {

namespace {

constexpr std::size_t largest_width = 1'000'000;

std::vector<std::size_t> parse_widths(const std::string& text) {
  std::vector<std::size_t> widths;
  for (const auto& part : split(text, '-')) {
    const auto width = to_number<std::size_t>(part);
    if (!width || *width == 0 || *width > largest_width) {
      throw CLI::ValidationError(
          "--teacher",
          "widths are whole numbers from 1 to 1000000 joined by '-', as in 100-10-50; got " + text);
    }
    widths.push_back(*width);
  }
  if (widths.size() < 3 || widths.size() > 9) {
    throw CLI::ValidationError(
        "--teacher", "takes an input width, 1 to 7 hidden widths and an output width; got " + text);
  }
  return widths;
}

std::map<std::size_t, double> parse_rates(const std::string& text) {
  const auto wrong = [&] {
    return CLI::ValidationError("--learning-rate",
                                "is a number, or rates by epoch 0:0.2,20:0.1; got " + text);
  };
  std::map<std::size_t, double> rates;
  for (const auto& part : split(text, ',')) {
    const auto pair = split(part, ':');
    const auto epoch =
        pair.size() == 1 ? std::optional<std::size_t>(0) : to_number<std::size_t>(pair.front());
    const auto rate = to_number<double>(pair.back());
    if (pair.size() > 2 || !epoch || !rate || !std::isfinite(*rate) || *rate < 0) throw wrong();
    rates[*epoch] = *rate;
  }
  if (rates.count(0) == 0) throw wrong();
  return rates;
}

// Arguments that stand for a number or a word.
CLI::Validator number_or(const std::vector<std::string>& words) {
  return CLI::Validator(
      [words](const std::string& text) {
        const auto number = to_number<double>(text);
        if (number && std::isfinite(*number)) return std::string();
        for (const auto& word : words) {
          if (text == word) return std::string();
        }
        std::string message = "is a number";
        for (const auto& word : words) message += " or " + word;
        return message + "; got " + text;
      },
      "");
}

CLI::Validator at_least(double lowest, bool strictly) {
  return CLI::Validator(
      [=](const std::string& text) {
        const auto number = to_number<double>(text);
        if (number && std::isfinite(*number) && (strictly ? *number > lowest : *number >= lowest))
          return std::string();
        return std::string(strictly ? "is a number above " : "is a number from ") +
               CLI::detail::to_string(lowest) + " on; got " + text;
      },
      "");
}

// Defaults of the published experiments, arXiv:1909.13458 as the notes of this project state them.
void set_published(options& o) {
  if (o.published == "two-layer") o.epochs = 100;
  if (o.published == "deep") {
    o.teacher = {100, 50, 75, 100, 125, 50};
    o.teacher_values = {-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1};
    o.teacher_bias = "tuned";
    o.polarity = 0;
    o.std = 10;
    o.samples = 200'000;
    o.student_init = "default";
    o.batch = 64;
    o.steps_per_epoch = 0;
    o.epochs = 100;
    // Published for the mean over samples and outputs of the squared error; ours is half the
    // squared norm, so for it the rate is multiplied by 2/C, in parse().
    o.learning_rate = {{0, 0.2}, {20, 0.1}};
  }
}

// The prefix of files; of a folder whose slash was left out, the one with it.
std::string with_slash(const std::string& prefix) {
  std::error_code none;
  const bool folder = !prefix.empty() && prefix.back() != '/' &&
                      std::filesystem::is_directory(prefix, none) &&
                      !std::filesystem::exists(prefix + "train-images-idx3-ubyte", none) &&
                      !std::filesystem::exists(prefix + "train-images-idx3-ubyte.gz", none);
  return folder ? prefix + "/" : prefix;
}

}  // namespace

std::vector<std::size_t> options::student() const {
  auto widths = teacher;
  for (std::size_t l = 1; l + 1 < widths.size(); ++l) {
    const double n = std::round(static_cast<double>(widths[l]) * over_realization);
    widths[l] = std::max<std::size_t>(1, static_cast<std::size_t>(n));
  }
  return widths;
}

std::optional<int> parse(int argc, char** argv, options& o) {
  // The published settings are defaults: find them first.
  {
    CLI::App first;
    first.allow_extras();
    first.set_help_flag();
    first.add_option("--published", o.published);
    try {
      first.parse(argc, argv);
    } catch (const CLI::ParseError&) {
      // Said below.
    }
    set_published(o);
  }

  CLI::App app(
      "Trains an over-realized student on the outputs of a teacher and reports which student "
      "nodes\n"
      "specialized to which teacher nodes.",
      "specialization");
  std::string teacher, seeds = "1", rates;
  app.add_option("--teacher", teacher, "widths from input to output, as in 100-10-50");
  app.add_option("--over-realization", o.over_realization,
                 "student's hidden widths over the teacher's")
      ->check(at_least(0, true));
  app.add_option("--polarity", o.polarity, "fan-out of teacher node j falls as 1/j^p");
  app.add_option("--leaky", o.leaky, "slope of leaky ReLU; 0 is ReLU")
      ->check(CLI::Range(0.0, 0.999999));
  app.add_option("--teacher-bias", o.teacher_bias, "a number, uniform, or tuned to the median")
      ->check(number_or({"uniform", "tuned"}));
  app.add_option("--teacher-epochs", o.teacher_epochs,
                 "epochs of a teacher trained on image labels");
  app.add_option("--input", o.input,
                 "gaussian, uniform, fashion-mnist, or the folder or prefix of IDX files named as "
                 "MNIST's");
  app.add_option("--std", o.std, "standard deviation of drawn inputs")->check(at_least(0, true));
  auto* samples = app.add_option("--samples", o.samples, "training inputs")->check(positive);
  auto* eval_samples =
      app.add_option("--eval-samples", o.eval_samples, "evaluation inputs")->check(positive);
  app.add_option("--student-init", o.student_init,
                 "scale of Gaussian weights, or default: PyTorch's for Linear")
      ->check(number_or({"default"}));
  app.add_option("--published", o.published, "settings of the published experiments as defaults")
      ->check(CLI::IsMember({"two-layer", "deep"}));
  app.add_option("--loss", o.loss, "mse, or cross-entropy on the teacher's strongest output")
      ->check(CLI::IsMember({"mse", "cross-entropy"}));
  app.add_option("--learning-rate", rates, "a number, or rates by epoch: 0:0.2,20:0.1");
  app.add_option("--batch", o.batch, "samples a step")->check(positive);
  app.add_option("--steps-per-epoch", o.steps_per_epoch,
                 "steps with replacement; 0: every sample once, shuffled");
  app.add_option("--epochs", o.epochs, "epochs");
  app.add_option("--seeds", seeds, "1, 1-32 or 1,5,9");
  app.add_option("--scalar", o.scalar, "float or double")
      ->check(CLI::IsMember({"float", "double"}));
  app.add_option("--threads", o.threads, "seeds trained at a time; 0: one a core");
  app.add_option("--out", o.out, "folder for history and figures");
  app.add_option("--json", o.json, "file for the results, - for standard output");
  auto* checkpoint =
      app.add_option("--checkpoint", o.checkpoint,
                     "keeps each seed's run in this name and .SEED: the same command goes on");
  app.add_option("--checkpoint-every", o.checkpoint_every, "steps; else every epoch")
      ->check(positive)
      ->needs(checkpoint);
  app.add_flag("!--no-analyses", o.analyses,
               "trains, and says who matches whom, but does not analyse observers, gradients, "
               "bounds and pruning");
  app.add_flag("--quiet", o.quiet, "no table and no progress");

  return parse_command_line(app, argc, argv, [&] {
    if (!teacher.empty())
      o.teacher = parse_widths(teacher);
    else if (o.reads_images())
      o.teacher = {784, 64, 10};
    o.seeds = parse_seeds("--seeds", seeds);
    if (!rates.empty()) {
      o.learning_rate = parse_rates(rates);
    } else if (o.published == "deep" && o.loss == "mse") {
      for (auto& [epoch, rate] : o.learning_rate)
        rate *= 2.0 / static_cast<double>(o.teacher.back());
    }
    if (o.reads_images()) {
      if (samples->empty()) o.samples = 0;
      if (eval_samples->empty()) o.eval_samples = 0;
    }
    if (o.input == "fashion-mnist") o.input = "/usr/share/datasets/fashion-mnist/";
    if (o.reads_images()) o.input = with_slash(o.input);
    for (const std::size_t n : o.student()) {
      if (n > largest_width)
        throw CLI::ValidationError("--over-realization", "makes a layer wider than 1000000");
    }
  });
}

}  // namespace examples
