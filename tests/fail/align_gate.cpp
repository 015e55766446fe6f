// expect: align_nodes: needs dense layers with piecewise linear gates
// clang-format off
#include <tutelage/landscape/permutation_alignment.hpp>

using namespace tutelage;

struct cube {
  template <class V>
  static V activate(const V& a) { return a * a * a; }
  template <class V>
  static V factor(const V& f) { return f; }
};
using net = mlp<double, cube, 3, 4, 1>;

auto f(const net& a, const net& b) { return align_nodes(a, b); }
