// expect: teacher and student give different outputs; see check_outputs<teacher gives, student gives>
// clang-format off
#include <tutelage/theory/population/order_parameters.hpp>

using namespace tutelage;

void f(const two_layer<double, relu, 100, 10, 50>& teacher,
       const two_layer<double, relu, 90, 50, 40>& student) {
  order_dynamics<double> dynamics(teacher, student);
}
