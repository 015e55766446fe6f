// Regular weights, and how far samples lie from the nodes' boundaries.
//
//   w = [w~; b] / |w~|        the regular weight of a node (arXiv:1909.13458, Definition 1)
//   w.[x; 1]                  signed distance of x to the node's boundary; positive where it is
//                             active
//   |w.[x; 1]| <= eps         x lies in the band I(eps) of the node (Definition 5)
//
// A node without weights has no boundary. Its distances are infinite, with the sign that says
// whether it is active (everywhere, or nowhere): it has no band of any width.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>

#include <tutelage/core/product.hpp>
#include <tutelage/model/dense.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
// |a| = norm 2^exponent: no square overflows or vanishes, and neither does the norm. The exponent is 0
// where plain squares are safe.
template <real_scalar T>
struct scaled_norm {
  T norm = 0;
  int exponent = 0;

  explicit scaled_norm(std::span<const T> a) {
    T largest = 0;
    for (const T x : a) largest = std::max(largest, std::abs(x));
    std::frexp(largest, &exponent);
    T sum = 0;
    if (std::abs(exponent) < std::numeric_limits<T>::max_exponent / 3) {
      exponent = 0;
      for (const T x : a) sum += x * x;
    } else {
      for (const T x : a) sum += std::ldexp(x, -exponent) * std::ldexp(x, -exponent);
    }
    norm = std::sqrt(sum);
  }

  // |a|, as far as a number can hold it.
  [[nodiscard]] T value() const { return std::ldexp(norm, exponent); }

  // x / |a|
  [[nodiscard]] T divide(T x) const {
    return (exponent == 0 ? x : std::ldexp(x, -exponent)) / norm;
  }
};
}  // namespace detail

namespace detail {
/// Throws argument_error when a weight of the layer is not finite.
template <layer L>
void require_finite_weights(const char* function, const L& l) {
  const auto W = l.weights();
  for (std::size_t i = 0; i < W.rows(); ++i) {
    for (std::size_t k = 0; k < W.cols(); ++k) {
      if (!is_finite(W(i, k))) {
        throw argument_error(
            text(function, ": weight ", i, " of node ", k, " is not a finite number"));
      }
    }
  }
}
}  // namespace detail

/// A layer's nodes as unit directions and regular biases.
struct regular_weights {
  matrix<double> directions;  // [n, d]: w~_k / |w~_k| in row k; zero for a node without weights
  std::vector<double> bias;   // [n]: b_k / |w~_k|; infinite for a node without weights

  [[nodiscard]] std::size_t nodes() const noexcept { return bias.size(); }
  [[nodiscard]] std::span<const double> direction(std::size_t k) const {
    return matrix_view(directions).row(k);
  }
  [[nodiscard]] bool has_boundary(std::size_t k) const { return std::isfinite(bias[k]); }
};

/// The regular weights of a dense layer; a layer without bias has biases of 0.
template <layer L>
regular_weights make_regular(const L& l) {
  static_assert(piecewise_linear_layer<L>,
                "make_regular: needs a dense layer with a piecewise linear gate");
  constexpr double infinity = std::numeric_limits<double>::infinity();
  regular_weights result{make_matrix<double>(l.out_width(), l.in_width()),
                         std::vector<double>(l.out_width())};
  for (std::size_t k = 0; k < l.out_width(); ++k) {
    const auto direction = matrix_view<double>(result.directions).row(k);
    for (std::size_t i = 0; i < l.in_width(); ++i) {
      direction[i] = static_cast<double>(l.weights()(i, k));
    }
    const detail::scaled_norm<double> norm{std::span<const double>(direction)};
    const double b = L::has_bias() ? static_cast<double>(l.weights()(l.in_width(), k)) : 0.0;
    if (norm.norm == 0) {
      result.bias[k] = b > 0 ? infinity : -infinity;
      continue;
    }
    result.bias[k] = norm.divide(b);
    for (double& w : direction) w = norm.divide(w);
  }
  return result;
}

/// Signed distances of samples to the boundaries of a layer's nodes.
template <real_scalar T>
class boundary_distances {
 public:
  /// Throws argument_error when a weight is not finite.
  template <layer L>
  explicit boundary_distances(const L& l) : boundary_distances(l, make_regular(l)) {}

  [[nodiscard]] std::size_t nodes() const noexcept { return bias_.size(); }

  /// Distances of samples x, what the layer takes, [N, d], as [N, n]. The view is good until the
  /// next call. Throws shape_error for another width and argument_error for a sample that is not
  /// finite.
  matrix_view<const T> operator()(matrix_view<const T> x) {
    const auto a = distances_.reshape(x.rows(), nodes());
    multiply(x, directions_, a);
    for (std::size_t i = 0; i < x.rows(); ++i) {
      T sum = 0;  // finite for finite distances, unless they overflow
      for (std::size_t k = 0; k < nodes(); ++k) {
        sum += std::abs(a(i, k));
        a(i, k) += bias_[k];
      }
      if (!is_finite(sum)) {
        throw argument_error(
            detail::text("boundary_distances: sample ", i, " is not finite or too large"));
      }
    }
    return a;
  }

 private:
  template <layer L>
  boundary_distances(const L& l, const regular_weights& w)
      : directions_(make_matrix<T>(l.in_width(), l.out_width())), bias_(l.out_width()) {
    detail::require_finite_weights("boundary_distances", l);
    for (std::size_t k = 0; k < l.out_width(); ++k) {
      for (std::size_t i = 0; i < l.in_width(); ++i) {
        directions_(i, k) = static_cast<T>(w.directions(k, i));
      }
      bias_[k] = static_cast<T>(w.bias[k]);
    }
  }

  matrix<T> directions_;  // [d, n]
  std::vector<T> bias_;
  workspace<T> distances_;
};

}  // namespace tutelage
