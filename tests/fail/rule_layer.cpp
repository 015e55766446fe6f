// expect: output_jacobians: needs dense layers with piecewise linear gates
// clang-format off
#include <tutelage/gradient/rule.hpp>

using namespace tutelage;

struct residual : dense<double, 2, 2, relu> {
  using dense::dense;
};
using net = network<residual, dense<double, 2, 1, identity>>;
auto size = sizeof(gradient_rule<net, net>);
