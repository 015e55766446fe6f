// Every template of this header, with nothing else included.
#include <tutelage/train/optimizer.hpp>

using namespace tutelage;

template <class Optimizer>
void one(const Optimizer& optimizer, dense<double, dynamic, dynamic>& l,
         matrix_view<const double> x, matrix_view<const double> g) {
  typename Optimizer::template state<double> state;
  state.allocate(l.weights().rows(), l.weights().cols());
  optimizer.check();
  optimizer.step(l, x, g, 0.1, state);
}

void all_of_optimizer(dense<double, dynamic, dynamic>& l, matrix_view<const double> x,
                      matrix_view<const double> g) {
  one(sgd{}, l, x, g);
  one(momentum_sgd{}, l, x, g);
  one(adam{}, l, x, g);
}
