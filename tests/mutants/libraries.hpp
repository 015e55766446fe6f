// What headers include of other libraries, precompiled for the changed ones.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <Random123/threefry.h>
#include <xsimd/xsimd.hpp>
#include <xtensor/xtensor.hpp>

#include <xtensor-blas/xblas_config.hpp>

#include <xflens/cxxblas/cxxblas.cxx>
