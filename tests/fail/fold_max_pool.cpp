// expect: fold: max_pool is no linear map, nor a gate
// clang-format off
#include <tutelage/model/fold.hpp>

using namespace tutelage;

void f() { fold(network(max_pool<double, image_shape>({1, 2, 2}, {}), dense<double>(1, 1))); }
