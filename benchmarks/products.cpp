// The products of a dense layer by themselves, as the library's layers make them, for batches of 16
// and 64: forward is relu(1 b^T + X W), backward is z o (G W^T), update is W += rate/N [X; 1]^T G.
// The layer has 100 inputs and n outputs.
#include <memory>

#include "baselines.hpp"

namespace {

using namespace bench;

constexpr std::size_t d = 100;
constexpr double rate = 1e-6;  // weights stay as they are, nearly

template <class T>
struct problem {
  std::size_t N, n;
  matrix<T> x, g, f, below;

  problem(std::size_t batch, std::size_t width)
      : N(batch),
        n(width),
        x(random_matrix<T>(batch, d, 0)),
        g(random_matrix<T>(batch, width, 1)),
        f(make_matrix<T>(batch, width)),
        below(make_matrix<T>(batch, d)) {}
};

template <class Layer>
struct ours : problem<typename Layer::value_type> {
  using T = typename Layer::value_type;
  Layer l;
  typename Layer::tape kept;
  workspace<T> g_below;

  ours(std::size_t batch, std::size_t width) : problem<T>(batch, width), l(d, width) {
    copy(matrix_view<const T>(random_matrix<T>(d + 1, width, 2)), matrix_view<T>(l.weights()));
  }
  using inputs = matrix_view<const T, dynamic, Layer::in_extent>;
  using outputs = matrix_view<const T, dynamic, Layer::out_extent>;
  inputs x_view() { return inputs(matrix_view<const T>(this->x)); }
  outputs g_view() { return outputs(matrix_view<const T>(this->g)); }
  void forward() { benchmark::DoNotOptimize(l.forward(x_view(), kept)); }
  void backward() {
    l.backward_input(g_view(), relu{}, x_view(),
                     matrix_view<T, dynamic, Layer::in_extent>(g_below.reshape(this->N, d)));
    benchmark::ClobberMemory();
  }
  void update() {
    l.backward_weights(x_view(), g_view(), l.weights(), T(rate), T(1));
    benchmark::ClobberMemory();
  }
};

// A column of ones for the bias, as who calls BLAS would have it.
template <class T>
struct cblas : problem<T> {
  matrix<T> x1, W;

  cblas(std::size_t batch, std::size_t width)
      : problem<T>(batch, width),
        x1(make_matrix<T>(batch, d + 1)),
        W(random_matrix<T>(d + 1, width, 2)) {
    for (std::size_t i = 0; i < batch; ++i) {
      for (std::size_t j = 0; j <= d; ++j) x1(i, j) = j < d ? this->x(i, j) : T(1);
    }
  }
  void forward() {
    gemm(CblasNoTrans, CblasNoTrans, batch(), width(), d + 1, T(1), x1.data(), d + 1, W.data(),
         width(), T(0), this->f.data(), width());
    for (T& f : this->f) f = f > 0 ? f : T(0);
    benchmark::ClobberMemory();
  }
  void backward() {
    gemm(CblasNoTrans, CblasTrans, batch(), d, width(), T(1), this->g.data(), width(), W.data(),
         width(), T(0), this->below.data(), d);
    for (std::size_t i = 0; i < this->N * d; ++i) {
      T& g = this->below.data()[i];
      g = this->x.data()[i] > 0 ? g : T(0);
    }
    benchmark::ClobberMemory();
  }
  void update() {
    gemm(CblasTrans, CblasNoTrans, d + 1, width(), batch(), T(rate), x1.data(), d + 1,
         this->g.data(), width(), T(1), W.data(), width());
    benchmark::ClobberMemory();
  }

 private:
  [[nodiscard]] int batch() const { return static_cast<int>(this->N); }
  [[nodiscard]] int width() const { return static_cast<int>(this->n); }
};

template <class T>
struct eigen : problem<T> {
  using M = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using R = Eigen::Matrix<T, 1, Eigen::Dynamic>;
  M X, F, G, H, W;
  R b;

  eigen(std::size_t batch, std::size_t width) : problem<T>(batch, width) {
    const auto rows = static_cast<Eigen::Index>(batch), cols = static_cast<Eigen::Index>(width);
    X = Eigen::Map<M>(this->x.data(), rows, d);
    G = Eigen::Map<M>(this->g.data(), rows, cols);
    F.resize(rows, cols);
    H.resize(rows, d);
    W = M::Random(d, cols);
    b = R::Zero(cols);
  }
  void forward() {
    F.noalias() = X * W;
    F.rowwise() += b;
    F = F.cwiseMax(T(0));
    benchmark::ClobberMemory();
  }
  void backward() {
    H.noalias() = G * W.transpose();
    H = (X.array() > T(0)).select(H, T(0));
    benchmark::ClobberMemory();
  }
  void update() {
    W.noalias() += T(rate) * X.transpose() * G;
    b += T(rate) * G.colwise().sum();
    benchmark::ClobberMemory();
  }
};

template <class T>
struct plain : problem<T> {
  matrix<T> W;

  plain(std::size_t batch, std::size_t width)
      : problem<T>(batch, width), W(random_matrix<T>(d + 1, width, 2)) {}
  void forward() {
    for (std::size_t i = 0; i < this->N; ++i) {
      T* const f = this->f.data() + i * this->n;
      const T* w = W.data();
      for (std::size_t k = 0; k < this->n; ++k) f[k] = w[d * this->n + k];
      for (std::size_t j = 0; j < d; ++j, w += this->n) {
        for (std::size_t k = 0; k < this->n; ++k) f[k] += this->x(i, j) * w[k];
      }
      for (std::size_t k = 0; k < this->n; ++k) f[k] = f[k] > 0 ? f[k] : T(0);
    }
    benchmark::ClobberMemory();
  }
  void backward() {
    for (std::size_t i = 0; i < this->N; ++i) {
      const T* w = W.data();
      for (std::size_t j = 0; j < d; ++j, w += this->n) {
        T sum = 0;
        for (std::size_t k = 0; k < this->n; ++k) sum += this->g(i, k) * w[k];
        this->below(i, j) = this->x(i, j) > 0 ? sum : T(0);
      }
    }
    benchmark::ClobberMemory();
  }
  void update() {
    for (std::size_t i = 0; i < this->N; ++i) {
      const T* const g = this->g.data() + i * this->n;
      T* w = W.data();
      for (std::size_t j = 0; j <= d; ++j, w += this->n) {
        const T factor = T(rate) * (j < d ? this->x(i, j) : T(1));
        for (std::size_t k = 0; k < this->n; ++k) w[k] += factor * g[k];
      }
    }
    benchmark::ClobberMemory();
  }
};

template <class Way>
void add_way(const char* scalar, std::size_t N, std::size_t n, const std::string& implementation) {
  const double flops = 2.0 * static_cast<double>(N * n) * d;
  const std::string size = number(N) + "x" + number(d) + "x" + number(n);
  const auto add_product = [&](const char* product, auto run) {
    add(name(product, scalar, size, implementation), flops,
        [=] { return [run, way = std::make_shared<Way>(N, n)] { run(*way); }; });
  };
  add_product("forward", [](Way& way) { way.forward(); });
  add_product("backward", [](Way& way) { way.backward(); });
  add_product("update", [](Way& way) { way.update(); });
}

template <class T, std::size_t n>
void add_size() {
  const char* const scalar = scalar_name<T>;
  for (const std::size_t N : {16, 64}) {
    add_way<ours<dense<T, d, n, relu>>>(scalar, N, n, "tutelage static");
    add_way<ours<dense<T, dynamic, dynamic, relu>>>(scalar, N, n, "tutelage dynamic");
    add_way<plain<T>>(scalar, N, n, "plain loops");
    add_way<cblas<T>>(scalar, N, n, "cblas");
    add_way<eigen<T>>(scalar, N, n, "Eigen dynamic");
  }
}

template <class T>
void add_scalar() {
  add_peak<T>();
  add_size<T, 10>();
  add_size<T, 50>();
  add_size<T, 200>();
}

}  // namespace

int main(int argc, char** argv) {
  add_scalar<double>();
  add_scalar<float>();
  return bench::run(argc, argv);
}
