// What the benchmarks share: the published problem, flop counts and the processor's measured peak.
//
// A benchmark is named question/scalar/size/implementation. The table that bench.cmake prints
// compares implementations of one question, scalar and size.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <tutelage/tutelage.hpp>

namespace bench {

using namespace tutelage;

template <class T>
inline constexpr const char* scalar_name = "double";
template <>
inline constexpr const char* scalar_name<float> = "float";

inline std::string name(const std::string& question, const char* scalar, const std::string& size,
                        const std::string& implementation) {
  return question + "/" + scalar + "/" + size + "/" + implementation;
}

/// A number in a name's place for sizes.
inline std::string number(std::size_t n) { return std::to_string(n); }

template <class F>
void add(const std::string& full_name, double flops, const F& once) {
  benchmark::RegisterBenchmark(full_name.c_str(), [=](benchmark::State& state) {
    auto run = once();  // builds the problem; run() is one iteration
    for (auto _ : state) run();
    if (flops > 0) state.counters["flops"] = flops;
  })->UseRealTime();
}

/// Registers "peak/<scalar>//fma": the flops of independent fused multiply-adds in registers.
template <class T>
void add_peak() {
  if constexpr (detail::simd_scalar<T>) {
    constexpr std::size_t chains = 16, rounds = 1000;
    const double flops = 2.0 * chains * rounds * detail::lanes<T>;
    add(name("peak", scalar_name<T>, "", "fma"), flops, [] {
      return [] {
        detail::simd<T> sums[chains];
        for (auto& s : sums) s = detail::simd<T>(T(1));
        const detail::simd<T> x(T(0.999)), y(T(0.001));
        for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 16
          for (auto& s : sums) s = detail::multiply_add<T>(s, x, y);
        }
        for (auto& s : sums) benchmark::DoNotOptimize(s);
      };
    });
  }
}

/// Uniform in [-1, 1).
template <class T>
matrix<T> random_matrix(std::size_t rows, std::size_t cols, std::uint64_t index) {
  auto m = make_matrix<T>(rows, cols);
  stream random(1, purpose::analysis, index);
  random.fill_uniform(std::span(m.data(), m.size()), -1.0, 1.0);
  return m;
}

/// Runs all benchmarks; prints BLAS's core type first. Programs name this as their main.
int run(int argc, char** argv);

}  // namespace bench
