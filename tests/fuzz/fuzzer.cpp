// One of targets.hpp, or with PROGRAMS of programs.hpp, TARGET, for libFuzzer: see run.cmake.
#include <cstddef>
#include <cstdint>

#ifdef PROGRAMS
#include "programs.hpp"
#else
#include "targets.hpp"
#endif

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::run(fuzz::TARGET, {data, size});
  return 0;
}
