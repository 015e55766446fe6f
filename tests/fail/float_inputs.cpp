// expect: data and network have different scalars; see network_cast
// clang-format off
#include <tutelage/train/evaluate.hpp>

using namespace tutelage;

void f(const mlp<double, relu, 3, 2, 1>& teacher, const matrix<float>& x) { outputs(teacher, x); }
