// Teachers, their data, and students that were trained on them.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tutelage/data/teacher.hpp>
#include <tutelage/tutelage.hpp>

namespace landscape {

using namespace tutelage;

template <class Network>
using widths_of = std::array<std::size_t, Network::depth + 1>;

/// A teacher with inputs N(0, 1.5^2) and its outputs, to learn from and to measure on.
template <class Network>
struct lesson {
  using samples = data_set<matrix<double>, matrix<double>>;

  Network teacher;
  samples training, evaluation;
  double power;  // the loss, on evaluation samples, of a student that is zero

  lesson(Network taught, std::size_t measured_samples, std::uint64_t seed)
      : teacher(std::move(taught)),
        training(draw(10'000, purpose::inputs, seed)),
        evaluation(draw(measured_samples, purpose::evaluation, seed)),
        power(mean_loss(Network(teacher.widths()), evaluation, mean_squared_error{})) {}

  /// Of evaluation samples, by the teacher's power.
  [[nodiscard]] double loss(const Network& net) const {
    return mean_loss(net, evaluation, mean_squared_error{}) / power;
  }

 private:
  [[nodiscard]] samples draw(std::size_t count, purpose what, std::uint64_t seed) const {
    auto x = draw_inputs<double>(gaussian_inputs{1.5}, count, teacher.in_width(), seed, what);
    auto y = outputs(teacher, x);
    return {std::move(x), std::move(y)};
  }
};

/// Trains a student of these widths by SGD on batches of 16, `steps` of them an epoch.
template <class Network, class Start>
Network trained_student(const lesson<Network>& l, const widths_of<Network>& widths,
                        const Start& start, double rate, std::size_t epochs, std::size_t steps,
                        std::uint64_t seed) {
  Network student(widths);
  initialize(student, start, seed);
  train(student, with_replacement(l.training, {.batch = 16, .steps = steps, .seed = seed}),
        mean_squared_error{}, sgd{.rate = rate}, {.epochs = epochs});
  return student;
}

}  // namespace landscape
