#define LAYERS 4
#include "train_network.hpp"
