// expect: make_regular: needs a dense layer with a piecewise linear gate
// clang-format off
#include <tutelage/model/regular_weights.hpp>

using namespace tutelage;

struct own_layer : dense<double, 2, 2, relu> {
  using dense::dense;
};

auto f(const own_layer& l) { return boundary_distances<double>(l); }
