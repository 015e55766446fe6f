// What was found, for people and for programs.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "inspect/findings.hpp"

namespace examples {

/// Where each node's or channel's gate opens, in deviations of what is normalized: -beta / |gamma|; none
/// where that is not finite.
std::vector<std::optional<double>> boundaries_of(const normalization& b);

void print(std::ostream& out, const question& asked, const findings& found);

std::string to_json(const question& asked, const findings& found);

/// One page that needs no other file: figures, numbers, and what each of them says.
std::string to_html(const question& asked, const findings& found);

}  // namespace examples
