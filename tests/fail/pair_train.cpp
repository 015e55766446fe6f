// expect: teacher and student take different inputs; see check_inputs<teacher takes, student takes>
// expect g++: check_inputs() [with long unsigned int Teacher = 100; long unsigned int Student = 90]
// expect clang++: check_inputs<100UL, 90UL>
// clang-format off
#include <tutelage/train/train.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 100, 10, 50>& teacher, mlp<double, relu, 90, 50, 40>& student) {
  train(student, fresh_each_step(teacher, gaussian_inputs{}, {}), mean_squared_error{},
        sgd{.rate = 0.1});
}
