// Two networks in one order and one scale, as far as that goes: for straight lines between them.
//
// A network's function does not change when the nodes of a hidden layer are permuted, or the weights
// [w~; b] into one multiplied and those out of it divided by a positive number. Here the nodes of B
// are put in A's order and scale. With weights into each hidden node scaled to norm 1, from the
// lowest layer up, and the top layer to the norm of as many nodes, the order makes
//
//   sum over layers l of <A_l, P_{l-1} B_l P_l>       B_l = [h_{l-1}+1, h_l], P_0 and P_L fixed
//
// large. For all but one P_l fixed the best P_l is an assignment problem (Ainsworth et al.,
// arXiv:2209.04836, Algorithm 1); layers take turns until none gains. The sum has many such local
// maxima: the best is taken of several starts, one that goes up from the inputs, one that goes down
// from the outputs, and random ones. No sum can be larger than that of equal networks; one as large
// ends the search.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <tutelage/core/product.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/landscape/assignment.hpp>
#include <tutelage/landscape/piecewise_path.hpp>
#include <tutelage/model/regular_weights.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Which node of one network stands where another has node i: of each hidden layer, [h_l].
template <class Network>
using node_orders = std::array<std::vector<std::size_t>, Network::depth - 1>;

template <class Network>
struct aligned_network {
  Network network;             // B's function, in A's order and scale
  node_orders<Network> nodes;  // of B
  double agreement = 0;  // the sum by its largest: 1 for networks equal but for order and scale
};

struct alignment_search {
  std::size_t starts = 10;  // random ones
  std::uint64_t seed = 1;
};

namespace detail {

/// The norm of the weights into node u.
template <class T>
scaled_norm<double> node_norm(const matrix_view<T>& W, std::size_t u) {
  std::vector<double> weights(W.rows());
  for (std::size_t i = 0; i < W.rows(); ++i) weights[i] = static_cast<double>(W(i, u));
  return scaled_norm<double>{std::span<const double>(weights)};
}

/// All W_l with weights into hidden nodes of norm 1; the top layer, without its bias, of norm
/// sqrt(h_{L-1}). What is zero stays so, and what underflows beside the largest of its layer becomes
/// so.
template <class Network>
std::vector<matrix<double>> unit_weights(const Network& net) {
  Network copied = net;
  std::vector<matrix<double>> W;
  for (const auto& given : parameters_of(copied)) {
    auto& wide = W.emplace_back(make_matrix<double>(given.rows(), given.cols()));
    for (std::size_t i = 0; i < given.rows(); ++i) {
      for (std::size_t k = 0; k < given.cols(); ++k) {
        wide(i, k) = static_cast<double>(given(i, k));
      }
    }
  }
  int taken = 0;  // layer l is 2^-taken of what it should be
  for (std::size_t l = 0; l + 1 < W.size(); ++l) {
    const matrix_view<double> into(W[l]), out_of(W[l + 1]);
    const std::size_t nodes = into.cols();
    // The rows above have the norms' factors, those of a hidden layer's bias 1, less the largest power
    // of two among them: all columns there are scaled next.
    const bool bias_counts = l + 2 < W.size() && out_of.rows() > nodes;
    std::vector<double> factors(nodes + (bias_counts ? 1 : 0), 1.0);
    std::vector<int> exponents(factors.size(), 0);
    for (std::size_t u = 0; u < nodes; ++u) {
      const auto norm = node_norm(into, u);
      if (!(norm.norm > 0)) continue;
      for (std::size_t i = 0; i < into.rows(); ++i) into(i, u) = norm.divide(into(i, u));
      factors[u] = std::frexp(norm.norm, &exponents[u]);
      exponents[u] += norm.exponent + taken;
    }
    taken = *std::max_element(exponents.begin(), exponents.end());
    for (std::size_t u = 0; u < factors.size(); ++u) {
      for (double& v : out_of.row(u)) v = std::ldexp(v * factors[u], exponents[u] - taken);
    }
  }
  const auto top = matrix_view<double>(W.back()).middle_rows(0, net.widths()[Network::depth - 1]);
  std::vector<double> all;
  for (std::size_t i = 0; i < top.rows(); ++i) {
    all.insert(all.end(), top.row(i).begin(), top.row(i).end());
  }
  const scaled_norm<double> norm{std::span<const double>(all)};
  const double wanted = std::sqrt(static_cast<double>(top.rows()));
  for (std::size_t i = 0; norm.norm > 0 && i < top.rows(); ++i) {
    for (double& v : top.row(i)) v = wanted * norm.divide(v);
  }
  return W;
}

/// The search for the order of B's nodes that is nearest to A's.
template <class Network>
class order_search {
 public:
  order_search(const Network& a, const Network& b)
      : widths_(a.widths()), A_(unit_weights(a)), B_(unit_weights(b)) {}

  [[nodiscard]] node_orders<Network> identity() const {
    node_orders<Network> P;
    for (std::size_t l = 1; l <= hidden; ++l) {
      P[l - 1].resize(widths_[l]);
      for (std::size_t i = 0; i < widths_[l]; ++i) P[l - 1][i] = i;
    }
    return P;
  }

  /// The best order of hidden layer l: by the weights into it, out of it, or both.
  void improve(node_orders<Network>& P, std::size_t l, bool into, bool out_of) const {
    auto gain = make_matrix<double>(widths_[l], widths_[l]);
    if (into) {
      const auto B = ordered(P, l - 1, B_[l - 1]);
      multiply(transposed(A_[l - 1]), B, matrix_view(gain), 1.0, 1.0);
    }
    if (out_of) {
      // Columns in A's order; rows, this layer's, in B's.
      const auto& above = B_[l];
      auto B = make_matrix<double>(widths_[l], above.shape(1));
      for (std::size_t k = 0; k < widths_[l]; ++k) {
        for (std::size_t c = 0; c < above.shape(1); ++c) {
          B(k, c) = above(k, l < hidden ? P[l][c] : c);
        }
      }
      multiply(matrix_view(A_[l]).middle_rows(0, widths_[l]), transposed(B), matrix_view(gain), 1.0,
               1.0);
    }
    P[l - 1] = assign(gain);
  }

  /// The sum that is to be large, by the largest there is.
  [[nodiscard]] double agreement(const node_orders<Network>& P) const {
    double sum = 0, square_a = 0, square_b = 0;
    for (std::size_t l = 1; l <= hidden + 1; ++l) {
      const auto B = ordered(P, l - 1, B_[l - 1]);
      const std::size_t rows = l <= hidden ? B.shape(0) : widths_[hidden];
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t k = 0; k < B.shape(1); ++k) {
          const double a = A_[l - 1](i, k), b = B(i, l <= hidden ? P[l - 1][k] : k);
          sum += a * b;
          square_a += a * a;
          square_b += b * b;
        }
      }
    }
    const double largest = std::sqrt(square_a) * std::sqrt(square_b);
    return largest > 0 ? sum / largest : square_a == square_b ? 1 : 0;
  }

  /// Layers take turns, in random order, until none gains.
  double climb(node_orders<Network>& P, stream& random) const {
    double best = agreement(P);
    for (;;) {
      auto next = P;
      for (const std::size_t l : random.permutation(hidden)) improve(next, l + 1, true, true);
      const double reached = agreement(next);
      if (!(reached > best + tolerance)) return best;
      best = reached;
      P = std::move(next);
    }
  }

  static constexpr std::size_t hidden = Network::depth - 1;
  static constexpr double tolerance = 1e-12;  // rounding of the agreement

 private:
  // The rows of W in the order of layer l.
  [[nodiscard]] matrix<double> ordered(const node_orders<Network>& P, std::size_t l,
                                       const matrix<double>& W) const {
    matrix<double> result = W;
    if (l == 0) return result;
    for (std::size_t i = 0; i < widths_[l]; ++i) {
      for (std::size_t k = 0; k < W.shape(1); ++k) result(i, k) = W(P[l - 1][i], k);
    }
    return result;
  }

  std::array<std::size_t, Network::depth + 1> widths_;
  std::vector<matrix<double>> A_, B_;  // [h_{l-1}+1, h_l] at [l-1]
};

/// B's nodes in this order, with A's norms of the weights into each.
template <class Network>
Network reordered(const Network& a, const Network& b, const node_orders<Network>& P) {
  using T = typename Network::value_type;
  Network copied = a, source = b, result = b;
  const auto A = parameters_of(copied), B = parameters_of(source), W = parameters_of(result);
  for (std::size_t l = 0; l < W.size(); ++l) {
    for (std::size_t i = 0; i < W[l].rows(); ++i) {
      const std::size_t row = l > 0 && i < b.widths()[l] ? P[l - 1][i] : i;
      for (std::size_t k = 0; k < W[l].cols(); ++k) {
        W[l](i, k) = B[l](row, l + 1 < W.size() ? P[l][k] : k);
      }
    }
  }
  for (std::size_t l = 0; l + 1 < W.size(); ++l) {
    for (std::size_t u = 0; u < W[l].cols(); ++u) {
      const auto wanted = node_norm(A[l], u), is = node_norm(W[l], u);
      if (!(wanted.norm > 0 && is.norm > 0)) continue;
      if (wanted.norm == is.norm && wanted.exponent == is.exponent) continue;
      for (std::size_t i = 0; i < W[l].rows(); ++i) {
        T& w = W[l](i, u);
        w = static_cast<T>(
            std::ldexp(is.divide(static_cast<double>(w)) * wanted.norm, wanted.exponent));
      }
      T largest = 0, scaled = 0;
      for (T& v : W[l + 1].row(u)) {
        largest = std::max(largest, std::abs(v));
        v = static_cast<T>(std::ldexp(static_cast<double>(v) * (is.norm / wanted.norm),
                                      is.exponent - wanted.exponent));
        scaled = std::max(scaled, std::abs(v));
      }
      if (largest > 0 && !std::isnormal(scaled)) {
        throw argument_error(text("align_nodes: node ", u, " of layer ", l + 1,
                                  " cannot have the other network's scale: weights out of it of ",
                                  largest, " would be ", scaled));
      }
    }
  }
  return result;
}

}  // namespace detail

/// B in A's order and scale. Throws shape_error when widths differ, argument_error when slopes do, a
/// weight is not finite or A's scale takes one of B's out of the numbers' range.
template <class Network>
aligned_network<Network> align_nodes(const Network& a, const Network& b,
                                     const alignment_search& search = {}) {
  static_assert(piecewise_linear_network<Network>,
                "align_nodes: needs dense layers with piecewise linear gates");
  static_assert(Network::depth >= 2, "align_nodes: needs a hidden layer");
  detail::require_same_space("align_nodes", a, b);
  for (const Network* net : {&a, &b}) {
    net->for_each_layer(
        [](const auto& l, std::size_t) { detail::require_finite_weights("align_nodes", l); });
  }
  using finder = detail::order_search<Network>;
  const finder order(a, b);
  node_orders<Network> best = order.identity();
  double agreement = order.agreement(best);
  stream random(search.seed, purpose::analysis);
  for (std::size_t start = 0; start < search.starts + 2; ++start) {
    if (agreement >= 1 - finder::tolerance) break;
    auto P = order.identity();
    for (std::size_t l = 1; l <= finder::hidden; ++l) {
      if (start == 0) order.improve(P, l, true, false);
      if (start == 1) order.improve(P, finder::hidden + 1 - l, false, true);
      if (start >= 2) P[l - 1] = random.permutation(P[l - 1].size());
    }
    const double reached = order.climb(P, random);
    if (reached > agreement) {
      agreement = reached;
      best = std::move(P);
    }
  }
  return {detail::reordered(a, b, best), best, agreement};
}

}  // namespace tutelage
