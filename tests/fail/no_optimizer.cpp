// expect: train: what should be an optimizer is none; see optimizer.hpp
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, matrix<double>>;

void f(mlp<double, relu, 3, 2, 1>& student, const samples& data) {
  train(student, with_replacement(data, {}), mean_squared_error{}, 0.1);
}
