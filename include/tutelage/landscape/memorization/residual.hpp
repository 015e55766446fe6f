// Residual networks through N points of p classes in general position (arXiv:1810.07770, Section 4):
//
//   h <- h + V s(U h + b), blocks of d_1, ..., d_B hidden nodes;    f = V s(U h + b), 2 p hidden nodes
//
//   floor(d_1 / 4) + ... + floor(d_B / 4) >= sum over classes of ceil(N_c / d)
//
// The points of a class go in groups of at most d, and d points lie on a hyperplane u.h = c that meets no
// other point: that is what general position means. With delta the distance to the nearest other one,
//
//   h <- h + (j + 1) M v 1/2 [H(4 (u.h - c) / delta + 2) - H(4 (u.h - c) / delta - 2)]      4 nodes
//
// moves a group of class j, and nothing else, by (j + 1) M along a random v, M = 4 max |v.x|. Groups of
// one block do not meet: all read what enters the block. At the end v.h lies within M / 4 of (j + 1) M:
//
//   step_j = 1/2 [H(4 (v.h - (j + 1/2) M) / M) + 1],    out_j = step_j - step_{j+1}
//
// one-hot to rounding.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/landscape/memorization/classes.hpp>
#include <tutelage/landscape/memorization/hard_tanh.hpp>
#include <tutelage/landscape/memorization/memorized.hpp>
#include <tutelage/landscape/memorization/projection.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/residual.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// At most d rows of one class.
struct class_group {
  label number;
  std::vector<std::size_t> rows;
};

inline std::vector<class_group> class_groups(std::span<const label> labels, std::size_t p,
                                             std::size_t d) {
  std::vector<class_group> groups;
  for (label c = 0; c < p; ++c) {
    std::size_t room = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != c) continue;
      if (room == 0) {
        groups.push_back({c, {}});
        room = d;
      }
      groups.back().rows.push_back(i);
      --room;
    }
  }
  return groups;
}

/// A hyperplane u.h = c, and the rows of others: the nearest one, at delta, and the farthest.
struct separating_plane {
  std::vector<double> u;  // [d], |u| = 1
  double c = 0, delta = 0, spread = 0;
  std::size_t nearest = 0;
};

/// x -= its part in the span of orthonormal vectors, twice: then it is orthogonal to rounding. Returns
/// what is left of its length.
inline double orthogonalize(std::vector<double>& x, const std::vector<std::vector<double>>& basis) {
  for (int pass = 0; pass < 2; ++pass) {
    for (const auto& e : basis) {
      const double part = std::inner_product(x.begin(), x.end(), e.begin(), 0.0);
      for (std::size_t k = 0; k < x.size(); ++k) x[k] -= part * e[k];
    }
  }
  const double length = std::sqrt(std::inner_product(x.begin(), x.end(), x.begin(), 0.0));
  for (double& number : x) number /= length > 0 ? length : 1;
  return length;
}

/// A hyperplane through the group's rows of h, the best of 50 where there is more than one.
inline separating_plane separate(const matrix<double>& h, const std::vector<std::size_t>& rows,
                                 stream& random) {
  const std::size_t d = h.shape(1), first = rows.front();
  std::vector<std::vector<double>> basis;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    std::vector<double> difference(d);
    double size = 0;
    for (std::size_t k = 0; k < d; ++k) {
      difference[k] = h(rows[i], k) - h(first, k);
      size = std::hypot(size, difference[k]);
    }
    if (orthogonalize(difference, basis) > 1e-12 * size) basis.push_back(std::move(difference));
  }
  separating_plane best;
  for (int round = 0; round < (basis.size() + 1 < d ? 50 : 1); ++round) {
    separating_plane plane;
    plane.u.resize(d);
    random.fill_normal(std::span<double>(plane.u));
    orthogonalize(plane.u, basis);
    const auto along = [&](std::size_t i) {
      double sum = 0;
      for (std::size_t k = 0; k < d; ++k) sum += plane.u[k] * h(i, k);
      return sum;
    };
    plane.c = along(first);
    bool others = false;
    for (std::size_t i = 0; i < h.shape(0); ++i) {
      if (std::find(rows.begin(), rows.end(), i) != rows.end()) continue;
      const double distance = std::abs(along(i) - plane.c);
      if (!others || distance < plane.delta) {
        plane.delta = distance;
        plane.nearest = i;
      }
      others = true;
      plane.spread = std::max(plane.spread, distance);
    }
    if (!others) plane.delta = plane.spread = 1;
    if (best.u.empty() || plane.delta * best.spread > best.delta * plane.spread) {
      best = std::move(plane);
    }
  }
  return best;
}

}  // namespace detail

/// A block h + V s(U h + b).
template <piecewise_linear_gate Gate>
using memorizing_block =
    residual<dense<double, dynamic, dynamic, Gate>, dense<double, dynamic, dynamic, identity>>;

namespace detail {
template <piecewise_linear_gate Gate, class Blocks>
struct memorizing_network;
template <piecewise_linear_gate Gate, std::size_t... I>
struct memorizing_network<Gate, std::index_sequence<I...>> {
  template <std::size_t>
  using block = memorizing_block<Gate>;
  using type = network<block<I>..., dense<double, dynamic, dynamic, Gate>,
                       dense<double, dynamic, dynamic, identity>>;

  static type make(std::vector<memorizing_block<Gate>> blocks,
                   dense<double, dynamic, dynamic, Gate> lower,
                   dense<double, dynamic, dynamic, identity> upper) {
    return type(std::move(blocks[I])..., std::move(lower), std::move(upper));
  }
};
}  // namespace detail

/// `Blocks` blocks below two dense layers.
template <std::size_t Blocks, piecewise_linear_gate Gate = relu>
using memorizing_residual_network =
    typename detail::memorizing_network<Gate, std::make_index_sequence<Blocks>>::type;

/// Groups of at most d points of one class: blocks need four nodes for each. Throws like
/// memorize_residual.
inline std::size_t residual_groups(std::span<const label> labels, std::size_t p, std::size_t d) {
  detail::require_classes("residual_groups", labels.size(), labels, p);
  if (d == 0) throw argument_error("residual_groups: d is 0, expected at least 1");
  return detail::class_groups(labels, p, d).size();
}

/// A network through x [N, d] and the one-hot vectors of `labels` [N] whose blocks have the given
/// widths. Throws shape_error when rows do not fit or the blocks are too narrow, argument_error when a
/// number is not finite, two points are equal, a label is no class, the gate has no kink, or points are
/// not in general position: one lies on the hyperplane through a group, within 2^-30 of the distance
/// of the farthest. argument_error too when rounding keeps an output from its target (memorized.hpp).
template <piecewise_linear_gate Gate = relu, std::size_t Blocks>
memorizing_residual_network<Blocks, Gate> memorize_residual(
    matrix_view<const double> x, std::span<const label> labels, std::size_t p,
    const std::array<std::size_t, Blocks>& widths, std::uint64_t seed, const Gate& gate = {}) {
  const char* const name = "memorize_residual";
  const std::size_t d = x.cols();
  detail::require_classes(name, x.rows(), labels, p);
  if (x.rows() == 0 || d == 0) {
    throw shape_error(
        detail::text(name, ": x is ", shape_text(x.rows(), d), ", expected at least one point"));
  }
  detail::require_finite(name, "x", x);
  detail::require_distinct(name, x);
  const detail::hard_tanh step(name, gate);
  const auto groups = detail::class_groups(labels, p, d);
  std::size_t room = 0;
  for (const std::size_t width : widths) room += width / 4;
  if (room < groups.size()) {
    throw shape_error(detail::text(name, ": the blocks move ", room, " groups, the points are ",
                                   groups.size(), " groups of at most ", d, " of one class"));
  }

  stream random(seed, purpose::analysis);
  std::vector<double> v(d);
  random.fill_normal(std::span<double>(v));
  detail::orthogonalize(v, {});
  double reach = 0;  // max |v.x|
  for (std::size_t i = 0; i < x.rows(); ++i) {
    const double along = std::inner_product(v.begin(), v.end(), x.row(i).begin(), 0.0);
    reach = std::max(reach, std::abs(along));
  }
  const double M = reach > 0 ? 4 * reach : 1;

  auto h = to_matrix(x);
  std::vector<memorizing_block<Gate>> blocks;
  auto group = groups.begin();
  for (const std::size_t width : widths) {
    dense<double, dynamic, dynamic, Gate> lower(d, std::max<std::size_t>(width, 1), gate);
    dense<double, dynamic, dynamic, identity> upper(std::max<std::size_t>(width, 1), d);
    const matrix_view<double> U(lower.weights()), V(upper.weights());
    for (std::size_t g = 0; g < width / 4 && group != groups.end(); ++g, ++group) {
      const auto plane = detail::separate(h, group->rows, random);
      if (!(plane.delta > 0x1p-30 * plane.spread)) {
        throw argument_error(detail::text(name, ": general position: row ", plane.nearest,
                                          " lies on a hyperplane through ", group->rows.size(),
                                          " points of class ", group->number, ", row ",
                                          group->rows.front(), " the first of them"));
      }
      const double steep = 4 / plane.delta;
      for (const double side : {1.0, -1.0}) {
        const std::size_t node = 2 * g + (side > 0 ? 0 : 1);
        step.put_input(U, node, plane.u, steep, 2 * side - steep * plane.c);
        for (std::size_t k = 0; k < d; ++k) {
          step.add_output(V, node, k, side * (group->number + 1.0) * M * v[k] / 2);
        }
      }
    }
    blocks.emplace_back(std::move(lower), std::move(upper));
    typename memorizing_block<Gate>::tape kept;
    const auto moved = blocks.back().forward(matrix_view<const double>(h), kept);
    copy(moved, matrix_view<double>(h));
  }

  dense<double, dynamic, dynamic, Gate> lower(d, 2 * p, gate);
  dense<double, dynamic, dynamic, identity> upper(2 * p, p);
  const matrix_view<double> U(lower.weights()), V(upper.weights());
  for (std::size_t j = 0; j < p; ++j) {
    step.put_input(U, j, v, 4 / M, -4 * (static_cast<double>(j) + 0.5));
    step.add_output(V, j, j, 0.5);
    if (j > 0) step.add_output(V, j, j - 1, -0.5);
  }
  V(2 * p, p - 1) += 0.5;
  auto net = detail::memorizing_network<Gate, std::make_index_sequence<Blocks>>::make(
      std::move(blocks), std::move(lower), std::move(upper));
  detail::require_memorized(name, net, x, labels);
  return net;
}

}  // namespace tutelage
