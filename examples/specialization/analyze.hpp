// The analyses of a trained pair, as sections of the report.
#pragma once

#include <cstddef>

#include <tutelage/analysis/alignment.hpp>

#include "pair/sections.hpp"
#include "specialization/network.hpp"
#include "specialization/options.hpp"

namespace examples {

/// Proofs, observers and gradients on the training inputs, pruning on the evaluation inputs. Proofs
/// are for the squared error, kinks for two layers, too, bounds for drawn inputs besides.
/// Instantiated in analyses_*.cpp, some depths each.
template <std::size_t Depth>
sections analyze(const run_network<double, Depth>& teacher,
                 const run_network<double, Depth>& student, const options& o,
                 const tutelage::alignment& lowest,
                 const tutelage::matrix_view<const double>& training,
                 const tutelage::matrix_view<const double>& evaluation);

}  // namespace examples
