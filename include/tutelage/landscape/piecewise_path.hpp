// Piecewise-linear paths through the space of parameters, with networks as vertices.
//
//   theta(t) = (1-t) theta_i + t theta_{i+1},   0 <= t <= 1,   on segment i
//
// A bias row is part of its layer's matrix, so biases move with their weights. Segments are of four
// kinds, by what is known of the outputs on them (Kuditipudi et al., arXiv:1906.06247, Theorem 1):
//
//   straight  s  any weights change; nothing is known
//   top       a  only the top layer changes: outputs are affine in t, so that a loss that is convex
//                in the outputs is at most the larger one of the segment's ends
//   unseen    b  only weights into nodes change from which no weight leads on to the outputs:
//                outputs are constant
//   transfer  c  fan-out goes from nodes to others with equal weights, in all layers at once:
//                outputs are constant
//
// A path with batch normalization would change its statistics too; fold it first.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>

#include <tutelage/model/network.hpp>
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

enum class segment_kind { straight, top, unseen, transfer };

/// s, a, b or c.
constexpr char letter(segment_kind kind) noexcept { return "sabc"[static_cast<std::size_t>(kind)]; }

namespace detail {

template <class Network>
inline constexpr bool has_statistics = false;
template <class... Layers>
inline constexpr bool has_statistics<network<Layers...>> = (moded_layer<Layers> || ...);

/// Views of all parameter matrices, lowest layer first.
template <class Network>
std::vector<matrix_view<typename Network::value_type>> parameters_of(Network& net) {
  std::vector<matrix_view<typename Network::value_type>> result;
  net.for_each_parameter([&](const auto& W) { result.emplace_back(W); });
  return result;
}

/// The slopes of the gates, where they have one; else 1.
template <class Network>
std::array<double, Network::depth> slopes_of(const Network& net) {
  std::array<double, Network::depth> result{};
  net.for_each_layer([&](const auto& l, std::size_t number) {
    result[number - 1] = 1;
    if constexpr (requires { l.gate().slope(); }) result[number - 1] = l.gate().slope();
  });
  return result;
}

/// Throws unless arithmetic on the two networks' parameters means something: shape_error for other
/// widths, argument_error for gates of other slopes.
template <class Network>
void require_same_space(const char* function, const Network& a, const Network& b) {
  for (std::size_t l = 0; l <= Network::depth; ++l) {
    if (a.widths()[l] != b.widths()[l]) {
      throw shape_error(text(function, ": width ", l, " is ", a.widths()[l], " in one network and ",
                             b.widths()[l], " in the other"));
    }
  }
  for (std::size_t l = 0; l < Network::depth; ++l) {
    if (slopes_of(a)[l] != slopes_of(b)[l]) {
      throw argument_error(text(function, ": the slope of layer ", l + 1, " is ", slopes_of(a)[l],
                                " in one network and ", slopes_of(b)[l], " in the other"));
    }
  }
}

/// (1-t) a + t b: exact at both ends, and wherever a = b.
template <real_scalar T>
T between(T a, T b, double t) {
  return a == b ? a : static_cast<T>((1 - t) * a + t * b);
}

}  // namespace detail

/// Vertices theta_0, ..., theta_n, and the kind of each of the n segments between them.
template <class Network>
class piecewise_path {
  static_assert(!detail::has_statistics<Network>,
                "piecewise_path: batch normalization has statistics besides parameters; fold it");

 public:
  /// A path of one vertex.
  explicit piecewise_path(Network start) { vertices_.push_back(std::move(start)); }

  [[nodiscard]] std::size_t segments() const noexcept { return kinds_.size(); }
  /// segments() + 1 networks.
  [[nodiscard]] const std::vector<Network>& vertices() const noexcept { return vertices_; }
  [[nodiscard]] segment_kind kind(std::size_t segment) const {
    require_segment(segment);
    return kinds_[segment];
  }
  /// The letters of the segments' kinds in order, such as "abab".
  [[nodiscard]] std::string kinds() const {
    std::string result;
    for (const segment_kind kind : kinds_) result += letter(kind);
    return result;
  }

  /// The network at (1-t) theta_i + t theta_{i+1} for i = segment. Throws argument_error when there
  /// is no such segment or t is not in [0, 1].
  [[nodiscard]] Network at(std::size_t segment, double t) const {
    require_segment(segment);
    if (!(t >= 0 && t <= 1)) {
      throw argument_error(detail::text("piecewise_path: t is ", t, ", expected 0 to 1"));
    }
    Network result = vertices_[segment], end = vertices_[segment + 1];
    const auto to = detail::parameters_of(result), from = detail::parameters_of(end);
    for (std::size_t p = 0; p < to.size(); ++p) {
      for (std::size_t i = 0; i < to[p].rows(); ++i) {
        for (std::size_t k = 0; k < to[p].cols(); ++k) {
          to[p](i, k) = detail::between(to[p](i, k), from[p](i, k), t);
        }
      }
    }
    return result;
  }

  /// A straight segment from the last vertex to `end`. Throws shape_error when its widths, and
  /// argument_error when its gates' slopes, are not those of the vertices.
  void append(segment_kind kind, Network end) {
    detail::require_same_space("piecewise_path", vertices_.back(), end);
    vertices_.push_back(std::move(end));
    kinds_.push_back(kind);
  }

  /// The segments of `other`, from its last vertex to its first. Throws like append, and
  /// argument_error unless its last vertex is this path's last one too.
  void append_reversed(const piecewise_path& other) {
    detail::require_same_space("piecewise_path", vertices_.back(), other.vertices_.back());
    Network a = vertices_.back(), b = other.vertices_.back();
    const auto ends = detail::parameters_of(a), others = detail::parameters_of(b);
    for (std::size_t p = 0; p < ends.size(); ++p) {
      for (std::size_t i = 0; i < ends[p].rows(); ++i) {
        if (std::ranges::equal(ends[p].row(i), others[p].row(i))) continue;
        throw argument_error(detail::text("append_reversed: the last vertices differ in row ", i,
                                          " of parameter matrix ", p + 1));
      }
    }
    for (std::size_t i = other.segments(); i > 0; --i) {
      append(other.kinds_[i - 1], other.vertices_[i - 1]);
    }
  }

 private:
  void require_segment(std::size_t segment) const {
    if (segment >= segments()) {
      throw argument_error(
          detail::text("piecewise_path: segment ", segment, ", there are ", segments()));
    }
  }

  std::vector<Network> vertices_;
  std::vector<segment_kind> kinds_;
};

/// One straight segment between two networks.
template <class Network>
piecewise_path<Network> straight_line(const Network& from, const Network& to) {
  piecewise_path<Network> result(from);
  result.append(segment_kind::straight, to);
  return result;
}

}  // namespace tutelage
