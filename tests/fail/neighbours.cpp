// expect: network: a layer does not take what the layer below gives
// expect g++: [with long unsigned int Layer = 2; long unsigned int Takes = 12; long unsigned int LayerBelow = 1; long unsigned int Gives = 10]
// expect clang++: check_neighbours<2UL, 12UL, 1UL, 10UL>
// clang-format off
#include <tutelage/model/network.hpp>

using namespace tutelage;

network<dense<double, 100, 10, relu>, dense<double, 12, 50, relu>> net;
