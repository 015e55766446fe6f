// A million draws: ours against the standard library's generator and distributions.
#include <memory>
#include <numeric>
#include <random>

#include "support.hpp"

namespace {

using namespace bench;

constexpr std::size_t draws = 1'000'000;

template <class T>
void add_scalar() {
  const auto add_one = [](const char* question, const std::string& implementation, auto fill) {
    add(name(question, scalar_name<T>, "1e6", implementation), 0, [=] {
      return [fill, out = std::make_shared<std::vector<T>>(draws)] {
        fill(std::span<T>(*out));
        benchmark::ClobberMemory();
      };
    });
  };
  add_one("normal", "tutelage", [](std::span<T> out) {
    stream random(1, purpose::inputs);
    random.fill_normal(out);
  });
  add_one("normal", "std", [](std::span<T> out) {
    std::mt19937_64 random(1);
    std::normal_distribution<T> normal;
    for (T& x : out) x = normal(random);
  });
  add_one("uniform", "tutelage", [](std::span<T> out) {
    stream random(1, purpose::inputs);
    random.fill_uniform(out);
  });
  add_one("uniform", "std", [](std::span<T> out) {
    std::mt19937_64 random(1);
    std::uniform_real_distribution<T> uniform;
    for (T& x : out) x = uniform(random);
  });
}

void add_whole_numbers() {
  const auto add_one = [](const char* question, const std::string& implementation, auto draw) {
    add(name(question, "uint64", "1e6", implementation), 0, [=] { return draw; });
  };
  add_one("below 10000", "tutelage", [] {
    stream random(1, purpose::batches);
    for (std::size_t i = 0; i < draws; ++i) benchmark::DoNotOptimize(random.below(10'000));
  });
  add_one("below 10000", "std", [] {
    std::mt19937_64 random(1);
    std::uniform_int_distribution<std::uint64_t> below(0, 9'999);
    for (std::size_t i = 0; i < draws; ++i) benchmark::DoNotOptimize(below(random));
  });
  add_one("permutation", "tutelage",
          [] { benchmark::DoNotOptimize(stream(1, purpose::batches).permutation(draws).data()); });
  add_one("permutation", "std", [] {
    std::mt19937_64 random(1);
    std::vector<std::size_t> order(draws);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), random);
    benchmark::DoNotOptimize(order.data());
  });
}

}  // namespace

int main(int argc, char** argv) {
  add_scalar<double>();
  add_scalar<float>();
  add_whole_numbers();
  return bench::run(argc, argv);
}
