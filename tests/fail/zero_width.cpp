// expect: dense: widths are at least 1
// clang-format off
#include <tutelage/model/dense.hpp>

tutelage::dense<double, 3, 0> l;
