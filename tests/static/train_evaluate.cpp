// Every template of this header, with nothing else included.
#include <tutelage/train/evaluate.hpp>

using namespace tutelage;

double all_of_evaluate(const mlp<double, relu, dynamic, dynamic, dynamic>& net,
                       const matrix<double>& x) {
  const data_set rows(x, outputs(net, x));
  const data_set labels(x, argmax(outputs(net, x)));
  for_each_forward(net, x, [](const auto&, std::size_t, const auto&) {});
  return mean_loss(net, rows, mean_squared_error{}) + mean_loss(net, labels, cross_entropy{}) +
         accuracy(net, labels);
}
