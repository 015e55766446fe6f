// Heavy headers that most tests include.
#pragma once

#include <doctest/doctest.h>

#include <tutelage/tutelage.hpp>
