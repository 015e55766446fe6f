// The orthonormal target (Li, Ma and Zhang, arXiv:2007.04596) under gradient descent on the
// population loss: students exactly as wide as the target often end in a minimum that is not
// global, wider ones learn it. The loss by Hermite degree along the way; and the infinite-neuron
// process as particles, which stay symmetric under reflections when they begin so.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>

#include <tutelage/core/blas_threads.hpp>
#include <tutelage/core/files.hpp>

#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "experiment.hpp"

namespace {

using namespace orthonormal;

struct options {
  std::size_t seeds = 12;
  std::size_t steps = 10'000;
  std::size_t d = 10;
  std::size_t threads = 0;
  std::string out = ".";
};

struct width_result {
  width_settings settings;
  std::vector<descent_run> runs;
};

std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

std::vector<width_result> run_widths(const options& o) {
  std::vector<width_result> results;
  std::printf("target of %zu orthonormal nodes, %zu seeds, %zu steps\n", o.d, o.seeds, o.steps);
  std::printf(
      "    n  learned  median loss  largest loss | going on: learned  minima  saddles  slow\n");
  for (const std::size_t n : {o.d, o.d + o.d / 2, 2 * o.d, 4 * o.d}) {
    const width_settings s{o.d, n, o.seeds, o.steps, 0.04};
    results.push_back({s, run_width(s, o.threads)});
    std::vector<double> ends;
    std::size_t good = 0, later = 0, minima = 0, saddles = 0;
    for (const auto& r : results.back().runs) {
      ends.push_back(r.loss.back());
      good += r.loss.back() < learned ? 1 : 0;
      later += r.loss.back() >= learned && r.final_loss < learned ? 1 : 0;
      if (r.end) ++(r.end->negative == 0 ? minima : saddles);
    }
    std::sort(ends.begin(), ends.end());
    std::printf("%5zu  %3zu of %zu  %11.3g  %12.3g | %17zu  %6zu  %7zu  %4zu\n", n, good, o.seeds,
                ends[ends.size() / 2], ends.back(), later, minima, saddles,
                o.seeds - good - later - minima - saddles);
  }
  for (const auto& r : results.front().runs) {
    if (!r.end) continue;
    std::printf(
        "  a stuck one: relative loss %.6f, |gradient| %.1g; Hessian: %zu eigenvalues below "
        "0, %zu of 0, %zu above, the least of them %.3g\n",
        r.final_loss, r.gradient_norm, r.end->negative, r.end->zero, r.end->positive,
        r.end->eigenvalues[r.end->negative + r.end->zero]);
  }
  return results;
}

std::string losses_csv(const std::vector<width_result>& results) {
  std::string text = "d,n,seed,step,relative_loss";
  for (std::size_t k = 0; k <= highest_degree; ++k) text += ",degree_" + std::to_string(k);
  text += ",higher\n";
  for (const auto& [s, runs] : results) {
    for (std::size_t seed = 0; seed < runs.size(); ++seed) {
      const auto& r = runs[seed];
      for (std::size_t t = 0; t < r.steps.size(); ++t) {
        text += std::to_string(s.d) + ',' + std::to_string(s.n) + ',' + std::to_string(seed + 1) +
                ',' + std::to_string(r.steps[t]) + ',' + number(r.loss[t]);
        for (const double part : r.degrees[t]) text += ',' + number(part);
        text += ',' + number(r.higher[t]) + '\n';
      }
    }
  }
  return text;
}

std::string particles_csv(const particle_run& closed, const particle_run& independent) {
  std::string text = "particles,step,relative_loss,asymmetry\n";
  const auto add = [&](const char* name, const particle_run& r) {
    for (std::size_t t = 0; t < r.steps.size(); ++t) {
      text += std::string(name) + ',' + std::to_string(r.steps[t]) + ',' + number(r.loss[t]) + ',' +
              number(r.asymmetry[t]) + '\n';
    }
  };
  add("closed", closed);
  add("independent", independent);
  return text;
}

// One panel a width, one line a seed.
std::string losses_figure(const std::vector<width_result>& results) {
  std::string script =
      "set multiplot layout 2,2 title 'Loss over target power'\nunset key\n"
      "set logscale xy\nset format '10^{%L}'\nset xlabel 'step'\nset yrange "
      "[1e-6:2]\n";
  for (const auto& [s, runs] : results) {
    std::string lines;
    for (std::size_t k = 0; k < runs.size(); ++k) {
      const std::string block = "$n" + std::to_string(s.n) + "_" + std::to_string(k);
      script += block + " << END\n";
      for (std::size_t t = 1; t < runs[k].steps.size(); ++t) {
        script += std::to_string(runs[k].steps[t]) + ' ' + number(runs[k].loss[t]) + '\n';
      }
      script += "END\n";
      lines += (lines.empty() ? "plot " : ", ") + block + " with lines lc rgb '" +
               (runs[k].loss.back() < learned ? "#1f77b4" : "#d62728") + "'";
    }
    script += "set title 'target " + std::to_string(s.d) + " nodes, student " +
              std::to_string(s.n) + "'\n" + lines + '\n';
  }
  return script + "unset multiplot\n";
}

// The loss by degree: of the worst exactly parameterized student, and of the worst of the widest.
std::string degrees_figure(const std::vector<width_result>& results) {
  std::string script =
      "set multiplot layout 1,2 title 'Loss over target power, by Hermite degree'\nset logscale "
      "xy\nset format '10^{%L}'\nset xlabel 'step'\nset yrange [1e-8:2]\nset key bottom left\n";
  for (const auto* result : {&results.front(), &results.back()}) {
    const auto worst = std::max_element(
        result->runs.begin(), result->runs.end(),
        [](const auto& a, const auto& b) { return a.loss.back() < b.loss.back(); });
    const std::string block = "$by_degree" + std::to_string(result->settings.n);
    script += block + " << END\n";
    for (std::size_t t = 1; t < worst->steps.size(); ++t) {
      script += std::to_string(worst->steps[t]);
      for (const std::size_t k : {0U, 1U, 2U, 4U, 6U}) script += ' ' + number(worst->degrees[t][k]);
      script += ' ' + number(worst->higher[t]) + '\n';
    }
    script += "END\nset title 'worst of the students with " + std::to_string(result->settings.n) +
              " nodes'\nplot " + block + " using 1:2 with lines lw 2 title 'degree 0'";
    const char* const titles[] = {"1", "2", "4", "6", "above"};
    for (std::size_t k = 0; k < 5; ++k) {
      script +=
          ", '' using 1:" + std::to_string(k + 3) + " with lines lw 2 title '" + titles[k] + "'";
    }
    script += '\n';
  }
  return script + "unset multiplot\n";
}

std::string particles_figure(const particle_run& closed, const particle_run& independent) {
  std::string script =
      "set title 'Particles: distance to their reflections, and loss (dashed)'\nset logscale xy\n"
      "set format '10^{%L}'\nset xlabel 'step'\nset key at graph 0.98, graph 0.75\n";
  const auto add = [&](const char* block, const particle_run& r) {
    script += std::string(block) + " << END\n";
    for (std::size_t t = 1; t < r.steps.size(); ++t) {
      script += std::to_string(r.steps[t]) + ' ' +
                (r.asymmetry[t] > 0 ? number(r.asymmetry[t]) : "NaN") + ' ' + number(r.loss[t]) +
                '\n';
    }
    script += "END\n";
  };
  add("$closed", closed);
  add("$independent", independent);
  return script +
         "plot $closed using 1:2 with lines lw 2 lc rgb '#1f77b4' title 'closed under "
         "reflections', "
         "$independent using 1:2 with lines lw 2 lc rgb '#ff7f0e' title 'independent', "
         "$closed using 1:3 with lines dt 2 lc rgb '#1f77b4' notitle, "
         "$independent using 1:3 with lines dt 2 lc rgb '#ff7f0e' notitle\n";
}

void run(const options& o) {
  const auto results = run_widths(o);
  const std::size_t particles = 128, steps = o.steps / 5;
  const auto closed = run_particles(particles, true, steps, 0.04);
  const auto independent = run_particles(particles, false, steps, 0.04);
  const auto largest = [](const particle_run& r) {
    return *std::max_element(r.asymmetry.begin(), r.asymmetry.end());
  };
  std::printf("%zu particles in 3 dimensions, %zu steps: largest distance to a reflection\n",
              particles, steps);
  std::printf("  closed       %.2g, loss %.3g\n  independent  %.2g, loss %.3g\n", largest(closed),
              closed.loss.back(), largest(independent), independent.loss.back());

  examples::output_folder out(o.out);
  out.write("losses.csv", losses_csv(results));
  out.write("particles.csv", particles_csv(closed, independent));
  out.draw("losses", losses_figure(results));
  out.draw("degrees", degrees_figure(results));
  out.draw("particles", particles_figure(closed, independent));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Population gradient descent on a target of orthonormal nodes.",
               "orthonormal_target");
  options o;
  bool quick = false;
  app.add_option("--seeds", o.seeds, "runs of each width")->check(CLI::PositiveNumber);
  app.add_option("--steps", o.steps, "of each run")->check(CLI::PositiveNumber);
  app.add_option("--d", o.d, "inputs, and nodes of the target")->check(CLI::Range(2, 100));
  app.add_option("--threads", o.threads, "0 = one a core; results do not depend on it");
  app.add_option("--out", o.out, "folder for losses, degrees and particles: .csv, .svg and .png");
  app.add_flag("--quick", quick, "4 seeds, 3000 steps");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) {
      o.seeds = 4;
      o.steps = 3000;
    }
    run(o);
  });
}
