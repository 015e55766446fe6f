// Determinants of angular-distance functions ("Analysis of alignment phenomenon in simple
// teacher-student networks with finite width"): Figures 2 and 3 as heat maps, Figure 4 as
// histograms; random direction sets for m = 3, ..., 9, each with a proof that some student's length
// is negative, so that no critical point has these directions; and climbs towards a violation. What
// violates the determinant condition is computed again in long double and printed in full; so are
// three functions that do, of which one has every property that the paper names.
#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <numbers>

#include <tutelage/core/files.hpp>
#include <tutelage/theory/angular/angular_conditions.hpp>

#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "report.hpp"

namespace {

using namespace angular;

struct options {
  std::size_t sets = 1'000'000;
  std::size_t climbs = 64;
  std::size_t evaluations = 20'000;
  std::size_t steps = 151;
  std::uint64_t seed = 1;
  std::size_t threads = 0;
  std::string out = ".";
};

// All determinants of one set, in long double.
template <class F>
void print_set(const F& f, const std::vector<double>& theta) {
  const std::vector<long double> wide(theta.begin(), theta.end());
  angular_matrices<long double> a;
  a.compute(f, std::span<const long double>(wide));
  cramer_determinants<long double> c;
  c.compute(a.M, a.b);
  std::printf("  theta %s\n  det M %s\n", list(theta, " ").c_str(),
              number(std::scalbln(c.det(), c.exponent())).c_str());
  for (std::size_t i = 0; i < theta.size(); ++i) {
    std::printf("  det M_%zu %s\n", i + 1,
                number(std::scalbln(c.replaced()[i], c.exponent())).c_str());
  }
}

std::vector<random_result> run_random(const options& o) {
  std::vector<random_result> results;
  std::printf("random directions: a student's length is negative\n");
  std::printf("  m      sets  in double  in long double  undecided  violations  largest min det\n");
  for (std::size_t m = 3; m <= 9; ++m) {
    results.push_back(random_sets(m, o.sets, o.seed, o.threads));
    const auto& r = results.back();
    std::printf("%3zu  %8zu  %9zu  %14zu  %9zu  %10zu  %15.6g\n", m, r.sets, r.decided_in_double,
                r.decided_in_long_double, r.undecided.size(), r.violations.size(), r.largest);
    for (const auto& theta : r.undecided) {
      std::printf("undecided: the sign is lost in the rounding of long double\n");
      print_set(arc_cosine<1>{}, theta);
    }
    for (const auto& theta : r.violations) {
      std::printf("VIOLATION\n");
      print_set(arc_cosine<1>{}, theta);
    }
  }
  return results;
}

std::vector<search_result> run_search(const options& o) {
  std::vector<search_result> results;
  std::printf("best of %zu climbs: min det M_i, lines at least `gap` pi/(m+1) apart\n", o.climbs);
  std::printf("  m   gap 0.5      proved  gap 0.1      proved  gap 0.02     proved\n");
  for (std::size_t m = 3; m <= 9; ++m) {
    std::printf("%3zu", m);
    for (const double gap : {0.5, 0.1, 0.02}) {
      results.push_back(search(m, gap, o.climbs, o.evaluations, o.seed, o.threads));
      std::printf("  %-12.5g %-5s", results.back().best.min_determinant,
                  results.back().negative ? "< 0" : "no");
    }
    std::printf("\n");
    for (std::size_t k = results.size() - 3; k < results.size(); ++k) {
      if (results[k].negative) continue;
      std::printf("NOT PROVED NEGATIVE\n");
      print_set(arc_cosine<1>{}, results[k].best.theta);
    }
  }
  return results;
}

template <class F>
void print_counterexample(const char* name, const F& f, double near, double far, double last) {
  const auto conditions = check_angular_conditions<double>(f, 1024);
  const auto word = [](bool holds) { return holds ? "yes" : "no"; };
  std::printf("f = %s\n  angular distance %s, Lemma 4.2 %s, Lemma 4.3 %s\n", name,
              word(conditions.is_angular_distance()), word(conditions.decreasing.holds()),
              word(conditions.log_concave.holds()));
  print_set(f, {near, far, last});
}

void print_counterexamples() {
  constexpr double around = 2 * std::numbers::pi;
  std::printf("other functions: all det M_i are positive, against Conjecture 5.5\n");
  print_counterexample("(pi - t) cos t", gate_cosine{}, 0.86, 3.1, around - 0.86);
  print_counterexample(".75 / (1.25 - cos t)", poisson_kernel{}, 1.3, 3, around - 1.3);
  print_counterexample(
      "1.2 + cos t + .01 (cos 2t + cos 3t + cos 4t) + .07 cos 5t + .001 / (1.25 - cos t)",
      lemmas_met{}, 0.5, 0.95, 5.44);
  std::printf(
      "so none of these properties implies the determinant condition, nor do all together\n");
}

void run(const options& o) {
  const auto random = run_random(o);
  const auto searched = run_search(o);

  print_counterexamples();

  const auto surfaces = figure_2(o.steps), more = figure_3(o.steps);
  examples::output_folder out(o.out);
  out.write("random.csv", random_csv(random));
  out.write("search.csv", search_csv(searched));
  out.write("histogram.csv", histogram_csv(random));
  out.write("figure2.csv", surfaces_csv(surfaces));
  out.write("figure3.csv", surfaces_csv(more));
  out.draw("figure2", surfaces_figure("min_i det M_i, m = 3", surfaces));
  out.draw("figure3", surfaces_figure("min_i det M_i, m = 4", more));
  out.draw("figure4", histogram_figure(random));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Looks for direction sets whose determinants M_i are all positive.",
               "angular_distance");
  options o;
  bool quick = false;
  app.add_option("--sets", o.sets, "random sets for each m")->check(CLI::PositiveNumber);
  app.add_option("--climbs", o.climbs, "of the search, for each m and gap")
      ->check(CLI::PositiveNumber);
  app.add_option("--evaluations", o.evaluations, "of a climb")->check(CLI::PositiveNumber);
  app.add_option("--seed", o.seed, "of sets and climbs");
  app.add_option("--threads", o.threads, "0 = one a core; results do not depend on it");
  app.add_option("--out", o.out, "folder for the files");
  app.add_flag("--quick", quick, "20000 sets, 4 climbs of 2000 evaluations, coarse figures");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) {
      o.sets = 20'000;
      o.climbs = 4;
      o.evaluations = 2000;
      o.steps = 41;
    }
    run(o);
  });
}
