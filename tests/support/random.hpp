// Random networks, matrices and widths for tests. Every test names its seed.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/random.hpp>

namespace test {

using namespace tutelage;

inline stream random_stream(std::uint64_t seed) { return stream(seed, purpose::analysis); }

template <class T>
T random_normal(stream& random) {
  if constexpr (is_complex<T>) {
    const double re = random.normal();
    return T(re, random.normal());
  } else {
    return static_cast<T>(random.normal());
  }
}

template <class T, std::size_t R, std::size_t C>
void fill_random(const matrix_view<T, R, C>& m, stream& random) {
  for (std::size_t i = 0; i < m.rows(); ++i) {
    for (T& x : m.row(i)) x = random_normal<T>(random);
  }
}

template <class T>
matrix<T> random_matrix(std::size_t rows, std::size_t cols, stream& random) {
  auto m = make_matrix<T>(rows, cols);
  fill_random(matrix_view(m), random);
  return m;
}

/// Weights N(0, 1/fan-in), biases N(0, 1/4).
template <class Network>
void randomize(Network& net, stream& random) {
  net.for_each_layer([&](auto& l, std::size_t) {
    using T = typename Network::value_type;
    const auto scale = 1 / std::sqrt(static_cast<double>(l.in_width()));
    for (std::size_t i = 0; i < l.weights().rows(); ++i) {
      for (T& w : l.weights().row(i)) {
        w = random_normal<T>(random) * static_cast<real_t<T>>(i < l.in_width() ? scale : 0.5);
      }
    }
  });
}

}  // namespace test
