// The step that memorizing networks are made of, from two nodes of a gate s of slope c:
//
//   H(z) = [s(z + 1) - s(z - 1) - (1 + c)] / (1 - c)      -1 below -1, z between, 1 above 1
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include <tutelage/core/matrix.hpp>
#include <tutelage/model/gate.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// H, of nodes 2 i and 2 i + 1 of a layer with W [n+1, m] and the layer above it.
struct hard_tanh {
  double scale;   // 1 / (1 - c)
  double offset;  // (1 + c) / (1 - c)

  /// Throws argument_error for a gate without a kink.
  template <piecewise_linear_gate Gate>
  hard_tanh(const char* function, const Gate& gate)
      : scale(1 / (1 - gate.slope())), offset((1 + gate.slope()) * scale) {
    if (!(gate.slope() >= 0 && gate.slope() < 1)) {
      throw argument_error(text(function, ": a gate of slope ", gate.slope(),
                                " has no kink to memorize with, expected one in [0, 1)"));
    }
  }

  [[nodiscard]] static double value(double z) { return std::clamp(z, -1.0, 1.0); }

  /// z = u.x + b at nodes 2 i and 2 i + 1.
  static void put_input(const matrix_view<double>& W, std::size_t i, std::span<const double> u,
                        double factor, double b) {
    for (std::size_t node = 2 * i; node < 2 * i + 2; ++node) {
      for (std::size_t k = 0; k < u.size(); ++k) W(k, node) = factor * u[k];
      W(u.size(), node) = b + (node == 2 * i ? 1 : -1);
    }
  }

  /// Adds a H to output k of the layer above.
  void add_output(const matrix_view<double>& W, std::size_t i, std::size_t k, double a) const {
    W(2 * i, k) += a * scale;
    W(2 * i + 1, k) -= a * scale;
    W(W.rows() - 1, k) -= a * offset;
  }
};

}  // namespace tutelage::inline TUTELAGE_TARGET::detail
