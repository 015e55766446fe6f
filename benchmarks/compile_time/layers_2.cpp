#define LAYERS 2
#include "train_network.hpp"
