// How weights follow the descent direction dW (the negative gradient, a mean over the batch).
//
//   sgd            W += rate (dW - decay W)
//   momentum_sgd   v  = mu v + dW - decay W;   W += rate v
//   adam           d  = dW - decay W
//                  m  = b1 m + (1-b1) d;   s = b2 s + (1-b2) d^2
//                  W += rate (m / (1-b1^t)) / (sqrt(s / (1-b2^t)) + eps),  t steps with this one
//
// The formulas are those of torch.optim.SGD and torch.optim.Adam; biases decay like other weights.
// Settings are apart from what a run keeps: optimizer::state<T> is per parameter matrix.
#pragma once

#include <cmath>
#include <cstddef>

#include <tutelage/core/matrix.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

inline void require_in(const char* function, const char* what, double value, bool good,
                       const char* expected) {
  if (!good) {
    throw argument_error(text(function, ": ", what, " is ", value, ", expected ", expected));
  }
}
inline void require_share(const char* function, const char* what, double value) {
  require_in(function, what, value, value >= 0 && value < 1, "a number in [0, 1)");
}
inline void require_decay(const char* function, double value) {
  require_in(function, "weight_decay", value, value >= 0 && std::isfinite(value),
             "a finite number from 0 on");
}

template <class T>
void require_state(const char* function, const char* what, const matrix_view<T>& W,
                   const matrix<T>& kept) {
  require_shape(function, what, matrix_view(kept), W.rows(), W.cols());
}

}  // namespace detail

// Every optimizer has check(), which throws argument_error for settings that mean nothing, and
// step(), which throws shape_error unless what is kept fits W.

/// Plain stochastic gradient descent. Keeps no gradient: the update is one product into the
/// weights.
struct sgd {
  double weight_decay = 0;

  template <class T>
  struct state {
    void allocate(std::size_t /*rows*/, std::size_t /*cols*/) noexcept {}
  };

  void check() const { detail::require_decay("sgd", weight_decay); }

  /// One step of a parameter matrix W; descent(V, alpha, beta) sets V = alpha dW + beta V.
  template <class T, class Descent>
  void step(const matrix_view<T>& W, const Descent& descent, T rate, state<T>& /*unused*/) const {
    descent(W, rate, T(1) - rate * static_cast<real_t<T>>(weight_decay));
  }
};

struct momentum_sgd {
  double momentum = 0.9;
  double weight_decay = 0;

  template <class T>
  struct state {
    matrix<T> velocity;  // as W
    void allocate(std::size_t rows, std::size_t cols) { velocity = make_matrix<T>(rows, cols); }
  };

  void check() const {
    detail::require_share("momentum_sgd", "momentum", momentum);
    detail::require_decay("momentum_sgd", weight_decay);
  }

  template <class T, class Descent>
  void step(const matrix_view<T>& W, const Descent& descent, T rate, state<T>& kept) const {
    detail::require_state("momentum_sgd", "velocity", W, kept.velocity);
    const matrix_view<T> v(kept.velocity);
    descent(v, T(1), static_cast<T>(momentum));
    const T decay = static_cast<T>(weight_decay);
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) {
        v(i, k) -= decay * W(i, k);
        W(i, k) += rate * v(i, k);
      }
    }
  }
};

struct adam {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  template <class T>
  struct state {
    matrix<T> direction, first, second;  // as W
    std::size_t steps = 0;
    void allocate(std::size_t rows, std::size_t cols) {
      direction = first = second = make_matrix<T>(rows, cols);
    }
  };

  void check() const {
    detail::require_share("adam", "beta1", beta1);
    detail::require_share("adam", "beta2", beta2);
    detail::require_in("adam", "epsilon", epsilon, epsilon > 0 && std::isfinite(epsilon),
                       "a positive number");
    detail::require_decay("adam", weight_decay);
  }

  template <real_scalar T, class Descent>
  void step(const matrix_view<T>& W, const Descent& descent, T rate, state<T>& kept) const {
    detail::require_state("adam", "direction", W, kept.direction);
    detail::require_state("adam", "first", W, kept.first);
    detail::require_state("adam", "second", W, kept.second);
    const matrix_view<T> d(kept.direction);
    descent(d, T(1), T(0));
    const auto t = static_cast<double>(++kept.steps);
    const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
    // Rounded once: 1 - b2 would lose three of a float's seven digits.
    const T c1 = static_cast<T>(1 - beta1), c2 = static_cast<T>(1 - beta2);
    const T step_size = rate / static_cast<T>(1 - std::pow(beta1, t));
    const T root = static_cast<T>(std::sqrt(1 - std::pow(beta2, t)));
    const T eps = static_cast<T>(epsilon), decay = static_cast<T>(weight_decay);
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) {
        const T direction = d(i, k) - decay * W(i, k);
        T& m = kept.first(i, k);
        T& s = kept.second(i, k);
        m = b1 * m + c1 * direction;
        s = b2 * s + c2 * direction * direction;
        W(i, k) += step_size * m / (std::sqrt(s) / root + eps);
      }
    }
  }
};

}  // namespace tutelage
