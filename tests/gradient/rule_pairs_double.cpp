#include "support/rule_pairs.hpp"

TEST_CASE("the rule is backpropagation: double") { test::check_all_pairs<double>(); }
