// Arrays, networks and runs in files: .npy, .npz, safetensors, CSV, checkpoints. Needs zlib and nlohmann-json (CMake
// component `io`).
#pragma once

#include <tutelage/io/array_file.hpp>
#include <tutelage/io/blocks.hpp>
#include <tutelage/io/csv.hpp>
#include <tutelage/io/named_array.hpp>
#include <tutelage/io/npy.hpp>
#include <tutelage/io/npy_rows.hpp>
#include <tutelage/io/npz.hpp>
#include <tutelage/io/safetensors.hpp>
#include <tutelage/io/safetensors_writer.hpp>
#include <tutelage/io/state.hpp>
#include <tutelage/io/state_order.hpp>
#include <tutelage/train/checkpoint.hpp>
