// One step of the published two-layer experiment: 100 inputs, n hidden nodes, 50 outputs, a batch
// of 16 drawn from 10,000 samples, both layers updated by SGD. Ours draws its batch as well; the
// others find their indices drawn.
#include "baselines.hpp"

namespace {

using namespace bench;

constexpr std::size_t d = 100, C = 50, N = 16, samples = 10'000;
constexpr double rate = 0.01;

// Forward, backward and update of both layers, without the gradient of the inputs.
double flops(std::size_t n) { return 2.0 * N * static_cast<double>(n) * (2 * d + 3 * C); }

template <class Network>
auto tutelage_step(std::size_t n) {
  return [n] {
    using T = typename Network::value_type;
    using data_type = data_set<matrix<T>, matrix<T>>;
    struct state {
      data_type data{random_matrix<T>(samples, d, 0), random_matrix<T>(samples, C, 1)};
      Network student;
      with_replacement<data_type> batches{data, {.batch = N, .steps = 1000}};
      trainer<Network, mean_squared_error, sgd> learning{student, {}, {.rate = rate}};
      std::size_t step = 0;
      explicit state(std::size_t nodes) : student(std::array<std::size_t, 3>{d, nodes, C}) {
        initialize(student, gaussian_start{start}, 1);
      }
    };
    return [s = std::make_shared<state>(n)] {
      const auto batch = s->batches.next(0, s->step++);
      benchmark::DoNotOptimize(s->learning.step(batch.x, batch.y));
    };
  };
}

template <class T, class Mlp, class... Arguments>
auto baseline_step(const Arguments&... arguments) {
  return [=] {
    struct state {
      matrix<T> x = random_matrix<T>(samples, d, 0);
      matrix<T> y = random_matrix<T>(samples, C, 1);
      std::vector<std::size_t> indices;
      std::size_t next = 0;
      Mlp net;
      explicit state(const Arguments&... of_net) : net(of_net...) {
        stream random(1, purpose::batches);
        for (std::size_t i = 0; i < 4096 * N; ++i) indices.push_back(random.below(samples));
      }
    };
    return [s = std::make_shared<state>(arguments...)] {
      for (std::size_t i = 0; i < N; ++i) {
        const std::size_t row = s->indices[s->next + i];
        std::copy_n(s->x.data() + row * d, d, s->net.x() + i * s->net.x_stride());
        std::copy_n(s->y.data() + row * C, C, s->net.y() + i * C);
      }
      s->next = (s->next + N) % s->indices.size();
      s->net.step(T(rate));
      benchmark::ClobberMemory();
    };
  };
}

template <class T, std::size_t n>
void add_size() {
  const auto add_one = [](const std::string& implementation, const auto& once) {
    add(name("training_step", scalar_name<T>, number(n), implementation), flops(n), once);
  };
  const std::vector<std::size_t> widths{d, n, C};
  add_one("tutelage static", tutelage_step<mlp<T, relu, d, n, C>>(n));
  add_one("tutelage dynamic", tutelage_step<mlp<T, relu, dynamic, dynamic, dynamic>>(n));
  add_one("plain loops", baseline_step<T, plain_mlp<T>>(widths, N));
  add_one("cblas", baseline_step<T, cblas_mlp<T>>(widths, N));
  add_one("Eigen dynamic", baseline_step<T, eigen_mlp<T>>(widths, N));
  if constexpr (n <= 50) {  // above, both take the same way
    add_one("Eigen fixed", baseline_step<T, eigen_two_layer<T, N, d, n, C>>());
  }
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
