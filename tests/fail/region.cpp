// expect: observe: a region is a ball, a box, all_space, or a type of your own that answers require and reach; see input_region.hpp
// clang-format off
#include <tutelage/analysis/observers.hpp>

using namespace tutelage;

observers f(const dense<double, 3, 2, relu>& l) { return observe(l, l, 1.5); }
