// expect: teacher and student take different inputs; see check_inputs<teacher takes, student takes>
// clang-format off
#include <tutelage/data/student.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 6, 3, 2>& teacher, mlp<double, relu, 5, 4, 2>& student) {
  turn_from_last_teacher(teacher, student);
}
