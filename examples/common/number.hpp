// Numbers as text.
#pragma once

#include <cstdio>
#include <string>

namespace examples {

/// A number from which it can be read back.
inline std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", x);
  return text;
}

}  // namespace examples
