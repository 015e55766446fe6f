// V_l(x), the Jacobian of a network's outputs with respect to the activations of layer l, for a
// batch of samples: arXiv:1909.13458, Definition 2, with the bias that the paper leaves out.
//
//   V_L = I,  V_{l-1} = V_l D_l W~_l^T
//   r_L = 0,  r_{l-1} = r_l + V_l D_l b_l
//
// so that f_L = V_l f_l + r_l at every layer. Both are constant where no gate above layer l changes
// (Corollary 2 of the paper).
//
//   V_l   [C, n_l],  r_l [C]
//   D_l   diagonal      gates z_l(x); the top layer is linear
//   W_l   [n_{l-1}+1, n_l], W~_l without its last row, the bias b_l
//
// A batch goes down a layer in one product: the stack of all V_l, its columns scaled by each
// sample's gates, times W_l^T. The column of that product which belongs to the bias is what r
// gains. Samples of one gate pattern share one V in the stack. Through layers that are not dense, V
// and r go down sample by sample, each layer knowing how: samplewise_layer of model/layer.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include <tutelage/core/product.hpp>
#include <tutelage/gradient/patterns.hpp>
#include <tutelage/model/network.hpp>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

// What of a pass is there: layers lowest, ..., depth - 1; none where lowest is depth.
struct computed_range {
  std::size_t lowest, depth, samples;
};

inline void require_computed(const char* function, std::size_t l, std::size_t i,
                             const computed_range& there) {
  if (l < there.lowest) {
    throw argument_error(there.lowest == there.depth
                             ? text(function, ": no layer was computed")
                             : text(function, ": layer ", l, " was not computed, only ",
                                    there.lowest, " to ", there.depth - 1));
  }
  if (i >= there.samples) {
    throw argument_error(text(function, ": sample ", i, ", expected one below ", there.samples));
  }
}

}  // namespace detail

/// V_l and r_l of one network for the samples of a forward pass.
template <class Network>
class output_jacobians {
  using T = typename Network::value_type;
  static constexpr std::size_t L = Network::depth;
  template <std::size_t l>
  using layer_type = typename Network::template layer_type<l>;
  static_assert(piecewise_linear_network<Network>,
                "output_jacobians: needs layers that pull V down for each sample, with piecewise "
                "linear gates; see samplewise_layer");
  static_assert(std::same_as<typename layer_type<L>::gate_type, identity>,
                "output_jacobians: the top layer must be linear");

 public:
  /// Computes layers L-1, ..., lowest for the samples that `kept` holds, once for samples whose
  /// gates above layer `lowest` are equal. Allocates only when there are more samples or patterns
  /// than before. Throws shape_error when `lowest` is no layer's number.
  void compute(const Network& net, const activations<Network>& kept, std::size_t lowest = 1) {
    if (lowest < 1 || lowest > L) {
      throw shape_error(
          detail::text("output_jacobians: lowest layer ", lowest, ", expected 1 to ", L));
    }
    lowest_ = L;
    outputs_ = net.out_width();
    if constexpr (L > 1) {
      if (lowest < L) {
        gates_.reset(kept.batch(), hidden_nodes(net, lowest + 1));
        gates_.append(net, kept, lowest + 1);
        patterns_.find(gates_);
        begin(net.template layer<L>());
        descend<L - 1>(net, kept, lowest);
        lowest_ = lowest;
      }
    }
  }

  /// V_l of sample i, [C, n_l], 1 <= l < L. Throws argument_error, as r does, when the last
  /// compute() did not reach layer l or had no such sample.
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, Network::out_extent, layer_type<l>::out_extent> V(
      std::size_t i) const {
    require<l>("V", i);
    const auto stack = stacks_[l - 1].view();
    return {stack.row(patterns_.of(i) * outputs_).data(), outputs_, stack.cols() - 1,
            stack.stride()};
  }

  /// r_l of sample i, [C, 1].
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, Network::out_extent, 1> r(std::size_t i) const {
    require<l>("r", i);
    const auto stack = stacks_[l - 1].view();
    return {stack.row(patterns_.of(i) * outputs_).data() + stack.cols() - 1, outputs_, 1,
            stack.stride()};
  }
  /// The same at output c.
  template <std::size_t l>
  [[nodiscard]] const T& r(std::size_t i, std::size_t c) const {
    const auto r_i = r<l>(i);
    if (c >= outputs_) {
      throw argument_error(detail::text("r: output ", c, ", expected one below ", outputs_));
    }
    return r_i(c, 0);
  }

  /// The samples by pattern of the gates above layer `lowest`.
  [[nodiscard]] const pattern_groups& patterns() const noexcept { return patterns_; }

 private:
  template <std::size_t l>
  void require(const char* function, std::size_t i) const {
    static_assert(1 <= l && l < L, "output_jacobians: V and r are of layers 1 to L - 1");
    detail::require_computed(function, l, i, {lowest_, L, patterns_.samples()});
  }

  // V_{L-1} = W~_L^T and r_{L-1} = b_L for every pattern.
  template <class Layer>
  void begin(const Layer& top) {
    const auto W = top.weights();
    const std::size_t n = top.in_width();
    const auto stack = stacks_[L - 2].reshape(patterns_.size() * outputs_, n + 1);
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
      const auto here = stacks_[l - 1].view();  // [P*C, n_l+1]
      const std::size_t rows = here.rows(), n = layer.in_width();
      const matrix_view<T, dynamic, Layer::out_extent> gated(
          gated_.reshape(rows, layer.out_width()));
      const auto f = kept.template f<l>();
      for (std::size_t row = 0; row < rows; ++row) {
        const T* const f_row = f.row(patterns_.first(row / outputs_)).data();
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

  std::size_t outputs_ = 0;  // C
  std::size_t lowest_ = L;   // layers lowest_, ..., L-1 are computed
  gate_patterns gates_;
  pattern_groups patterns_;             // P of them
  std::array<workspace<T>, L> stacks_;  // at [l-1]: [P*C, n_l+1], the last column is r_l
  workspace<T> gated_;                  // [P*C, n_l], V_l D_l
};

/// The same for networks whose layers are not all dense; nothing is shared between samples. The
/// forward pass is one in evaluation.
template <class Network>
  requires(samplewise_network<Network> && !piecewise_linear_network<Network>)
class output_jacobians<Network> {
  using T = typename Network::value_type;
  static constexpr std::size_t L = Network::depth;
  template <std::size_t l>
  using layer_type = typename Network::template layer_type<l>;
  static_assert(std::same_as<typename detail::gate_of<layer_type<L>>::type, identity>,
                "output_jacobians: the top layer must be linear");

 public:
  void compute(const Network& net, const activations<Network>& kept, std::size_t lowest = 1) {
    if (lowest < 1 || lowest > L) {
      throw shape_error(
          detail::text("output_jacobians: lowest layer ", lowest, ", expected 1 to ", L));
    }
    lowest_ = L;
    outputs_ = net.out_width();
    samples_ = kept.batch();
    descend<L>(net, kept, lowest);
    lowest_ = lowest;
  }

  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, Network::out_extent, layer_type<l>::out_extent> V(
      std::size_t i) const {
    const auto rows = of_sample<l>("V", i);
    return {rows.data(), outputs_, rows.cols() - 1, rows.stride()};
  }
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, Network::out_extent, 1> r(std::size_t i) const {
    const auto rows = of_sample<l>("r", i);
    return {rows.data() + rows.cols() - 1, outputs_, 1, rows.stride()};
  }
  template <std::size_t l>
  [[nodiscard]] const T& r(std::size_t i, std::size_t c) const {
    const auto r_i = r<l>(i);
    if (c >= outputs_) {
      throw argument_error(detail::text("r: output ", c, ", expected one below ", outputs_));
    }
    return r_i(c, 0);
  }

 private:
  // [V r] of sample i, [C, n_l+1].
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T> of_sample(const char* function, std::size_t i) const {
    static_assert(1 <= l && l < L, "output_jacobians: V and r are of layers 1 to L - 1");
    detail::require_computed(function, l, i, {lowest_, L, samples_});
    return matrix_view<const T>(stacks_[l - 1].view()).middle_rows(i * outputs_, outputs_);
  }

  // From layer l to layer l-1; V_L = I and r_L = 0.
  template <std::size_t l>
  void descend(const Network& net, const activations<Network>& kept, std::size_t lowest) {
    if constexpr (l > 1) {
      if (l <= lowest) return;
      const auto& layer = net.template layer<l>();
      const auto below = stacks_[l - 2].reshape(samples_ * outputs_, layer.in_width() + 1);
      for (std::size_t i = 0; i < samples_; ++i) {
        const auto here = here_.reshape(outputs_, layer.out_width() + 1);
        if constexpr (l == L) {
          for (std::size_t c = 0; c < outputs_; ++c) {
            for (std::size_t k = 0; k <= outputs_; ++k) here(c, k) = T(c == k ? 1 : 0);
          }
        } else {
          copy(stacks_[l - 1].view().middle_rows(i * outputs_, outputs_), here);
        }
        layer.pull(kept.template tape<l>(), i, here, below.middle_rows(i * outputs_, outputs_));
      }
      descend<l - 1>(net, kept, lowest);
    }
  }

  std::size_t outputs_ = 0;             // C
  std::size_t samples_ = 0;             // N
  std::size_t lowest_ = L;              // layers lowest_, ..., L-1 are computed
  std::array<workspace<T>, L> stacks_;  // at [l-1]: [N*C, n_l+1], the last column is r_l
  workspace<T> here_;                   // [C, n_l+1], which a layer may change
};

}  // namespace tutelage
