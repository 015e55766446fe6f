// One network's weights, activations and gates over a block of samples, bordered so that biases and
// means need no formulas of their own:
//
//   f^ = [f; 1],  z^ = [z; 1],  V^ = [V r],  W^_l = [W~_l 0; b_l 1]
//   f_L = V^_l f^_l,  V^_{l-1} = V^_l D^_l W^_l^T,  D^ = diag(z^)
#pragma once

#include <cstddef>

#include <tutelage/core/matrix.hpp>
#include <tutelage/model/network.hpp>
#include <type_traits>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// One network's weights and one block's activations and gates, bordered.
template <class T>
class bordered_pass {
 public:
  template <class Network>
  void read(const Network& net, const matrix_view<const T>& x, const activations<Network>& kept) {
    constexpr std::size_t L = Network::depth;
    W_.resize(L);
    f_.resize(L);
    z_.resize(L);
    fill_bordered(f_[0], x, [](const T& value) { return value; });
    net.for_each_layer([&](const auto& layer, std::size_t l) {
      using Layer = std::remove_cvref_t<decltype(layer)>;
      const auto W = layer.weights();
      const std::size_t in = layer.in_width(), out = layer.out_width();
      if (l == L) {
        const auto V = top_.reshape(out, in + 1);
        for (std::size_t c = 0; c < out; ++c) {
          for (std::size_t k = 0; k < in; ++k) V(c, k) = W(k, c);
          V(c, in) = Layer::has_bias() ? W(W.rows() - 1, c) : T(0);
        }
        return;
      }
      const auto bordered = W_[l].reshape(in + 1, out + 1);
      for (std::size_t i = 0; i <= in; ++i) {
        for (std::size_t k = 0; k < out; ++k) bordered(i, k) = i < W.rows() ? W(i, k) : T(0);
        bordered(i, out) = i == in ? T(1) : T(0);
      }
      const auto f = kept.f(l);
      fill_bordered(f_[l], f, [](const T& value) { return value; });
      fill_bordered(z_[l], f, [&](const T& value) { return layer.gate().factor(value); });
    });
  }

  /// L-1.
  [[nodiscard]] std::size_t top_layer() const noexcept { return f_.size() - 1; }
  /// V^_{L-1}, [C, n_{L-1}+1].
  [[nodiscard]] matrix_view<const T> top() const { return top_.view(); }
  /// [n_{l-1}+1, n_l+1], l < L.
  [[nodiscard]] matrix_view<const T> W(std::size_t l) const { return W_[l].view(); }
  /// [N, n_l+1].
  [[nodiscard]] matrix_view<const T> f(std::size_t l) const { return f_[l].view(); }
  [[nodiscard]] matrix_view<const T> z(std::size_t l) const { return z_[l].view(); }

 private:
  template <class F, class Map>
  static void fill_bordered(workspace<T>& to, const F& from, const Map& map) {
    const auto rows = to.reshape(from.rows(), from.cols() + 1);
    for (std::size_t i = 0; i < from.rows(); ++i) {
      for (std::size_t k = 0; k < from.cols(); ++k) rows(i, k) = map(from(i, k));
      rows(i, from.cols()) = T(1);
    }
  }

  std::vector<workspace<T>> W_, f_, z_;  // at [l]
  workspace<T> top_;
};

}  // namespace tutelage
