// expect: initialize_near: a hidden layer of the student has fewer nodes than the teacher's; see check_copies<layer, teacher's nodes, student's nodes>
// expect g++: [with long unsigned int Layer = 1; long unsigned int Teacher = 10; long unsigned int Student = 9]
// expect clang++: check_copies<1UL, 10UL, 9UL>
// clang-format off
#include <tutelage/data/student.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 100, 10, 50>& teacher, mlp<double, relu, 100, 9, 50>& student) {
  initialize_near(student, teacher, 0.1, stream(1, purpose::student));
}
