// The widths that every width-dependent test runs over.
#pragma once

#include <cstddef>
#include <type_traits>
#include <vector>

namespace test {

/// Run-time widths: every tail of every vector length, and one full and one ragged large width.
inline std::vector<std::size_t> dynamic_widths() {
  std::vector<std::size_t> widths;
  for (std::size_t w = 1; w <= 33; ++w) widths.push_back(w);
  widths.push_back(64);
  widths.push_back(65);
  return widths;
}

/// Calls f(std::integral_constant<std::size_t, w>{}) for the given widths.
template <std::size_t... Widths, class F>
void for_each_width(F&& f) {
  (f(std::integral_constant<std::size_t, Widths>{}), ...);
}

/// As above for a short list of static widths that reaches every tile and tail.
template <class F>
void for_each_static_width(F&& f) {
  for_each_width<1, 2, 3, 5, 8, 10, 16, 17, 33>(f);
}

}  // namespace test
