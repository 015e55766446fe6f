#include <tutelage/tutelage.hpp>
