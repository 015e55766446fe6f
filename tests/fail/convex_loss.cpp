// expect: the loss is not known to be convex in the outputs: nothing bounds it on a path; see is_convex_loss
// clang-format off
#include <tutelage/landscape/dropout_path.hpp>

using namespace tutelage;
using net = mlp<double, relu, 3, 4, 1>;

struct capped {
  template <scalar T>
  T evaluate(matrix_view<const T>, std::type_identity_t<matrix_view<const T>>, std::type_identity_t<matrix_view<T>>) const {
    return T(1);
  }
};

double f(const net& a, const dropout<net>& d, const data_set<matrix<double>, matrix<double>>& data) {
  return dropout_bound(a, d, a, d, data, capped{});
}
