// expect: network: the lowest layer must know what it takes
// clang-format off
#include <tutelage/model/gated.hpp>
#include <tutelage/model/network.hpp>

using namespace tutelage;

void f() { network net(gated<relu>(), dense<double>(2, 3)); }
