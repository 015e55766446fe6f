#include "experiment.hpp"

#include <cmath>

#include <tutelage/core/parallel.hpp>
#include <tutelage/theory/population/descent.hpp>
#include <tutelage/theory/population/hermite.hpp>
#include <tutelage/theory/population/linear_fit.hpp>
#include <tutelage/theory/population/orthonormal_target.hpp>
#include <tutelage/theory/population/particles.hpp>

namespace orthonormal {

namespace {

using network_type = two_layer<double, relu, dynamic, dynamic, 1>;

// 0, 1, 2, 4, 6, 10, ..., and the last step.
bool is_snapshot(std::size_t t, std::size_t last) {
  if (t == 0 || t == last) return true;
  const double per_factor = 8 / std::log(10.0);
  const auto place = [&](double step) { return std::floor(per_factor * std::log(step)); };
  return t == 1 || place(static_cast<double>(t)) > place(static_cast<double>(t) - 1);
}

double norm_of(const gradients<network_type>& found) {
  double norm = 0;
  const auto add = [&](const auto& direction) {
    for (std::size_t i = 0; i < direction.rows(); ++i) {
      for (const double x : direction.row(i)) norm = std::hypot(norm, x);
    }
  };
  add(found.dW<1>());
  add(found.dW<2>());
  return norm;
}

descent_run run_once(const width_settings& s, std::uint64_t seed) {
  network_type teacher({s.d, s.d, 1}), student({s.d, s.n, 1});
  make_orthonormal_target(teacher, seed);
  population loss(teacher);
  const double power = loss.loss(student);  // of a student that is zero
  initialize(student, orthonormal_start{}, seed);
  descent_run run;
  gradients<network_type> found;
  for (std::size_t t = 0;; ++t) {
    if (is_snapshot(t, s.steps)) {
      const auto series = hermite_loss(teacher, student, highest_degree);
      run.steps.push_back(t);
      run.loss.push_back(loss.loss(student) / power);
      run.degrees.push_back(series.parts);
      for (double& part : run.degrees.back()) part /= power;
      run.higher.push_back(run.loss.back() - series.sum() / power);
    }
    if (t == s.steps) break;
    descend(loss, student, found, s.rate);
  }
  // Slow or stuck? What has not learned goes on until its gradient has vanished, or for long.
  constexpr double vanished = 1e-8;
  for (std::size_t t = 0; run.loss.back() >= learned && t < 50 * s.steps; ++t) {
    descend(loss, student, found, s.rate);
    if (t % 1000 == 0 && norm_of(found) <= vanished) break;
  }
  run.final_loss = loss.gradient(student, found) / power;
  run.gradient_norm = norm_of(found);
  if (run.final_loss >= learned && run.gradient_norm <= vanished) {
    run.end = classify(loss, student, 10 * vanished);
  }
  return run;
}

}  // namespace

std::vector<descent_run> run_width(const width_settings& settings, std::size_t threads) {
  return parallel_map(settings.seeds, threads,
                      [&](std::size_t k) { return run_once(settings, k + 1); });
}

particle_run run_particles(std::size_t particles, bool closed, std::size_t steps, double rate) {
  network_type teacher({3, 3, 1}), student({3, particles, 1});
  make_orthonormal_target(teacher, 1);
  initialize(student, particle_start{}, 1);
  const auto axes = matrix_view<const double>(teacher.layer<1>().linear_weights());
  if (closed) close_under_reflections(student, axes);
  population_with_linear_fit loss(teacher);
  const double power = loss.loss(network_type({3, 1, 1}));
  particle_run run;
  gradients<network_type> found;
  for (std::size_t t = 0;; ++t) {
    if (is_snapshot(t, steps)) {
      run.steps.push_back(t);
      run.loss.push_back(loss.loss(student) / power);
      run.asymmetry.push_back(reflection_asymmetry(student, axes));
    }
    if (t == steps) return run;
    descend(loss, student, found, rate);
  }
}

}  // namespace orthonormal
