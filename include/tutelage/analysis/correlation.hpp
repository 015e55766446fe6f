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
#include <utility>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

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

/// Collects samples; add() may be called any number of times. Throws shape_error for no nodes.
template <real_scalar T>
class correlation_accumulator {
  using A = accumulator_t<T>;

 public:
  correlation_accumulator(std::size_t teacher_nodes, std::size_t student_nodes)
      : teacher_(teacher_nodes),
        student_(student_nodes),
        cross_(make_matrix<A>(teacher_nodes, student_nodes)) {
    if (teacher_nodes == 0 || student_nodes == 0) {
      throw shape_error(detail::text("correlation: ", shape_text(teacher_nodes, student_nodes),
                                     " nodes, expected at least 1 each"));
    }
  }

  /// What was moved from has seen nothing and takes nothing.
  correlation_accumulator(const correlation_accumulator&) = default;
  correlation_accumulator(correlation_accumulator&& other) noexcept
      : teacher_(std::move(other.teacher_)),
        student_(std::move(other.student_)),
        cross_(std::move(other.cross_)),
        samples_(std::exchange(other.samples_, 0)) {}
  correlation_accumulator& operator=(correlation_accumulator other) noexcept {
    teacher_ = std::move(other.teacher_);
    student_ = std::move(other.student_);
    cross_ = std::move(other.cross_);
    samples_ = other.samples_;
    return *this;
  }
  ~correlation_accumulator() = default;

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
      const A shift = weight * teacher_.shifts()[j];
      const T* const products = product.row(j).data();
      const A* const shifts = student_.shifts();
      A* const cross = cross_.data() + j * student_.size();
      for (std::size_t k = 0; k < student_.size(); ++k) {
        cross[k] += static_cast<A>(products[k]) + shift * shifts[k];
      }
    }
    teacher_.merge(old_count, added);
    student_.merge(old_count, added);
    samples_ += N;
  }

  /// The correlations of all samples so far. Throws argument_error when there are fewer than 2, or
  /// when an activation was not finite.
  [[nodiscard]] correlations result() const {
    if (samples_ < 2) {
      throw argument_error(
          detail::text("correlation: samples seen: ", samples_, ", expected at least 2"));
    }
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
  // The moments of one side's nodes: one array a moment, so that loops over nodes run in vectors.
  class side {
   public:
    explicit side(std::size_t nodes)
        : first_(nodes),
          changes_(nodes),
          mean_(nodes),
          variation_(nodes),
          shift_(nodes),
          chunk_mean_(nodes),
          chunk_variation_(nodes) {}

    // Centers a chunk by its own mean; remembers how far that is from the mean so far.
    void center(matrix_view<const T> f, std::size_t samples_before) {
      if (samples_before == 0) std::copy_n(f.row(0).data(), size(), first_.data());
      std::fill(chunk_mean_.begin(), chunk_mean_.end(), A(0));
      for (std::size_t i = 0; i < f.rows(); ++i) {
        add_row(f.row(i).data(), first_.data(), chunk_mean_.data(), changes_.data(), size());
      }
      for (std::size_t k = 0; k < size(); ++k) {
        chunk_mean_[k] =
            changes(k) ? chunk_mean_[k] / static_cast<A>(f.rows()) : static_cast<A>(first_[k]);
        shift_[k] = chunk_mean_[k] - mean_[k];
      }
      std::fill(chunk_variation_.begin(), chunk_variation_.end(), A(0));
      const auto centered = centered_.reshape(f.rows(), size());
      for (std::size_t i = 0; i < f.rows(); ++i) {
        center_row(f.row(i).data(), chunk_mean_.data(), centered.row(i).data(),
                   chunk_variation_.data(), size());
      }
    }

    void merge(A old_count, A added) {
      const A total = old_count + added;
      for (std::size_t k = 0; k < size(); ++k) {
        variation_[k] += chunk_variation_[k] + shift_[k] * shift_[k] * old_count * added / total;
        mean_[k] = changes(k) ? mean_[k] + shift_[k] * added / total : chunk_mean_[k];
      }
    }

    void require_finite(const char* whose) const {
      for (std::size_t k = 0; k < size(); ++k) {
        if (!is_finite(mean_[k]) || !is_finite(variation_[k])) {
          throw argument_error(
              detail::text("correlation: an activation of ", whose, " node ", k, " is not finite"));
        }
      }
    }

    [[nodiscard]] std::vector<node_state> states() const {
      std::vector<node_state> result(size());
      for (std::size_t k = 0; k < size(); ++k) {
        result[k] = changes(k)       ? node_state::active
                    : first_[k] == 0 ? node_state::dead
                                     : node_state::constant;
      }
      return result;
    }

    [[nodiscard]] std::size_t size() const noexcept { return first_.size(); }
    [[nodiscard]] matrix_view<const T> centered() const noexcept { return centered_.view(); }
    [[nodiscard]] const A* shifts() const noexcept { return shift_.data(); }
    [[nodiscard]] A mean(std::size_t k) const noexcept { return mean_[k]; }
    // Sum of squared deviations from the mean; exactly 0 for a node that never changed.
    [[nodiscard]] A variation(std::size_t k) const noexcept {
      return changes(k) ? variation_[k] : A(0);
    }
    [[nodiscard]] A square(std::size_t k, A N) const noexcept {
      return variation(k) + N * mean_[k] * mean_[k];
    }

   private:
    static void add_row(const T* f, const T* first, A* sum, A* changes, std::size_t n) {
      for (std::size_t k = 0; k < n; ++k) {
        sum[k] += static_cast<A>(f[k]);
        changes[k] += f[k] != first[k] ? A(1) : A(0);
      }
    }
    static void center_row(const T* f, const A* mean, T* centered, A* variation, std::size_t n) {
      for (std::size_t k = 0; k < n; ++k) {
        const A deviation = static_cast<A>(f[k]) - mean[k];
        centered[k] = static_cast<T>(deviation);
        variation[k] += deviation * deviation;
      }
    }
    [[nodiscard]] bool changes(std::size_t k) const noexcept { return changes_[k] > 0; }

    std::vector<T> first_;
    std::vector<A> changes_;  // samples that differ from the first
    std::vector<A> mean_, variation_;
    std::vector<A> shift_;  // mean of the last chunk minus the mean before it
    std::vector<A> chunk_mean_, chunk_variation_;
    workspace<T> centered_;
  };

  side teacher_, student_;
  matrix<A> cross_;  // [m, n], sum of products of deviations
  workspace<T> product_;
  std::size_t samples_ = 0;
};

}  // namespace tutelage
