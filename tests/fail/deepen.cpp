// expect: deepen: the network is deeper already
// clang-format off
#include <tutelage/gradient/deepen.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 3, 2, 2, 1>& teacher) { deepen<2>(teacher); }
