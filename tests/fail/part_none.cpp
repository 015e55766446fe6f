// expect: network: this is neither a layer nor a part that can be put above the layer below
// clang-format off
#include <tutelage/model/network.hpp>

using namespace tutelage;

void f() { network net(dense<double>(4, 5), relu()); }
