#include "sweep/provenance.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <array>
#include <ctime>
#include <fstream>

#include "sweep_commit.hpp"  // made by commit.cmake

namespace examples {

namespace {

std::string compiler() {
#ifdef __clang__
  return "clang++ " __clang_version__;
#else
  return "g++ " __VERSION__;
#endif
}

std::string processor() {
  std::ifstream facts("/proc/cpuinfo");
  for (std::string line; std::getline(facts, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t colon = line.find(": ");
    if (colon != line.npos) return line.substr(colon + 2);
  }
  return "unknown";
}

// Of the library that the programs are linked with; this one does without it.
std::string blas_kernel() {
  void* const library = ::dlopen(SWEEP_BLAS, RTLD_LAZY | RTLD_LOCAL);
  void* const name = library != nullptr ? ::dlsym(library, "openblas_get_corename") : nullptr;
  return name != nullptr ? reinterpret_cast<char* (*)()>(name)() : "unknown";
}

std::string host() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_machine() {
  return {{"version", sweep_version}, {"commit", sweep_commit},       {"compiler", compiler()},
          {"processor", processor()}, {"blas_kernel", blas_kernel()}, {"host", host()}};
}

std::string time_of_day() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace examples
