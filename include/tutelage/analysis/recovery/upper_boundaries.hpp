// The boundaries that layers above the lowest draw in the inputs, and alpha, over the regions that
// samples visit: what Theorem 5 of arXiv:1909.13458 needs of deeper networks.
//
//   piece   a hidden node i of a layer l >= 2 and the gates of its own network below l at a sample:
//           there its pre-activation is n.x + b, and n.x + b = 0, continued everywhere, is one
//           boundary. Elsewhere the node's boundary is bent and another piece
//   Q       nodes of the lowest layers of both networks, and all pieces of the visited regions
//   alpha   |V_k(x).V*_j(x)|, constant in a region: the least over those visited
//
// The paper counts all regions there are, exponentially many, and gives no way to count them; which
// of them its proof needs, and that these are visited: recovery_bounds.hpp.
//
// Pieces of equal weights count each: Q is a bound from above, and larger Q ask for more. Networks
// of two layers have no pieces, and one alpha.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <set>
#include <span>
#include <vector>

#include <tutelage/analysis/weight_alignment.hpp>
#include <tutelage/data/inputs.hpp>
#include <tutelage/gradient/affine.hpp>
#include <tutelage/gradient/regions.hpp>
#include <tutelage/gradient/rule.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/regular_weights.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

// The pieces of one network's layers 2, ..., L-1, each once.
template <class Network>
class boundary_pieces {
  using T = typename Network::value_type;

 public:
  explicit boundary_pieces(const Network& net) : net_(net), layers_(affine_layers<double>(net)) {
    for (const auto& l : layers_) {
      affine_layer<double> absolute = l;
      for (double& w : absolute.W) w = std::abs(w);
      for (double& b : absolute.bias) b = std::abs(b);
      absolute_.push_back(std::move(absolute));
    }
    for (const std::size_t n : net.widths()) roundings_ += 2 * static_cast<double>(n) + 4;
  }

  // Adds those of the regions of samples x, [N, n_0].
  void add(matrix_view<const T> x) {
    net_.forward(x, kept_);
    for (std::size_t i = 0; i < x.rows(); ++i) add_sample(i);
  }

  [[nodiscard]] std::size_t size() const noexcept { return bias_.size(); }

  // The least eps at which a piece may coincide, for all that rounding knows, with the boundary of
  // direction u, [n_0], unit, and bias b; infinite for none.
  [[nodiscard]] double least_gap(std::span<const double> u, double b) const {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < size(); ++p) {
      const std::span<const double> n(normals_.data() + p * u.size(), u.size());
      const scaled_norm<double> scaled(n);
      const double norm = std::ldexp(scaled.norm, scaled.exponent);
      if (norm == 0 && gauge_[p] == 0) continue;  // its gate never changes
      const double error = roundings_ * std::numeric_limits<double>::epsilon() * gauge_[p] / norm;
      if (!(error < 0.5)) return 0;
      const double angle = angle_between(u, n), regular = bias_[p] / norm;
      const double gap = std::abs(angle > std::numbers::pi / 2 ? b + regular : b - regular);
      const double bias_error =
          roundings_ * std::numeric_limits<double>::epsilon() * bias_gauge_[p] / norm +
          2 * error * std::abs(regular);
      least = std::min(least, std::max({0.0, std::sin(angle) - 2 * error, gap - bias_error}));
    }
    return least;
  }

 private:
  // From the lowest layer up: the pieces of a layer are new when the gates below it are.
  void add_sample(std::size_t i) {
    pattern_bits below;
    maps_.clear();
    absolute_maps_.clear();
    gates_.clear();
    net_.for_each_layer([&](const auto& layer, std::size_t l) {
      if (l == Network::depth) return;
      if (l > 1 && layers_[l - 1].slope < 1 && visited_[l].insert(below.words()).second) {
        follow(l - 1);
        add_nodes(l);
      }
      std::vector<double>& z = gates_.emplace_back();
      for (const T& f : kept_.f(l).row(i)) {
        z.push_back(static_cast<double>(layer.gate().factor(f)));
        below.append(z.back() == 1);
      }
    });
  }

  // The activations of layers up to l as maps of the inputs, with the gates of this sample.
  void follow(std::size_t l) {
    const std::size_t d = layers_[0].W.shape(0);
    while (maps_.size() <= l) {
      if (maps_.empty()) {
        auto inputs = make_matrix<double>(d + 1, d);
        for (std::size_t u = 0; u < d; ++u) inputs(u + 1, u) = 1;
        maps_.push_back(inputs);
        absolute_maps_.push_back(inputs);
        continue;
      }
      const std::size_t next = maps_.size() - 1;
      auto f = pre_activations(layers_[next], maps_[next]);
      auto absolute = gauges(absolute_[next], absolute_maps_[next]);
      for (std::size_t axis = 0; axis < f.shape(0); ++axis) {
        for (std::size_t k = 0; k < f.shape(1); ++k) {
          f(axis, k) *= gates_[next][k];
          absolute(axis, k) = gauge_of_product(absolute(axis, k), std::abs(gates_[next][k]));
        }
      }
      maps_.push_back(std::move(f));
      absolute_maps_.push_back(std::move(absolute));
    }
  }

  void add_nodes(std::size_t l) {
    const auto a = pre_activations(layers_[l - 1], maps_[l - 1]);
    const auto absolute = gauges(absolute_[l - 1], absolute_maps_[l - 1]);
    for (std::size_t k = 0; k < a.shape(1); ++k) {
      double gauge = 0;
      for (std::size_t u = 1; u < a.shape(0); ++u) {
        normals_.push_back(a(u, k));
        gauge += absolute(u, k);
      }
      bias_.push_back(a(0, k));
      gauge_.push_back(gauge);
      bias_gauge_.push_back(absolute(0, k));
    }
  }

  const Network& net_;
  std::vector<affine_layer<double>> layers_, absolute_;
  double roundings_ = 0;  // of all sums that make a piece
  activations<Network> kept_;
  std::array<std::set<std::vector<std::uint64_t>>, Network::depth> visited_;  // at [l], gates below
  std::vector<affine_map<double>> maps_, absolute_maps_;  // of this sample, at [l]
  std::vector<std::vector<double>> gates_;
  std::vector<double> normals_, bias_;      // [size(), n_0], [size()]
  std::vector<double> gauge_, bias_gauge_;  // sums of absolute values of what is added
};

// What the regions of one band say of teacher node j and student node k.
struct region_census {
  double boundaries = 0;                                 // Q
  double alpha = 0;                                      // the least |V_k.V*_j| at the samples
  double gap = std::numeric_limits<double>::infinity();  // of the nearest piece; see least_gap
};

// |V_k.V*_j| of two-layer networks, [n, m].
template <class Teacher, class Student>
matrix<double> absolute_alpha(const Teacher& teacher, const Student& student) {
  const auto V = student.template layer<2>().linear_weights();
  const auto V_star = teacher.template layer<2>().linear_weights();
  auto alpha = make_matrix<double>(V.rows(), V_star.rows());
  for (std::size_t k = 0; k < V.rows(); ++k) {
    for (std::size_t j = 0; j < V_star.rows(); ++j) {
      double sum = 0;
      for (std::size_t c = 0; c < V.cols(); ++c) {
        sum += static_cast<double>(V(k, c)) * static_cast<double>(V_star(j, c));
      }
      alpha(k, j) = std::abs(sum);
    }
  }
  return alpha;
}

// The least |V_k(x).V*_j(x)| over samples x, [N, n_0].
template <class Teacher, class Student>
double least_alpha(const Teacher& teacher, const Student& student, std::size_t j, std::size_t k,
                   matrix_view<const typename Student::value_type> x) {
  double least = std::numeric_limits<double>::infinity();
  for_each_rule(teacher, student, x, 64, [&](const auto& rule, std::size_t) {
    for (std::size_t i = 0; i < rule.samples(); ++i) {
      const auto V = rule.template V<1>(i);
      const auto V_star = rule.template V_star<1>(i);
      double sum = 0;
      for (std::size_t c = 0; c < V.rows(); ++c) {
        sum += static_cast<double>(V(c, k)) * static_cast<double>(V_star(c, j));
      }
      least = std::min(least, std::abs(sum));
    }
  });
  return least;
}

// Of `samples`, [N, n_0], at least one, and `moved`, a source of rows: the samples and their moves.
// The boundary is w_star's, j.
template <class Teacher, class Student, class Moved>
region_census take_census(const Teacher& teacher, const Student& student,
                          const regular_weights& w_star, std::size_t j, std::size_t k,
                          matrix_view<const typename Student::value_type> samples,
                          const Moved& moved) {
  using T = typename Student::value_type;
  region_census census;
  census.boundaries = static_cast<double>(teacher.widths()[1] + student.widths()[1]);
  visited_regions regions(teacher, student);
  regions.add(samples);
  census.alpha = least_alpha(teacher, student, j, k, regions.representatives());
  for_each_chunk(moved, [&](matrix_view<const T> x, std::size_t) { regions.add(x); });
  const auto count = [&](const auto& net) {
    boundary_pieces pieces(net);
    pieces.add(regions.representatives());
    census.boundaries += static_cast<double>(pieces.size());
    census.gap = std::min(census.gap, pieces.least_gap(w_star.direction(j), w_star.bias[j]));
  };
  count(teacher);
  count(student);
  return census;
}

}  // namespace tutelage::detail
