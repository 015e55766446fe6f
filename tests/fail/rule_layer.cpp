// expect: output_jacobians: needs layers that pull V down for each sample
// clang-format off
#include <tutelage/gradient/rule.hpp>

using namespace tutelage;

struct own_layer : dense<double, 2, 2, relu> {
  using dense::dense;
  void pull() const;  // not as dense does
};
using net = network<own_layer, dense<double, 2, 1, identity>>;
auto size = sizeof(gradient_rule<net, net>);
