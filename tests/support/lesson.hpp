// Networks of three widths, and what a teacher says of some inputs: for tests of training.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <tutelage/data/inputs.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/train/evaluate.hpp>

#include "support/random.hpp"

namespace test {

inline constexpr std::array<std::size_t, 3> widths{4, 6, 3};
template <class T>
using static_net = mlp<T, relu, 4, 6, 3>;
template <class T>
using dynamic_net = mlp<T, relu, dynamic, dynamic, dynamic>;
template <class T>
using mixed_net = mlp<T, relu, dynamic, 6, dynamic>;

template <class Network>
Network random_net(std::uint64_t seed) {
  Network result(widths);
  stream random = random_stream(seed);
  randomize(result, random);
  return result;
}

// Inputs and what a teacher says of them.
template <class T>
struct lesson {
  matrix<T> x, y;

  explicit lesson(std::size_t N, std::uint64_t seed = 1)
      : x(draw_inputs<T>(gaussian_inputs{1.5}, N, 4, seed)),
        y(outputs(random_net<static_net<T>>(50), x)) {}
};

}  // namespace test
