// expect: train: the rate is a schedule, a function of the epoch: constant_rate{0.1}, say
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, matrix<double>>;

void f(mlp<double, relu, 3, 2, 1>& student, const samples& data) {
  train(student, with_replacement(data, {}), mean_squared_error{}, sgd{}, 0.1, {});
}
