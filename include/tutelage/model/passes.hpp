// What passes through a network leave behind: f_1, ..., f_L of a forward pass, g_1, ..., g_L and dW_l
// of a backward one. Apart from the network, which is its weights and nothing else.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <utility>

#include <tutelage/core/matrix.hpp>
#include <tutelage/core/numbers.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// What a forward pass leaves behind: f_1, ..., f_L of the last batch.
template <class Network>
class activations {
  using T = typename Network::value_type;
  static constexpr std::size_t depth = Network::depth;

 public:
  /// f_l, [N, n_l], 1 <= l <= L.
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T, dynamic, Network::template layer_type<l>::out_extent> f()
      const {
    return matrix_view<const T, dynamic, Network::template layer_type<l>::out_extent>(
        tape<l>().f.view());
  }

  /// f_l for a layer number that is known at run time. Throws shape_error for no layer's number.
  [[nodiscard]] matrix_view<const T> f(std::size_t l) const {
    if (l < 1 || l > depth) {
      throw shape_error(detail::text("activations: layer ", l, ", expected 1 to ", depth));
    }
    matrix_view<const T> result;
    for_each_number<depth>([&](auto number) {
      if (number == l) result = this->template f<number>();
    });
    return result;
  }

  /// N.
  [[nodiscard]] std::size_t batch() const noexcept { return tape<depth>().f.view().rows(); }

  template <std::size_t l>
  [[nodiscard]] auto& tape() noexcept {
    return std::get<l - 1>(tapes_);
  }
  template <std::size_t l>
  [[nodiscard]] const auto& tape() const noexcept {
    return std::get<l - 1>(tapes_);
  }

 private:
  template <std::size_t... I>
  static auto make_tapes(std::index_sequence<I...>)
      -> std::tuple<typename Network::template layer_type<I + 1>::tape...>;

  decltype(make_tapes(std::make_index_sequence<depth>{})) tapes_;
};

/// What a backward pass leaves behind: g_l per sample and, where asked for, dW_l.
template <class Network>
class gradients {
  using T = typename Network::value_type;
  template <std::size_t l>
  using layer_type = typename Network::template layer_type<l>;

 public:
  /// g_l, [N, n_l]: the negative gradient of each sample's loss with respect to layer l's
  /// pre-activation.
  template <std::size_t l>
  [[nodiscard]] matrix_view<T, dynamic, layer_type<l>::out_extent> g() const {
    return matrix_view<T, dynamic, layer_type<l>::out_extent>(g_[l - 1].view());
  }

  /// dW_l of a layer with one parameter matrix, shaped as it: the mean over the batch of
  /// [f_{l-1}; 1] g_l^T.
  template <std::size_t l>
  [[nodiscard]] matrix_view<const T> dW() const {
    static_assert(layer_type<l>::parameters == 1, "gradients: dW is a layer's with one matrix");
    return dW_[Network::template parameters_below<l>].view();
  }

  /// The direction of descent of parameter matrix i of the whole network, as it was computed last.
  [[nodiscard]] matrix_view<const T> parameter(std::size_t i) const { return dW_.at(i).view(); }

  /// Makes room for N samples of layer l.
  template <std::size_t l>
  matrix_view<T, dynamic, layer_type<l>::out_extent> reshape(std::size_t N, std::size_t width) {
    return matrix_view<T, dynamic, layer_type<l>::out_extent>(g_[l - 1].reshape(N, width));
  }

  /// Makes room for dW_l.
  template <std::size_t l>
  typename layer_type<l>::weights_view dW(const Network& network) {
    const auto W = network.template layer<l>().weights();
    return typename layer_type<l>::weights_view(
        dW_[Network::template parameters_below<l>].reshape(W.rows(), W.cols()));
  }

  /// Makes room for parameter matrix i, [rows, cols].
  matrix_view<T> reshape_parameter(std::size_t i, std::size_t rows, std::size_t cols) {
    return dW_.at(i).reshape(rows, cols);
  }

 private:
  std::array<workspace<T>, Network::depth> g_;
  std::array<workspace<T>, Network::parameters> dW_;
};

}  // namespace tutelage
