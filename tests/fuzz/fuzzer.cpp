// One of targets.hpp, TARGET, for libFuzzer: see run.cmake.
#include <cstddef>
#include <cstdint>

#include "targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::run(fuzz::TARGET, {data, size});
  return 0;
}
