// Gradient flow on the population loss in the plane: student nodes on their way to teacher nodes,
// with no sampling noise. Draws their trajectories over the vector field that an idle node feels,
// and the loss; ends with the spectrum of the Hessian where the flow has come to rest.
#include <CLI/CLI.hpp>
#include <array>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <string>
#include <vector>

#include <tutelage/theory.hpp>
#include <tutelage/tutelage.hpp>

#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"

namespace {

using namespace tutelage;
using examples::number;

using net = two_layer<double, relu, 2, dynamic, 1>;

struct options {
  std::size_t teachers = 3, students = 6;
  std::uint64_t seed = 1;
  double until = 500, tolerance = 1e-9;
  bool projected = false, fixed = false;
  std::string out = ".";
};

// Teacher nodes of length 1 and fan-out 1, at equal angles.
net make_teacher(std::size_t nodes) {
  net teacher({2, nodes, 1});
  for (std::size_t j = 0; j < nodes; ++j) {
    const double at =
        2 * std::numbers::pi * (static_cast<double>(j) + 0.3) / static_cast<double>(nodes);
    teacher.layer<1>().weights()(0, j) = std::cos(at);
    teacher.layer<1>().weights()(1, j) = std::sin(at);
    teacher.layer<2>().weights()(j, 0) = 1;
  }
  return teacher;
}

// Small nodes of any direction, as long as their fan-outs, which are positive. With fixed fan-outs
// and lengths, long ones.
net make_student(const options& o) {
  net student({2, o.students, 1});
  stream random(o.seed, purpose::student);
  const double length = o.fixed && o.projected ? 0.7 : 0.1;
  for (std::size_t k = 0; k < o.students; ++k) {
    const double at = 2 * std::numbers::pi * random.uniform();
    student.layer<1>().weights()(0, k) = length * std::cos(at);
    student.layer<1>().weights()(1, k) = length * std::sin(at);
    student.layer<2>().weights()(k, 0) = o.fixed ? 1 : length;
  }
  return student;
}

struct snapshot {
  double time, loss;
  net student;
};

// The velocity of one more node at w over its fan-out, which is so small that it changes nothing.
std::array<double, 2> field_at(const net& teacher, const net& student,
                               const std::array<double, 2>& w) {
  std::array<double, 2> velocity{}, gated{};
  gaussian_pair<double> pair;
  const auto add = [&](const net& of, double sign) {
    for (std::size_t k = 0; k < of.layer<1>().out_width(); ++k) {
      const std::array<double, 2> other{of.layer<1>().weights()(0, k),
                                        of.layer<1>().weights()(1, k)};
      pair.assign(w, other);
      pair.gated(gated);
      for (std::size_t i = 0; i < 2; ++i)
        velocity[i] += sign * of.layer<2>().weights()(k, 0) * gated[i];
    }
  };
  add(teacher, 1);
  add(student, -1);
  return velocity;
}

template <class FanOut, class Motion>
std::vector<snapshot> follow(population<net>& loss, const options& o) {
  const net start = make_student(o);
  std::vector<snapshot> all{{0, loss.loss(start), start}};
  auto flow = flow_of<FanOut, Motion>(loss, start, o.tolerance);
  while (flow.time() < o.until) {
    // At every step, and at the end.
    flow.time() < o.until / 2 ? flow.step() : flow.advance(o.until);
    if (flow.time() > o.until) break;
    all.push_back({flow.time(), flow.loss(), flow.student()});
  }
  return all;
}

std::vector<snapshot> follow(population<net>& loss, const options& o) {
  if (o.projected) {
    return o.fixed ? follow<fixed_fan_out, projected_motion>(loss, o)
                   : follow<trained_fan_out, projected_motion>(loss, o);
  }
  return o.fixed ? follow<fixed_fan_out, free_motion>(loss, o)
                 : follow<trained_fan_out, free_motion>(loss, o);
}

std::string trajectories_csv(const std::vector<snapshot>& all) {
  std::string text = "time,loss,node,w0,w1,fan_out\n";
  for (const auto& s : all) {
    for (std::size_t k = 0; k < s.student.layer<1>().out_width(); ++k) {
      text += number(s.time) + ',' + number(s.loss) + ',' + std::to_string(k) + ',' +
              number(s.student.layer<1>().weights()(0, k)) + ',' +
              number(s.student.layer<1>().weights()(1, k)) + ',' +
              number(s.student.layer<2>().weights()(k, 0)) + '\n';
    }
  }
  return text;
}

constexpr int grid = 10;  // arrows from the middle to each side
constexpr double range = 1.25;

std::string field_csv(const net& teacher, const std::vector<const snapshot*>& shown) {
  std::string text = "time,w0,w1,dw0,dw1\n";
  for (const auto* s : shown) {
    for (int i = -grid; i <= grid; ++i) {
      for (int j = -grid; j <= grid; ++j) {
        if (i == 0 && j == 0) continue;
        const std::array<double, 2> w{range * i / grid, range * j / grid};
        const auto v = field_at(teacher, s->student, w);
        text += number(s->time) + ',' + number(w[0]) + ',' + number(w[1]) + ',' + number(v[0]) +
                ',' + number(v[1]) + '\n';
      }
    }
  }
  return text;
}

std::string block(const std::string& name, const std::string& lines) {
  return "$" + name + " << END\n" + lines + "END\n";
}

// w_k |v_k|, which is what a node adds to the output.
std::string place(const net& of, std::size_t k) {
  const double v = std::abs(of.layer<2>().weights()(k, 0));
  return number(v * of.layer<1>().weights()(0, k)) + ' ' +
         number(v * of.layer<1>().weights()(1, k));
}

std::string figure(const net& teacher, const std::vector<snapshot>& all,
                   const std::vector<const snapshot*>& shown) {
  std::string script = "set multiplot layout 2,2 title 'Population gradient flow in the plane'\n";
  std::string teachers;
  for (std::size_t j = 0; j < teacher.layer<1>().out_width(); ++j) {
    teachers += "0 0 " + place(teacher, j) + "\n";
  }
  script +=
      block("teachers", teachers) +
      "set size ratio 1\nset xrange [-1.3:1.3]\nset yrange [-1.3:1.3]\nset xtics 1\nset ytics "
      "1\nunset key\n";
  for (const auto* s : shown) {
    double longest = 0;
    std::string arrows;
    std::vector<std::array<double, 4>> field;
    for (int i = -grid; i <= grid; ++i) {
      for (int j = -grid; j <= grid; ++j) {
        if (i == 0 && j == 0) continue;
        const std::array<double, 2> w{range * i / grid, range * j / grid};
        const auto v = field_at(teacher, s->student, w);
        longest = std::max(longest, std::hypot(v[0], v[1]));
        field.push_back({w[0], w[1], v[0], v[1]});
      }
    }
    for (const auto& [x, y, dx, dy] : field) {
      // Square roots, so that short arrows are seen too.
      const double length = std::hypot(dx, dy);
      const double scale = length > 0 ? 0.16 * std::sqrt(length / longest) / length : 0;
      arrows +=
          number(x) + ' ' + number(y) + ' ' + number(scale * dx) + ' ' + number(scale * dy) + '\n';
    }
    std::string paths, heads;
    for (std::size_t k = 0; k < s->student.layer<1>().out_width(); ++k) {
      for (const auto& before : all) {
        if (before.time > s->time) break;
        paths += place(before.student, k) + '\n';
      }
      paths += "\n\n";
      heads += place(s->student, k) + '\n';
    }
    const std::string id = std::to_string(s - all.data());
    char title[64];
    std::snprintf(title, sizeof title, "time %.3g, loss %.2e", s->time, s->loss);
    script +=
        block("field" + id, arrows) + block("paths" + id, paths) + block("heads" + id, heads) +
        "set title '" + title + "'\nplot $field" + id +
        " using 1:2:3:4 with vectors head size 0.04,20 lc rgb '#b0b0b0', $teachers with vectors "
        "nohead lw 3 lc rgb 'black', $paths" +
        id + " with lines lw 1.5 lc rgb '#377eb8', $heads" + id +
        " with points pt 7 ps 0.8 lc rgb '#e41a1c'\n";
  }
  std::string curve;
  for (const auto& s : all) {
    if (s.time > 0) curve += number(s.time) + ' ' + number(std::max(s.loss, 1e-16)) + '\n';
  }
  return script + block("loss", curve) +
         "set size noratio\nset autoscale\nset logscale xy\nset format '10^{%L}'\nset xtics "
         "autofreq\nset ytics autofreq\nset title 'loss'\nset xlabel 'time'\nplot $loss with lines "
         "lw 2 "
         "lc rgb 'black'\nunset multiplot\n";
}

void report(population<net>& loss, const options& o, const net& student) {
  constexpr double rest = 1e-3, step = 0x1p-5;
  const auto print = [](const classified_point<double>& point) {
    const char* const kind = point.kind == critical_kind::minimum  ? "a minimum"
                             : point.kind == critical_kind::saddle ? "a saddle"
                                                                   : "degenerate";
    std::printf("Hessian: %zu negative, %zu zero, %zu positive eigenvalues from %.3g to %.3g: %s\n",
                point.negative, point.zero, point.positive, point.eigenvalues.front(),
                point.eigenvalues.back(), kind);
  };
  try {
    print(o.fixed ? classify<fixed_fan_out>(loss, student, rest, step)
                  : classify(loss, student, rest, step));
  } catch (const argument_error& problem) {
    std::printf("no Hessian here: %s\n", problem.what());
  }
}

void run(const options& o) {
  const blas_threads one(1);
  const net teacher = make_teacher(o.teachers);
  population loss(teacher);
  const auto all = follow(loss, o);
  const net& student = all.back().student;
  std::printf("student  nearest teacher  angle (deg)  |w||v|\n");
  for (std::size_t k = 0; k < o.students; ++k) {
    const std::array<double, 2> w{student.layer<1>().weights()(0, k),
                                  student.layer<1>().weights()(1, k)};
    double nearest = 4;
    std::size_t best = 0;
    for (std::size_t j = 0; j < o.teachers; ++j) {
      const std::array<double, 2> v{teacher.layer<1>().weights()(0, j),
                                    teacher.layer<1>().weights()(1, j)};
      const double theta = angle_between(std::span<const double>(w), v).radians();
      if (theta < nearest) {
        nearest = theta;
        best = j;
      }
    }
    std::printf("%7zu  %15zu  %11.4f  %.4f\n", k, best, nearest * 180 / std::numbers::pi,
                std::hypot(w[0], w[1]) * std::abs(student.layer<2>().weights()(k, 0)));
  }
  std::printf("loss %.3g at time %.6g, after %zu steps\n", all.back().loss, all.back().time,
              all.size() - 1);
  report(loss, o, student);

  // The start, where half of the logarithm of the loss is gone, and the end.
  const double middle = std::sqrt(all.front().loss * std::max(all.back().loss, 1e-16));
  std::size_t half = 0;
  while (half + 1 < all.size() && all[half].loss > middle) ++half;
  const std::vector<const snapshot*> shown{&all.front(), &all[half], &all.back()};
  examples::output_folder out(o.out);
  out.write("population_flow.csv", trajectories_csv(all));
  out.write("population_flow_field.csv", field_csv(teacher, shown));
  out.draw("population_flow", figure(teacher, all, shown));
  out.print();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Follows the population gradient flow of student nodes in the plane.",
               "population_flow");
  options o;
  bool quick = false;
  app.add_option("--teachers", o.teachers, "teacher nodes")->check(CLI::Range(1, 50));
  app.add_option("--students", o.students, "student nodes")->check(CLI::Range(1, 200));
  app.add_option("--seed", o.seed, "of the student's start");
  auto* until = app.add_option("--until", o.until, "time of the flow")->check(CLI::PositiveNumber);
  app.add_option("--tolerance", o.tolerance, "of each step")->check(CLI::Range(1e-13, 1e-2));
  app.add_flag("--projected", o.projected,
               "student nodes keep their lengths (weight normalization)");
  app.add_flag("--fixed-fan-out", o.fixed, "only the lower layer moves");
  app.add_flag("--quick", quick, "a short flow");
  app.add_option("--out", o.out, "folder for population_flow.csv, _field.csv, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    if (quick && until->count() == 0) o.until = 20;
    run(o);
  });
}
