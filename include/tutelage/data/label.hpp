// What a sample is said to be: the number of a class, from 0.
#pragma once

#include <cstdint>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

using label = std::uint32_t;

}  // namespace tutelage
