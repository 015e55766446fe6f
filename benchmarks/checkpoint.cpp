// A checkpoint of a network of 10 million weights, against the plain write of its bytes: what takes
// its place needs a temporary file, fsync, rename and fsync of the folder in both. Without fsync both
// end in the page cache; with it the disk's time is added, whatever the bytes.
//
// And 100 million weights, 400 MB of safetensors in the page cache, into a network, against cp.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include <tutelage/train/checkpoint.hpp>

#include "support.hpp"

namespace {

using namespace bench;

void require(bool done) {
  if (!done) throw std::runtime_error("bench_checkpoint: a write failed in the current folder");
}

void write_plainly(const std::string& content, bool forced) {
  const int file = ::open("bench.tmp", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  require(file >= 0);
  for (std::size_t done = 0; done < content.size();) {
    const auto written = ::write(file, content.data() + done, content.size() - done);
    require(written > 0);
    done += static_cast<std::size_t>(written);
  }
  if (forced) require(::fsync(file) == 0);
  require(::close(file) == 0 && ::rename("bench.tmp", "bench.plain") == 0);
  if (!forced) return;
  const int folder = ::open(".", O_RDONLY | O_DIRECTORY);
  require(folder >= 0 && ::fsync(folder) == 0 && ::close(folder) == 0);
}

// Removes what was written when the program ends.
struct removed_at_end {
  ~removed_at_end() {
    for (const char* name :
         {"bench.tmp", "bench.plain", "bench.checkpoint", "bench.net", "bench.copy"}) {
      std::filesystem::remove(name);
    }
  }
};

template <class T, class Optimizer>
void add_checkpoint(const std::string& optimizer_name, const Optimizer& optimizer) {
  using net = mlp<T, relu, dynamic, dynamic, dynamic, dynamic>;
  struct problem {
    net student{{1000, 2800, 2400, 200}};
    trainer<net, mean_squared_error, Optimizer> learning;
    std::string content;
    explicit problem(const Optimizer& o)
        : learning((initialize(student, gaussian_start{}, 1), student), {}, o),
          content(detail::checkpoint_content(student, learning.state(), "")) {}
  };
  const auto add_one = [&](const std::string& implementation, auto write) {
    add(name("checkpoint", scalar_name<T>, optimizer_name, implementation), 0,
        [=] { return [p = std::make_shared<problem>(optimizer), write] { write(*p); }; });
  };
  add_one("plain", [](problem& p) { write_plainly(p.content, true); });
  add_one("tutelage",
          [](problem& p) { write_checkpoint("bench.checkpoint", p.student, p.learning.state()); });
  add_one("plain, no fsync", [](problem& p) { write_plainly(p.content, false); });
}

void add_load() {
  using net = mlp<float, relu, dynamic, dynamic, dynamic>;
  const auto add_one = [](const std::string& implementation, auto once) {
    add(name("load", "float", "1e8", implementation), 0, [=] {
      auto student = std::make_shared<net>(std::array<std::size_t, 3>{8000, 10'000, 2000});
      if (!std::filesystem::exists("bench.net")) {
        initialize(*student, gaussian_start{}, 1);
        save("bench.net", *student);
      }
      return [student, once] { once(*student); };
    });
  };
  add_one("tutelage", [](net& student) { load("bench.net", student); });
  add_one("cp", [](net&) {
    std::filesystem::copy_file("bench.net", "bench.copy",
                               std::filesystem::copy_options::overwrite_existing);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const removed_at_end guard;
  add_checkpoint<float>("sgd", sgd{.rate = 0.1});
  add_checkpoint<float>("adam", adam{.rate = 0.1});
  add_checkpoint<double>("sgd", sgd{.rate = 0.1});
  add_load();
  return bench::run(argc, argv);
}
