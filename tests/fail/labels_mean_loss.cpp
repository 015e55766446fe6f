// expect: the loss does not take these targets: labels are for cross_entropy, rows of the network's scalar for mean_squared_error
// clang-format off
#include <tutelage/train/evaluate.hpp>

using namespace tutelage;
using samples = data_set<matrix<double>, std::vector<label>>;

double f(const mlp<double, relu, 3, 2, 1>& net, const samples& data) {
  return mean_loss(net, data, mean_squared_error{});
}
