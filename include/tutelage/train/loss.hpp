// Losses of a batch: values, and negative gradients with respect to the outputs.
//
// A loss is a mean over the batch. evaluate() returns it and writes g = -d(loss of one sample)/d
// f_L for each sample, without the factor 1/N: that enters once, where dW_l averages over the
// batch.
//
//   f, g   [N, C]   outputs, and what backpropagation starts from
//
// Both throw shape_error when the targets or g do not fit the outputs, or when there are none.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>

#include <tutelage/core/kernel/simd.hpp>
#include <tutelage/core/matrix.hpp>
#include <tutelage/core/scattered_rows.hpp>
#include <tutelage/data/label.hpp>
#include <type_traits>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {
template <class T>
void require_outputs(const char* function, const matrix_view<const T>& f, const matrix_view<T>& g) {
  if (f.rows() == 0 || f.cols() == 0) {
    throw shape_error(text(function, ": outputs is ", shape_text(f.rows(), f.cols()),
                           ", expected at least 1 each"));
  }
  require_shape(function, "g", g, f.rows(), f.cols());
}

// A sum of squared differences in 16 parts that do not wait for each other: part p has the elements k
// of each row with k mod 16 = p, whatever the processor's vectors.
inline constexpr std::size_t square_parts = 16;

template <class T>
class squared_differences {
 public:
  // g = y - f over a row; adds the squares of g.
  void add_difference(const T* y, const T* f, T* g, std::size_t count) {
    for (std::size_t k = 0; k < count; ++k) {
      g[k] = y[k] - f[k];
      parts_[k % square_parts] += g[k] * g[k];
    }
  }
  [[nodiscard]] T result() const { return std::accumulate(parts_.begin(), parts_.end(), T(0)); }

 private:
  std::array<T, square_parts> parts_{};
};

template <simd_scalar T>
class squared_differences<T> {
  static constexpr std::size_t vectors = square_parts / lanes<T>;

 public:
  void add_difference(const T* y, const T* f, T* g, std::size_t count) {
    const partial<T> rest(count % lanes<T>);
    std::array<simd<T>, vectors> parts = parts_;  // in registers: all indices below are constants
    const auto add = [&](simd<T> & part, std::size_t k, const auto& piece)
        __attribute__((always_inline)) {
      const simd<T> difference = piece.load(y + k) - piece.load(f + k);
      piece.store(g + k, difference);
      part = multiply_add<T>(difference, difference, part);
    };
    std::size_t k = 0;
    for (; k + square_parts <= count; k += square_parts) {
#pragma GCC unroll 16
      for (std::size_t v = 0; v < vectors; ++v) {
        add(parts[v], k + v * lanes<T>, row_piece<T, false>(rest));
      }
    }
#pragma GCC unroll 16
    for (std::size_t v = 0; v < vectors; ++v, k += lanes<T>) {
      if (k + lanes<T> <= count) {
        add(parts[v], k, row_piece<T, false>(rest));
      } else if (k < count) {
        add(parts[v], k, row_piece<T, true>(rest));
      }
    }
    parts_ = parts;
  }
  [[nodiscard]] T result() const {
    std::array<T, square_parts> parts;
    for (std::size_t v = 0; v < vectors; ++v) {
      parts_[v].store_unaligned(parts.data() + v * lanes<T>);
    }
    return std::accumulate(parts.begin(), parts.end(), T(0));
  }

 private:
  std::array<simd<T>, vectors> parts_ = zeros();

  static auto zeros() {
    std::array<simd<T>, vectors> result;
    result.fill(simd<T>(T(0)));
    return result;
  }
};
}  // namespace detail

/// Half the squared norm: J = 1/(2N) sum_i |y_i - f_i|^2, g = y - f. The targets y are the
/// teacher's outputs, [N, C].
struct mean_squared_error {
  template <scalar T>
  T evaluate(matrix_view<const T> f, std::type_identity_t<matrix_view<const T>> y,
             std::type_identity_t<matrix_view<T>> g) const {
    return over_rows<T>(f, y, g);
  }
  template <scalar T>
  T evaluate(matrix_view<const T> f, scattered_rows<T> y,
             std::type_identity_t<matrix_view<T>> g) const {
    return over_rows<T>(f, y, g);
  }

 private:
  template <class T, class Y>
  static T over_rows(const matrix_view<const T>& f, const Y& y, const matrix_view<T>& g) {
    detail::require_outputs("mean_squared_error", f, g);
    detail::require_shape("mean_squared_error", "targets", y, f.rows(), f.cols());
    detail::squared_differences<T> squares;
    for (std::size_t i = 0; i < f.rows(); ++i) {
      detail::prefetch_ahead(y, i);
      squares.add_difference(y.row(i).data(), f.row(i).data(), g.row(i).data(), f.cols());
    }
    return squares.result() / static_cast<real_t<T>>(2 * f.rows());
  }
};

/// Cross entropy of the softmax of the outputs: J = -1/N sum_i sum_k p_ik ln softmax(f_i)_k,
/// g = p - softmax(f). Targets are probabilities p, [N, C], such as softmax() of a teacher's
/// outputs, or labels, such as a data set's or argmax() of a teacher's outputs.
struct cross_entropy {
  template <real_scalar T>
  T evaluate(matrix_view<const T> f, std::type_identity_t<matrix_view<const T>> p,
             std::type_identity_t<matrix_view<T>> g) const {
    detail::require_outputs("cross_entropy", f, g);
    detail::require_shape("cross_entropy", "probabilities", p, f.rows(), f.cols());
    return over_samples(f, g, [&](std::size_t i, T log_normalizer) {
      T loss = 0;
      for (std::size_t k = 0; k < f.cols(); ++k) {
        loss += p(i, k) * (log_normalizer - f(i, k));
        g(i, k) += p(i, k);
      }
      return loss;
    });
  }

  /// Throws argument_error for a label that is no output's number.
  template <real_scalar T>
  T evaluate(matrix_view<const T> f, std::span<const label> labels,
             std::type_identity_t<matrix_view<T>> g) const {
    detail::require_outputs("cross_entropy", f, g);
    if (labels.size() != f.rows()) {
      throw shape_error(
          detail::text("cross_entropy: ", labels.size(), " labels for ", f.rows(), " samples"));
    }
    return over_samples(f, g, [&](std::size_t i, T log_normalizer) {
      const std::size_t k = labels[i];
      if (k >= f.cols()) {
        throw argument_error(
            detail::text("cross_entropy: label ", k, ", expected one below ", f.cols()));
      }
      g(i, k) += 1;
      return log_normalizer - f(i, k);
    });
  }

 private:
  // Fills g with -softmax(f) and lets `finish` add the target and return the sample's loss.
  template <class T, class Finish>
  static T over_samples(matrix_view<const T> f, matrix_view<T> g, const Finish& finish) {
    T sum = 0;
    for (std::size_t i = 0; i < f.rows(); ++i) {
      const auto row = f.row(i);
      const T largest = *std::max_element(row.begin(), row.end());
      T normalizer = 0;
      for (std::size_t k = 0; k < f.cols(); ++k) {
        g(i, k) = -std::exp(f(i, k) - largest);
        normalizer -= g(i, k);
      }
      for (T& value : g.row(i)) value /= normalizer;
      sum += finish(i, largest + std::log(normalizer));
    }
    return sum / static_cast<T>(f.rows());
  }
};

namespace detail {
template <class View>
void require_columns(const char* function, const View& f) {
  if (f.cols() == 0) throw shape_error(text(function, ": no outputs, expected at least 1"));
}
}  // namespace detail

/// Turns each row of outputs into probabilities, in place. Throws shape_error when there is no
/// column, and argument_error for a row that has none: with a NaN, an infinity, or minus infinities
/// alone.
template <real_scalar T>
void softmax(matrix_view<T> f) {
  detail::require_columns("softmax", f);
  for (std::size_t i = 0; i < f.rows(); ++i) {
    const auto row = f.row(i);
    const T largest = *std::max_element(row.begin(), row.end());
    T normalizer = 0;
    for (T& value : row) normalizer += value = std::exp(value - largest);
    if (!is_finite(normalizer)) {
      throw argument_error(detail::text("softmax: row ", i,
                                        " has no probabilities, its largest is ", largest,
                                        ", expected finite outputs"));
    }
    for (T& value : row) value /= normalizer;
  }
}
template <real_scalar T>
void softmax(matrix<T>& f) {
  softmax(matrix_view<T>(f));
}

/// The number of each row's largest output; of equal ones the first. Throws shape_error when there
/// is no column and argument_error for a NaN.
template <class T>
std::vector<label> argmax(matrix_view<const T> f) {
  detail::require_columns("argmax", f);
  std::vector<label> result(f.rows());
  for (std::size_t i = 0; i < f.rows(); ++i) {
    const auto row = f.row(i);
    if (std::any_of(row.begin(), row.end(), [](const T& value) { return value != value; })) {
      throw argument_error(detail::text("argmax: row ", i, " has a NaN, expected numbers"));
    }
    result[i] = static_cast<label>(std::max_element(row.begin(), row.end()) - row.begin());
  }
  return result;
}
template <class T>
std::vector<label> argmax(const matrix<T>& f) {
  return argmax(matrix_view<const T>(f));
}

namespace detail {

// Can a loss say how far outputs are from these targets?
template <class Loss, class T, class Targets>
constexpr bool takes_targets = requires(const Loss& loss, matrix_view<const T> f, const Targets& y,
                                        matrix_view<T> g) {
  loss.evaluate(f, y, g);
};

template <class Loss, class T, class Targets>
constexpr void check_targets() {
  static_assert(takes_targets<Loss, T, Targets>,
                "the loss does not take these targets: labels are for cross_entropy, rows of the "
                "network's scalar for mean_squared_error");
}

}  // namespace detail

}  // namespace tutelage
