// expect: leaky_relu: the slope must be a std::ratio in [0, 1)
// clang-format off
#include <tutelage/model/gate.hpp>

double f = tutelage::leaky_relu<std::ratio<3, 2>>::slope();
