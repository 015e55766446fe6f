// Every analysis of a trained pair.
#pragma once

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/analysis/colinear_groups.hpp>
#include <tutelage/analysis/correlation.hpp>
#include <tutelage/analysis/critical_points.hpp>
#include <tutelage/analysis/dynamics.hpp>
#include <tutelage/analysis/energy_conservation.hpp>
#include <tutelage/analysis/evaluator.hpp>
#include <tutelage/analysis/input_region.hpp>
#include <tutelage/analysis/node_gradients.hpp>
#include <tutelage/analysis/observers.hpp>
#include <tutelage/analysis/pruning.hpp>
#include <tutelage/analysis/recovery/certificate.hpp>
#include <tutelage/analysis/recovery/dataset_conditions.hpp>
#include <tutelage/analysis/recovery/local_certificate.hpp>
#include <tutelage/analysis/recovery/lowest_gradients.hpp>
#include <tutelage/analysis/recovery/noisy_pruning.hpp>
#include <tutelage/analysis/recovery/noisy_recovery.hpp>
#include <tutelage/analysis/recovery/recovery_bounds.hpp>
#include <tutelage/analysis/recovery/sample_complexity.hpp>
#include <tutelage/analysis/recovery/upper_boundaries.hpp>
#include <tutelage/analysis/recovery/witnesses.hpp>
#include <tutelage/analysis/residuals.hpp>
#include <tutelage/analysis/sampled_observers.hpp>
#include <tutelage/analysis/similarity.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
