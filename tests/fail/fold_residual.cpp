// expect: fold: a residual block adds what passed a gate to what did not
// clang-format off
#include <tutelage/model/fold.hpp>

using namespace tutelage;

void f() { fold(network(residual(dense<double>(2, 2)), dense<double>(2, 1))); }
