// expect: the loss does not take these targets: labels are for cross_entropy, rows of the network's scalar for mean_squared_error
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, std::vector<label>>;

void f(mlp<double, relu, 3, 2, 1>& student, const samples& data) {
  train(student, with_replacement(data, {}), mean_squared_error{}, sgd{.rate = 0.1});
}
