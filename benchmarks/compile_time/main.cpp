// What including the library costs: seconds and memory of the compiler, median of three, for the
// umbrella header, for core + model + train, and for programs that train networks of 2, 4 and 8 layers.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

namespace {

struct cost {
  double seconds;    // of the processor
  double megabytes;  // at most at any time
};

cost compile(const std::string& source) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp(COMPILER, COMPILER, "-std=c++20", "-O3", "-march=native", "-DNDEBUG", "-I" INCLUDE,
             "-c", source.c_str(), "-o", "/dev/null", static_cast<char*>(nullptr));
    std::perror(COMPILER);
    ::_exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || ::wait4(child, &status, 0, &used) < 0 || status != 0) {
    std::fprintf(stderr, "compile_time: %s does not compile\n", source.c_str());
    std::exit(1);
  }
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return {seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1024};
}

double median(std::array<double, 3> values) {
  std::sort(values.begin(), values.end());
  return values[1];
}

}  // namespace

int main() {
  std::printf("| translation unit, " COMPILER " -O3 -march=native | seconds | MB |\n|---|---|---|\n");
  for (const char* const source :
       {"umbrella", "core_model_train", "layers_2", "layers_4", "layers_8"}) {
    std::array<double, 3> seconds{}, megabytes{};
    for (std::size_t i = 0; i < 3; ++i) {
      const cost c = compile(std::string(SOURCES) + "/" + source + ".cpp");
      seconds[i] = c.seconds;
      megabytes[i] = c.megabytes;
    }
    std::printf("| %s | %.1f | %.0f |\n", source, median(seconds), median(megabytes));
    std::fflush(stdout);
  }
  return 0;
}
