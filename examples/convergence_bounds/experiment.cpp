#include "experiment.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <tutelage/theory/overlap/lucky_start.hpp>
#include <tutelage/theory/overlap/overlap_dynamics.hpp>
#include <tutelage/theory/population/two_layer.hpp>
#include <tutelage/tutelage.hpp>

namespace bounds {

namespace {

constexpr std::size_t inputs = 10, teacher_nodes = 20, outputs = 30;

// Row norms of V, one list a snapshot.
using history_of_norms = std::vector<std::vector<double>>;

history_of_norms train_once(const panel_settings& s, std::uint64_t seed) {
  two_layer<double, relu, inputs, teacher_nodes, outputs> teacher;
  construct_teacher(teacher, {.seed = seed}, no_bias{});
  const std::size_t n = s.factor * teacher_nodes;
  two_layer<double, relu, inputs, dynamic, outputs> student({inputs, n, outputs});
  initialize(student, lucky_start{teacher, s.start.p_W, s.start.p_V}, seed);
  history_of_norms snapshots;
  const auto keep = [&] {
    std::vector<double> norms;
    const auto V = student.layer<2>().linear_weights();
    for (std::size_t j = 0; j < n; ++j) {
      double square = 0;
      for (const double x : V.row(j)) square += x * x;
      norms.push_back(std::sqrt(square));
    }
    snapshots.push_back(std::move(norms));
  };
  keep();
  train(
      student,
      fresh_each_step(teacher, gaussian_inputs{1.0}, {.batch = 16, .steps = s.steps, .seed = seed}),
      mean_squared_error{}, sgd{.rate = 0.02}, {.epochs = s.epochs},
      on_epoch_end{[&](const auto&) { keep(); }});
  return snapshots;
}

struct spread {
  double mean, std;
};
spread spread_of(const std::vector<double>& numbers) {
  const auto count = static_cast<double>(numbers.size());
  double sum = 0, square = 0;
  for (const double x : numbers) sum += x;
  for (const double x : numbers) square += (x - sum / count) * (x - sum / count);
  return {sum / count, std::sqrt(square / count)};
}

// Columns e_0, ..., e_(n-1) of R^(n+m); student j < m is turned by theta_0 towards e_(n+j).
struct unit_nodes {
  matrix<double> W_star, W;
};
unit_nodes orthonormal_nodes(const bound_settings& s) {
  unit_nodes nodes{make_matrix<double>(s.n + s.m, s.m), make_matrix<double>(s.n + s.m, s.n)};
  for (std::size_t j = 0; j < s.n; ++j) {
    nodes.W(j, j) = 1;
    if (j >= s.m) continue;
    nodes.W_star(j, j) = 1;
    nodes.W(j, j) = std::cos(s.theta_0);
    nodes.W(s.n + j, j) = std::sin(s.theta_0);
  }
  return nodes;
}

// K for nodes at right angles that move by `chord` at most, and for a node and itself.
template <class Psi>
double local_lipschitz(const Psi& psi, double chord) {
  const double turn = 2 * std::asin(chord / 2), right = std::numbers::pi / 2;
  return std::max(lipschitz_constant(psi, {right - 2 * turn, right + 2 * turn, chord}),
                  lipschitz_constant(psi, {0, turn, chord}));
}

}  // namespace

panel run_panel(const panel_settings& settings, std::size_t threads) {
  const auto runs = parallel_map(settings.seeds, threads,
                                 [&](std::size_t k) { return train_once(settings, k + 1); });
  panel p{settings, {}, {}, {}, {}};
  for (std::size_t t = 0; t <= settings.epochs; ++t) {
    std::vector<double> u, r;
    for (const auto& run : runs) {
      const auto middle = run[t].begin() + teacher_nodes;
      u.push_back(spread_of({run[t].begin(), middle}).mean);
      r.push_back(spread_of({middle, run[t].end()}).mean);
    }
    p.u_mean.push_back(spread_of(u).mean);
    p.u_std.push_back(spread_of(u).std);
    p.r_mean.push_back(spread_of(r).mean);
    p.r_std.push_back(spread_of(r).std);
  }
  return p;
}

theorem_4_run run_theorem_4(const bound_settings& settings) {
  bound_settings s = settings;
  s.n = s.m;
  const gate_overlap psi_d{s.bias};
  const auto nodes = orthonormal_nodes(s);
  const double K_d = local_lipschitz(psi_d, 2 * std::sin(s.theta_0 / 2));
  theorem_4_run run{s,
                    {s.m, s.theta_0, overlap_ratio(psi_d, pairwise_angles(nodes.W_star)), K_d,
                     psi_d(s.theta_0), psi_d(0), s.eta},
                    {},
                    {}};
  run.bound = bound_theorem_4(run.constants);
  const auto V = make_matrix<double>(s.m, 1);
  overlap_dynamics students(psi_d, activation_overlap{s.bias}, nodes.W_star, V, nodes.W, V);
  bounded sine{"max sin theta_j", {}, {}};
  double allowed = std::sin(s.theta_0);
  for (std::size_t t = 0; t <= s.steps; ++t) {
    sine.measured.push_back(students.largest_sine());
    sine.bound.push_back(allowed);
    students.step_weights(s.eta);
    allowed *= run.bound.rate();
  }
  run.curves = {sine};
  return run;
}

theorem_5_run run_theorem_5(const bound_settings& s, std::uint64_t seed) {
  const gate_overlap psi_d{s.bias};
  const activation_overlap psi_l{s.bias};
  const auto nodes = orthonormal_nodes(s);
  const double chord = std::max(2 * std::sin(s.theta_0 / 2), s.reach);
  const std::vector<double> right_angles{std::numbers::pi / 2};
  constexpr double B_dv = 0.1, B_v = 1;
  theorem_5_run run{s, {}, {}, {}, 0, {}};
  run.constants = {s.m,
                   s.n,
                   s.theta_0,
                   overlap_ratio(psi_d, right_angles),
                   overlap_ratio(psi_l, right_angles),
                   local_lipschitz(psi_d, chord),
                   local_lipschitz(psi_l, chord),
                   chord,
                   quadratic_fall_off(psi_l, s.theta_0),
                   psi_d(s.theta_0),
                   psi_l(s.theta_0),
                   psi_d(0),
                   psi_l(0),
                   1,
                   B_v,
                   B_dv,
                   s.eta};
  run.printed = bound_theorem_5(run.constants, printed_theorem_5{});
  run.repaired = bound_theorem_5(run.constants);
  // V* is the identity; the u-set's V is off by B_dv, the r-set's has length B_v.
  auto V_star = make_matrix<double>(s.m, s.m), V = make_matrix<double>(s.n, s.m);
  stream random(seed, purpose::student);
  for (std::size_t j = 0; j < s.n; ++j) {
    random.fill_normal(std::span(&V(j, 0), s.m));
    double square = 0;
    for (std::size_t c = 0; c < s.m; ++c) square += V(j, c) * V(j, c);
    for (std::size_t c = 0; c < s.m; ++c) V(j, c) *= (j < s.m ? B_dv : B_v) / std::sqrt(square);
    if (j < s.m) V_star(j, j) = 1;
    if (j < s.m) V(j, j) += 1;
  }
  overlap_dynamics students(psi_d, psi_l, nodes.W_star, V_star, nodes.W, V);
  bounded sine{"max sin theta_j", {}, {}}, error{"max |v_j - v*_j|", {}, {}},
      idle{"max |v_j|, r-set", {}, {}};
  double allowed = 1;
  for (std::size_t t = 0; t <= s.steps; ++t) {
    sine.measured.push_back(students.largest_sine());
    sine.bound.push_back(allowed * std::sin(s.theta_0));
    error.measured.push_back(students.largest_fan_out_error());
    error.bound.push_back(allowed * B_dv);
    idle.measured.push_back(students.largest_idle_fan_out());
    idle.bound.push_back(allowed * B_v);
    run.measured_move = std::max(run.measured_move, students.largest_idle_move());
    students.step_both(s.eta);
    allowed *= run.repaired.rate();
  }
  run.curves = {sine, error, idle};
  return run;
}

}  // namespace bounds
