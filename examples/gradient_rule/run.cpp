#include <algorithm>
#include <chrono>
#include <cmath>

#include <tutelage/analysis.hpp>

#include "gradient_rule/experiment.hpp"

namespace examples {

namespace {

using namespace tutelage;

using net = mlp<double, relu, dynamic, dynamic, dynamic, dynamic, dynamic, dynamic>;
static_assert(net::depth == hidden_layers + 1);

snapshot look(const net& teacher, const net& student, const matrix<double>& x, std::size_t epoch,
              std::size_t threads) {
  snapshot now{};
  now.epoch = epoch;
  now.eval_loss = mean_loss(student, data_set(x, outputs(teacher, x)), mean_squared_error{});
  const auto matches = align(teacher, student, x);
  expectation_accumulator collected(teacher, student, {.threads = threads});
  collected.add(x);
  const auto errors = separation_errors(teacher, student, matrix_view<const double>(x));
  for (std::size_t l = 1; l <= hidden_layers; ++l) {
    const auto& match = matches[l - 1];
    const auto moments = collected.result(l);
    const std::size_t n = match.student_nodes(), m = match.teacher_nodes();
    layer_state& layer = now.layers.emplace_back();
    layer.rho_mean = match.rho_mean();
    layer.separation_error = errors[l - 1];
    for (std::size_t k = 0; k < n; ++k) {
      const std::size_t j = match.best_teacher(k);
      layer.students.push_back(
          {j, match.rho(j, k), moments.B.mean(k, k), moments.B.standard_error(k, k)});
    }
    const auto own_rows = [&](const matrix<double>& bordered) {
      return to_matrix(matrix_view<const double>(bordered.data(), n, m, bordered.shape(1)));
    };
    layer.beta_star = own_rows(moments.A.mean);
    layer.H_star = own_rows(separated_H(moments.A, moments.zz_star));
  }
  const auto count = [&](auto regions) {
    regions.add(x);
    return regions.size();
  };
  now.teacher_regions = count(visited_regions(teacher));
  now.student_regions = count(visited_regions(student));
  now.common_regions = count(visited_regions(teacher, student));
  return now;
}

// A window around the first evaluation input, along the next two.
void cut_plane(const net& teacher, const net& student, const matrix<double>& x,
               run_result& result) {
  const auto point = [&](std::size_t i) {
    const auto row = matrix_view(x).row(i);
    return std::vector<double>(row.begin(), row.end());
  };
  const input_slice<double> plane{.origin = point(0),
                                  .u = point(1),
                                  .v = point(2),
                                  .a = {-window, window},
                                  .b = {-window, window}};
  const auto keep = [&](bool of_teacher, const net& network) {
    for (auto& region : regions_of_slice(plane, network)) {
      result.polygons.push_back({of_teacher, std::move(region.corners)});
    }
  };
  keep(false, student);
  keep(true, teacher);
  result.common_polygons = regions_of_slice(plane, teacher, student).size();
}

}  // namespace

layer_widths options::student() const {
  auto widths = teacher;
  for (std::size_t l = 1; l <= hidden_layers; ++l) {
    const double n = std::round(static_cast<double>(widths[l]) * over_realization);
    widths[l] = std::max<std::size_t>(1, static_cast<std::size_t>(n));
  }
  return widths;
}

run_result run(const options& o, const std::function<void(double loss)>& epoch_done) {
  const blas_threads one(1);
  const auto start = std::chrono::steady_clock::now();
  const std::size_t d = o.teacher.front();
  const auto x = draw_inputs<double>(gaussian_inputs{o.std}, o.samples, d, o.seed);
  const auto fresh =
      draw_inputs<double>(gaussian_inputs{o.std}, o.eval_samples, d, o.seed, purpose::evaluation);
  net teacher(o.teacher), student(o.student());
  construct_teacher(teacher,
                    {.values = {-1, -0.75, -0.5, -0.25, 0, 0.25, 0.5, 0.75, 1}, .seed = o.seed},
                    tuned_bias{x});
  initialize(student, linear_default_start{}, o.seed);

  run_result result{};
  const auto keep = [&](std::size_t epoch) {
    result.snapshots.push_back(look(teacher, student, fresh, epoch, o.threads));
  };
  keep(0);
  const data_set data(x, outputs(teacher, x));
  auto batches = shuffled(data, {.batch = o.batch, .seed = o.seed});
  const std::size_t middle = o.epochs / 10;  // most happens early
  trainer learning(student, mean_squared_error{}, sgd{.rate = o.learning_rate}, o.seed);
  for (std::size_t epoch = 0; epoch < o.epochs; ++epoch) {
    double loss = 0;
    for (std::size_t s = 0; s < batches.steps(); ++s) {
      const auto samples = batches.next(epoch, s);
      if (o.separated) {
        const auto rows = to_matrix(samples.x);
        separated_step(std::as_const(teacher), student, matrix_view<const double>(rows),
                       o.learning_rate);
        if (s + 1 == batches.steps()) loss = mean_loss(student, data, mean_squared_error{});
      } else {
        loss = learning.step(samples.x, samples.y);
      }
    }
    if (!std::isfinite(loss)) {
      throw diverged_error(o.seed, (epoch + 1) * batches.steps(), 1,
                           result.snapshots.back().eval_loss);
    }
    epoch_done(loss);
    if (epoch + 1 == middle && middle < o.epochs) keep(epoch + 1);
  }
  if (o.epochs > 0) keep(o.epochs);
  cut_plane(teacher, student, fresh, result);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace examples
