// expect: learning_rate: a rate is a number, or a schedule: a function of the epoch
// clang-format off
#include <tutelage/train/optimizer.hpp>

using namespace tutelage;

sgd f() {
  return sgd{.rate = "0:0.1,20:0.01"};
}
