// The landscape of the loss: paths between networks, and how high they lead; global minima that are not
// connected; networks that memorize. Needs Boost (CMake: tutelage::theory).
#pragma once

#include <tutelage/landscape/assignment.hpp>
#include <tutelage/landscape/connectivity.hpp>
#include <tutelage/landscape/disconnected.hpp>
#include <tutelage/landscape/disconnected_family.hpp>
#include <tutelage/landscape/dropout_path.hpp>
#include <tutelage/landscape/dropout_stability.hpp>
#include <tutelage/landscape/exact_program.hpp>
#include <tutelage/landscape/memorization/breakpoints.hpp>
#include <tutelage/landscape/memorization/classes.hpp>
#include <tutelage/landscape/memorization/one_layer.hpp>
#include <tutelage/landscape/memorization/projection.hpp>
#include <tutelage/landscape/memorization/residual.hpp>
#include <tutelage/landscape/memorization/three_layers.hpp>
#include <tutelage/landscape/memorization/two_layers.hpp>
#include <tutelage/landscape/path_loss.hpp>
#include <tutelage/landscape/permutation_alignment.hpp>
#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/landscape/plane_units.hpp>
#include <tutelage/landscape/specialization.hpp>
