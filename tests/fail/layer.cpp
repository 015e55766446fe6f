// expect: network: there is no such layer; see check_layer<layer, layers there are>
// expect g++: [with long unsigned int Layer = 5; long unsigned int Layers = 3]
// expect clang++: check_layer<5UL, 3UL>
// clang-format off
#include <tutelage/model/network.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 3, 2, 2, 1>& net) { (void)net.layer<5>(); }
