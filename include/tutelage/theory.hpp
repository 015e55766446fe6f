// Gaussian theory: closed forms, population dynamics. Needs Boost (CMake: tutelage::theory).
#pragma once

#include <tutelage/theory/angle.hpp>
#include <tutelage/theory/biased_hessian.hpp>
#include <tutelage/theory/biased_kernel.hpp>
#include <tutelage/theory/biased_population.hpp>
#include <tutelage/theory/critical_point.hpp>
#include <tutelage/theory/descent.hpp>
#include <tutelage/theory/flow.hpp>
#include <tutelage/theory/gate_moments.hpp>
#include <tutelage/theory/gaussian_kernel.hpp>
#include <tutelage/theory/kernel_matrix.hpp>
#include <tutelage/theory/online.hpp>
#include <tutelage/theory/order_parameters.hpp>
#include <tutelage/theory/parameters.hpp>
#include <tutelage/theory/population.hpp>
#include <tutelage/theory/population_hessian.hpp>
#include <tutelage/theory/supplement.hpp>
#include <tutelage/theory/two_layer.hpp>
