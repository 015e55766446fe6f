// expect: train: loss and optimizer are swapped, the loss comes first
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, matrix<double>>;

void f(mlp<double, relu, 3, 2, 1>& student, const samples& data) {
  train(student, with_replacement(data, {}), sgd{.rate = 0.1}, mean_squared_error{});
}
