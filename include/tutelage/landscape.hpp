// The landscape of the loss: paths between networks, and how high they lead.
#pragma once

#include <tutelage/landscape/assignment.hpp>
#include <tutelage/landscape/connectivity.hpp>
#include <tutelage/landscape/dropout_path.hpp>
#include <tutelage/landscape/dropout_stability.hpp>
#include <tutelage/landscape/path_loss.hpp>
#include <tutelage/landscape/permutation_alignment.hpp>
#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/landscape/specialization.hpp>
