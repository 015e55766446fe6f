// expect: teacher and student take different inputs; see check_inputs<teacher takes, student takes>
// clang-format off
#include <tutelage/data/student.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 100, 10, 50>& teacher, mlp<double, relu, 90, 50, 40>& student) {
  initialize(student, near_start{teacher, 0.1}, 1);
}
