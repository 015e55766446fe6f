// expect: train: loss and optimizer are swapped, the loss comes first
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;

void f(mlp<double, relu, 3, 2, 1>& student) {
  trainer learning(student, sgd{.rate = 0.1}, mean_squared_error{});
}
