#include "support/rule_pairs.hpp"

TEST_CASE("the rule is backpropagation: long double") { test::check_all_pairs<long double>(); }
