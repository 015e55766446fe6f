// expect: multiply: the operands' static extents do not fit; see check_product<rows of A, columns of A, rows of B, columns of B, rows of C, columns of C>
// expect g++: [with Rows = dynamic_width; Inner = width<3>; InnerToo = width<4>; Cols = width<5>; RowsOfC = dynamic_width; ColsOfC = width<5>]
// expect clang++: check_product<tutelage::detail::dynamic_width, tutelage::detail::width<3>, tutelage::detail::width<4>, tutelage::detail::width<5>, tutelage::detail::dynamic_width, tutelage::detail::width<5>>
// clang-format off
#include <tutelage/core/product.hpp>

using namespace tutelage;

void f(matrix_view<const double, dynamic, 3> a, matrix_view<const double, 4, 5> b,
       matrix_view<double, dynamic, 5> c) {
  multiply(a, b, c);
}
