// What networks that memorize promise: at every point, every output is its target to within
//
//   2^-10 max(spread, 2^-20 size),    spread = max_i y_i - min_i y_i,    size = max_i |y_i|
//
// of that output; one-hot outputs are so to within 2^-10, which tells the classes apart. Constructions
// are exact but for rounding, which grows with N and with range / least gap. Where it spoils the
// network, or a weight overflows, the network is refused.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include <tutelage/core/errors.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/data/label.hpp>
#include <tutelage/model/network.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Throws argument_error unless output o at row i of x is target(i, o) to within tolerance[o].
template <class Network, class Target>
void require_outputs(const char* function, const Network& net, matrix_view<const double> x,
                     const Target& target, const std::vector<double>& tolerance) {
  activations<Network> kept;
  for_each_chunk(x, [&](const auto& rows, std::size_t first) {
    const auto f = net.forward(rows, kept);
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t o = 0; o < f.cols(); ++o) {
        const double y = target(first + i, o);
        if (!(std::abs(f(i, o) - y) <= tolerance[o])) {
          throw argument_error(text(function, ": rounding: output ", o, " of row ", first + i,
                                    " is ", f(i, o), ", expected ", y, " to within ",
                                    tolerance[o]));
        }
      }
    }
  });
}

/// Throws argument_error unless the network goes through x [N, d], y [N, p].
template <class Network>
void require_memorized(const char* function, const Network& net, matrix_view<const double> x,
                       matrix_view<const double> y) {
  std::vector<double> tolerance(y.cols());
  for (std::size_t o = 0; o < y.cols(); ++o) {
    double least = y(0, o), most = y(0, o);
    for (std::size_t i = 0; i < y.rows(); ++i) {
      least = std::min(least, y(i, o));
      most = std::max(most, y(i, o));
    }
    tolerance[o] = std::max(0x1p-10 * most - 0x1p-10 * least, 0x1p-30 * std::max(most, -least));
  }
  const auto target = [&](std::size_t i, std::size_t o) { return y(i, o); };
  require_outputs(function, net, x, target, tolerance);
}

/// Throws argument_error unless the network goes through x [N, d] and the labels' one-hot vectors.
template <class Network>
void require_memorized(const char* function, const Network& net, matrix_view<const double> x,
                       std::span<const label> labels) {
  const auto target = [&](std::size_t i, std::size_t o) { return labels[i] == o ? 1.0 : 0.0; };
  require_outputs(function, net, x, target, std::vector<double>(net.out_width(), 0x1p-10));
}

}  // namespace tutelage::inline TUTELAGE_TARGET::detail
