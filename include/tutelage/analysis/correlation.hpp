// Correlation of teacher and student activations, streamed over samples in one pass.
//
//   rho_jk = sum_i (f*_ij - mean f*_j) (f_ik - mean f_k) / (N std_j std_k)     centered
//   cos_jk = sum_i f*_ij f_ik / (|f*_j| |f_k|)                                 cosine
//
//   f*  [N, m]   teacher activations of a layer, one sample a row
//   f   [N, n]   student activations of the same layer
//
// Each chunk of samples is centered by its own mean and multiplied as a matrix; chunks are merged
// by the exact update of Chan, Golub and LeVeque, so nothing cancels however large the means are.
// A node that never changes correlates 0 with every node; one that is always 0 has cosine 0 too.
// Equation 9 of arXiv:1909.13458 uses rho; its maximum over students is signed.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/core/product.hpp>
#include <vector>

namespace tutelage {

/// What a node did over the samples seen.
enum class node_state {
  active,    // took at least two values
  constant,  // took one value, not zero
  dead       // was always zero
};

/// The result: teacher nodes are rows, student nodes columns.
struct correlations {
  matrix<double> rho;     // [m, n]
  matrix<double> cosine;  // [m, n]
  std::vector<node_state> teacher_states;
  std::vector<node_state> student_states;
  std::size_t samples = 0;
};

/// Collects samples; add() may be called any number of times.
template <real_scalar T>
class correlation_accumulator {
  using A = accumulator_t<T>;

 public:
  correlation_accumulator(std::size_t teacher_nodes, std::size_t student_nodes)
      : teacher_(teacher_nodes),
        student_(student_nodes),
        cross_(make_matrix<A>(teacher_nodes, student_nodes)) {}

  /// Adds samples, [N, m] and [N, n]. Throws shape_error when they do not fit.
  void add(matrix_view<const T> f_star, matrix_view<const T> f) {
    const std::size_t N = f_star.rows();
    detail::require_shape("correlation", "teacher activations", f_star, N, teacher_.size());
    detail::require_shape("correlation", "student activations", f, N, student_.size());
    if (N == 0) return;
    teacher_.center(f_star, samples_);
    student_.center(f, samples_);
    const auto product = product_.reshape(teacher_.size(), student_.size());
    multiply(transposed(teacher_.centered()), student_.centered(), product);
    const A old_count = static_cast<A>(samples_), added = static_cast<A>(N);
    const A weight = old_count * added / (old_count + added);
    for (std::size_t j = 0; j < teacher_.size(); ++j) {
      const A shift = weight * teacher_.shift(j);
      for (std::size_t k = 0; k < student_.size(); ++k) {
        cross_(j, k) += static_cast<A>(product(j, k)) + shift * student_.shift(k);
      }
    }
    teacher_.merge(old_count, added);
    student_.merge(old_count, added);
    samples_ += N;
  }

  /// The correlations of all samples so far. Throws argument_error when there is none, or when an
  /// activation was not finite.
  [[nodiscard]] correlations result() const {
    if (samples_ == 0) throw argument_error("correlation: no samples, expected at least 1");
    teacher_.require_finite("teacher");
    student_.require_finite("student");
    correlations c{make_matrix<double>(teacher_.size(), student_.size()),
                   make_matrix<double>(teacher_.size(), student_.size()), teacher_.states(),
                   student_.states(), samples_};
    const A N = static_cast<A>(samples_);
    const auto ratio = [](A product, A square_1, A square_2) {
      const A norm = std::sqrt(square_1) * std::sqrt(square_2);
      return norm > 0 ? static_cast<double>(std::clamp(product / norm, A(-1), A(1))) : 0.0;
    };
    for (std::size_t j = 0; j < teacher_.size(); ++j) {
      for (std::size_t k = 0; k < student_.size(); ++k) {
        const A means = N * teacher_.mean(j) * student_.mean(k);
        c.rho(j, k) = ratio(cross_(j, k), teacher_.variation(j), student_.variation(k));
        c.cosine(j, k) = ratio(cross_(j, k) + means, teacher_.square(j, N), student_.square(k, N));
      }
    }
    return c;
  }

 private:
  // The moments of one side's nodes.
  class side {
   public:
    explicit side(std::size_t nodes) : nodes_(nodes) {}

    // Centers a chunk by its own mean; remembers how far that is from the mean so far.
    void center(matrix_view<const T> f, std::size_t samples_before) {
      if (samples_before == 0) {
        for (std::size_t k = 0; k < size(); ++k) nodes_[k].first = f(0, k);
      }
      for (auto& node : nodes_) node.shift = node.chunk_variation = 0;
      for (std::size_t i = 0; i < f.rows(); ++i) {
        for (std::size_t k = 0; k < size(); ++k) {
          nodes_[k].shift += static_cast<A>(f(i, k));
          nodes_[k].changes = nodes_[k].changes || f(i, k) != nodes_[k].first;
        }
      }
      const auto centered = centered_.reshape(f.rows(), size());
      for (auto& node : nodes_) {
        node.chunk_mean =
            node.changes ? node.shift / static_cast<A>(f.rows()) : static_cast<A>(node.first);
        node.shift = node.chunk_mean - node.mean;
      }
      for (std::size_t i = 0; i < f.rows(); ++i) {
        for (std::size_t k = 0; k < size(); ++k) {
          const A deviation = static_cast<A>(f(i, k)) - nodes_[k].chunk_mean;
          centered(i, k) = static_cast<T>(deviation);
          nodes_[k].chunk_variation += deviation * deviation;
        }
      }
    }

    void merge(A old_count, A added) {
      const A total = old_count + added;
      for (auto& node : nodes_) {
        node.variation +=
            node.chunk_variation + node.shift * node.shift * old_count * added / total;
        node.mean = node.changes ? node.mean + node.shift * added / total : node.chunk_mean;
      }
    }

    void require_finite(const char* whose) const {
      for (std::size_t k = 0; k < size(); ++k) {
        if (!is_finite(nodes_[k].mean) || !is_finite(nodes_[k].variation)) {
          throw argument_error(
              detail::text("correlation: an activation of ", whose, " node ", k, " is not finite"));
        }
      }
    }

    [[nodiscard]] std::vector<node_state> states() const {
      std::vector<node_state> result(size());
      for (std::size_t k = 0; k < size(); ++k) {
        result[k] = nodes_[k].changes      ? node_state::active
                    : nodes_[k].first == 0 ? node_state::dead
                                           : node_state::constant;
      }
      return result;
    }

    [[nodiscard]] std::size_t size() const noexcept { return nodes_.size(); }
    [[nodiscard]] matrix_view<const T> centered() const noexcept { return centered_.view(); }
    [[nodiscard]] A shift(std::size_t k) const noexcept { return nodes_[k].shift; }
    [[nodiscard]] A mean(std::size_t k) const noexcept { return nodes_[k].mean; }
    // Sum of squared deviations from the mean; exactly 0 for a node that never changed.
    [[nodiscard]] A variation(std::size_t k) const noexcept {
      return nodes_[k].changes ? nodes_[k].variation : A(0);
    }
    [[nodiscard]] A square(std::size_t k, A N) const noexcept {
      return variation(k) + N * nodes_[k].mean * nodes_[k].mean;
    }

   private:
    struct moments {
      A mean = 0, variation = 0;
      A chunk_mean = 0, chunk_variation = 0;
      A shift = 0;  // mean of the last chunk minus the mean before it
      T first = 0;
      bool changes = false;
    };
    std::vector<moments> nodes_;
    workspace<T> centered_;
  };

  side teacher_, student_;
  matrix<A> cross_;  // [m, n], sum of products of deviations
  workspace<T> product_;
  std::size_t samples_ = 0;
};

}  // namespace tutelage
