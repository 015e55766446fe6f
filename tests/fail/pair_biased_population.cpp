// expect: teacher and student take different inputs; see check_inputs<teacher takes, student takes>
// expect g++: check_inputs() [with long unsigned int Teacher = 100; long unsigned int Student = 90]
// expect clang++: check_inputs<100UL, 90UL>
// clang-format off
#include <tutelage/theory/population/biased_population.hpp>

using namespace tutelage;

void f(const two_layer<double, relu, 100, 10, 50, with_bias>& teacher,
       const two_layer<double, relu, 90, 50, 40, with_bias>& student) {
  biased_population(teacher).loss(student);
}
