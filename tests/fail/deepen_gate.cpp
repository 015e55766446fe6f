// expect: deepen: needs dense layers with piecewise linear gates
// clang-format off
#include <cmath>
#include <tutelage/gradient/deepen.hpp>

using namespace tutelage;

struct softplus {
  double activate(double a) const { return std::log1p(std::exp(a)); }
  double factor(double f) const { return -std::expm1(-f); }
  double slope() const { return 0; }
};

auto f(const mlp<double, softplus, 3, 2, 1>& net) { return deepen<3>(net); }
