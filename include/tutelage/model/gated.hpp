// A gate as a layer: f = z(x) x, number by number. It follows what has no gate of its own, batch
// normalization above all; a dense layer above it applies the gate as it passes gradients down.
//
//   x, f  [N, n]
#pragma once

#include <concepts>
#include <cstddef>
#include <string>

#include <tutelage/core/extents.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/gate.hpp>
#include <tutelage/model/image.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// `N` is a number or `dynamic`, `Image` says what lies below. gated<Gate>, without a scalar, is the
/// part that becomes such a layer.
template <class Gate, class T = void, std::size_t N = dynamic, class Image = no_image>
class gated {
  static_assert(N > 0, "gated: the width is at least 1");

 public:
  using value_type = T;
  using gate_type = Gate;
  static constexpr std::size_t in_extent = N;
  static constexpr std::size_t out_extent = N;
  static constexpr std::size_t parameters = 0;

  template <scalar U>
  using rebind = gated<Gate, U, N, Image>;

  struct tape {
    workspace<T> f;  // [N, n]
  };

  gated() requires(N != dynamic && std::same_as<Image, no_image>) : gated(N) {}

  /// Throws shape_error when the width is 0 or differs from a static one.
  explicit gated(std::size_t width, Gate gate = {}) requires(std::same_as<Image, no_image>)
      : gated(width, gate, no_image()) {}
  explicit gated(image_shape image, Gate gate = {}) requires(std::same_as<Image, image_shape>)
      : gated(image.size(), gate, image) {}

  [[nodiscard]] std::size_t in_width() const noexcept { return width_.size(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return width_.size(); }
  [[nodiscard]] const Gate& gate() const noexcept { return gate_; }
  [[nodiscard]] image_shape out_image() const requires(std::same_as<Image, image_shape>) {
    return image_;
  }

  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    if constexpr (std::same_as<Image, image_shape>) {
      return rebind<U>(image_, gate_);
    } else {
      return rebind<U>(in_width(), gate_);
    }
  }

  matrix_view<T, dynamic, N> forward(matrix_view<const T, dynamic, N> x, tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    const matrix_view<T, dynamic, N> f(kept.f.reshape(x.rows(), in_width()));
    for (std::size_t i = 0; i < f.rows(); ++i) {
      const T* const from = x.row(i).data();
      T* const to = f.row(i).data();
      for (std::size_t k = 0; k < f.cols(); ++k) to[k] = gate_.activate(from[k]);
    }
    return f;
  }

  /// g = D g.
  void backward_output(const tape& kept, matrix_view<T, dynamic, N> g) const {
    const auto f = kept.f.view();
    detail::require_shape("backward_output", "g", g, f.rows(), in_width());
    for (std::size_t i = 0; i < g.rows(); ++i) {
      const T* const of = f.row(i).data();
      T* const to = g.row(i).data();
      for (std::size_t k = 0; k < g.cols(); ++k) to[k] *= gate_.factor(of[k]);
    }
  }

  /// The gate is applied already: below = g.
  void backward_input(matrix_view<const T, dynamic, N> /*x*/, const tape& /*kept*/,
                      matrix_view<const T, dynamic, N> g, matrix_view<T, dynamic, N> below) const {
    copy(g, below);
  }

  /// For sample i, from [V r] [C, n+1] to [V D r], in place and copied to `below`.
  void pull(const tape& kept, std::size_t i, matrix_view<T> V, matrix_view<T> below) const
      requires(piecewise_linear_gate<Gate>) {
    const auto f = kept.f.view();
    for (std::size_t c = 0; c < V.rows(); ++c) {
      for (std::size_t k = 0; k < f.cols(); ++k) V(c, k) *= gate_.factor(f(i, k));
    }
    copy(V, below);
  }

  template <class X, class Visit>
  void backward_weights(const X& /*x*/, const tape& /*kept*/, matrix_view<const T, dynamic, N>,
                        Visit&&) const {}
  template <class Visit>
  void for_each_parameter(Visit&&) const {}
  template <class Visit>
  void for_each_block(const std::string&, Visit&&) const {}

 private:
  gated(std::size_t width, Gate gate, Image image) : width_(width), gate_(gate), image_(image) {
    if (width == 0 || width == dynamic) {
      throw shape_error(
          detail::text("gated: width ", width_text(width), ", expected a number of at least 1"));
    }
  }

  [[no_unique_address]] extent<N> width_;
  [[no_unique_address]] Gate gate_;
  [[no_unique_address]] Image image_;
};

template <class Gate>
class gated<Gate, void, dynamic, no_image> {
 public:
  explicit gated(Gate gate = {}) : gate_(gate) {}

  template <layer Below>
  [[nodiscard]] auto over(const Below& below) const {
    using image = typename detail::rows_of_layer<Below>::type;
    using result = gated<Gate, typename Below::value_type, Below::out_extent, image>;
    if constexpr (image_layer<Below>) {
      return result(below.out_image(), gate_);
    } else {
      return result(below.out_width(), gate_);
    }
  }

 private:
  [[no_unique_address]] Gate gate_;
};

template <gate Gate>
gated(Gate) -> gated<Gate>;

}  // namespace tutelage
