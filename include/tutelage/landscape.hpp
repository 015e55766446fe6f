// The landscape of the loss: global minima that are not connected, networks that memorize. Needs Boost
// (CMake: tutelage::theory).
#pragma once

#include <tutelage/landscape/disconnected.hpp>
#include <tutelage/landscape/disconnected_family.hpp>
#include <tutelage/landscape/exact_program.hpp>
#include <tutelage/landscape/memorization/breakpoints.hpp>
#include <tutelage/landscape/memorization/classes.hpp>
#include <tutelage/landscape/memorization/one_layer.hpp>
#include <tutelage/landscape/memorization/projection.hpp>
#include <tutelage/landscape/memorization/three_layers.hpp>
#include <tutelage/landscape/memorization/two_layers.hpp>
#include <tutelage/landscape/plane_units.hpp>
