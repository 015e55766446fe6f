// One step of a deep network, 20-500-750-1000-1250-100, on a batch of 64: the published deep
// student at ten times its teacher's widths.
#include <memory>

#include "baselines.hpp"

namespace {

using namespace bench;

constexpr std::size_t N = 64;
constexpr double rate = 1e-4;
const std::vector<std::size_t> widths{20, 500, 750, 1000, 1250, 100};

double flops() {
  double weights = 0;
  for (std::size_t l = 1; l < widths.size(); ++l) {
    const double W = static_cast<double>(widths[l - 1] * widths[l]);
    weights += l == 1 ? 2 * W : 3 * W;  // no gradient of the inputs
  }
  return 2.0 * N * weights;
}

template <class Network>
auto tutelage_step() {
  using T = typename Network::value_type;
  struct state {
    matrix<T> x = random_matrix<T>(N, widths.front(), 0), y = random_matrix<T>(N, widths.back(), 1);
    Network student{{20, 500, 750, 1000, 1250, 100}};
    trainer<Network, mean_squared_error, sgd> learning{student, {}, {.rate = rate}};
    state() { initialize(student, gaussian_start{start}, 1); }
  };
  return [s = std::make_shared<state>()] {
    benchmark::DoNotOptimize(s->learning.step(s->x, matrix_view<const T>(s->y)));
  };
}

template <class T, class Mlp>
auto baseline_step() {
  struct state {
    matrix<T> x = random_matrix<T>(N, widths.front(), 0), y = random_matrix<T>(N, widths.back(), 1);
    Mlp net{widths, N};
  };
  return [s = std::make_shared<state>()] {
    for (std::size_t i = 0; i < N; ++i) {
      std::copy_n(s->x.data() + i * widths.front(), widths.front(),
                  s->net.x() + i * s->net.x_stride());
    }
    std::copy_n(s->y.data(), s->y.size(), s->net.y());
    s->net.step(T(rate));
    benchmark::ClobberMemory();
  };
}

template <class T>
void add_scalar() {
  add_peak<T>();
  const auto add_one = [](const std::string& implementation, const auto& once) {
    add(name("deep_step", scalar_name<T>, "64", implementation), flops(), once);
  };
  add_one("tutelage static",
          [] { return tutelage_step<mlp<T, relu, 20, 500, 750, 1000, 1250, 100>>(); });
  add_one("tutelage dynamic", [] {
    return tutelage_step<mlp<T, relu, dynamic, dynamic, dynamic, dynamic, dynamic, dynamic>>();
  });
  add_one("plain loops", [] { return baseline_step<T, plain_mlp<T>>(); });
  add_one("cblas", [] { return baseline_step<T, cblas_mlp<T>>(); });
  add_one("Eigen dynamic", [] { return baseline_step<T, eigen_mlp<T>>(); });
}

}  // namespace

int main(int argc, char** argv) {
  add_scalar<double>();
  add_scalar<float>();
  return bench::run(argc, argv);
}
