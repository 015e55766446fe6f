// Messages from their parts.
#pragma once

#include <array>
#include <cstdio>
#include <string>
#include <type_traits>

#include <tutelage/core/target.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// The arguments, strings and whole numbers and reals, one after the other. A NaN has no sign; a
/// complex number is its parts.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string result;
  const auto append = [&](const auto& part) {
    using type = std::remove_cvref_t<decltype(part)>;
    if constexpr (std::is_floating_point_v<type>) {
      const auto number = static_cast<double>(part);
      std::array<char, 32> digits{};
      std::snprintf(digits.data(), digits.size(), "%.9g", number);
      result += number == number ? digits.data() : "nan";
    } else if constexpr (requires { part.imag(); }) {
      result += text("(", part.real(), ", ", part.imag(), ")");
    } else if constexpr (std::is_integral_v<type>) {
      result += std::to_string(part);
    } else {
      result += part;
    }
  };
  (append(parts), ...);
  return result;
}

}  // namespace tutelage::detail
