// expect: data and network have different scalars; see network_cast
// clang-format off
#include <tutelage/analysis/alignment.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 3, 2, 1>& net, const matrix<float>& x) { align(net, net, x); }
