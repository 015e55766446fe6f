#include "support.hpp"

#include <cstdio>
#include <cstdlib>

extern "C" [[gnu::weak]] char* openblas_get_corename();

namespace bench {

int run(int argc, char** argv) {
  if (std::getenv("OPENBLAS_CORETYPE") != nullptr) {
    std::fprintf(stderr, "OPENBLAS_CORETYPE is set: unset it, it hides BLAS's best kernels\n");
    return 1;
  }
  const blas_threads one(1);
  benchmark::AddCustomContext(
      "openblas_core", openblas_get_corename != nullptr ? openblas_get_corename() : "not OpenBLAS");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
