// expect: balance_groups: networks of two layers; V changes with the region in deeper ones
// expect: bound_kinks: networks of two layers; V changes with the region in deeper ones
// clang-format off
#include <tutelage/analysis/recovery/noisy_pruning.hpp>

using namespace tutelage;
using net = mlp<double, relu, 3, 4, 4, 2>;

void f(const net& teacher, const net& student, const colinear_partition& groups, const observers& seen,
       const matrix<double>& x) {
  balance_groups<1>(teacher, student, groups, seen, seen);
  bound_kinks(teacher, student, groups, x);
}
