// expect: output_jacobians: the top layer must be linear
// clang-format off
#include <tutelage/gradient/jacobian.hpp>

using namespace tutelage;

output_jacobians<network<dense<double, 3, 2, relu>, dense<double, 2, 1, relu>>> maps;
