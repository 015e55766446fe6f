// expect: residual: the block must give as many numbers as it takes
// expect g++: [with long unsigned int Takes = 4; long unsigned int Gives = 3]
// expect clang++: check_residual<4UL, 3UL>
// clang-format off
#include <tutelage/model/residual.hpp>

using namespace tutelage;

void f() { residual block(dense<double, 4, 5>{}, dense<double, 5, 3>{}); }
