// A convolutional student of a convolutional teacher: which channels are alike, and the student as dense
// layers once its normalization is folded away.
#include <cstdio>

#include <tutelage/analysis.hpp>
#include <tutelage/tutelage.hpp>

auto conv_net(std::size_t channels) {
  using namespace tutelage;
  return network{conv2d<double>({1, 8, 8}, {.filters = channels, .size = 3}),
                 batch_norm<double>(channels),
                 gated<relu>(),
                 average_pool<double>({.size = 2}),
                 flatten(),
                 dense<double>(9 * channels, 10)};
}

int main() {
  using namespace tutelage;
  auto teacher = conv_net(4), student = conv_net(12);
  initialize(teacher, linear_default_start{3}, 1, purpose::teacher);
  initialize(student, linear_default_start{}, 1);
  const auto x = draw_inputs<double>(gaussian_inputs{}, 4000, 64, 1);
  const data_set data(x, outputs(teacher, x));
  train(student, shuffled(data, {.batch = 32, .seed = 1}), mean_squared_error{},
        adam{.rate = 0.003}, {.epochs = 20});
  const alignment channels = align(teacher, student, x)[2];  // above the gate
  std::printf("loss %.4f, rho_mean of channels %.3f\n",
              mean_loss(student, data, mean_squared_error{}), channels.rho_mean());
  std::printf("folded: loss %.4f\n", mean_loss(fold(student), data, mean_squared_error{}));
}
