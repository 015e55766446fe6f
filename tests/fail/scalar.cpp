// expect: network: all layers have one scalar type
// clang-format off
#include <tutelage/model/network.hpp>

using namespace tutelage;

network<dense<double, 3, 2>, dense<float, 2, 1>> net;
