// Every template of this header, with nothing else included.
#include <tutelage/train/train.hpp>

using namespace tutelage;
using net = mlp<double, relu, dynamic, dynamic, dynamic>;

std::uint64_t all_of_train(net& student, const data_set<matrix<double>, matrix<double>>& data) {
  return train(student, full_batch(data), mean_squared_error{}, sgd{.rate = 0.01}, {},
               normalize_after_step{1}, on_epoch_end([](const auto&) {}));
}
