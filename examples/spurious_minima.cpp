// Spurious minima of the population loss: k orthonormal teachers, n students, all fan-outs 1 and fixed,
// d = k inputs x ~ N(0, I), J = 1/2 E|f* - f|^2, gradient descent from w ~ N(0, I / d).
//
//   the share of runs that end at J >= 1e-3, for n = k, k + 1, k + 2, beside the published one for n = k
//   (Safran and Shamir, ICML 2018, arXiv:1712.08968, Table 1)
//   the families of minima there, modulo permutations: loss, norms of nodes, least Hessian eigenvalue
//   one teacher: J falls exponentially for n = 1, like T^-3 for n >= 2: two students at (1, +-delta) / 2
//   have J = delta^3 / (6 pi), and delta falls like 1 / T
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/core/parallel.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/theory/population/descent.hpp>
#include <tutelage/theory/population/population.hpp>
#include <tutelage/theory/population/population_hessian.hpp>

#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/table.hpp"

namespace {

using namespace tutelage;
using examples::number;
using net = two_layer<double, relu, dynamic, dynamic, dynamic>;

constexpr double bad = 1e-3;      // J from here on is no global minimum
constexpr double settled = 1e-9;  // |gradient| at a minimum

// Percent of runs in bad minima, n = k.
const std::map<std::size_t, double> published{{6, 0.3},   {7, 5.5},   {8, 12.6}, {9, 21.8},
                                              {10, 34.6}, {11, 45.5}, {12, 58.5}};

net with_fan_out_one(std::size_t d, std::size_t n) {
  net result({d, n, 1});
  for (std::size_t k = 0; k < n; ++k) result.layer<2>().weights()(k, 0) = 1;
  return result;
}

net orthonormal_teacher(std::size_t k) {
  net teacher = with_fan_out_one(k, k);
  for (std::size_t i = 0; i < k; ++i) teacher.layer<1>().weights()(i, i) = 1;
  return teacher;
}

double length(const matrix_view<const double>& m) {
  double square = 0;
  for (std::size_t i = 0; i < m.rows(); ++i) {
    for (const double x : m.row(i)) square += x * x;
  }
  return std::sqrt(square);
}

// ---- Runs ---------------------------------------------------------------------------------------

struct end_point {
  double loss;
  bool is_settled;
  std::vector<double> norms;  // of the nodes, ascending; of bad minima
  double least = 0;           // eigenvalue of the Hessian of J
};

end_point run(std::size_t k, std::size_t n, std::uint64_t seed, std::size_t most_steps) {
  population<net> loss(orthonormal_teacher(k));
  net student = with_fan_out_one(k, n);
  stream random(seed, purpose::student);
  const auto W = student.layer<1>().weights();
  for (std::size_t i = 0; i < k; ++i) {
    random.fill_normal(W.row(i), 0.0, 1 / std::sqrt(static_cast<double>(k)));
  }
  gradients<net> found;
  // The largest eigenvalue of the Hessian is about n / 4 + 1 / 2.
  const double rate = 4 / static_cast<double>(n + 2);
  end_point end{0, false, {}};
  for (std::size_t step = 0; step < most_steps && !end.is_settled; ++step) {
    end.loss = descend<fixed_fan_out>(loss, student, found, rate);
    end.is_settled = end.loss < bad || length(found.dW<1>()) < settled;
  }
  if (end.loss < bad || !end.is_settled) return end;
  for (std::size_t j = 0; j < n; ++j) {
    double square = 0;
    for (std::size_t i = 0; i < k; ++i) square += W(i, j) * W(i, j);
    end.norms.push_back(std::sqrt(square));
  }
  std::sort(end.norms.begin(), end.norms.end());
  auto hessian = hessian_of(loss);
  end.least = symmetric_eigen(hessian.operator()<fixed_fan_out>(student)).values.front();
  return end;
}

// Minima that differ by permutations of teacher and student nodes.
struct family {
  std::size_t count;
  end_point of;
};

struct setting {
  std::size_t k, n, runs;
  std::size_t stuck = 0, slow = 0;  // ended in bad minima; had not settled
  std::vector<family> families;     // the most frequent first

  [[nodiscard]] double share() const {
    return static_cast<double>(stuck) / static_cast<double>(runs);
  }
  // Standard deviation of the share, of one run more that is stuck and one that is not.
  [[nodiscard]] double error() const {
    const double total = static_cast<double>(runs) + 2,
                 p = (static_cast<double>(stuck) + 1) / total;
    return std::sqrt(p * (1 - p) / total);
  }
};

bool is_one_family(const end_point& a, const end_point& b) {
  if (std::abs(a.loss - b.loss) > 1e-9) return false;
  for (std::size_t j = 0; j < a.norms.size(); ++j) {
    if (std::abs(a.norms[j] - b.norms[j]) > 1e-5) return false;
  }
  return true;
}

setting run_all(std::size_t k, std::size_t n, std::size_t runs, std::size_t most_steps,
                std::size_t threads) {
  setting s{};
  s.k = k;
  s.n = n;
  s.runs = runs;
  const auto ends =
      parallel_map(runs, threads, [&](std::size_t i) { return run(k, n, i + 1, most_steps); });
  for (const end_point& end : ends) {
    if (end.loss < bad) continue;
    if (!end.is_settled) {
      ++s.slow;
      continue;
    }
    ++s.stuck;
    const auto at = std::find_if(s.families.begin(), s.families.end(),
                                 [&](const family& f) { return is_one_family(f.of, end); });
    if (at == s.families.end()) {
      s.families.push_back({1, end});
    } else {
      ++at->count;
    }
  }
  std::stable_sort(s.families.begin(), s.families.end(),
                   [](const family& a, const family& b) { return a.count > b.count; });
  return s;
}

// "5 x 0.892, 1.203": equal ones together.
std::string norms_text(const std::vector<double>& norms) {
  std::string text;
  for (std::size_t j = 0; j < norms.size();) {
    std::size_t same = j;
    while (same < norms.size() && norms[same] - norms[j] < 1e-5) ++same;
    char part[48];
    std::snprintf(part, sizeof part, "%s%zu x %.4f", j == 0 ? "" : ", ", same - j, norms[j]);
    text += part;
    j = same;
  }
  return text;
}

void print(const std::vector<setting>& settings, std::size_t shown) {
  std::printf("  k   n   runs  bad minima         published  slow  families\n");
  for (const setting& s : settings) {
    const auto at = published.find(s.k);
    char before[16] = "";
    if (s.n == s.k && at != published.end()) {
      std::snprintf(before, sizeof before, "%.1f%%", at->second);
    }
    std::printf("%3zu %3zu %6zu  %5.1f%% +- %.1f%% %16s %5zu  %zu\n", s.k, s.n, s.runs,
                100 * s.share(), 100 * s.error(), before, s.slow, s.families.size());
  }
  std::printf("families of bad minima, modulo permutations: loss, least eigenvalue, norms\n");
  for (const setting& s : settings) {
    for (std::size_t i = 0; i < std::min(shown, s.families.size()); ++i) {
      const family& f = s.families[i];
      std::printf("%3zu %3zu  %4zu runs  %.6f  %.5f  %s\n", s.k, s.n, f.count, f.of.loss,
                  f.of.least, norms_text(f.of.norms).c_str());
    }
  }
}

// ---- One teacher --------------------------------------------------------------------------------

struct decay {
  std::size_t n;
  std::vector<double> steps, loss;

  // d ln J / d ln T over the last decade.
  [[nodiscard]] double slope() const {
    std::size_t first = 0;
    while (steps[first] < steps.back() / 10) ++first;
    return std::log(loss.back() / loss[first]) / std::log(steps.back() / steps[first]);
  }
};

decay run_one_teacher(std::size_t n, std::size_t steps) {
  net teacher = with_fan_out_one(2, 1);
  teacher.layer<1>().weights()(0, 0) = 1;
  population<net> loss(teacher);
  net student = with_fan_out_one(2, n);
  for (std::size_t j = 0; j < n; ++j) {
    const double angle = n == 1 ? 0.5 : 0.5 - static_cast<double>(j) / static_cast<double>(n - 1);
    student.layer<1>().weights()(0, j) = std::cos(angle) / static_cast<double>(n);
    student.layer<1>().weights()(1, j) = std::sin(angle) / static_cast<double>(n);
  }
  gradients<net> found;
  decay result{n, {}, {}};
  double next = 1;
  for (std::size_t step = 1; step <= steps; ++step) {
    const double J = descend<fixed_fan_out>(loss, student, found, 0.5);
    if (static_cast<double>(step) < next) continue;
    next = std::max(next + 1, next * 1.1);
    // Below the rounding of J, a difference of numbers of size 1, there is nothing to see.
    if (J < 1e-14) break;
    result.steps.push_back(static_cast<double>(step));
    result.loss.push_back(J);
  }
  return result;
}

// J of two students (1, +-delta) / 2, over delta^3 / (6 pi).
double pair_ratio(double delta) {
  net teacher = with_fan_out_one(2, 1), student = with_fan_out_one(2, 2);
  teacher.layer<1>().weights()(0, 0) = 1;
  for (std::size_t j = 0; j < 2; ++j) {
    student.layer<1>().weights()(0, j) = 0.5;
    student.layer<1>().weights()(1, j) = j == 0 ? delta / 2 : -delta / 2;
  }
  return population<net>(teacher).loss(student) / (std::pow(delta, 3) / (6 * std::numbers::pi));
}

// ---- Figure -------------------------------------------------------------------------------------

std::string figure(const std::vector<setting>& settings, const std::vector<decay>& decays) {
  std::string script =
      "set multiplot layout 2,2 title 'k orthonormal teachers, fan-outs 1, gradient descent on the "
      "population loss'\nset key top left font ',9'\nset grid\n";
  const auto block = [&](const std::string& name, auto&& rows) {
    script += "$" + name + " << END\n";
    rows();
    script += "END\n";
  };
  for (std::size_t more = 0; more < 3; ++more) {
    block("share" + std::to_string(more), [&] {
      for (const setting& s : settings) {
        if (s.n != s.k + more) continue;
        script += std::to_string(s.k) + ' ' + number(100 * s.share()) + ' ' +
                  number(100 * s.error()) + '\n';
      }
    });
  }
  block("published", [&] {
    for (const auto& [k, percent] : published) {
      script += std::to_string(k) + ' ' + number(percent) + '\n';
    }
  });
  block("families", [&] {
    bool any = false;
    for (const setting& s : settings) {
      for (const family& f : s.families) {
        if (s.n != s.k) continue;
        any = true;
        script += std::to_string(s.k) + ' ' + number(f.of.loss) + ' ' + number(f.of.least) + ' ' +
                  number(0.4 + 2.5 * std::sqrt(static_cast<double>(f.count) /
                                               static_cast<double>(s.stuck))) +
                  '\n';
      }
    }
    if (!any) script += "6 NaN NaN 1\n";
  });
  script += "set xlabel 'k'\nset xrange [" + std::to_string(settings.front().k) +
            "-0.5:" + std::to_string(settings.back().k) +
            "+0.5]\nset xtics 1\nset ylabel 'runs in bad minima, %'\nset yrange [0:*]\n"
            "plot $share0 with yerrorlines lw 2 pt 7 lc rgb '#d62728' title 'n = k', "
            "$published with points pt 4 ps 1.4 lw 2 lc rgb 'black' title 'n = k, published', "
            "$share1 with yerrorlines lw 2 pt 7 lc rgb '#1f77b4' title 'n = k + 1', "
            "$share2 with yerrorlines lw 2 pt 7 lc rgb '#2ca02c' title 'n = k + 2'\n"
            "unset key\nset label 1 'size: how many of them' at graph 0.04,0.93 font ',9'\n"
            "set ylabel 'J of a family of bad minima, n = k'\n"
            "plot $families using 1:2:4 with points pt 6 ps variable lw 2 lc rgb '#d62728'\n"
            "set ylabel 'least eigenvalue of its Hessian'\n"
            "plot $families using 1:3:4 with points pt 6 ps variable lw 2 lc rgb '#d62728'\n"
            "unset label 1\nset key bottom left\nset logscale xy\nset format '10^{%L}'\nset xrange "
            "[1:*]\n"
            "set xtics autofreq\nset yrange [1e-14:1]\nset xlabel 'step T'\nset ylabel 'J, one "
            "teacher'\n";
  std::string lines;
  for (const decay& d : decays) {
    block("decay" + std::to_string(d.n), [&] {
      for (std::size_t i = 0; i < d.steps.size(); ++i) {
        script += number(d.steps[i]) + ' ' + number(d.loss[i]) + '\n';
      }
    });
    lines += (lines.empty() ? "plot $decay" : ", $decay") + std::to_string(d.n) +
             " with lines lw 2 title 'n = " + std::to_string(d.n) + "'";
  }
  return script + lines +
         ", 2e3*x**-3 with lines dt 2 lc rgb 'black' title 'T^{-3}'\nunset multiplot\n";
}

void write(const std::string& folder, const std::vector<setting>& settings,
           const std::vector<decay>& decays) {
  examples::output_folder out(folder);
  examples::table shares({"k", "n", "runs", "stuck", "slow", "share", "error"});
  std::string families = "k,n,runs,loss,least_eigenvalue,norms\n";
  for (const setting& s : settings) {
    const auto real = [](std::size_t i) { return static_cast<double>(i); };
    shares.add(
        {real(s.k), real(s.n), real(s.runs), real(s.stuck), real(s.slow), s.share(), s.error()});
    for (const family& f : s.families) {
      families += std::to_string(s.k) + ',' + std::to_string(s.n) + ',' + std::to_string(f.count) +
                  ',' + number(f.of.loss) + ',' + number(f.of.least);
      for (std::size_t j = 0; j < f.of.norms.size(); ++j) {
        families += (j == 0 ? ',' : ' ') + number(f.of.norms[j]);
      }
      families += '\n';
    }
  }
  out.write("spurious_minima.csv", shares.csv());
  out.write("spurious_minima.json", shares.json());
  out.write("families.csv", families);
  out.draw("spurious_minima", figure(settings, decays));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("How often gradient descent ends in minima that are not global, and in which.",
               "spurious_minima");
  std::size_t runs = 1000, lowest = 6, highest = 12, steps = 100'000, shown = 3, threads = 0;
  bool quick = false;
  std::string out = ".";
  app.add_option("--runs", runs, "for each k and n")->check(CLI::PositiveNumber);
  app.add_option("--from", lowest, "lowest k")->check(CLI::Range(1, 100));
  app.add_option("--to", highest, "highest k")->check(CLI::Range(1, 100));
  app.add_option("--steps", steps, "at most, of each run")->check(CLI::PositiveNumber);
  app.add_option("--show", shown, "families printed of each k and n; all are in families.csv");
  app.add_option("--threads", threads, "0 = one a core; results do not depend on it");
  app.add_flag("--quick", quick, "20 runs of k = 7, 8");
  app.add_option("--out", out,
                 "folder for spurious_minima.csv, .json, .svg and .png, families.csv");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) {
      runs = 20;
      lowest = 7;
      highest = 8;
    }
    if (lowest > highest) {
      throw argument_error("--from is " + std::to_string(lowest) + ", above --to, " +
                           std::to_string(highest));
    }
    examples::make_folder(out);  // or say so before the work
    std::vector<setting> settings;
    for (std::size_t more = 0; more < 3; ++more) {
      for (std::size_t k = lowest; k <= highest; ++k) {
        settings.push_back(run_all(k, k + more, runs, steps, threads));
      }
    }
    print(settings, shown);

    std::vector<decay> decays;
    for (const std::size_t n : {1U, 2U, 3U, 5U}) {
      decays.push_back(run_one_teacher(n, quick ? 10'000 : 100'000));
    }
    std::printf("one teacher: n = 1 is below 1e-14 after %.0f steps\n", decays[0].steps.back());
    for (std::size_t i = 1; i < decays.size(); ++i) {
      std::printf("one teacher, n = %zu: J ~ T^%.2f at the end\n", decays[i].n, decays[i].slope());
    }
    std::printf("two students at +-delta: J / (delta^3 / 6 pi)");
    for (const double delta : {0.1, 0.01, 0.001}) std::printf("  %.6f", pair_ratio(delta));
    std::printf("  for delta = 0.1, 0.01, 0.001\n");
    write(out, settings, decays);
  });
}
