// The landscape of the loss: global minima that are not connected. Needs Boost (CMake:
// tutelage::theory).
#pragma once

#include <tutelage/landscape/disconnected.hpp>
#include <tutelage/landscape/disconnected_family.hpp>
#include <tutelage/landscape/exact_program.hpp>
#include <tutelage/landscape/plane_units.hpp>
