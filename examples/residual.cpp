// A residual student of a residual teacher.
#include <cstdio>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

auto residual_net(std::size_t inner) {
  using namespace tutelage;
  using linear = dense<double, dynamic, dynamic, identity>;
  using gated_dense = dense<double, dynamic, dynamic, relu>;
  return network{linear(10, 8), residual{gated_dense(8, inner), linear(inner, 8)},
                 residual{gated_dense(8, inner), linear(inner, 8)}, linear(8, 3)};
}

int main() {
  using namespace tutelage;
  auto teacher = residual_net(4), student = residual_net(16);
  initialize(teacher, linear_default_start{2}, 1, purpose::teacher);
  initialize(student, linear_default_start{}, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{}, 4000, 10, 1);
  const data_set data(x, outputs(teacher, x));
  const double before = mean_loss(student, data, mean_squared_error{});
  train(student, shuffled(data, {.batch = 32, .seed = 1}), mean_squared_error{},
        momentum_sgd{.rate = 0.002}, {.epochs = 40});
  std::printf("loss %.4f before, %.5f after\n", before,
              mean_loss(student, data, mean_squared_error{}));
}
