// One step of the published two-layer experiment: 100 inputs, n hidden nodes, 50 outputs, a batch of 16
// drawn from 10,000 samples, both layers updated. Ours draws its batch as well; the others are given
// their indices.
//
//   plain    loops a user would write first
//   cblas    the same step in calls to BLAS with gathered batches and preallocated results
//   eigen    Eigen 3.4, sizes fixed at compile time where it allows and dynamic
#define EIGEN_STACK_ALLOCATION_LIMIT 0  // fixed sizes up to the largest here
#include <Eigen/Core>

#include "support.hpp"

namespace {

using namespace bench;

constexpr std::size_t d = 100, C = 50, N = 16, samples = 10'000;
constexpr double rate = 0.01;

// 2 N (forward, backward and update of both layers, without the gradient of the inputs).
double flops(std::size_t n) { return 2.0 * N * static_cast<double>(n) * (2 * d + 3 * C); }

template <class T>
struct problem {
  matrix<T> x = random_matrix<T>(samples, d, 0);   // [10000, 100]
  matrix<T> y = random_matrix<T>(samples, C, 1);   // [10000, 50]
  std::vector<std::size_t> indices;
  std::size_t next = 0;

  problem() {
    stream random(1, purpose::batches);
    for (std::size_t i = 0; i < 4096 * N; ++i) indices.push_back(random.below(samples));
  }
  const std::size_t* batch() {
    const std::size_t* const result = indices.data() + next;
    next = (next + N) % indices.size();
    return result;
  }
};

// Start where gradients neither vanish nor explode.
constexpr double start = 0.05;

// ---- tutelage ---------------------------------------------------------------------------------------

template <class Network>
auto tutelage_step(std::size_t n) {
  return [n] {
    using T = typename Network::value_type;
    using data_type = data_set<matrix<T>, matrix<T>>;
    struct state {
      data_type data{random_matrix<T>(samples, d, 0), random_matrix<T>(samples, C, 1)};
      Network student;
      with_replacement<data_type> batches{data, {.batch = N, .steps = 1000}};
      trainer<Network, mean_squared_error, sgd> learning{student};
      std::size_t step = 0;
      explicit state(std::size_t nodes)
          : student(std::array<std::size_t, 3>{d, nodes, C}) {
        initialize(student, gaussian_start{start}, stream(1, purpose::student));
      }
    };
    return [s = std::make_shared<state>(n)] {
      const auto samples_now = s->batches.next(0, s->step++);
      benchmark::DoNotOptimize(s->learning.step(samples_now.x, samples_now.y, rate));
    };
  };
}

// ---- plain loops ------------------------------------------------------------------------------------

template <class T>
auto plain_step(std::size_t n) {
  return [n] {
    struct state {
      problem<T> p;
      std::size_t n;
      matrix<T> W1, W2, f1, g1, g2;
      explicit state(std::size_t nodes)
          : n(nodes),
            W1(random_matrix<T>(d + 1, n, 2)),
            W2(random_matrix<T>(n + 1, C, 3)),
            f1(make_matrix<T>(N, n)),
            g1(make_matrix<T>(N, n)),
            g2(make_matrix<T>(N, C)) {
        W1 *= T(start);
        W2 *= T(start);
      }
    };
    return [s = std::make_shared<state>(n)] {
      auto& [p, nodes, W1, W2, f1, g1, g2] = *s;
      const std::size_t* const rows = p.batch();
      for (std::size_t i = 0; i < N; ++i) {
        const T* const x = p.x.data() + rows[i] * d;
        for (std::size_t k = 0; k < nodes; ++k) f1(i, k) = W1(d, k);
        for (std::size_t j = 0; j < d; ++j) {
          for (std::size_t k = 0; k < nodes; ++k) f1(i, k) += x[j] * W1(j, k);
        }
        for (std::size_t k = 0; k < nodes; ++k) f1(i, k) = f1(i, k) > 0 ? f1(i, k) : T(0);
        for (std::size_t c = 0; c < C; ++c) g2(i, c) = p.y(rows[i], c) - W2(nodes, c);
        for (std::size_t k = 0; k < nodes; ++k) {
          for (std::size_t c = 0; c < C; ++c) g2(i, c) -= f1(i, k) * W2(k, c);
        }
        for (std::size_t k = 0; k < nodes; ++k) {
          T sum = 0;
          for (std::size_t c = 0; c < C; ++c) sum += g2(i, c) * W2(k, c);
          g1(i, k) = f1(i, k) > 0 ? sum : T(0);
        }
      }
      const T scale = T(rate / N);
      for (std::size_t i = 0; i < N; ++i) {
        const T* const x = p.x.data() + rows[i] * d;
        for (std::size_t k = 0; k < nodes; ++k) {
          for (std::size_t c = 0; c < C; ++c) W2(k, c) += scale * f1(i, k) * g2(i, c);
        }
        for (std::size_t c = 0; c < C; ++c) W2(nodes, c) += scale * g2(i, c);
        for (std::size_t j = 0; j < d; ++j) {
          for (std::size_t k = 0; k < nodes; ++k) W1(j, k) += scale * x[j] * g1(i, k);
        }
        for (std::size_t k = 0; k < nodes; ++k) W1(d, k) += scale * g1(i, k);
      }
      benchmark::ClobberMemory();
    };
  };
}

// ---- cblas ------------------------------------------------------------------------------------------

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, double alpha, const double* a,
          int lda, const double* b, int ldb, double beta, double* c, int ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, int m, int n, int k, float alpha, const float* a,
          int lda, const float* b, int ldb, float beta, float* c, int ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
auto cblas_step(std::size_t n) {
  return [n] {
    struct state {
      problem<T> p;
      int n;
      // Inputs and hidden activations carry a column of ones, so that the bias is a row of the product.
      matrix<T> x, y, W1, W2, f1, g1, g2;
      explicit state(std::size_t nodes)
          : n(static_cast<int>(nodes)),
            x(make_matrix<T>(N, d + 1)),
            y(make_matrix<T>(N, C)),
            W1(random_matrix<T>(d + 1, nodes, 2)),
            W2(random_matrix<T>(nodes + 1, C, 3)),
            f1(make_matrix<T>(N, nodes + 1)),
            g1(make_matrix<T>(N, nodes)),
            g2(make_matrix<T>(N, C)) {
        W1 *= T(start);
        W2 *= T(start);
        for (std::size_t i = 0; i < N; ++i) x(i, d) = f1(i, nodes) = T(1);
      }
    };
    return [s = std::make_shared<state>(n)] {
      auto& [p, nodes, x, y, W1, W2, f1, g1, g2] = *s;
      constexpr int batch = N, inputs = d, outputs = C;
      const std::size_t* const rows = p.batch();
      for (std::size_t i = 0; i < N; ++i) {
        std::copy_n(p.x.data() + rows[i] * d, d, x.data() + i * (d + 1));
        std::copy_n(p.y.data() + rows[i] * C, C, y.data() + i * C);
      }
      T* const f = f1.data();
      gemm(CblasNoTrans, CblasNoTrans, batch, nodes, inputs + 1, T(1), x.data(), inputs + 1,
           W1.data(), nodes, T(0), f, nodes + 1);
      const auto stride = static_cast<std::size_t>(nodes + 1), width = static_cast<std::size_t>(nodes);
      for (std::size_t i = 0; i < N; ++i) {
        T* const row = f + i * stride;
        for (std::size_t k = 0; k < width; ++k) row[k] = row[k] > 0 ? row[k] : T(0);
      }
      gemm(CblasNoTrans, CblasNoTrans, batch, outputs, nodes + 1, T(-1), f, nodes + 1, W2.data(),
           outputs, T(0), g2.data(), outputs);
      T* const g = g2.data();
      const T* const target = y.data();
      for (std::size_t i = 0; i < N * C; ++i) g[i] += target[i];
      gemm(CblasNoTrans, CblasTrans, batch, nodes, outputs, T(1), g, outputs, W2.data(), outputs,
           T(0), g1.data(), nodes);
      for (std::size_t i = 0; i < N; ++i) {
        const T* const row = f + i * stride;
        T* const g_row = g1.data() + i * width;
        for (std::size_t k = 0; k < width; ++k) g_row[k] = row[k] > 0 ? g_row[k] : T(0);
      }
      const T scale = T(rate / N);
      gemm(CblasTrans, CblasNoTrans, nodes + 1, outputs, batch, scale, f, nodes + 1, g, outputs, T(1),
           W2.data(), outputs);
      gemm(CblasTrans, CblasNoTrans, inputs + 1, nodes, batch, scale, x.data(), inputs + 1, g1.data(),
           nodes, T(1), W1.data(), nodes);
      benchmark::ClobberMemory();
    };
  };
}

// ---- Eigen ------------------------------------------------------------------------------------------

template <class T, int n_static>
auto eigen_step(std::size_t n) {
  return [n] {
    constexpr bool fixed = n_static != Eigen::Dynamic;
    constexpr int dx = fixed ? static_cast<int>(d) : Eigen::Dynamic;
    constexpr int cx = fixed ? static_cast<int>(C) : Eigen::Dynamic;
    constexpr int bx = fixed ? static_cast<int>(N) : Eigen::Dynamic;
    using X = Eigen::Matrix<T, bx, dx, Eigen::RowMajor>;
    using F1 = Eigen::Matrix<T, bx, n_static, Eigen::RowMajor>;
    using F2 = Eigen::Matrix<T, bx, cx, Eigen::RowMajor>;
    using M1 = Eigen::Matrix<T, dx, n_static, Eigen::RowMajor>;
    using M2 = Eigen::Matrix<T, n_static, cx, Eigen::RowMajor>;
    struct state {
      problem<T> p;
      X x;
      F1 f1, g1;
      F2 y, g2;
      M1 W1;
      M2 W2;
      Eigen::Matrix<T, 1, n_static> b1;
      Eigen::Matrix<T, 1, cx> b2;
      explicit state(Eigen::Index nodes) {
        constexpr Eigen::Index batch = N, inputs = d, outputs = C;
        x.resize(batch, inputs);
        f1.resize(batch, nodes);
        g1.resize(batch, nodes);
        y.resize(batch, outputs);
        g2.resize(batch, outputs);
        W1.setRandom(inputs, nodes);
        W2.setRandom(nodes, outputs);
        b1.setZero(nodes);
        b2.setZero(outputs);
        W1 *= T(start);
        W2 *= T(start);
      }
    };
    return [s = std::make_shared<state>(static_cast<Eigen::Index>(n))] {
      const std::size_t* const rows = s->p.batch();
      for (std::size_t i = 0; i < N; ++i) {
        std::copy_n(s->p.x.data() + rows[i] * d, d, s->x.data() + i * d);
        std::copy_n(s->p.y.data() + rows[i] * C, C, s->y.data() + i * C);
      }
      s->f1.noalias() = s->x * s->W1;
      s->f1.rowwise() += s->b1;
      s->f1 = s->f1.cwiseMax(T(0));
      s->g2 = s->y;
      s->g2.noalias() -= s->f1 * s->W2;
      s->g2.rowwise() -= s->b2;
      s->g1.noalias() = s->g2 * s->W2.transpose();
      s->g1 = (s->f1.array() > T(0)).select(s->g1, T(0));
      const T scale = T(rate / N);
      s->W2.noalias() += scale * s->f1.transpose() * s->g2;
      s->b2 += scale * s->g2.colwise().sum();
      s->W1.noalias() += scale * s->x.transpose() * s->g1;
      s->b1 += scale * s->g1.colwise().sum();
      benchmark::ClobberMemory();
    };
  };
}

template <class T, std::size_t n>
void add_size() {
  const auto add_one = [](const std::string& implementation, const auto& once) {
    add(name("training_step", scalar_name<T>, number(n), implementation), flops(n), once);
  };
  add_one("tutelage static", tutelage_step<mlp<T, relu, d, n, C>>(n));
  add_one("tutelage dynamic", tutelage_step<mlp<T, relu, dynamic, dynamic, dynamic>>(n));
  add_one("cblas", cblas_step<T>(n));
  add_one("eigen fixed", eigen_step<T, static_cast<int>(n)>(n));
  add_one("eigen dynamic", eigen_step<T, Eigen::Dynamic>(n));
  if (n <= 50) add_one("plain", plain_step<T>(n));
}

template <class T>
void add_scalar() {
  add_peak<T>();
  add_size<T, 10>();
  add_size<T, 20>();
  add_size<T, 50>();
  add_size<T, 100>();
  add_size<T, 200>();
}

}  // namespace

int main(int argc, char** argv) {
  add_scalar<double>();
  add_scalar<float>();
  return bench::run(argc, argv);
}
