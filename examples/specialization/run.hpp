// The experiment as a template over the scalar; run_float.cpp and run_double.cpp instantiate it.
#pragma once

#include <chrono>
#include <filesystem>

#include <tutelage/analysis/evaluator.hpp>
#include <tutelage/data/images.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/tutelage.hpp>

#include <type_traits>
#include <utility>

#include "pair/describe_layers.hpp"
#include "specialization/analyze.hpp"
#include "specialization/experiment.hpp"
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

// Trains on `data` with the sampling that the options ask for.
template <class Student, class Data, class Loss, class Hook>
void learn(Student& student, const Data& data, const Loss& loss, const options& o,
           std::uint64_t seed, Hook& hook) {
  const sgd descent{.rate = step_rates(o.learning_rate)};
  const train_settings settings{.epochs = o.epochs};
  if (o.steps_per_epoch == 0) {
    train(student, shuffled(data, {.batch = o.batch, .seed = seed}), loss, descent, settings, hook);
  } else {
    const batch_settings batches{.batch = o.batch, .steps = o.steps_per_epoch, .seed = seed};
    train(student, with_replacement(data, batches), loss, descent, settings, hook);
  }
}

inline epoch_result record_of(std::size_t epoch, std::optional<double> train_loss,
                              const evaluation& now) {
  epoch_result result{epoch, train_loss, now.loss, {}, {}};
  for (const auto& layer : now.layers) result.rho_mean.push_back(layer.rho_mean());
  for (std::size_t j = 0; j < now.layers[0].teacher_nodes(); ++j) {
    result.teacher_rho.push_back(now.layers[0].best_rho(j));
  }
  return result;
}

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

template <class Teacher, class Student, class Loss, class Targets>
void learn_and_record(const Teacher& teacher, Student& student, const options& o,
                      const run_inputs<typename Teacher::value_type>& inputs, const Loss& loss,
                      const Targets& make_targets, run_observer& observer, run_result& result) {
  using T = typename Teacher::value_type;
  using targets = std::invoke_result_t<Targets, matrix<T>>;
  using data_type = data_set<matrix_view<const T>, targets>;
  const data_type data(inputs.train, make_targets(outputs(teacher, inputs.train)));
  const data_type fresh(inputs.evaluation, make_targets(outputs(teacher, inputs.evaluation)));
  const evaluator judge(teacher, fresh, inputs.evaluation_labels);

  evaluation now = judge(student, loss);
  result.history.push_back(record_of(0, {}, now));
  on_epoch_end recorder{[&](const auto& report) {
    now = judge(student, loss);
    result.history.push_back(record_of(report.epoch, report.train_loss, now));
    observer.epoch_done(now.loss, now.layers[0].rho_mean());
  }};
  learn(student, data, loss, o, result.seed, recorder);

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
  if (o.loss == "mse") {
    learn_and_record(
        teacher, student, o, inputs, mean_squared_error{}, [](matrix<T> f) { return f; }, observer,
        result);
  } else {
    learn_and_record(
        teacher, student, o, inputs, cross_entropy{}, [](const matrix<T>& f) { return argmax(f); },
        observer, result);
  }
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
