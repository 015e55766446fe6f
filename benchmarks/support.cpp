#include "support.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

extern "C" [[gnu::weak]] char* openblas_get_corename();

namespace bench {

namespace {

// A BLAS below its best proves nothing. OpenBLAS takes a processor that it does not know for an old
// one; only the best kernels that it has for vectors of 512 bits may be asked for by name.
bool is_good_core(const std::string& core) {
  const char* const asked = std::getenv("OPENBLAS_CORETYPE");
  if (asked != nullptr && std::string(asked) != "SkylakeX") {
    std::fprintf(stderr, "OPENBLAS_CORETYPE is %s: unset it, it hides BLAS's best kernels\n", asked);
    return false;
  }
#if defined(__AVX2__)
  for (const char* old : {"Prescott", "Core2", "Penryn", "Dunnington", "Nehalem", "Generic"}) {
    if (core == old) {
      std::fprintf(stderr,
                   "OpenBLAS does not know this processor and takes it for %s: set "
                   "OPENBLAS_CORETYPE=SkylakeX if it has AVX-512\n",
                   old);
      return false;
    }
  }
#endif
  return true;
}

}  // namespace

int run(int argc, char** argv) {
  const std::string core =
      openblas_get_corename != nullptr ? openblas_get_corename() : "not OpenBLAS";
  if (!is_good_core(core)) return 1;
  const blas_threads one(1);
  benchmark::AddCustomContext("openblas_core", core);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}

}  // namespace bench
