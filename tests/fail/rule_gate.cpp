// expect: output_jacobians: needs layers that pull V down for each sample
// clang-format off
#include <cmath>
#include <tutelage/gradient/rule.hpp>

using namespace tutelage;

struct softplus {
  double activate(double a) const { return std::log1p(std::exp(a)); }
  double factor(double f) const { return -std::expm1(-f); }
  double slope() const { return 0; }
};

using net = mlp<double, softplus, 3, 2, 1>;
auto size = sizeof(gradient_rule<net, net>);
