#define LAYERS 8
#include "train_network.hpp"
