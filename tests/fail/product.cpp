// expect: multiply: the operands' static extents do not fit
// clang-format off
#include <tutelage/core/product.hpp>

using namespace tutelage;

void f(matrix_view<const double, 2, 3> a, matrix_view<const double, 4, 5> b,
       matrix_view<double, 2, 5> c) {
  multiply(a, b, c);
}
