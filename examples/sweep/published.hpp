// The sweeps that the papers publish.
#pragma once

#include <string>

#include "sweep/arguments.hpp"

namespace examples {

/// "two-layer": Figures 5, 7 and 8 of arXiv:1909.13458, "samples": Figure 6. "deep": Figure 12, left, of
/// arXiv:1905.13405. `quick` has fewer values and shorter runs.
sweep_plan published_sweep(const std::string& name, bool quick);

}  // namespace examples
