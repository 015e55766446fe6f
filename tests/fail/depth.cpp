// expect: teacher and student have different depths; see deepen and check_depths<teacher's layers, student's layers>
// clang-format off
#include <tutelage/analysis/alignment.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 3, 2, 1>& teacher, const mlp<double, relu, 3, 2, 2, 1>& student,
       const matrix<double>& x) {
  align(teacher, student, x);
}
