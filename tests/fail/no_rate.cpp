// expect: learning_rate: an optimizer needs one: sgd{.rate = 0.01}, say
// clang-format off
#include <tutelage/train/optimizer.hpp>

using namespace tutelage;

momentum_sgd f() {
  return momentum_sgd{.momentum = 0.9};
}
