// How weights follow the descent direction dW (the negative gradient, a mean over the batch).
//
//   sgd            W += rate (dW - decay W)
//   momentum_sgd   v  = mu v + dW - decay W;   W += rate v
//   adam           d  = dW - decay W
//                  m  = b1 m + (1-b1) d;   s = b2 s + (1-b2) d^2
//                  W += rate (m / (1-b1^t)) / (sqrt(s / (1-b2^t)) + eps),  t steps with this one
//
// The formulas are those of torch.optim.SGD and torch.optim.Adam; biases decay like other weights.
// Settings are apart from what a run keeps: optimizer::state<T> is per parameter matrix, and named as
// PyTorch names it: v is momentum_buffer, m is exp_avg, s is exp_avg_sq, t is step. PyTorch's v and m
// have the gradient's sign, ours have that of descent.
#pragma once

#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <tutelage/core/matrix.hpp>
#include <tutelage/model/layer.hpp>
#include <tutelage/train/schedule.hpp>

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

// A matrix as a block of a file. It lies as the parameter matrix does.
template <class T>
block<T> state_block(std::string name, const matrix_view<T>& kept) {
  return {std::move(name), {kept.rows(), kept.cols()}, kept};
}

}  // namespace detail

/// How a parameter matrix follows dW. `rate` is a function of the epoch; check() throws
/// argument_error for settings that mean nothing; step() takes one step and throws shape_error unless
/// what is kept fits. state<T> is what it keeps of one parameter matrix: allocate(rows, cols) makes a
/// beginning, for_each_block(prefix, visit) shows it to whoever writes or reads a run.
/// Satisfied by the three below.
template <class O, class T>
concept optimizer = std::copyable<O> && std::copyable<typename O::template state<T>> &&
    requires(const O& o, typename O::template state<T>& kept,
             const typename O::template state<T>& seen, const matrix_view<T>& W, T rate) {
  requires rate_schedule<decltype(O::rate)>;
  o.check();
  o.step(W, detail::any_visitor{}, rate, kept);
  kept.allocate(std::size_t{}, std::size_t{});
  kept.for_each_block(std::string(), detail::any_visitor{});
  seen.for_each_block(std::string(), detail::any_visitor{});
};

/// Plain stochastic gradient descent. Keeps no gradient: the update is one product into the
/// weights.
struct sgd {
  learning_rate rate;
  double weight_decay = 0;

  template <class T>
  struct state {
    void allocate(std::size_t /*rows*/, std::size_t /*cols*/) noexcept {}
    template <class Visit>
    void for_each_block(const std::string& /*prefix*/, Visit&& /*visit*/) const noexcept {}
  };

  void check() const { detail::require_decay("sgd", weight_decay); }

  /// One step of a parameter matrix W; descent(V, alpha, beta) sets V = alpha dW + beta V.
  template <class T, class Descent>
  void step(const matrix_view<T>& W, const Descent& descent, T rate_now,
            state<T>& /*unused*/) const {
    descent(W, rate_now, T(1) - rate_now * static_cast<real_t<T>>(weight_decay));
  }
};

struct momentum_sgd {
  learning_rate rate;
  double momentum = 0.9;
  double weight_decay = 0;

  template <class T>
  struct state {
    matrix<T> momentum_buffer;  // as W
    void allocate(std::size_t rows, std::size_t cols) {
      momentum_buffer = make_matrix<T>(rows, cols);
    }
    template <class Visit>
    void for_each_block(const std::string& prefix, Visit&& visit) {
      visit(detail::state_block(prefix + "momentum_buffer", matrix_view(momentum_buffer)));
    }
    template <class Visit>
    void for_each_block(const std::string& prefix, Visit&& visit) const {
      visit(detail::state_block(prefix + "momentum_buffer", matrix_view(momentum_buffer)));
    }
  };

  void check() const {
    detail::require_share("momentum_sgd", "momentum", momentum);
    detail::require_decay("momentum_sgd", weight_decay);
  }

  template <class T, class Descent>
  void step(const matrix_view<T>& W, const Descent& descent, T rate_now, state<T>& kept) const {
    detail::require_state("momentum_sgd", "momentum_buffer", W, kept.momentum_buffer);
    const matrix_view<T> v(kept.momentum_buffer);
    descent(v, T(1), static_cast<T>(momentum));
    const T decay = static_cast<T>(weight_decay);
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) {
        v(i, k) -= decay * W(i, k);
        W(i, k) += rate_now * v(i, k);
      }
    }
  }
};

struct adam {
  learning_rate rate;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;

  template <class T>
  struct state {
    matrix<T> exp_avg, exp_avg_sq;  // as W
    std::uint64_t step = 0;
    matrix<T> direction;  // as W; scratch
    void allocate(std::size_t rows, std::size_t cols) {
      direction = exp_avg = exp_avg_sq = make_matrix<T>(rows, cols);
      step = 0;
    }
    template <class Visit>
    void for_each_block(const std::string& prefix, Visit&& visit) {
      show_blocks(*this, prefix, visit);
    }
    template <class Visit>
    void for_each_block(const std::string& prefix, Visit&& visit) const {
      show_blocks(*this, prefix, visit);
    }

   private:
    template <class Self, class Visit>
    static void show_blocks(Self& self, const std::string& prefix, Visit& visit) {
      visit(detail::state_block(prefix + "exp_avg", matrix_view(self.exp_avg)));
      visit(detail::state_block(prefix + "exp_avg_sq", matrix_view(self.exp_avg_sq)));
      visit(detail::number_block(prefix + "step", self.step));
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
  void step(const matrix_view<T>& W, const Descent& descent, T rate_now, state<T>& kept) const {
    detail::require_state("adam", "direction", W, kept.direction);
    detail::require_state("adam", "exp_avg", W, kept.exp_avg);
    detail::require_state("adam", "exp_avg_sq", W, kept.exp_avg_sq);
    const matrix_view<T> d(kept.direction);
    descent(d, T(1), T(0));
    const auto t = static_cast<double>(++kept.step);
    const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
    // Rounded once: 1 - b2 would lose three of a float's seven digits.
    const T c1 = static_cast<T>(1 - beta1), c2 = static_cast<T>(1 - beta2);
    const T step_size = rate_now / static_cast<T>(1 - std::pow(beta1, t));
    const T root = static_cast<T>(std::sqrt(1 - std::pow(beta2, t)));
    const T eps = static_cast<T>(epsilon), decay = static_cast<T>(weight_decay);
    for (std::size_t i = 0; i < W.rows(); ++i) {
      for (std::size_t k = 0; k < W.cols(); ++k) {
        const T direction = d(i, k) - decay * W(i, k);
        T& m = kept.exp_avg(i, k);
        T& s = kept.exp_avg_sq(i, k);
        m = b1 * m + c1 * direction;
        s = b2 * s + c2 * direction * direction;
        W(i, k) += step_size * m / (std::sqrt(s) / root + eps);
      }
    }
  }
};

}  // namespace tutelage
