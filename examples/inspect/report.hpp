// What was found, for people and for programs.
#pragma once

#include <iosfwd>
#include <string>

#include "inspect/findings.hpp"

namespace examples {

void print(std::ostream& out, const question& asked, const findings& found);

std::string to_json(const question& asked, const findings& found);

/// One page that needs no other file: figures, numbers, and what each of them says.
std::string to_html(const question& asked, const findings& found);

}  // namespace examples
