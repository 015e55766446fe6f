// Every analysis of a trained pair.
#pragma once

#include <tutelage/analysis/alignment.hpp>
#include <tutelage/analysis/correlation.hpp>
#include <tutelage/analysis/weight_alignment.hpp>
