// The sections of the page, one function each.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "inspect/page.hpp"
#include "inspect/report.hpp"

namespace examples {

/// html_network.cpp: a network by itself.
void add_network(page& out, const network_facts& n, std::size_t samples, const units& u);

/// html_pair.cpp: a student beside its teacher, or two students.
void add_losses(page& out, const question& asked, const pair_facts& p);
void add_matches(page& out, const question& asked, const pair_facts& p, const units& u,
                 const std::string& id);
void add_weights(page& out, const pair_facts& p);
void add_expectations(page& out, const pair_facts& p);
void add_gradients(page& out, const critical_section& s);
void add_observers(page& out, const std::vector<pair_layer>& layers);
void add_certificates(page& out, const sections& s, bool two_layers);
void add_pruning(page& out, const pruning_section& s);
void add_similarity(page& out, const facts& found, const units& u, const std::string& id);
void add_gradients_of_channels(page& out, const pair_facts& p);
void add_order(page& out, const pair_facts& p);

}  // namespace examples
