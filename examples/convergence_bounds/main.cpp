// The convergence theorems of arXiv:1905.13405: bounds beside simulations of the dynamics they are
// about, with every constant, and Figure 7: students that begin near their teachers keep their
// fan-out, the others lose theirs, in training by SGD on fresh Gaussian inputs.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>

#include <tutelage/core/blas_threads.hpp>
#include <tutelage/core/files.hpp>

#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "report.hpp"

namespace {

using namespace bounds;

struct options {
  std::size_t seeds = 32;
  std::size_t epochs = 50;
  std::uint64_t seed = 1;
  std::size_t threads = 0;
  std::string out = ".";
};

void print(const std::vector<bounded>& curves, double rate) {
  std::printf("  step  ");
  for (const auto& c : curves) std::printf("  %-18s %-10s", c.name.c_str(), "bound");
  std::printf("\n");
  const std::size_t steps = curves.front().measured.size() - 1;
  for (std::size_t t = 0; t <= steps; t += std::max<std::size_t>(1, steps / 5)) {
    std::printf("  %6zu", t);
    for (const auto& c : curves) std::printf("  %-18.4g %-10.4g", c.measured[t], c.bound[t]);
    std::printf("\n");
  }
  for (const auto& c : curves) {
    double slowest = 0;
    bool within = true;
    for (std::size_t t = 0; t <= steps; ++t) {
      within = within && c.measured[t] <= c.bound[t] * (1 + 1e-9) + 1e-14;
      if (t > 0 && c.measured[t - 1] > 1e-12) {
        slowest = std::max(slowest, c.measured[t] / c.measured[t - 1]);
      }
    }
    std::printf("  %-18s slowest step x %.6f, bound x %.6f: %s\n", c.name.c_str(), slowest, rate,
                within ? "within the bound" : "BOUND VIOLATED");
  }
}

void print(const theorem_4_run& r) {
  const auto& c = r.constants;
  std::printf("Theorem 4: %zu orthonormal teachers of bias %g, theta_0 %g, eta %g\n", c.m,
              r.settings.bias, c.theta_0, r.settings.eta);
  std::printf("  eps_d %.4g  K_d %.4g  M_d %.4g  d_bar %.4g  gamma %.4g  eta d_0 %.4g\n", c.eps_d,
              c.K_d, r.bound.M_d, r.bound.d_bar, r.bound.gamma, r.bound.overshoot);
  print(r.curves, r.bound.rate());
}

void print(const char* name, const theorem_5_bound& b) {
  std::printf("  %-8s C_du %.4g C_dr %.4g C_lu %.4g C_lr %.4g  R %.4g  lambda_bar %.4g  ", name,
              b.C_du, b.C_dr, b.C_lu, b.C_lr, b.R, b.lambda_bar);
  if (b.holds()) {
    std::printf("gamma %.4g (bottom %.4g, top %.4g)\n", b.gamma, b.gamma_bottom, b.gamma_top);
  } else if (b.gamma > 0) {
    std::printf("gamma %.4g, but steps or moves are too large\n", b.gamma);
  } else {
    std::printf("no feasible gamma\n");
  }
}

void print(const theorem_5_run& r) {
  const auto& c = r.constants;
  std::printf("Theorem 5: %zu teachers, %zu students of bias %g, orthonormal, theta_0 %g, eta %g\n",
              c.m, c.n, r.settings.bias, c.theta_0, c.eta);
  std::printf("  eps_d %.4g  eps_l %.4g  K_d %.4g  K_l %.4g  C_0 %.4g  B_v %g  B_dv %g\n", c.eps_d,
              c.eps_l, c.K_d, c.K_l, c.C_0, c.B_v, c.B_dv);
  print("printed", r.printed);
  print("repaired", r.repaired);
  print(r.curves, r.repaired.rate());
  std::printf("  r-set moved by %.4g, bound R %.4g, where K was asked for %.4g: %s\n",
              r.measured_move, r.repaired.R, r.settings.reach,
              r.measured_move <= r.repaired.R && r.repaired.R <= r.settings.reach
                  ? "within the bound"
                  : "BOUND VIOLATED");
}

std::vector<panel> run_panels(const options& o, std::size_t steps) {
  std::vector<panel> panels;
  std::printf("Figure 7: mean norm of rows of V, %zu seeds\n", o.seeds);
  std::printf("  over-realization  p_W   p_V  u-set: start    end  r-set: start    end  end u/r\n");
  for (const std::size_t factor : {2U, 5U, 10U}) {
    for (const luck start : {luck{1, 0.1}, {1, 1}, {5, 0.1}, {5, 1}}) {
      panels.push_back(run_panel({factor, start, o.epochs, steps, o.seeds}, o.threads));
      const auto& p = panels.back();
      std::printf("  %15zux  %3g  %4g  %12.3f %6.3f  %12.3f %6.3f  %7.2f\n", factor, start.p_W,
                  start.p_V, p.u_mean.front(), p.u_mean.back(), p.r_mean.front(), p.r_mean.back(),
                  p.u_mean.back() / p.r_mean.back());
    }
  }
  return panels;
}

void run(const options& o, std::size_t steps) {
  const auto four = run_theorem_4({-2.5, 0.02, 0, 4, 4, 50, 40});
  print(four);
  const auto five = run_theorem_5({-3.5, 0.05, 0.06, 2, 4, 1000, 200}, o.seed);
  print(five);
  const auto panels = run_panels(o, steps);

  examples::output_folder out(o.out);
  out.write("bounds.csv", curves_csv(four, five));
  out.write("figure7.csv", panels_csv(panels));
  out.draw("bounds", curves_figure(four, five));
  out.draw("figure7", panels_figure(panels, 4));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Convergence bounds beside simulations, and lucky students in training.",
               "convergence_bounds");
  options o;
  bool quick = false;
  app.add_option("--seeds", o.seeds, "runs of each panel of Figure 7")->check(CLI::PositiveNumber);
  app.add_option("--epochs", o.epochs, "of 200 steps of 16 samples")->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed, "of Theorem 5's fan-out");
  app.add_option("--threads", o.threads, "0 = one a core; results do not depend on it");
  app.add_option("--out", o.out, "folder for bounds and figure7: .csv, .svg and .png");
  app.add_flag("--quick", quick, "2 seeds, 10 epochs of 40 steps");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) {
      o.seeds = 2;
      o.epochs = 10;
    }
    run(o, quick ? 40 : 200);
  });
}
