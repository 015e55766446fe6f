// expect: train: batches come from a source, with_replacement(data, settings), say; see batches.hpp
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, matrix<double>>;

void f(mlp<double, relu, 3, 2, 1>& student, const samples& data) {
  train(student, data, mean_squared_error{}, sgd{.rate = 0.1});
}
