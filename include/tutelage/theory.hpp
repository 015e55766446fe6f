// Gaussian theory: closed forms, population dynamics, overlap and convergence, angular distance, the
// Hermite view. Needs Boost (CMake: tutelage::theory).
#pragma once

#include <tutelage/theory/kernel/angle.hpp>
#include <tutelage/theory/angular/angular_conditions.hpp>
#include <tutelage/theory/angular/angular_distance.hpp>
#include <tutelage/theory/population/biased_hessian.hpp>
#include <tutelage/theory/kernel/biased_kernel.hpp>
#include <tutelage/theory/population/biased_population.hpp>
#include <tutelage/theory/overlap/contraction_bounds.hpp>
#include <tutelage/theory/angular/cramer.hpp>
#include <tutelage/theory/angular/critical_directions.hpp>
#include <tutelage/theory/population/critical_point.hpp>
#include <tutelage/theory/population/descent.hpp>
#include <tutelage/theory/angular/determinant_search.hpp>
#include <tutelage/theory/angular/direction_sets.hpp>
#include <tutelage/theory/population/flow.hpp>
#include <tutelage/theory/kernel/gate_moments.hpp>
#include <tutelage/theory/kernel/gaussian_kernel.hpp>
#include <tutelage/theory/population/hermite.hpp>
#include <tutelage/theory/kernel/kernel_matrix.hpp>
#include <tutelage/theory/population/linear_fit.hpp>
#include <tutelage/theory/overlap/lucky_start.hpp>
#include <tutelage/theory/population/online.hpp>
#include <tutelage/theory/population/order_parameters.hpp>
#include <tutelage/theory/population/orthonormal_target.hpp>
#include <tutelage/theory/overlap/overlap.hpp>
#include <tutelage/theory/overlap/overlap_dynamics.hpp>
#include <tutelage/theory/population/parameters.hpp>
#include <tutelage/theory/population/particles.hpp>
#include <tutelage/theory/population/population.hpp>
#include <tutelage/theory/population/population_hessian.hpp>
#include <tutelage/theory/kernel/supplement.hpp>
#include <tutelage/theory/population/two_layer.hpp>
