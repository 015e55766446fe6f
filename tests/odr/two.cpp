#include <tutelage/analysis.hpp>
#include <tutelage/data/images.hpp>
#include <tutelage/io.hpp>
#include <tutelage/theory.hpp>
#include <tutelage/tutelage.hpp>

int two();
int two() { return 0; }
