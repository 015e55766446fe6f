// A residual block: f = x + F(x), F being layers one above the other that give as many numbers as
// they take; as in PyTorch
//
//   class Residual(nn.Sequential):
//       def forward(self, x): return x + super().forward(x)
//
// whose parameters are "0.weight", "0.bias", "2.weight", ... below the block's own name, the gate of a
// dense layer being a module of its own.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <string>

#include <tutelage/core/numbers.hpp>
#include <tutelage/model/image.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/network_cast.hpp>
#include <type_traits>
#include <utility>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

template <std::size_t Takes, std::size_t Gives>
constexpr void check_residual() {
  static_assert(may_be_equal<Takes, Gives>,
                "residual: the block must give as many numbers as it takes; see "
                "check_residual<takes, gives>");
}

template <class... Layers>
struct block_of {
  using type = network<Layers...>;
};
template <class... Layers>
struct block_of<network<Layers...>> {
  using type = network<Layers...>;
};

}  // namespace detail

/// Of layers and parts, or of one network. Where the lowest is a part, so is the block:
/// residual{batch_norm<float>(16), gated<relu>(), ...} is put above images of 16 channels, and becomes
/// a residual<network<...>>.
template <class... Layers>
class residual {
  using inner_type = typename detail::block_of<Layers...>::type;

 public:
  using value_type = typename inner_type::value_type;
  static constexpr std::size_t in_extent = inner_type::in_extent;
  static constexpr std::size_t out_extent = in_extent;
  static constexpr std::size_t parameters = inner_type::parameters;
  static constexpr std::size_t depth = inner_type::depth;

  template <scalar U>
  using rebind = residual<typename inner_type::template rebind<U>>;

  /// What a forward pass keeps. The gradients within the block are backward_output's, kept for what
  /// follows it.
  struct tape {
    workspace<value_type> f;  // [N, n]
    activations<inner_type> inner;
    mutable gradients<inner_type> inside;
    mutable std::array<workspace<value_type>, depth> maps;  // of pull
  };

 private:
  using T = value_type;
  using rows = matrix_view<T, dynamic, in_extent>;
  using const_rows = matrix_view<const T, dynamic, in_extent>;
  static constexpr bool has_modes = inner_type::list::moded;
  using top_layer = typename inner_type::template layer_type<depth>;

 public:
  /// Throws shape_error when neighbours do not fit or the widths of the whole differ.
  explicit residual(Layers... layers) requires(sizeof...(Layers) > 0)
      : inner_(std::move(layers)...) {
    detail::check_residual<inner_type::in_extent, inner_type::out_extent>();
    if (inner_.in_width() != inner_.out_width()) {
      throw shape_error(detail::text("residual: the block takes ", inner_.in_width(),
                                     " numbers and gives ", inner_.out_width()));
    }
  }

  [[nodiscard]] std::size_t in_width() const noexcept { return inner_.in_width(); }
  [[nodiscard]] std::size_t out_width() const noexcept { return inner_.in_width(); }
  [[nodiscard]] image_shape out_image() const requires(image_layer<top_layer>) {
    return inner_.template layer<depth>().out_image();
  }
  /// F.
  [[nodiscard]] inner_type& inner() noexcept { return inner_; }
  [[nodiscard]] const inner_type& inner() const noexcept { return inner_; }

  template <scalar U>
  [[nodiscard]] rebind<U> cast() const {
    return rebind<U>(network_cast<U>(inner_));
  }

  rows forward(const_rows x, tape& kept) const {
    return add(x, inner_.forward(x, kept.inner), kept);
  }
  rows forward(training mode, const_rows x, tape& kept) const requires(has_modes) {
    return add(x, inner_.forward(mode, x, kept.inner), kept);
  }
  void track(const tape& kept) requires(has_modes) {
    for_each_number<depth>([&](auto l) {
      if constexpr (moded_layer<typename inner_type::template layer_type<l>>) {
        inner_.template layer<l>().track(kept.inner.template tape<l>());
      }
    });
  }

  /// g stays what it is; the gradients within the block are computed from it.
  void backward_output(const tape& kept, rows g) const {
    inner_.backward_nodes(kept.inner, g, kept.inside);
  }

  /// below = g + what comes down through the block.
  void backward_input(const_rows x, const tape& kept, const_rows g, rows below) const {
    inner_.template layer<1>().backward_input(x, kept.inner.template tape<1>(),
                                              kept.inside.template g<1>(), below);
    for (std::size_t i = 0; i < g.rows(); ++i) {
      for (std::size_t k = 0; k < g.cols(); ++k) below(i, k) += g(i, k);
    }
  }

  template <class Visit>
  void backward_weights(const_rows x, const tape& kept, const_rows /*g*/, Visit&& visit) const {
    for_each_number<depth>([&](auto l) {
      const auto& layer = inner_.template layer<l>();
      const auto& of_layer = kept.inner.template tape<l>();
      if constexpr (l == 1) {
        layer.backward_weights(x, of_layer, kept.inside.template g<l>(), visit);
      } else {
        layer.backward_weights(kept.inner.template f<l - 1>(), of_layer,
                               kept.inside.template g<l>(), visit);
      }
    });
  }

  /// For sample i: from [V r] [C, n+1] to [V (1 + J) r'], J being the block's Jacobian.
  void pull(const tape& kept, std::size_t i, matrix_view<T> V, matrix_view<T> below) const
      requires(inner_type::list::samplewise) {
    const auto start = kept.maps[depth - 1].reshape(V.rows(), V.cols());
    copy(V, start);
    pull_from<depth>(kept, i, start, below);
    for (std::size_t row = 0; row < V.rows(); ++row) {
      for (std::size_t k = 0; k < in_width(); ++k) below(row, k) += V(row, k);
    }
  }

  template <class Visit>
  void for_each_parameter(Visit&& visit) {
    inner_.for_each_parameter(visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) {
    show_blocks(inner_, prefix, visit);
  }
  template <class Visit>
  void for_each_block(const std::string& prefix, Visit&& visit) const {
    show_blocks(inner_, prefix, visit);
  }
  template <class Visit>
  void for_each_buffer(const std::string& prefix, Visit&& visit) requires(has_modes) {
    show_buffers(inner_, prefix, visit);
  }
  template <class Visit>
  void for_each_buffer(const std::string& prefix, Visit&& visit) const requires(has_modes) {
    show_buffers(inner_, prefix, visit);
  }

 private:
  template <class Inner, class Visit>
  static void show_blocks(Inner& inner, const std::string& prefix, Visit& visit) {
    std::size_t module = 0;
    inner.for_each_layer([&](auto& layer, std::size_t) {
      layer.for_each_block(name_of(prefix, module), visit);
      module += detail::sequential_modules<std::remove_cvref_t<decltype(layer)>>;
    });
  }
  template <class Inner, class Visit>
  static void show_buffers(Inner& inner, const std::string& prefix, Visit& visit) {
    std::size_t module = 0;
    inner.for_each_layer([&](auto& layer, std::size_t) {
      using layer_type = std::remove_cvref_t<decltype(layer)>;
      if constexpr (moded_layer<layer_type>) {
        layer.for_each_buffer(name_of(prefix, module), visit);
      }
      module += detail::sequential_modules<layer_type>;
    });
  }
  static std::string name_of(const std::string& prefix, std::size_t module) {
    return prefix + std::to_string(module) + ".";
  }

  rows add(const const_rows& x, const matrix_view<const T>& inside, tape& kept) const {
    const rows f(kept.f.reshape(x.rows(), in_width()));
    for (std::size_t i = 0; i < f.rows(); ++i) {
      for (std::size_t k = 0; k < f.cols(); ++k) f(i, k) = x(i, k) + inside(i, k);
    }
    return f;
  }

  template <std::size_t l>
  void pull_from(const tape& kept, std::size_t i, const matrix_view<T>& V,
                 const matrix_view<T>& below) const {
    const auto& layer = inner_.template layer<l>();
    if constexpr (l == 1) {
      layer.pull(kept.inner.template tape<l>(), i, V, below);
    } else {
      const auto next = kept.maps[l - 2].reshape(V.rows(), layer.in_width() + 1);
      layer.pull(kept.inner.template tape<l>(), i, V, next);
      pull_from<l - 1>(kept, i, next, below);
    }
  }

  inner_type inner_;
};

/// The part.
template <class First, class... Rest>
  requires(detail::open_below<First> && !detail::is_network<First>)
class residual<First, Rest...> {
 public:
  explicit residual(First first, Rest... rest) : parts_(std::move(first), std::move(rest)...) {}

  /// Throws as the block does that it becomes.
  template <layer Below>
  [[nodiscard]] auto over(const Below& below) const {
    return std::apply(
        [&](const auto& first, const auto&... rest) {
          return make(detail::stacked(detail::put_over(first, below), rest...));
        },
        parts_);
  }

 private:
  template <class... Layers>
  static auto make(std::tuple<Layers...> layers) {
    return std::apply(
        [](auto&... l) {
          return residual<network<Layers...>>(network<Layers...>(std::move(l)...));
        },
        layers);
  }

  std::tuple<First, Rest...> parts_;
};

}  // namespace tutelage
