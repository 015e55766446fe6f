// The experiment as a template over the scalar; run_float.cpp and run_double.cpp instantiate it.
#pragma once

#include <chrono>
#include <filesystem>

#include <tutelage/analysis/evaluator.hpp>
#include <tutelage/data/images.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/train/checkpoint.hpp>
#include <tutelage/tutelage.hpp>

#include <type_traits>
#include <utility>
#include <variant>

#include "pair/describe_layers.hpp"
#include "specialization/analyze.hpp"
#include "specialization/configuration.hpp"
#include "specialization/experiment.hpp"
#include "specialization/history.hpp"
#include "specialization/network.hpp"

namespace examples {

using namespace tutelage;

/// Inputs of a run; labels where images have them.
template <class T>
struct run_inputs {
  matrix<T> train, evaluation;
  std::vector<label> train_labels, evaluation_labels;
};

template <class T>
run_inputs<T> read_images(const options& o) {
  const auto existing = [](const std::string& name) {
    return std::filesystem::exists(name) ? name : name + ".gz";
  };
  const image_rows<T> train(existing(o.input + "train-images-idx3-ubyte"));
  const image_rows<T> test(existing(o.input + "t10k-images-idx3-ubyte"), train.numbers());
  const auto all = [](std::size_t wanted, const image_rows<T>& images) {
    return read_all(images.head(wanted == 0 ? images.rows() : wanted));
  };
  run_inputs<T> result{all(o.samples, train), all(o.eval_samples, test),
                       read_labels(existing(o.input + "train-labels-idx1-ubyte")),
                       read_labels(existing(o.input + "t10k-labels-idx1-ubyte"))};
  const auto fit = [&](const char* which, const image_rows<T>& images, matrix<T>& rows,
                       std::vector<label>& labels) {
    const std::string file = existing(o.input + which + "-labels-idx1-ubyte");
    if (labels.size() != images.rows()) {
      throw format_error(file, 4, "sizes",
                         std::to_string(labels.size()) + " labels, for " +
                             std::to_string(images.rows()) + " images");
    }
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] < o.teacher.back()) continue;
      throw argument_error(file + ": label " + std::to_string(i) + " is " +
                           std::to_string(labels[i]) + ", the teacher has outputs 0 to " +
                           std::to_string(o.teacher.back() - 1));
    }
    labels.resize(rows.shape(0));
  };
  fit("train", train, result.train, result.train_labels);
  fit("t10k", test, result.evaluation, result.evaluation_labels);
  return result;
}

template <class T>
run_inputs<T> draw_inputs_for(const options& o, std::uint64_t seed) {
  const auto draw = [&](std::size_t samples, purpose what) {
    const std::size_t d = o.teacher.front();
    if (o.input == "uniform") {
      // U[-a, a] has standard deviation a / sqrt 3.
      return draw_inputs<T>(uniform_inputs{o.std * std::sqrt(3.0)}, samples, d, seed, what);
    }
    return draw_inputs<T>(gaussian_inputs{o.std}, samples, d, seed, what);
  };
  return {draw(o.samples, purpose::inputs), draw(o.eval_samples, purpose::evaluation), {}, {}};
}

template <class Teacher>
void build_teacher(Teacher& teacher, const options& o, std::uint64_t seed,
                   const run_inputs<typename Teacher::value_type>& inputs) {
  if (o.reads_images()) {
    initialize(teacher, linear_default_start{}, seed, purpose::teacher);
    const data_set<matrix_view<const typename Teacher::value_type>, std::vector<label>> labelled(
        inputs.train, inputs.train_labels);
    train(teacher, shuffled(labelled, {.batch = 64, .seed = seed}), cross_entropy{},
          momentum_sgd{.rate = 0.01, .momentum = 0.9}, {.epochs = o.teacher_epochs});
    return;
  }
  const teacher_settings settings{.values = o.teacher_values, .polarity = o.polarity, .seed = seed};
  if (o.teacher_bias == "tuned") {
    construct_teacher(teacher, settings, tuned_bias{inputs.train});
  } else if (o.teacher_bias == "uniform") {
    construct_teacher(teacher, settings, uniform_bias{0.5});
  } else {
    construct_teacher(teacher, settings, constant_bias{std::stod(o.teacher_bias)});
  }
}

// The loss and the sampling that the options ask for, each one type: training is compiled once.
class run_loss {
 public:
  explicit run_loss(const options& o) : entropy_(o.loss == "cross-entropy") {}

  /// What a student learns from a teacher's outputs: these, or the strongest as a row with one 1.
  template <class T>
  [[nodiscard]] matrix<T> targets(matrix<T> f) const {
    if (!entropy_) return f;
    const auto strongest = argmax(f);
    f.fill(T(0));
    for (std::size_t i = 0; i < strongest.size(); ++i) f(i, strongest[i]) = 1;
    return f;
  }

  template <real_scalar T, class Targets>
  T evaluate(matrix_view<const T> f, const Targets& y, matrix_view<T> g) const {
    if (!entropy_) return mean_squared_error{}.evaluate(f, y, g);
    const auto probabilities = to_matrix(y);
    return cross_entropy{}.evaluate(f, matrix_view<const T>(probabilities), g);
  }

 private:
  bool entropy_;
};

template <class Data>
class run_batches {
 public:
  using value_type = typename Data::value_type;

  run_batches(const Data& data, const options& o, std::uint64_t seed)
      : source_(o.steps_per_epoch == 0
                    ? source(shuffled(data, {.batch = o.batch, .seed = seed}))
                    : source(with_replacement(
                          data, {.batch = o.batch, .steps = o.steps_per_epoch, .seed = seed}))) {}

  [[nodiscard]] std::uint64_t seed() const {
    return std::visit([](const auto& s) { return s.seed(); }, source_);
  }
  [[nodiscard]] std::size_t steps() const {
    return std::visit([](const auto& s) { return s.steps(); }, source_);
  }
  auto next(std::size_t epoch, std::size_t step) {
    return std::visit([&](auto& s) { return s.next(epoch, step); }, source_);
  }

 private:
  using source = std::variant<shuffled<Data>, with_replacement<Data>>;
  source source_;
};

// The analyses are in double, whatever the run is in, and compiled elsewhere.
template <class Teacher, class Student, class T>
sections analyze_in_double(const Teacher& teacher, const Student& student, const options& o,
                           const alignment& lowest, const run_inputs<T>& inputs) {
  if constexpr (std::is_same_v<T, double>) {
    return analyze<Teacher::depth>(teacher, student, o, lowest, inputs.train, inputs.evaluation);
  } else {
    const matrix<double> training = inputs.train, evaluation = inputs.evaluation;
    return analyze<Teacher::depth>(network_cast<double>(teacher), network_cast<double>(student), o,
                                   lowest, training, evaluation);
  }
}

// Writes checkpoints where they are asked for.
class saver {
 public:
  saver(const options& o, std::uint64_t seed, std::size_t epoch_steps, const run_history& history) {
    if (o.checkpoint.empty()) return;
    path_ = o.checkpoint + "." + std::to_string(seed);
    configuration_ = configuration_of(o, seed);
    to_.emplace(path_, o.checkpoint_every == 0 ? epoch_steps : o.checkpoint_every, configuration_,
                history);
  }

  template <class Trainer>
  bool resume(Trainer& learning, run_history& history) const {
    return to_ && resume_from(path_, learning, configuration_, history);
  }
  template <class Network, class Optimizer>
  void on_step(const step_report<Network, Optimizer>& report) const {
    if (to_) to_->on_step(report);
  }

 private:
  std::string path_, configuration_;
  std::optional<checkpoint_to<run_history>> to_;
};

template <class Network>
void learn_and_record(const Network& teacher, Network& student, const options& o,
                      const run_inputs<typename Network::value_type>& inputs,
                      run_observer& observer, run_result& result) {
  using T = typename Network::value_type;
  using data_type = data_set<matrix_view<const T>, matrix<T>>;
  const run_loss loss(o);
  const data_type data(inputs.train, loss.targets(outputs(teacher, inputs.train)));
  const data_type fresh(inputs.evaluation, loss.targets(outputs(teacher, inputs.evaluation)));
  const evaluator judge(teacher, fresh, inputs.evaluation_labels);

  run_batches<data_type> batches(data, o, result.seed);
  trainer learning(student, loss, sgd{.rate = step_rates(o.learning_rate)}, result.seed);
  run_history history(o.epochs, Network::depth - 1, teacher.widths()[1]);
  const saver checkpoints(o, result.seed, batches.steps(), history);
  const bool resumed = checkpoints.resume(learning, history);
  evaluation now = judge(student, loss);
  if (!resumed) history.record(0, {}, now);
  on_epoch_end recorder{[&](const auto& report) {
    now = judge(student, loss);
    history.record(report.epoch, report.train_loss, now);
    observer.epoch_done(now.loss, now.layers[0].rho_mean());
  }};
  train(learning, batches, {.epochs = o.epochs}, recorder, checkpoints);

  result.history = history.result();
  result.train_loss = mean_loss(student, data, loss);
  result.eval_loss = now.loss;
  result.student_accuracy = now.accuracy;
  result.layers = describe_layers(teacher, student, now.layers);
  if (o.analyses) {
    result.analyses = analyze_in_double(teacher, student, o, now.layers[0], inputs);
  }
}

template <class Network>
run_result run_one(Network teacher, Network student, const options& o, std::uint64_t seed,
                   const run_inputs<typename Network::value_type>& inputs, run_observer& observer) {
  using T = typename Network::value_type;
  const auto start = std::chrono::steady_clock::now();
  run_result result{};
  result.seed = seed;
  build_teacher(teacher, o, seed, inputs);
  if (o.reads_images()) {
    result.teacher_accuracy = accuracy(teacher, data_set<matrix_view<const T>, std::vector<label>>(
                                                    inputs.evaluation, inputs.evaluation_labels));
    observer.teacher_trained(seed, *result.teacher_accuracy);
  }

  if (o.student_init == "default") {
    initialize(student, linear_default_start{}, seed);
  } else {
    initialize(student, gaussian_start{std::stod(o.student_init)}, seed);
  }
  learn_and_record(teacher, student, o, inputs, observer, result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

template <class T>
run_result run_any(const options& o, std::uint64_t seed, const run_inputs<T>& inputs,
                   run_observer& observer) {
  std::optional<run_result> result;
  for_each_number<largest_depth>([&](auto depth) {
    if constexpr (depth >= smallest_depth) {
      if (o.teacher.size() != depth + 1) return;
      const auto make = [&](const std::vector<std::size_t>& widths) {
        std::array<std::size_t, depth + 1> array{};
        std::copy_n(widths.begin(), depth + 1, array.begin());
        return run_network<T, depth>(array, leaky_relu<dynamic_slope>(o.leaky));
      };
      result = run_one(make(o.teacher), make(o.student()), o, seed, inputs, observer);
    }
  });
  return result.value();  // options are checked: depths are among these
}

template <class T>
std::vector<run_result> run_all_in(const options& o, run_observer& observer) {
  run_inputs<T> images;
  if (o.reads_images()) {
    images = read_images<T>(o);
    if (images.train.shape(1) != o.teacher.front()) {
      throw shape_error("specialization: --teacher takes " + std::to_string(o.teacher.front()) +
                        " inputs, the images have " + std::to_string(images.train.shape(1)));
    }
  }
  return parallel_map(o.seeds.size(), o.threads, [&](std::size_t i) {
    if (o.reads_images()) return run_any<T>(o, o.seeds[i], images, observer);
    return run_any<T>(o, o.seeds[i], draw_inputs_for<T>(o, o.seeds[i]), observer);
  });
}

}  // namespace examples
