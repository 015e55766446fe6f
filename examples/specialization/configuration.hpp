// The options that results depend on.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "specialization/options.hpp"

namespace examples {

nlohmann::json describe_options(const options& o);

/// Those of one seed's run, a line each: what its checkpoint must have in common with it.
std::string configuration_of(const options& o, std::uint64_t seed);

}  // namespace examples
