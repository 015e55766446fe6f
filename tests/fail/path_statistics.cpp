// expect: piecewise_path: batch normalization has statistics besides parameters; fold it
// clang-format off
#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/model/batch_norm.hpp>

using namespace tutelage;
using net = network<dense<double, 2, 3>, batch_norm<double, 3>, dense<double, 3, 1, identity>>;

auto f(const net& a, const net& b) { return straight_line(a, b); }
