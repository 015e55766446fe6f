// A convolutional layer: filters that slide over images, one image a row (model/image.hpp).
//
//   a(k, y, x) = b_k + sum_{c, i, j} w(k, c, i, j) x(c, y s + i d - p, x s + j d - p),   f = z(a) a
//
//   x   [N, In]      images of `channels` channels
//   W   [taps+1, K]  a filter a column, row (c, i, j) = (c size + i) size + j with c in the filter's
//                    group; the bias is the last row ([taps, K] without bias)
//   f   [N, Out]     images of K = `filters` channels
//   g   [N, Out]     negative gradient of the loss with respect to a, one row a sample
//   dW  as W         (1/N) sum over samples and positions, the direction in which the loss falls
//
// s, d, p are stride, dilation and padding: model/convolution.hpp. Nothing is mirrored: this is the
// cross-correlation that PyTorch calls a convolution. How it is computed: core/kernel/convolution.hpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

#include <tutelage/core/kernel/convolution.hpp>
#include <tutelage/core/kernel/convolution_input.hpp>
#include <tutelage/core/kernel/convolution_weights.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/convolution.hpp>
#include <tutelage/model/dense.hpp>
#include <tutelage/model/gate.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// A convolution known to the compiler stores nothing.
template <auto Shape>
class convolution_extent {
  static_assert(std::same_as<std::remove_const_t<decltype(Shape)>, convolution>,
                "conv2d: the shape is a convolution or dynamic");
  static_assert(is_possible(Shape, [](const auto&...) {}),
                "conv2d: there is no such convolution; made at run time it says why");

 public:
  static constexpr std::size_t in = Shape.image.size(), out = out_image(Shape).size();

  constexpr convolution_extent() = default;
  constexpr explicit convolution_extent(const convolution& c) {
    if (!(c == Shape)) {
      throw shape_error(text("conv2d: ", shape_text(c.image), " to ", shape_text(out_image(c)),
                             ", expected the static shape's settings, ", shape_text(Shape.image),
                             " to ", shape_text(out_image(Shape))));
    }
  }
  [[nodiscard]] static constexpr convolution get() { return Shape; }
};

template <>
class convolution_extent<dynamic> {
 public:
  static constexpr std::size_t in = dynamic, out = dynamic;

  explicit convolution_extent(const convolution& c) : convolution_(c) {}
  [[nodiscard]] const convolution& get() const { return convolution_; }

 private:
  convolution convolution_;
};

}  // namespace detail

/// `Shape` is `dynamic` or a convolution, convolution{{1, 28, 28}, {.filters = 16, .size = 3}};
/// `Bias` is with_bias or no_bias. A layer that was moved from has its shape and no weights, as a
/// dense one.
template <scalar T, auto Shape = dynamic, gate<T> Gate = identity, class Bias = with_bias>
class conv2d {
  using shape_type = detail::convolution_extent<Shape>;
  static constexpr bool is_static = shape_type::in != dynamic;

 public:
  using value_type = T;
  using gate_type = Gate;
  static constexpr std::size_t in_extent = shape_type::in;
  static constexpr std::size_t out_extent = shape_type::out;
  static constexpr std::size_t parameters = 1;

  using weights_view = matrix_view<T>;
  using const_weights_view = matrix_view<const T>;

  /// The same layer with another scalar.
  template <scalar U>
  using rebind = conv2d<U, Shape, Gate, Bias>;

  /// What a forward pass keeps: its output, which is all that backward needs. And memory that
  /// passes work in, the backward one too: a tape is one thread's at a time.
  struct tape {
    workspace<T> f;  // [N, Out]
    mutable detail::convolution_scratch<T> scratch;
  };

  conv2d() requires(is_static) : conv2d(shape_type::get().image, shape_type::get().settings) {}

  /// All weights are zero. Throws shape_error for settings that are impossible or differ from
  /// static ones.
  conv2d(const image_shape& image, const convolution_settings& settings, Gate gate = {})
      : shape_(possible({image, settings})),
        gate_(gate),
        storage_(make_matrix<T>(weight_rows(), padded<T>(settings.filters))) {}

  [[nodiscard]] std::size_t in_width() const noexcept { return in_image().size(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return out_image().size(); }
  [[nodiscard]] image_shape in_image() const noexcept { return shape_.get().image; }
  [[nodiscard]] image_shape out_image() const noexcept { return tutelage::out_image(shape_.get()); }
  [[nodiscard]] convolution_settings settings() const noexcept { return shape_.get().settings; }
  [[nodiscard]] static constexpr bool has_bias() noexcept { return Bias::rows == 1; }
  [[nodiscard]] const Gate& gate() const noexcept { return gate_; }

  /// W with its bias row, [taps+1, K].
  [[nodiscard]] weights_view weights() {
    return {stored(*this).data(), weight_rows(), settings().filters, stride()};
  }
  [[nodiscard]] const_weights_view weights() const {
    return {stored(*this).data(), weight_rows(), settings().filters, stride()};
  }

  /// W without its bias row, [taps, K].
  [[nodiscard]] weights_view linear_weights() { return weights().middle_rows(0, taps()); }
  [[nodiscard]] const_weights_view linear_weights() const {
    return weights().middle_rows(0, taps());
  }

  /// The bias row, [K].
  [[nodiscard]] std::span<T> bias() requires(Bias::rows == 1) { return weights().row(taps()); }
  [[nodiscard]] std::span<const T> bias() const requires(Bias::rows == 1) {
    return weights().row(taps());
  }

  /// f from x; kept in `kept` and returned. Throws shape_error unless x is [N, In].
  matrix_view<T, dynamic, out_extent> forward(matrix_view<const T, dynamic, in_extent> x,
                                              tape& kept) const {
    return forward_any(x, kept);
  }
  matrix_view<T, dynamic, out_extent> forward(scattered_rows<T, in_extent> x, tape& kept) const {
    return forward_any(x, kept);
  }

  /// Turns the gradient with respect to f into the one with respect to a, in place: g = D g.
  void backward_output(const tape& kept, matrix_view<T, dynamic, out_extent> g) const {
    if constexpr (!std::same_as<Gate, identity>) {
      const auto f = kept.f.view();
      for (std::size_t i = 0; i < g.rows(); ++i) {
        for (std::size_t k = 0; k < g.cols(); ++k) g(i, k) *= gate_.factor(f(i, k));
      }
    }
  }

  /// The gradient with respect to x. Throws shape_error when the three do not fit.
  void backward_input(matrix_view<const T, dynamic, in_extent> x, const tape& kept,
                      matrix_view<const T, dynamic, out_extent> g,
                      matrix_view<T, dynamic, in_extent> g_below) const {
    detail::require_shape("backward_input", "g", g, x.rows(), out_width());
    detail::require_shape("backward_input", "x", x, x.rows(), in_width());
    detail::require_shape("backward_input", "g_below", g_below, x.rows(), in_width());
    const detail::convolution_input<T> gradient(sizes(), kept.scratch);
    gradient(matrix_view<const T>(g), rows(linear_weights()), matrix_view<T>(g_below));
  }

  /// For sample i: from [V r] [C, Out+1] to [V D J, r + V D b] [C, In+1], J being the linear map of
  /// images without bias; V becomes V D.
  void pull(const tape& kept, std::size_t i, matrix_view<T> V, matrix_view<T> below) const
      requires(piecewise_linear_gate<Gate>) {
    const std::size_t n = out_width(), P = n / settings().filters;
    detail::require_shape("pull", "V", V, V.rows(), n + 1);
    detail::require_shape("pull", "below", below, V.rows(), in_width() + 1);
    const auto f = kept.f.view();
    for (std::size_t c = 0; c < V.rows(); ++c) {
      T sum = V(c, n);
      for (std::size_t k = 0; k < n; ++k) {
        V(c, k) *= gate_.factor(f(i, k));
        if constexpr (has_bias()) sum += V(c, k) * bias()[k / P];
      }
      below(c, in_width()) = sum;
    }
    const detail::convolution_input<T> gradient(sizes(), kept.scratch);
    gradient(matrix_view<const T>(V.data(), V.rows(), n, V.stride()), rows(linear_weights()),
             matrix_view<T>(below.data(), below.rows(), in_width(), below.stride()));
  }

  /// The same weights in another scalar.
  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    rebind<U> result(in_image(), settings(), gate_);
    for (std::size_t i = 0; i < weights().rows(); ++i) {
      for (std::size_t k = 0; k < weights().cols(); ++k) {
        result.weights()(i, k) = static_cast<U>(weights()(i, k));
      }
    }
    return result;
  }

  /// Calls visit(rows, cols, descent) for W; descent(dW, alpha, beta) sets dW = alpha D + beta dW,
  /// D being the mean over the batch; dW may be the layer's own weights.
  template <class X, class Visit>
  void backward_weights(const X& x, const tape& kept,
                        const matrix_view<const T, dynamic, out_extent>& g, Visit&& visit) const {
    detail::require_shape("backward_weights", "x", x, x.rows(), in_width());
    detail::require_shape("backward_weights", "g", g, x.rows(), out_width());
    if (x.rows() == 0) throw shape_error("backward_weights: the batch is empty");
    visit(weight_rows(), settings().filters, [&](const matrix_view<T>& dW, T alpha, T beta) {
      detail::require_shape("backward_weights", "dW", dW, weight_rows(), settings().filters);
      const detail::convolution_weights<T> gradient(sizes(), kept.scratch);
      gradient(x, matrix_view<const T>(g), detail::rows_of<T>(dW), has_bias(),
               alpha / static_cast<real_t<T>>(x.rows()), beta);
    });
  }

  /// Calls visit(W).
  template <class Visit>
  void for_each_parameter(Visit&& visit) {
    visit(weights());
  }

  /// Calls visit(block) for prefix + "weight", [K, channels / groups, height, width] in files, and
  /// prefix + "bias".
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) {
    show_blocks<T>(*this, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) const {
    show_blocks<const T>(*this, prefix, visit);
  }

 private:
  static convolution possible(const convolution& c) {
    require_possible(c);
    return c;
  }

  template <class U, class Self, class Visit>
  static void show_blocks(Self& self, const std::string& prefix, Visit& visit) {
    const convolution_settings s = self.settings();
    visit(block<U>{prefix + "weight",
                   {s.filters, self.in_image().channels / s.groups, s.size.height, s.size.width},
                   self.linear_weights(),
                   true});
    if constexpr (has_bias()) {
      visit(block<U>{prefix + "bias", {s.filters}, self.weights().middle_rows(self.taps(), 1)});
    }
  }

  template <class Self>
  static auto& stored(Self& self) {
    if (self.storage_.numbers.size() == 0) {
      throw argument_error("conv2d: the weights were moved to another layer");
    }
    return self.storage_.numbers;
  }
  [[nodiscard]] std::size_t stride() const noexcept { return storage_.numbers.shape(1); }
  [[nodiscard]] std::size_t taps() const noexcept { return sizes().group_taps(); }
  [[nodiscard]] std::size_t weight_rows() const noexcept { return taps() + Bias::rows; }

  static detail::rows_of<const T> rows(const const_weights_view& W) {
    return detail::rows_of<const T>(W);
  }
  [[nodiscard]] detail::convolution_sizes sizes() const noexcept {
    return detail::sizes_of(shape_.get());
  }

  template <class X>
  matrix_view<T, dynamic, out_extent> forward_any(const X& x, tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    const matrix_view<T, dynamic, out_extent> f(kept.f.reshape(x.rows(), out_width()));
    const T* b = nullptr;
    if constexpr (has_bias()) b = bias().data();
    const detail::ready_filters<T> filters(sizes(), rows(linear_weights()), kept.scratch);
    for (std::size_t n = 0; n < x.rows(); ++n) {
      filters.convolve(x.row(n).data(), b, gate_, f.row(n).data());
    }
    return f;
  }

  [[no_unique_address]] shape_type shape_;
  [[no_unique_address]] Gate gate_;
  detail::owned_matrix<T> storage_;  // [taps+1, padded K]; the padding is never read
};

}  // namespace tutelage
