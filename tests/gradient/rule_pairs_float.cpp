#include "support/rule_pairs.hpp"

TEST_CASE("the rule is backpropagation: float") { test::check_all_pairs<float>(); }
