#include <tutelage/core/product.hpp>

#include "support/close_to.hpp"
#include "support/random.hpp"

using namespace test;

TEST_CASE("placeholder") {}
