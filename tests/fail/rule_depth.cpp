// expect: gradient_rule: teacher and student have different depths; see deepen
// clang-format off
#include <tutelage/gradient/rule.hpp>

using namespace tutelage;

gradient_rule<mlp<double, relu, 3, 2, 1>, mlp<double, relu, 3, 2, 2, 1>>* rule;
auto size = sizeof(*rule);
