// expect: train: what should be an optimizer is none; see optimizer.hpp
// clang-format off
#include <complex>

#include <tutelage/train/trainer.hpp>

using namespace tutelage;

void f(mlp<std::complex<double>, relu, 3, 2, 1>& student) {
  trainer learning(student, mean_squared_error{}, adam{.rate = 0.1});
}
