// V_l(x), the Jacobian of a network's outputs with respect to the activations of layer l, for a
// batch of samples: arXiv:1909.13458, Definition 2, with the bias that the paper leaves out.
//
//   V_L = I,  V_{l-1} = V_l D_l W~_l^T
//   r_L = 0,  r_{l-1} = r_l + V_l D_l b_l
//
// so that f_L = V_l f_l + r_l at every layer. Both are constant where no gate above layer l changes
// (Corollary 2 of the paper).
//
//   V_l   [C, n_l]      a sample; [N*C, n_l] a batch, the samples' matrices one below the other
//   r_l   [C]           a sample
//   D_l   diagonal      gates z_l(x); the top layer is linear
//   W_l   [n_{l-1}+1, n_l], W~_l without its last row, the bias b_l
//
// A batch goes down a layer in one product: the stack of all V_l, its columns scaled by each
// sample's gates, times W_l^T. The column of that product which belongs to the bias is what r
// gains.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <tutelage/core/product.hpp>
#include <tutelage/model/network.hpp>
#include <utility>

namespace tutelage {

/// V_l and r_l of one network for the samples of a forward pass.
template <class Network>
class output_jacobians {
  using T = typename Network::value_type;
  static constexpr std::size_t L = Network::depth;
  template <std::size_t l>
  using layer_type = typename Network::template layer_type<l>;
  static_assert(std::same_as<typename layer_type<L>::gate_type, identity>,
                "output_jacobians: the top layer must be linear");

 public:
  /// Computes layers L-1, ..., lowest for the samples that `kept` holds. Allocates only when there
  /// are more samples than before. Throws shape_error when `lowest` is no layer's number.
  void compute(const Network& net, const activations<Network>& kept, std::size_t lowest = 1) {
    if (lowest < 1 || lowest > L) {
      throw shape_error(
          detail::text("output_jacobians: lowest layer ", lowest, ", expected 1 to ", L));
    }
    outputs_ = net.out_width();
    if constexpr (L > 1) {
      if (lowest < L) {
        begin(net.template layer<L>(), kept.batch());
        descend<L - 1>(net, kept, lowest);
      }
    }
  }

  /// V_l of all samples, [N*C, n_l].
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, dynamic, layer_type<l>::out_extent> V() const {
    const auto stack = stacks_[l - 1].view();
    return {stack.data(), stack.rows(), stack.cols() - 1, stack.stride()};
  }

  /// V_l of sample i, [C, n_l].
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, Network::out_extent, layer_type<l>::out_extent> V(
      std::size_t i) const {
    const auto rows = V<l>().middle_rows(i * outputs_, outputs_);
    return {rows.data(), rows.rows(), rows.cols(), rows.stride()};
  }

  /// r_l of sample i at output c.
  template <std::size_t l>
  [[nodiscard]] const T& r(std::size_t i, std::size_t c) const {
    const auto stack = stacks_[l - 1].view();
    return stack(i * outputs_ + c, stack.cols() - 1);
  }

 private:
  // V_{L-1} = W~_L^T and r_{L-1} = b_L for every sample.
  template <class Layer>
  void begin(const Layer& top, std::size_t samples) {
    const auto W = top.weights();
    const std::size_t n = top.in_width();
    const auto stack = stacks_[L - 2].reshape(samples * outputs_, n + 1);
    for (std::size_t row = 0; row < stack.rows(); ++row) {
      const std::size_t c = row % outputs_;
      for (std::size_t k = 0; k < n; ++k) stack(row, k) = W(k, c);
      stack(row, n) = Layer::has_bias() ? W(W.rows() - 1, c) : T(0);
    }
  }

  // From layer l to layer l-1.
  template <std::size_t l>
  void descend(const Network& net, const activations<Network>& kept, std::size_t lowest) {
    if constexpr (l > 1) {
      if (l <= lowest) return;
      using Layer = layer_type<l>;
      const Layer& layer = net.template layer<l>();
      const auto here = stacks_[l - 1].view();  // [N*C, n_l+1]
      const std::size_t rows = here.rows(), n = layer.in_width();
      const matrix_view<T, dynamic, Layer::out_extent> gated(
          gated_.reshape(rows, layer.out_width()));
      const auto f = kept.template f<l>();
      for (std::size_t row = 0; row < rows; ++row) {
        const T* const f_row = f.row(row / outputs_).data();
        const T* const from = here.row(row).data();
        T* const to = gated.row(row).data();
        for (std::size_t k = 0; k < gated.cols(); ++k)
          to[k] = from[k] * layer.gate().factor(f_row[k]);
      }
      const auto below = stacks_[l - 2].reshape(rows, n + 1);
      using product_view = matrix_view<T, dynamic, Layer::weight_extent>;
      multiply(gated, transposed(layer.weights()),
               product_view(below.data(), rows, layer.weights().rows(), below.stride()));
      for (std::size_t row = 0; row < rows; ++row) {
        below(row, n) = here(row, here.cols() - 1) + (Layer::has_bias() ? below(row, n) : T(0));
      }
      descend<l - 1>(net, kept, lowest);
    }
  }

  std::size_t outputs_ = 0;             // C
  std::array<workspace<T>, L> stacks_;  // at [l-1]: [N*C, n_l+1], the last column is r_l
  workspace<T> gated_;                  // [N*C, n_l], V_l D_l
};

}  // namespace tutelage
