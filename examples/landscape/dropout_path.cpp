// Dropout stability and the paths that it gives (Kuditipudi et al., arXiv:1906.06247):
//
//   bound     random pairs of 2 to 6 layers: is the loss on the path ever above the theorem's bound?
//   width     noisy clones of a teacher, 3 layers: the wider, the more stable; the straight pieces of
//             the noise-stable path lose their excess like 1 / width
//   trained   students of the default problem, over-realized 1 to 20 times: how stable they are
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <tutelage/core/parallel.hpp>
#include <tutelage/landscape/dropout_path.hpp>
#include <tutelage/landscape/path_loss.hpp>

#include "common/arguments.hpp"
#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/table.hpp"
#include "landscape/trained.hpp"

namespace {

using namespace landscape;
using examples::number;

struct options {
  std::size_t pairs = 100;
  std::size_t widest = 1024;
  std::size_t epochs = 20;
  std::uint64_t seed = 1;
  std::size_t threads = 0;
  std::string out = ".";
};

template <std::size_t... I>
mlp<double, relu, (static_cast<void>(I), dynamic)...> net_of_widths(std::index_sequence<I...>);
template <std::size_t Layers>
using deep_net = decltype(net_of_widths(std::make_index_sequence<Layers + 1>{}));

// ---- Random pairs --------------------------------------------------------------------------------

struct bound_result {
  std::size_t depth, segments = 0, shorter = 0;  // with and without overlap
  double excess = 0, shorter_excess = 0;  // worst, by the bound; of the noise-stable's middle
  double straight = 0;                    // median of the straight line's largest, by the bound
};

// Weights N(0, 1/fan-in), biases N(0, 1/4).
template <class Network>
void randomize(Network& net, stream& random) {
  net.for_each_layer([&](auto& l, std::size_t) {
    const double scale = 1 / std::sqrt(static_cast<double>(l.in_width()));
    for (std::size_t i = 0; i < l.in_width(); ++i) random.fill_normal(l.weights().row(i), 0, scale);
    random.fill_normal(l.bias(), 0, 0.5);
  });
}

template <std::size_t Layers>
bound_result random_pairs(const options& o) {
  using net = deep_net<Layers>;
  struct outcome {
    double excess, shorter_excess, straight;
    std::size_t segments;
  };
  const auto runs = parallel_map(o.pairs, o.threads, [](std::size_t i) {
    stream random(i + 1, purpose::analysis, Layers);
    widths_of<net> h;
    for (auto& width : h) width = 2 + random.below(9);
    net a(h), b(h);
    randomize(a, random);
    randomize(b, random);
    auto x = make_matrix<double>(20, h.front()), y = make_matrix<double>(20, h.back());
    random.fill_normal(std::span(x.data(), x.size()));
    random.fill_normal(std::span(y.data(), y.size()));
    const data_set data(x, y);
    const auto keep = [&](const net& of) {
      auto d = random_dropout(of, stream(random.bits(), purpose::analysis));
      for (auto& kept : d.kept) {
        while (kept.size() > 1 && random.below(3) == 0) kept.pop_back();  // less than half, too
      }
      return keep_in_dropout(of, d.kept);
    };
    const auto d_a = keep(a), d_b = keep(b);
    const mean_squared_error loss;
    const double bound = dropout_bound(a, d_a, b, d_b, data, loss);
    const auto path = dropout_path(a, d_a, b, d_b), shorter = noise_stable_path(a, d_a, b, d_b);
    double middle = 0;
    for (const path_point& p : losses_along(shorter, data, loss, {.points = 8})) {
      const bool straight = p.segment == 0 ? p.t < 1 : p.segment + 1 == shorter.segments();
      if (!straight) middle = std::max(middle, p.loss);
    }
    return outcome{largest_loss(path, data, loss, {.points = 8}).loss / bound - 1,
                   middle / bound - 1, largest_loss(straight_line(a, b), data, loss).loss / bound,
                   path.segments()};
  });
  bound_result result{Layers, 0, 4 * Layers - 1, -1, -1, 0};
  std::vector<double> straight;
  for (const outcome& r : runs) {
    result.segments = std::max(result.segments, r.segments);
    result.shorter = std::min(result.shorter, r.segments);
    result.excess = std::max(result.excess, r.excess);
    result.shorter_excess = std::max(result.shorter_excess, r.shorter_excess);
    straight.push_back(r.straight);
  }
  std::sort(straight.begin(), straight.end());
  result.straight = straight[straight.size() / 2];
  return result;
}

// ---- Noisy clones --------------------------------------------------------------------------------

using clone_net = deep_net<3>;

// Each node copies a teacher's, in random places, copies sharing its fan-out; every weight is then
// off by a factor of 1 + N(0, 0.3^2).
clone_net noisy_clone(const clone_net& teacher, std::size_t h, stream random) {
  const auto m = teacher.widths();
  clone_net result({m[0], h, h, m[3]});
  std::array<std::vector<std::size_t>, 4> source;  // of each node
  for (std::size_t l = 0; l < 4; ++l) {
    const auto place = random.permutation(result.widths()[l]);
    source[l].resize(place.size());
    for (std::size_t k = 0; k < place.size(); ++k) {
      source[l][k] = l == 0 || l == 3 ? k : place[k] % m[l];
    }
  }
  const auto copy_layer = [&](const auto& from, auto& to, std::size_t l) {
    const double share = static_cast<double>(from.in_width()) / static_cast<double>(to.in_width());
    for (std::size_t i = 0; i < to.weights().rows(); ++i) {
      const bool bias = i == to.in_width();
      for (std::size_t k = 0; k < to.out_width(); ++k) {
        to.weights()(i, k) =
            from.weights()(bias ? from.in_width() : source[l - 1][i], source[l][k]) *
            (bias ? 1 : share) * (1 + 0.3 * random.normal());
      }
    }
  };
  copy_layer(teacher.layer<1>(), result.layer<1>(), 1);
  copy_layer(teacher.layer<2>(), result.layer<2>(), 2);
  copy_layer(teacher.layer<3>(), result.layer<3>(), 3);
  return result;
}

struct width_result {
  std::size_t h;
  double loss, bound, path, noise_stable, excess, straight;  // by the teacher's power
  std::vector<path_point> along, along_shorter, along_line;  // of the first pair
};

width_result clone_pair(const clone_net& teacher, std::size_t h, std::uint64_t seed) {
  const auto x = draw_inputs<double>(gaussian_inputs{1}, 200, teacher.in_width(), seed);
  const data_set data(x, outputs(teacher, x));
  const mean_squared_error loss;
  const double power = mean_loss(clone_net(teacher.widths()), data, loss);
  stream random(seed, purpose::student, h);
  const auto next = [&] { return stream(random.bits(), purpose::student); };
  const auto a = noisy_clone(teacher, h, next()), b = noisy_clone(teacher, h, next());
  const auto d_a = random_dropout(a, next()), d_b = random_dropout(b, next());
  const auto path = dropout_path(a, d_a, b, d_b), shorter = noise_stable_path(a, d_a, b, d_b);
  const auto line = straight_line(a, b);
  width_result r{h,
                 std::max(mean_loss(a, data, loss), mean_loss(b, data, loss)) / power,
                 dropout_bound(a, d_a, b, d_b, data, loss) / power,
                 0,
                 0,
                 0,
                 0,
                 losses_along(path, data, loss, {.points = 2}),
                 losses_along(shorter, data, loss, {.points = 8}),
                 losses_along(line, data, loss, {.points = 32})};
  const auto top = [&](std::vector<path_point>& points, std::size_t segments) {
    double largest = 0;
    for (path_point& p : points) {
      p.loss /= power;
      largest = std::max(largest, p.loss);
      p.t = p.position() / static_cast<double>(segments);  // part of the way
    }
    return largest;
  };
  r.path = top(r.along, path.segments());
  r.noise_stable = top(r.along_shorter, shorter.segments());
  r.straight = top(r.along_line, 1);
  r.excess = r.noise_stable - r.loss;
  return r;
}

// Means over some pairs of each width, with the lines of the first pair.
std::vector<width_result> clones(const options& o) {
  constexpr std::size_t pairs = 4;
  clone_net teacher({10, 8, 8, 4});
  stream random(o.seed, purpose::teacher);
  randomize(teacher, random);
  std::vector<width_result> results;
  for (std::size_t h = 16; h <= o.widest; h *= 4) {
    const auto runs = parallel_map(
        pairs, o.threads, [&](std::size_t i) { return clone_pair(teacher, h, o.seed + i); });
    width_result& mean = results.emplace_back(runs.front());
    for (double width_result::*field :
         {&width_result::loss, &width_result::bound, &width_result::path,
          &width_result::noise_stable, &width_result::excess, &width_result::straight}) {
      mean.*field = 0;
      for (const width_result& r : runs) mean.*field += r.*field / static_cast<double>(pairs);
    }
  }
  return results;
}

// ---- Trained students ----------------------------------------------------------------------------

struct trained_result {
  double over_realization, loss, random, strongest;  // losses of theta_1, by the teacher's power
};

std::vector<trained_result> trained(const options& o) {
  using net = deep_net<2>;
  net teacher({100, 10, 50});
  construct_teacher(teacher, {.polarity = 1, .seed = o.seed}, constant_bias{-0.1});
  const lesson<net> l(std::move(teacher), 2000, o.seed);
  constexpr std::size_t times[] = {1, 2, 5, 10, 20};
  return parallel_map(std::size(times), o.threads, [&](std::size_t i) {
    const auto student = trained_student(l, {100, 10 * times[i], 50}, gaussian_start{0.005}, 0.01,
                                         o.epochs, 1000, o.seed);
    const auto random = random_dropout(student, stream(o.seed, purpose::analysis));
    return trained_result{static_cast<double>(times[i]), l.loss(student),
                          l.loss(with_dropout(student, random)),
                          l.loss(with_dropout(student, strongest_dropout(student)))};
  });
}

// ---- Report --------------------------------------------------------------------------------------

std::string figure(const std::vector<width_result>& widths,
                   const std::vector<trained_result>& students) {
  std::string script =
      "set multiplot layout 1,3 title 'Dropout-stable networks are connected: loss over the power "
      "of the teacher'\n"
      "set tics font ',10'\nset title font ',11'\nset key font ',10'\nset xlabel font ',10'\n";
  // The widest pair along its paths.
  const auto along = [&](const char* name, const std::vector<path_point>& points) {
    script += std::string(name) + " << END\n";
    for (const path_point& p : points) script += number(p.t) + ' ' + number(p.loss) + '\n';
    script += "END\n";
  };
  const width_result& widest = widths.back();
  along("$path", widest.along);
  along("$shorter", widest.along_shorter);
  along("$line", widest.along_line);
  script += "$widths << END\n";
  for (const width_result& r : widths) {
    script += std::to_string(r.h) + ' ' + number(r.excess) + ' ' + number(r.bound - r.loss) + ' ' +
              number(r.straight - r.loss) + '\n';
  }
  script += "END\n$students << END\n";
  for (const trained_result& r : students) {
    script += number(r.over_realization) + ' ' + number(r.loss) + ' ' + number(r.random) + ' ' +
              number(r.strongest) + '\n';
  }
  script += "END\n";
  return script + "set title 'noisy clones of width " + std::to_string(widest.h) +
         ", one pair'\nset logscale y\nset format y '10^{%L}'\nset xrange [0:1]\nset xtics 0.5\n"
         "set xlabel 'part of the way'\nset yrange [*:2]\nset key top center\nplot " +
         std::string(
             "$path with lines lw 2 lc rgb '#1f77b4' title 'path', "
             "$shorter with lines lw 2 lc rgb '#2ca02c' title 'noise-stable', "
             "$line with lines lw 2 lc rgb '#d62728' title 'straight'\n") +
         "set title 'excess over the clones, 4 pairs'\nset logscale x\nset xrange [10:" +
         number(1.5 * static_cast<double>(widest.h)) +
         "]\nset xtics (16, 64, 256, 1024)\nset xlabel 'width'\nset yrange [*:*]\n"
         "set key top right\nplot "
         "$widths using 1:2 with points pt 6 ps 2 lw 2 lc rgb '#2ca02c' title 'noise-stable', "
         "'' using 1:3 with linespoints lw 2 lc rgb '#1f77b4' title 'path', "
         "'' using 1:4 with linespoints lw 2 lc rgb '#d62728' title 'straight', " +
         number(16 * widths.front().excess) +
         " / x with lines dt 3 lc rgb 'black' title '1 / width'\n"
         "set title 'trained, 2 layers'\nset xrange [0.8:25]\nset xtics (1, 2, 5, 10, 20)\n"
         "set xlabel 'over-realization'\nset key center right\nplot "
         "$students using 1:3 with linespoints lw 2 lc rgb '#d62728' title 'random half', "
         "'' using 1:4 with linespoints lw 2 lc rgb '#1f77b4' title 'strongest half', "
         "'' using 1:2 with linespoints lw 2 lc rgb 'black' title 'all'\nunset multiplot\n";
}

void run(const options& o) {
  std::printf("random pairs, kept nodes at random: worst excess over the bound, by the bound\n");
  std::printf(
      "  depth  pairs  segments      path  noise-stable's middle  straight / bound (median)\n");
  examples::table bounds(
      {"depth", "pairs", "segments", "excess", "noise_stable_excess", "straight"});
  const auto show = [&](const bound_result& r) {
    std::printf("  %5zu  %5zu  %3zu - %2zu  %8.1e  %21.1e  %25.2f\n", r.depth, o.pairs, r.shorter,
                r.segments, r.excess, r.shorter_excess, r.straight);
    bounds.add({static_cast<double>(r.depth), static_cast<double>(o.pairs),
                static_cast<double>(r.segments), r.excess, r.shorter_excess, r.straight});
  };
  show(random_pairs<2>(o));
  show(random_pairs<3>(o));
  show(random_pairs<4>(o));
  show(random_pairs<5>(o));
  show(random_pairs<6>(o));

  const auto widths = clones(o);
  std::printf("noisy clones of a teacher 10-8-8-4, means of 4 pairs: losses by its power\n");
  std::printf("  width      loss     bound      path  noise-stable    excess  straight\n");
  examples::table wide({"width", "loss", "bound", "path", "noise_stable", "excess", "straight"});
  for (const width_result& r : widths) {
    std::printf("  %5zu  %8.2e  %8.2e  %8.2e  %12.2e  %8.2e  %8.2e\n", r.h, r.loss, r.bound, r.path,
                r.noise_stable, r.excess, r.straight);
    wide.add(
        {static_cast<double>(r.h), r.loss, r.bound, r.path, r.noise_stable, r.excess, r.straight});
  }

  const auto students = trained(o);
  std::printf("students of 100-10-50, %zu epochs: losses by the teacher's power\n", o.epochs);
  std::printf("  over-realization      loss  random half  strongest half\n");
  examples::table stable({"over_realization", "loss", "random_half", "strongest_half"});
  for (const trained_result& r : students) {
    std::printf("  %16.0f  %8.2e  %11.2e  %14.2e\n", r.over_realization, r.loss, r.random,
                r.strongest);
    stable.add({r.over_realization, r.loss, r.random, r.strongest});
  }

  examples::output_folder out(o.out);
  out.write("dropout_bound.csv", bounds.csv());
  out.write("dropout_width.csv", wide.csv());
  out.write("dropout_trained.csv", stable.csv());
  out.draw("dropout_path", figure(widths, students));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Dropout stability, and paths between dropout-stable networks.", "dropout_path");
  options o;
  bool quick = false;
  app.add_option("--pairs", o.pairs, "random ones of each depth")->check(examples::positive);
  app.add_option("--widest", o.widest, "of the clones, from 16 on in steps of 4 times")
      ->check(CLI::Range(16, 4096));
  app.add_option("--epochs", o.epochs, "of the students, 1000 steps each")
      ->check(examples::positive);
  app.add_option("--seed", o.seed, "of teachers, students and inputs");
  app.add_option("--threads", o.threads, "0 = one a core; results do not depend on it");
  app.add_option("--out", o.out,
                 "folder for dropout_path.svg and .png, dropout_bound.csv, dropout_width.csv and "
                 "dropout_trained.csv");
  app.add_flag("--quick", quick, "10 pairs, widths to 64, 2 epochs");
  return examples::run_program(app, argc, argv, [&] {
    if (quick) {
      o.pairs = 10;
      o.widest = 64;
      o.epochs = 2;
    }
    run(o);
  });
}
