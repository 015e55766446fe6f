#include <tutelage/core/matrix.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/train/train.hpp>
