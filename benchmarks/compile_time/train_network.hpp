// Trains a network of LAYERS layers, all of different static widths: every layer is a type of its own.
#include <tutelage/tutelage.hpp>
#include <utility>

template <class>
struct net_of;
template <std::size_t... I>
struct net_of<std::index_sequence<I...>> {
  using type = tutelage::mlp<double, tutelage::relu, (10 + I)...>;
};

double train_one() {
  using namespace tutelage;
  using net = net_of<std::make_index_sequence<LAYERS + 1>>::type;
  const net teacher;
  net student;
  const auto x = draw_inputs<double>(gaussian_inputs{}, 100, 10, 1);
  const data_set data(x, outputs(teacher, x));
  train(student, with_replacement(data, {}), mean_squared_error{}, sgd{.rate = 0.01});
  return mean_loss(student, data, mean_squared_error{});
}
