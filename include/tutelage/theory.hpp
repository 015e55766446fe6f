// Gaussian theory: closed forms, population dynamics, overlap and convergence, angular distance, the
// Hermite view. Needs Boost (CMake: tutelage::theory).
#pragma once

#include <tutelage/theory/angle.hpp>
#include <tutelage/theory/angular_conditions.hpp>
#include <tutelage/theory/angular_distance.hpp>
#include <tutelage/theory/biased_hessian.hpp>
#include <tutelage/theory/biased_kernel.hpp>
#include <tutelage/theory/biased_population.hpp>
#include <tutelage/theory/contraction_bounds.hpp>
#include <tutelage/theory/cramer.hpp>
#include <tutelage/theory/critical_directions.hpp>
#include <tutelage/theory/critical_point.hpp>
#include <tutelage/theory/descent.hpp>
#include <tutelage/theory/determinant_search.hpp>
#include <tutelage/theory/direction_sets.hpp>
#include <tutelage/theory/flow.hpp>
#include <tutelage/theory/gate_moments.hpp>
#include <tutelage/theory/gaussian_kernel.hpp>
#include <tutelage/theory/hermite.hpp>
#include <tutelage/theory/kernel_matrix.hpp>
#include <tutelage/theory/linear_fit.hpp>
#include <tutelage/theory/lucky_start.hpp>
#include <tutelage/theory/online.hpp>
#include <tutelage/theory/order_parameters.hpp>
#include <tutelage/theory/orthonormal_target.hpp>
#include <tutelage/theory/overlap.hpp>
#include <tutelage/theory/overlap_dynamics.hpp>
#include <tutelage/theory/parameters.hpp>
#include <tutelage/theory/particles.hpp>
#include <tutelage/theory/population.hpp>
#include <tutelage/theory/population_hessian.hpp>
#include <tutelage/theory/supplement.hpp>
#include <tutelage/theory/two_layer.hpp>
