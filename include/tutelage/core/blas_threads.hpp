// OpenBLAS's own threads. A program that runs its work on threads of its own wants BLAS to use one;
// the number is global to the process, so headers never touch it and programs do so once, in main.
#pragma once

#include <tutelage/core/target.hpp>

extern "C" {
[[gnu::weak]] int openblas_get_num_threads();
[[gnu::weak]] void openblas_set_num_threads(int);
}

namespace tutelage::inline TUTELAGE_TARGET {

/// While it lives, OpenBLAS uses `threads` threads, then as many as before. Does nothing under
/// another BLAS.
class blas_threads {
 public:
  explicit blas_threads(int threads) {
    if (openblas_get_num_threads != nullptr && openblas_set_num_threads != nullptr) {
      before_ = openblas_get_num_threads();
      openblas_set_num_threads(threads);
    }
  }
  ~blas_threads() {
    if (before_ > 0) openblas_set_num_threads(before_);
  }
  blas_threads(const blas_threads&) = delete;
  blas_threads& operator=(const blas_threads&) = delete;

 private:
  int before_ = 0;
};

}  // namespace tutelage
