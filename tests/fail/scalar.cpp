// expect: network: all layers have one scalar type
// clang-format off
#include <tutelage/model/network.hpp>

using namespace tutelage;

network<dense<double, 3, 2, relu>, dense<float, 2, 1, relu>> net;
