// Images become rows of nodes: the numbers stay where they are, as in torch.nn.Flatten. What follows
// takes each of them for a node of its own.
#pragma once

#include <cstddef>
#include <string>

#include <tutelage/core/extents.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/model/layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// `N` is a number or `dynamic`. flatten<>, without a scalar, is the part that becomes such a layer.
template <class T = void, std::size_t N = dynamic>
class flatten {
 public:
  using value_type = T;
  static constexpr std::size_t in_extent = N;
  static constexpr std::size_t out_extent = N;
  static constexpr std::size_t parameters = 0;

  template <scalar U>
  using rebind = flatten<U, N>;

  struct tape {
    workspace<T> f;  // [N, n]
  };

  flatten() requires(N != dynamic) : flatten(N) {}

  /// Throws shape_error when the width is 0 or differs from a static one.
  explicit flatten(std::size_t width) : width_(width) {
    if (width == 0 || width == dynamic) {
      throw shape_error(
          detail::text("flatten: width ", width_text(width), ", expected a number of at least 1"));
    }
  }

  [[nodiscard]] std::size_t in_width() const noexcept { return width_.size(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return width_.size(); }

  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    return rebind<U>(in_width());
  }

  matrix_view<T, dynamic, N> forward(matrix_view<const T, dynamic, N> x, tape& kept) const {
    detail::require_shape("forward", "x", x, x.rows(), in_width());
    const matrix_view<T, dynamic, N> f(kept.f.reshape(x.rows(), in_width()));
    copy(x, f);
    return f;
  }
  void backward_output(const tape& /*kept*/, matrix_view<T, dynamic, N> /*g*/) const {}
  void backward_input(matrix_view<const T, dynamic, N> /*x*/, const tape& /*kept*/,
                      matrix_view<const T, dynamic, N> g, matrix_view<T, dynamic, N> below) const {
    copy(g, below);
  }
  void pull(const tape& /*kept*/, std::size_t /*i*/, matrix_view<T> V, matrix_view<T> below) const {
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
  [[no_unique_address]] extent<N> width_;
};

template <>
class flatten<void, dynamic> {
 public:
  template <layer Below>
  [[nodiscard]] auto over(const Below& below) const {
    return flatten<typename Below::value_type, Below::out_extent>(below.out_width());
  }
};

flatten()->flatten<>;

}  // namespace tutelage
