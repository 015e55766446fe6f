// expect: a hidden layer of the student has fewer nodes than the teacher's; see check_nodes<layer, teacher's nodes, student's nodes>
// expect g++: [with long unsigned int Layer = 1; long unsigned int Teacher = 10; long unsigned int Student = 9]
// expect clang++: check_nodes<1UL, 10UL, 9UL>
// clang-format off
#include <tutelage/data/student.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 100, 10, 50>& teacher, mlp<double, relu, 100, 9, 50>& student) {
  initialize(student, near_start{teacher, 0.1}, 1);
}
