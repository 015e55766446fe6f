// SGD without replacement near a memorizing minimum theta* (Yun, Sra and Jadbabaie, arXiv:1810.07770,
// Section 5): from |theta - theta*| = rho, where R = O(rho^2), it comes to R = O(rho^4) and stays
// within 2 rho.
//
//   R = 1/2 mean r^2, N samples, batches of B, E = N / B steps an epoch, J [N, P] the outputs' Jacobian
//
// The part of theta - theta* in J's row space contracts by exp(-mu) an epoch, mu = eta E lambda_min,
// lambda_min the least positive eigenvalue of J^T J / N. What is left is what the part xi in J's null
// space does to second order, q = 1/2 f''[xi, xi], off J's range:
//
//   A  a memorizer that is rank deficient: one tanh node, taught, and two students on it. The slope of
//      log R against log rho goes from 2 to 4; R / rho^4 to 1/2 mean |(I - P_range J) q|^2 / rho^4
//   B  a ReLU network that taught the labels: the first epoch with R <= 10 rho^4 comes ln 2 / mu later
//      for half the rho
#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <stop_token>
#include <string>
#include <vector>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/tutelage.hpp>

#include "common/number.hpp"
#include "common/output_folder.hpp"
#include "common/program.hpp"
#include "common/table.hpp"

namespace {

using namespace tutelage;
using examples::number;

struct tanh_gate {
  [[nodiscard]] double activate(double a) const { return std::tanh(a); }
  [[nodiscard]] double factor(double f) const { return 1 - f * f; }
};

template <class Gate>
using net = network<dense<double, dynamic, dynamic, Gate, no_bias>,
                    dense<double, dynamic, dynamic, identity, no_bias>>;

constexpr std::size_t batch = 4;

// ---- Parameters as a vector ---------------------------------------------------------------------

template <class Network>
std::vector<double> parameters(Network& n) {
  std::vector<double> all;
  n.for_each_parameter([&](const matrix_view<double>& W) {
    for (std::size_t i = 0; i < W.rows(); ++i) {
      all.insert(all.end(), W.row(i).begin(), W.row(i).end());
    }
  });
  return all;
}

// n's parameters plus t times a direction.
template <class Network>
Network moved(Network n, const std::vector<double>& direction, double t) {
  std::size_t at = 0;
  n.for_each_parameter([&](const matrix_view<double>& W) {
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (double& w : W.row(i)) w += t * direction[at++];
    }
  });
  return n;
}

double length(const std::vector<double>& v) {
  double square = 0;
  for (const double x : v) square += x * x;
  return std::sqrt(square);
}

std::vector<double> random_direction(std::size_t size, std::uint64_t seed) {
  std::vector<double> D(size);
  stream(seed, purpose::analysis).fill_normal(std::span<double>(D));
  const double norm = length(D);
  for (double& x : D) x /= norm;
  return D;
}

// ---- What the theory says -----------------------------------------------------------------------

struct prediction {
  double least;    // lambda_min
  double plateau;  // of R / rho^4
};

// [N, P]
template <class Network>
matrix<double> jacobian(const Network& n, const matrix<double>& x, std::size_t P) {
  auto J = make_matrix<double>(x.shape(0), P);
  activations<Network> kept;
  gradients<Network> found;
  const auto one = matrix<double>{{1}};
  for (std::size_t i = 0; i < x.shape(0); ++i) {
    const auto row = matrix_view<const double>(x).middle_rows(i, 1);
    n.forward(row, kept);
    n.backward(row, kept, matrix_view<const double>(one), found);
    std::size_t at = 0;
    for (const auto& dW : {matrix_view<const double>(found.template dW<1>()),
                           matrix_view<const double>(found.template dW<2>())}) {
      for (std::size_t r = 0; r < dW.rows(); ++r) {
        for (const double d : dW.row(r)) J(i, at++) = d;
      }
    }
  }
  return J;
}

// Off the eigenvectors of a Gram matrix with positive eigenvalues; the least of these goes to `least`.
std::vector<double> off_range(const matrix<double>& gram, std::vector<double> v, double& least) {
  const auto system = symmetric_eigen(matrix_view<const double>(gram));
  for (std::size_t k = gram.shape(0); k-- > 0;) {
    if (system.values[k] < 1e-10 * system.values.back()) break;
    least = system.values[k];
    double part = 0;
    for (std::size_t i = 0; i < v.size(); ++i) part += system.vectors(i, k) * v[i];
    for (std::size_t i = 0; i < v.size(); ++i) v[i] -= part * system.vectors(i, k);
  }
  return v;
}

template <class Network>
prediction predict(const Network& minimum, const matrix<double>& x, const std::vector<double>& D) {
  const std::size_t N = x.shape(0), P = D.size();
  const auto J = jacobian(minimum, x, P);
  auto rows = make_matrix<double>(P, P), columns = make_matrix<double>(N, N);
  multiply(transposed(matrix_view<const double>(J)), matrix_view<const double>(J),
           matrix_view<double>(rows), 1 / static_cast<double>(N));
  multiply(matrix_view<const double>(J), transposed(matrix_view<const double>(J)),
           matrix_view<double>(columns));
  prediction result{};
  const auto xi = off_range(rows, D, result.least);
  const double h = 1e-3;
  const auto above = moved(minimum, xi, h)(x), below = moved(minimum, xi, -h)(x), at = minimum(x);
  std::vector<double> q(N);
  for (std::size_t i = 0; i < N; ++i) {
    q[i] = (above(i, 0) - 2 * at(i, 0) + below(i, 0)) / (2 * h * h);
  }
  double unused = 0;
  result.plateau =
      std::pow(length(off_range(columns, q, unused)), 2) / (2 * static_cast<double>(N));
  return result;
}

// ---- Runs ---------------------------------------------------------------------------------------

struct curve {
  double rho;
  std::vector<double> R, distance;  // by epoch, from 0; distance over rho
};

// Until R <= enough.
template <class Network>
curve run(const Network& minimum, const matrix<double>& x, const std::vector<double>& D, double rho,
          double rate, std::size_t epochs, double enough) {
  const data_set data(x, minimum(x));
  Network student = moved(minimum, D, rho);
  Network fixed = minimum;
  const auto star = parameters(fixed);
  curve c{rho, {mean_loss(student, data, mean_squared_error{})}, {1}};
  std::stop_source stop;
  train(student, shuffled(data, {.batch = batch, .seed = 1}), mean_squared_error{},
        sgd{.rate = rate}, {.epochs = epochs, .stop = stop.get_token()},
        on_epoch_end{[&](const auto&) {
          auto now = parameters(student);
          for (std::size_t i = 0; i < now.size(); ++i) now[i] -= star[i];
          c.R.push_back(mean_loss(student, data, mean_squared_error{}));
          c.distance.push_back(length(now) / rho);
          if (c.R.back() <= enough) stop.request_stop();
        }});
  return c;
}

// d log R / d log rho of the smallest five, at an epoch.
double slope(const std::vector<curve>& curves, std::size_t epoch) {
  const std::size_t count = std::min<std::size_t>(5, curves.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = curves.size() - count; i < curves.size(); ++i) {
    const double a = std::log(curves[i].rho), b = std::log(curves[i].R[epoch]);
    sx += a;
    sy += b;
    sxx += a * a;
    sxy += a * b;
  }
  const auto n = static_cast<double>(count);
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

const std::array<std::size_t, 4> epochs_shown{0, 100, 300, 1000};

std::vector<curve> rank_deficient(std::uint64_t seed) {
  const std::size_t N = 32, d = 3;
  const double rate = 0.1;
  net<tanh_gate> minimum({d, 2, 1});
  auto random = stream(seed, purpose::teacher);
  for (std::size_t i = 0; i < d; ++i) {
    const double w = random.normal();
    for (double& both : minimum.layer<1>().weights().row(i)) both = w;
  }
  for (std::size_t k = 0; k < 2; ++k) minimum.layer<2>().weights()(k, 0) = 1;
  const auto x = draw_inputs<double>(gaussian_inputs{1}, N, d, seed);
  const auto D = random_direction(2 * d + 2, seed);
  const auto theory = predict(minimum, x, D);
  std::vector<curve> curves;
  for (int k = 0; k <= 6; ++k) {
    curves.push_back(run(minimum, x, D, 0.2 * std::pow(2.0, -k), rate, epochs_shown.back(), 0));
  }
  std::printf("A  two students on one tanh node: R\n       rho");
  for (const std::size_t epoch : epochs_shown) std::printf("  epoch %5zu", epoch);
  std::printf("  R / rho^4 at %zu\n", epochs_shown[2]);
  for (const curve& c : curves) {
    std::printf("  %.6f", c.rho);
    for (const std::size_t epoch : epochs_shown) std::printf("  %11.4g", c.R[epoch]);
    std::printf("  %.4g\n", c.R[epochs_shown[2]] / std::pow(c.rho, 4));
  }
  std::printf("  slope   ");
  for (const std::size_t epoch : epochs_shown) std::printf("  %11.2f", slope(curves, epoch));
  std::printf("\n  plateau of R / rho^4, from f'' in J's null space: %.4g; mu = %.4f an epoch\n",
              theory.plateau, rate * static_cast<double>(N / batch) * theory.least);
  return curves;
}

std::vector<curve> general(std::uint64_t seed, std::size_t halvings) {
  const std::size_t N = 32, d = 3, n = 3;
  const double rate = 0.1;
  net<relu> minimum({d, n, 1});
  initialize(minimum, gaussian_start{1}, seed, purpose::teacher);
  const auto x = draw_inputs<double>(gaussian_inputs{1}, N, d, seed);
  // No gate changes within this distance.
  double nearest = 1e9, farthest = 0;
  const auto W = minimum.layer<1>().weights();
  for (std::size_t i = 0; i < N; ++i) {
    double square = 0;
    for (std::size_t j = 0; j < d; ++j) square += x(i, j) * x(i, j);
    farthest = std::max(farthest, std::sqrt(square));
    for (std::size_t k = 0; k < n; ++k) {
      double a = 0;
      for (std::size_t j = 0; j < d; ++j) a += W(j, k) * x(i, j);
      nearest = std::min(nearest, std::abs(a));
    }
  }
  const auto D = random_direction(d * n + n, seed);
  const auto theory = predict(minimum, x, D);
  const double mu = rate * static_cast<double>(N / batch) * theory.least;
  std::vector<curve> curves;
  std::printf("B  a ReLU network that taught the labels: until R <= 10 rho^4\n");
  std::printf("          rho  epochs  more than before  largest distance / rho\n");
  for (std::size_t k = 0; k <= halvings; ++k) {
    const double rho = 0.3 * nearest / farthest * std::pow(2.0, -static_cast<double>(k));
    curves.push_back(run(minimum, x, D, rho, rate, 20'000, 10 * std::pow(rho, 4)));
    const curve& c = curves.back();
    const std::size_t epochs = c.R.size() - 1;
    std::printf("  %.9f  %6zu", rho, epochs);
    if (k == 0) {
      std::printf("                  ");
    } else {
      const std::size_t before = curves[k - 1].R.size() - 1;
      std::printf("  %16ld", static_cast<long>(epochs) - static_cast<long>(before));
    }
    std::printf("  %.4f\n", *std::max_element(c.distance.begin(), c.distance.end()));
  }
  std::printf("  ln 2 / mu = %.2f epochs\n", std::log(2.0) / mu);
  return curves;
}

// ---- Figure -------------------------------------------------------------------------------------

std::string figure(const std::vector<curve>& a, const std::vector<curve>& b) {
  std::string script =
      "set datafile separator whitespace\n"
      "set multiplot layout 1,2 title 'SGD without replacement near a memorizing minimum'\n"
      "set grid\nset key bottom right font ',9'\nset logscale xy\nset format '10^{%L}'\n"
      "set xlabel 'distance {/Symbol r} at the start'\nset ylabel 'R'\n"
      "set title 'A: two students on one tanh node' font ',10'\n";
  script += "$a << END\n";
  for (const curve& c : a) {
    script += number(c.rho);
    for (const std::size_t epoch : epochs_shown) script += ' ' + number(c.R[epoch]);
    script += '\n';
  }
  script += "END\nplot";
  for (std::size_t e = 0; e < epochs_shown.size(); ++e) {
    char title[48];
    std::snprintf(title, sizeof title, "epoch %zu: slope %.2f", epochs_shown[e],
                  slope(a, epochs_shown[e]));
    script += std::string(e == 0 ? " " : ", ") + "$a using 1:" + std::to_string(e + 2) +
              " with linespoints lw 2 pt 7 title '" + title + "'";
  }
  const double scale = a.back().R.front() / std::pow(a.back().rho, 2);
  script += ", " + number(scale) + "*x**2 with lines dt 2 lc rgb 'black' title '{/Symbol r}^2', " +
            number(a.back().R.back() / std::pow(a.back().rho, 4)) +
            "*x**4 with lines dt 3 lc rgb 'black' title '{/Symbol r}^4'\n";
  script +=
      "unset logscale x\nset format x '%g'\nset xlabel 'epoch'\nset ylabel 'R / {/Symbol r}^4'\n"
      "set key top right\nset title 'B: a ReLU network that taught the labels' font ',10'\n";
  std::string lines;
  for (std::size_t k = 0; k < b.size(); k += 2) {
    const std::string block = "$b" + std::to_string(k);
    script += block + " << END\n";
    const std::size_t stride = std::max<std::size_t>(1, b[k].R.size() / 300);
    for (std::size_t t = 0; t < b[k].R.size(); t += stride) {
      script += std::to_string(t) + ' ' + number(b[k].R[t] / std::pow(b[k].rho, 4)) + '\n';
    }
    script += "END\n";
    char title[48];
    std::snprintf(title, sizeof title, "{/Symbol r} = %.2g", b[k].rho);
    lines += (k == 0 ? "plot " : ", ") + block + " with lines lw 2 title '" + title + "'";
  }
  return script + lines + ", 10 with lines dt 2 lc rgb 'black' title 'R = 10 {/Symbol r}^4'\n" +
         "unset multiplot\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("How the loss falls from rho^2 to rho^4 near a network that memorizes.",
               "sgd_near_memorizers");
  std::uint64_t seed = 4;
  bool quick = false;
  std::string out = ".";
  app.add_option("--seed", seed, "of networks, inputs and directions");
  app.add_flag("--quick", quick, "three distances in B instead of thirteen");
  app.add_option("--out", out, "folder for sgd_near_memorizers.csv, .json, .svg and .png");
  return examples::run_program(app, argc, argv, [&] {
    examples::make_folder(out);  // or say so before the work
    const auto a = rank_deficient(seed);
    const auto b = general(seed, quick ? 2 : 12);
    examples::table results({"protocol_b", "rho", "epoch", "R", "distance_over_rho"});
    for (const auto* curves : {&a, &b}) {
      for (const curve& c : *curves) {
        for (std::size_t t = 0; t < c.R.size(); t += curves == &a ? 10 : 1) {
          results.add(
              {curves == &b ? 1.0 : 0.0, c.rho, static_cast<double>(t), c.R[t], c.distance[t]});
        }
      }
    }
    examples::write_results(out, "sgd_near_memorizers", results, figure(a, b));
  });
}
