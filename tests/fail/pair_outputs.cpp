// expect: teacher and student give different outputs; see check_outputs<teacher gives, student gives>
// expect g++: check_outputs() [with long unsigned int Teacher = 50; long unsigned int Student = 40]
// expect clang++: check_outputs<50UL, 40UL>
// clang-format off
#include <tutelage/analysis/alignment.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 100, 10, 50>& teacher,
       const mlp<double, relu, 100, dynamic, 40>& student, const matrix<double>& x) {
  align(teacher, student, x);
}
