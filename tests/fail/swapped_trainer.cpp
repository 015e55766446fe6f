// expect: train: loss and optimizer are swapped, the loss comes first
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;

void f(mlp<double, relu, 3, 2, 1>& student) {
  trainer<mlp<double, relu, 3, 2, 1>, sgd, mean_squared_error> learning(student);
}
