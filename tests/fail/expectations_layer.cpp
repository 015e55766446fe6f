// expect: expectations: needs dense layers with piecewise linear gates
// clang-format off
#include <tutelage/gradient/expectations.hpp>
#include <tutelage/model/batch_norm.hpp>

using namespace tutelage;

using net = network<dense<double, 3, 4>, batch_norm<double, 4>, dense<double, 4, 2>>;
auto size = sizeof(expectation_accumulator<net, net>);
