// expect: teacher and student have different scalars; see network_cast
// clang-format off
#include <tutelage/analysis/alignment.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 3, 2, 1>& teacher, const mlp<float, relu, 3, 4, 1>& student,
       const matrix<double>& x) {
  align(teacher, student, x);
}
