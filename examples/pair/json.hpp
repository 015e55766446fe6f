// The analyses of a pair as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "pair/layers.hpp"
#include "pair/sections.hpp"

namespace examples {

/// Null for what is not there or not finite.
nlohmann::json number_or_null(const std::optional<double>& x);

nlohmann::json describe_layer(const layer_result& layer);

nlohmann::json describe_observers(const observers_section& s);

/// Adds "local", "observers", "critical", "bounds" and "pruning".
void add_sections(nlohmann::json& result, const sections& s);

}  // namespace examples
