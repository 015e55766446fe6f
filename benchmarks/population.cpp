// The population gradient of a two-layer ReLU student, n = 100 nodes, against a teacher of m = 20,
// with d = 100 inputs and C = 10 outputs: the library, the same four products by themselves
// (`products only`, the bound), and plain loops over pairs. NumPy's is in peers/population.py.
#include <cmath>
#include <memory>
#include <numbers>
#include <vector>

#include <tutelage/theory/population/population.hpp>

#include "baselines.hpp"

namespace {

using namespace bench;

constexpr std::size_t d = 100, n = 100, m = 20, C = 10;

// Multiplications and additions of the products, nodes of both networks against the student's.
constexpr double flops = 2.0 * (2 * d * (n + m) * n + 2 * C * (n + m) * n);

using teacher_type = two_layer<double, relu, d, m, C>;
using student_type = two_layer<double, relu, d, n, C>;

struct problem {
  teacher_type teacher;
  student_type student;

  problem() {
    initialize(teacher, gaussian_start{0.1}, 1, purpose::teacher);
    initialize(student, gaussian_start{0.1}, 1);
  }
};

struct ours : problem {
  population<teacher_type> loss{teacher};
  gradients<student_type> found;

  void run() { benchmark::DoNotOptimize(loss.gradient(student, found)); }
};

struct products_only : problem {
  matrix<double> U = random_matrix<double>(d, n + m, 0), a = random_matrix<double>(n + m, C, 1);
  matrix<double> P = make_matrix<double>(n + m, n), A = P;
  matrix<double> dW = make_matrix<double>(d, n), dV = make_matrix<double>(n, C);

  void run() {
    const auto W = student.layer<1>().weights();
    const auto V = student.layer<2>().weights();
    multiply(transposed(U), W, P);
    multiply(a, transposed(V), A);
    multiply(U, A, dW);
    multiply(transposed(P), a, dV);
    benchmark::ClobberMemory();
  }
};

// The same products by cblas.
struct cblas_products : products_only {
  void run() {
    const auto W = student.layer<1>().weights();
    const auto V = student.layer<2>().weights();
    gemm(CblasTrans, CblasNoTrans, n + m, n, d, 1.0, U.data(), n + m, W.data(),
         static_cast<int>(W.stride()), 0.0, P.data(), n);
    gemm(CblasNoTrans, CblasTrans, n + m, n, C, 1.0, a.data(), C, V.data(),
         static_cast<int>(V.stride()), 0.0, A.data(), n);
    gemm(CblasNoTrans, CblasNoTrans, d, n, n + m, 1.0, U.data(), n + m, A.data(), n, 0.0, dW.data(),
         n);
    gemm(CblasTrans, CblasNoTrans, n, C, n + m, 1.0, P.data(), n, a.data(), C, 0.0, dV.data(), C);
    benchmark::ClobberMemory();
  }
};

// Pair by pair, as one would write the formulas down.
struct plain_loops : problem {
  std::vector<double> dW = std::vector<double>(n * d), dV = std::vector<double>(n * C);
  std::vector<double> nodes, fan_out;

  plain_loops() {
    const auto add = [&](const auto& net, double sign) {
      for (std::size_t k = 0; k < net.template layer<1>().out_width(); ++k) {
        for (std::size_t i = 0; i < d; ++i)
          nodes.push_back(net.template layer<1>().weights()(i, k));
        for (std::size_t c = 0; c < C; ++c) {
          fan_out.push_back(sign * net.template layer<2>().weights()(k, c));
        }
      }
    };
    add(student, 1);
    add(teacher, -1);
  }

  void run() {
    double J = 0;
    std::fill(dW.begin(), dW.end(), 0.0);
    std::fill(dV.begin(), dV.end(), 0.0);
    const auto product = [](const double* a, const double* b, std::size_t count) {
      double sum = 0;
      for (std::size_t i = 0; i < count; ++i) sum += a[i] * b[i];
      return sum;
    };
    std::vector<double> norms(n + m);
    for (std::size_t k = 0; k < n + m; ++k)
      norms[k] = std::sqrt(product(&nodes[k * d], &nodes[k * d], d));
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n + m; ++k) {
        const double p = product(&nodes[i * d], &nodes[k * d], d);
        const double A = product(&fan_out[i * C], &fan_out[k * C], C);
        const double cosine = std::min(std::max(p / (norms[i] * norms[k]), -1.0), 1.0);
        const double phi = std::acos(-cosine), sine = std::sqrt(1 - cosine * cosine);
        const double K = (phi * p + sine * norms[i] * norms[k]) / (2 * std::numbers::pi);
        J += (k < n ? 0.5 : 1.0) * A * K;
        const double of_k = A * phi / (2 * std::numbers::pi);
        const double of_i = A * sine * norms[k] / norms[i] / (2 * std::numbers::pi);
        for (std::size_t j = 0; j < d; ++j) {
          dW[i * d + j] -= of_k * nodes[k * d + j] + of_i * nodes[i * d + j];
        }
        for (std::size_t c = 0; c < C; ++c) dV[i * C + c] -= K * fan_out[k * C + c];
      }
    }
    benchmark::DoNotOptimize(J);
    benchmark::ClobberMemory();
  }
};

// All find the same numbers.
void check() {
  ours a;
  plain_loops b;
  a.run();
  b.run();
  const auto dW = a.found.dW<1>(), dV = a.found.dW<2>();
  double largest = 0, worst = 0;
  for (std::size_t k = 0; k < n; ++k) {
    for (std::size_t i = 0; i < d; ++i) {
      largest = std::max(largest, std::abs(dW(i, k)));
      worst = std::max(worst, std::abs(dW(i, k) - b.dW[k * d + i]));
    }
    for (std::size_t c = 0; c < C; ++c)
      worst = std::max(worst, std::abs(dV(k, c) - b.dV[k * C + c]));
  }
  if (!(worst <= 1e-12 * largest)) {
    std::fprintf(stderr, "population: implementations differ by %g\n", worst);
    std::exit(1);
  }
}

template <class Way>
void add_way(const std::string& implementation) {
  add(name("population_gradient", "double", "100x20x100x10", implementation), flops,
      [] { return [way = std::make_shared<Way>()] { way->run(); }; });
}

}  // namespace

int main(int argc, char** argv) {
  check();
  add_peak<double>();
  add_way<ours>("tutelage");
  add_way<products_only>("products only");
  add_way<cblas_products>("cblas products only");
  add_way<plain_loops>("plain loops");
  return bench::run(argc, argv);
}
