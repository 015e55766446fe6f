// Models, data and training. Analyses are in <tutelage/analysis.hpp>; image files, which need zlib,
// in <tutelage/data/images.hpp>.
#pragma once

#include <tutelage/core/blas_threads.hpp>
#include <tutelage/core/decompositions.hpp>
#include <tutelage/core/errors.hpp>
#include <tutelage/core/extents.hpp>
#include <tutelage/core/files.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/parallel.hpp>
#include <tutelage/core/product.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/core/scalar.hpp>
#include <tutelage/data/augmentation.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/data/student.hpp>
#include <tutelage/data/teacher.hpp>
#include <tutelage/model/dense.hpp>
#include <tutelage/model/gate.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <tutelage/train/batches.hpp>
#include <tutelage/train/data_set.hpp>
#include <tutelage/train/history.hpp>
#include <tutelage/train/loss.hpp>
#include <tutelage/train/optimizer.hpp>
#include <tutelage/train/schedule.hpp>
#include <tutelage/train/train.hpp>
