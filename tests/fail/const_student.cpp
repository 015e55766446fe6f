// expect: train: a student that learns is not const
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, matrix<double>>;

void f(const mlp<double, relu, 3, 2, 1>& student, const samples& data) {
  train(student, with_replacement(data, {}), mean_squared_error{}, sgd{.rate = 0.1});
}
