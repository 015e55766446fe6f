// The steps of torch.optim.SGD and torch.optim.Adam for one layer, as their documentation has them,
// element by element in long double. `grad` is the gradient of the mean loss, minus the library's
// dW. Beside each number runs the error that rounding to T can have made of it.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <tutelage/core/matrix.hpp>

namespace reference {

using namespace tutelage;

/// A number, and how far from it a computation with relative roundings may be.
struct bounded {
  long double value = 0;
  long double error = 0;
};

struct optimizer_settings {
  long double weight_decay = 0;
  long double momentum = 0;  // of SGD
  long double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
};

/// [x; 1]^T g / -N for a layer with inputs x [N, In] and negative gradients g [N, Out]; the error
/// is that of a sum of N terms and a factor.
template <class T>
std::vector<bounded> gradient(const matrix<T>& x, const matrix<T>& g, bool has_bias,
                              long double epsilon) {
  const std::size_t N = x.shape(0), in = x.shape(1);
  std::vector<bounded> result;
  for (std::size_t j = 0; j < in + (has_bias ? 1 : 0); ++j) {
    for (std::size_t k = 0; k < g.shape(1); ++k) {
      bounded sum;
      for (std::size_t i = 0; i < N; ++i) {
        const long double factor = j < in ? static_cast<long double>(x(i, j)) : 1;
        const long double term = factor * static_cast<long double>(g(i, k));
        sum.value -= term / static_cast<long double>(N);
        sum.error += std::abs(term) / static_cast<long double>(N);
      }
      sum.error *= static_cast<long double>(N + 2) * epsilon;
      result.push_back(sum);
    }
  }
  return result;
}

/// One parameter under torch.optim.SGD. Gradients of N samples may be added to what is there one by
/// one.
class sgd_parameter {
 public:
  explicit sgd_parameter(long double start) : p_{start, 0} {}

  void step(const bounded& grad, std::size_t N, long double lr, const optimizer_settings& o,
            long double epsilon) {
    const auto added = static_cast<long double>(N + 1) * epsilon;
    const bounded d{grad.value + o.weight_decay * p_.value,
                    grad.error + o.weight_decay * (p_.error + 2 * epsilon * std::abs(p_.value)) +
                        epsilon * std::abs(grad.value)};
    buffer_.error = o.momentum * (buffer_.error + added * std::abs(buffer_.value)) + d.error;
    buffer_.value = o.momentum * buffer_.value + d.value;
    p_.error += lr * (buffer_.error + 2 * epsilon * std::abs(buffer_.value)) +
                added * (std::abs(p_.value) + lr * std::abs(buffer_.value));
    p_.value -= lr * buffer_.value;
  }
  [[nodiscard]] const bounded& p() const { return p_; }

 private:
  bounded p_, buffer_;
};

/// One parameter under torch.optim.Adam. Corrections of the bias, 1 - beta^t, are differences of
/// numbers in double.
class adam_parameter {
 public:
  explicit adam_parameter(long double start) : p_{start, 0} {}

  void step(const bounded& grad, std::size_t /*N*/, long double lr, const optimizer_settings& o,
            long double epsilon) {
    ++t_;
    const bounded d{grad.value + o.weight_decay * p_.value,
                    grad.error + o.weight_decay * (p_.error + 2 * epsilon * std::abs(p_.value)) +
                        epsilon * std::abs(grad.value)};
    m_.error = o.beta1 * (m_.error + 2 * epsilon * std::abs(m_.value)) +
               (1 - o.beta1) * (d.error + 2 * epsilon * std::abs(d.value));
    m_.value = o.beta1 * m_.value + (1 - o.beta1) * d.value;
    v_.error = o.beta2 * (v_.error + 2 * epsilon * v_.value) +
               (1 - o.beta2) * (2 * std::abs(d.value) * d.error + 3 * epsilon * d.value * d.value);
    v_.value = o.beta2 * v_.value + (1 - o.beta2) * d.value * d.value;
    const long double correction1 = 1 - std::pow(o.beta1, t_);
    const long double correction2 = 1 - std::pow(o.beta2, t_);
    const long double denominator = std::sqrt(v_.value) / std::sqrt(correction2) + o.eps;
    const long double change = lr / correction1 * m_.value / denominator;
    const long double unit = std::numeric_limits<double>::epsilon();
    const long double relative = (v_.value > 0 ? v_.error / (2 * v_.value) : 0) +
                                 unit / correction1 + unit / (2 * correction2);
    p_.value -= change;
    p_.error += lr / correction1 * m_.error / denominator +
                std::abs(change) * (relative + 6 * epsilon) + epsilon * std::abs(p_.value);
  }
  [[nodiscard]] const bounded& p() const { return p_; }

 private:
  bounded p_, m_, v_;
  long double t_ = 0;
};

}  // namespace reference
