// expect: pool: needs images below, and the layer below gives none
// clang-format off
#include <tutelage/model/network.hpp>
#include <tutelage/model/pool.hpp>

using namespace tutelage;

void f() { network net(dense<double>(4, 16), average_pool<double>({.size = 2})); }
