// Every template of this header, with nothing else included.
#include <tutelage/train/history.hpp>

using namespace tutelage;
using net = mlp<double, relu, dynamic, dynamic, dynamic>;

std::size_t all_of_history(net& student, const data_set<matrix<double>, matrix<double>>& data) {
  history h([&](const auto& r) { return mean_loss(r.student, data, mean_squared_error{}); });
  train(student, full_batch(data), mean_squared_error{}, sgd{.rate = 0.01}, {}, h);
  return h.records().size();
}
