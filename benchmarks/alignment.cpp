// The correlation of every teacher node with every student node over 10,000 samples, from
// activations that are there: mean, deviation and product.
//
//   plain loops   the sums of the definition, node by node
//   cblas         centered copies and one product of all samples
#include <cmath>
#include <memory>

#include <tutelage/analysis/correlation.hpp>

#include "baselines.hpp"

namespace {

using namespace bench;

constexpr std::size_t N = 10'000;

// The product alone.
double flops(std::size_t m, std::size_t n) { return 2.0 * N * static_cast<double>(m * n); }

template <class T>
struct problem {
  matrix<T> f_star, f;
  problem(std::size_t m, std::size_t n)
      : f_star(random_matrix<T>(N, m, 0)), f(random_matrix<T>(N, n, 1)) {}
};

template <class T>
auto tutelage_correlation(std::size_t m, std::size_t n) {
  return [p = std::make_shared<problem<T>>(m, n), m, n] {
    correlation_accumulator<T> sums(m, n);
    const matrix_view<const T> f_star(p->f_star), f(p->f);
    for (std::size_t first = 0; first < N; first += chunk_rows) {
      const std::size_t count = std::min(chunk_rows, N - first);
      sums.add(f_star.middle_rows(first, count), f.middle_rows(first, count));
    }
    benchmark::DoNotOptimize(sums.result());
  };
}

template <class T>
auto plain_correlation(std::size_t m, std::size_t n) {
  return [p = std::make_shared<problem<T>>(m, n), m, n] {
    const auto moments = [](const matrix<T>& f, std::size_t k) {
      double mean = 0, variation = 0;
      for (std::size_t i = 0; i < N; ++i) mean += static_cast<double>(f(i, k));
      mean /= N;
      for (std::size_t i = 0; i < N; ++i) {
        const double deviation = static_cast<double>(f(i, k)) - mean;
        variation += deviation * deviation;
      }
      return std::pair(mean, std::sqrt(variation));
    };
    auto rho = make_matrix<double>(m, n);
    for (std::size_t j = 0; j < m; ++j) {
      const auto [mean_j, norm_j] = moments(p->f_star, j);
      for (std::size_t k = 0; k < n; ++k) {
        const auto [mean_k, norm_k] = moments(p->f, k);
        double sum = 0;
        for (std::size_t i = 0; i < N; ++i) {
          sum += (static_cast<double>(p->f_star(i, j)) - mean_j) *
                 (static_cast<double>(p->f(i, k)) - mean_k);
        }
        rho(j, k) = sum / (norm_j * norm_k);
      }
    }
    benchmark::DoNotOptimize(rho.data());
  };
}

template <class T>
auto cblas_correlation(std::size_t m, std::size_t n) {
  struct state : problem<T> {
    matrix<T> centered_star, centered, product;
    state(std::size_t m, std::size_t n)
        : problem<T>(m, n),
          centered_star(make_matrix<T>(N, m)),
          centered(make_matrix<T>(N, n)),
          product(make_matrix<T>(m, n)) {}
  };
  return [s = std::make_shared<state>(m, n), m, n] {
    const auto center = [](const matrix<T>& f, matrix<T>& out) {
      const std::size_t nodes = f.shape(1);
      std::vector<T> mean(nodes), norm(nodes);
      for (std::size_t i = 0; i < N; ++i) {
        for (std::size_t k = 0; k < nodes; ++k) mean[k] += f.data()[i * nodes + k];
      }
      for (T& x : mean) x /= T(N);
      for (std::size_t i = 0; i < N; ++i) {
        for (std::size_t k = 0; k < nodes; ++k) {
          const T deviation = f.data()[i * nodes + k] - mean[k];
          out.data()[i * nodes + k] = deviation;
          norm[k] += deviation * deviation;
        }
      }
      for (T& x : norm) x = std::sqrt(x);
      return norm;
    };
    const auto norm_star = center(s->f_star, s->centered_star);
    const auto norm = center(s->f, s->centered);
    const int rows = static_cast<int>(m), cols = static_cast<int>(n);
    gemm(CblasTrans, CblasNoTrans, rows, cols, static_cast<int>(N), T(1), s->centered_star.data(),
         rows, s->centered.data(), cols, T(0), s->product.data(), cols);
    for (std::size_t j = 0; j < m; ++j) {
      for (std::size_t k = 0; k < n; ++k) s->product(j, k) /= norm_star[j] * norm[k];
    }
    benchmark::ClobberMemory();
  };
}

template <class T>
void add_size(std::size_t m, std::size_t n) {
  const auto add_one = [&](const std::string& implementation, const auto& way) {
    add(name("alignment", scalar_name<T>, number(m) + "x" + number(n), implementation), flops(m, n),
        [=] { return way(m, n); });
  };
  add_one("tutelage", tutelage_correlation<T>);
  if (m * n <= 4000) add_one("plain loops", plain_correlation<T>);  // else half a minute
  add_one("cblas", cblas_correlation<T>);
}

template <class T>
void add_scalar() {
  add_peak<T>();
  add_size<T>(10, 50);
  add_size<T>(20, 200);
  add_size<T>(125, 1250);
}

}  // namespace

int main(int argc, char** argv) {
  add_scalar<double>();
  add_scalar<float>();
  return bench::run(argc, argv);
}
