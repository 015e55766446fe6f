// expect: dropout: needs a hidden layer
// clang-format off
#include <tutelage/landscape/dropout_path.hpp>

using namespace tutelage;
using net = mlp<double, relu, 3, 2>;

auto f(const net& a, const dropout<net>& d) { return path_to_dropout(a, d); }
