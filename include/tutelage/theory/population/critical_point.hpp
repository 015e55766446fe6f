// What kind of critical point of the population loss a student is at: the spectrum of the Hessian,
// modulo the scalings that change nothing and in units of the problem.
//
// With a trained fan-out J does not change when w_i grows by a factor and v_i shrinks by it. So
// every node is taken where std |w_i| = |v_i|, or at unit length where v_i = 0, and the direction
// (w_i, -v_i) of its scaling is left out: J does not bend along it, nor does the gradient reach
// into it. A node whose gradient is above 2^-10 of its length keeps it: the critical point is where
// that node is zero, and scalings leave zero where it is. With J_0 = J(v = 0) = 1/2 E|y*|^2, what
// is judged is
//
//   J / J_0  as a function of  std w_i / J_0^(1/4),  v_i / J_0^(1/4),  output bias / J_0^(1/2)
//                     or of  std |v_i| w_i / J_0^(1/2)                           (fixed fan-out)
//
// so neither the lengths of teacher and student nor those of inputs matter. An eigenvalue of its
// Hessian counts as zero within
//
//   16 p epsilon max|lambda| + 8 |gradient|
//
// The first is the rounding of the Hessian and of LAPACK, p parameters; the second is how much
// flat directions bend while the gradient is not quite zero. Such are left where nodes share one
// teacher or have no fan-out.
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <tutelage/core/decompositions.hpp>
#include <tutelage/theory/population/population_hessian.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

enum class critical_kind {
  minimum,    // all eigenvalues are positive: isolated but for its scalings
  saddle,     // one is negative: the loss falls along the escape direction
  degenerate  // none is negative, some are zero: a flat minimum, unless higher orders say otherwise
};

template <class T>
struct classified_point {
  critical_kind kind;
  T loss;
  T power;                     // J_0
  T gradient_norm;             // of J / J_0, Euclidean
  std::vector<T> eigenvalues;  // of J / J_0, ascending; without the scalings
  T zero_within;
  std::size_t negative, zero, positive;  // how many there are
  /// To the lowest eigenvalue, in the order of parameters.hpp. Of a saddle, the escape direction: a
  /// short t along it, to either side, the loss changes by 1/2 power eigenvalues[0] t^2.
  std::vector<T> lowest_direction;
};

namespace detail {

/// The units of a student's parameters, and its scalings in these units.
template <class FanOut, class T>
class scaling_quotient {
 public:
  template <class Student>
  scaling_quotient(const Student& student, T std, T power, const std::vector<T>& gradient)
      : n_(student.template layer<1>().weights().cols()) {
    const auto W = student.template layer<1>().weights();
    const auto V = student.template layer<2>().weights();
    const T root = std::sqrt(power), unit = std::sqrt(root);
    const std::size_t lower = W.rows() * n_;
    scale_.assign(parameter_count<FanOut>(student), root);  // an output bias keeps it
    for (std::size_t k = 0; k < n_; ++k) {
      const auto input = [&](std::size_t i) { return i < student.in_width() ? std : T(1); };
      T w = 0, v = 0;
      for (std::size_t i = 0; i < W.rows(); ++i) w = std::hypot(w, input(i) * W(i, k));
      for (const T& x : V.row(k)) v = std::hypot(v, x);
      if constexpr (FanOut::layers == 1) {
        for (std::size_t i = 0; i < W.rows(); ++i) {
          scale_[i * n_ + k] = root / (input(i) * (v == 0 ? T(1) : v));
        }
      } else {
        const T grow = v == 0 ? unit / w : std::sqrt(v / w);
        auto& u = scalings_.emplace_back();
        for (std::size_t i = 0; i < W.rows(); ++i) {
          const std::size_t at = i * n_ + k;
          scale_[at] = unit / (input(i) * grow);
          u.push_back({at, W(i, k) / scale_[at]});
        }
        for (std::size_t c = 0; c < V.cols(); ++c) {
          const std::size_t at = lower + k * V.cols() + c;
          scale_[at] = unit * grow;
          u.push_back({at, -V(k, c) / scale_[at]});
        }
        T length = 0, slope = 0;
        for (const entry& e : u) {
          length = std::hypot(length, e.value);
          slope = std::hypot(slope, gradient[e.place] / power * scale_[e.place]);
        }
        if (slope > T(0x1p-10) * length) {
          scalings_.pop_back();
        } else {
          for (entry& e : u) e.value /= length;
          make_reflector(u);
        }
      }
    }
  }

  /// In the order of parameters.hpp.
  [[nodiscard]] std::span<const T> scale() const noexcept { return scale_; }

  /// The Hessian of J / J_0 across the scalings.
  matrix<T> reduce(matrix<T> H, T power) const {
    const std::size_t p = scale_.size();
    for (std::size_t i = 0; i < p; ++i) {
      for (std::size_t j = 0; j < p; ++j) H(i, j) *= scale_[i] / power * scale_[j];
    }
    for (std::size_t j = 0; j < p; ++j) {
      reflect([&](std::size_t i) -> T& { return H(i, j); });
    }
    for (std::size_t i = 0; i < p; ++i) {
      reflect([&](std::size_t j) -> T& { return H(i, j); });
    }
    const auto kept = kept_places();
    auto small = make_matrix<T>(kept.size(), kept.size());
    for (std::size_t i = 0; i < kept.size(); ++i) {
      for (std::size_t j = 0; j < kept.size(); ++j) small(i, j) = H(kept[i], kept[j]);
    }
    return small;
  }

  /// The gradient of J / J_0 in that space.
  std::vector<T> reduce(std::vector<T> gradient, T power) const {
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] *= scale_[i] / power;
    reflect([&](std::size_t i) -> T& { return gradient[i]; });
    std::vector<T> small;
    for (const std::size_t i : kept_places()) small.push_back(gradient[i]);
    return small;
  }

  /// A vector of that space as parameters, [p].
  template <class Vector>
  std::vector<T> expand(const Vector& y) const {
    std::vector<T> x(scale_.size());
    const auto kept = kept_places();
    for (std::size_t i = 0; i < kept.size(); ++i) x[kept[i]] = y(i);
    reflect([&](std::size_t i) -> T& { return x[i]; });
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= scale_[i];
    return x;
  }

 private:
  struct entry {
    std::size_t place;
    T value;
  };

  // Householder's, of length sqrt 2: it takes u, of length 1, to its first place.
  static void make_reflector(std::vector<entry>& u) {
    const T first = u.front().value, sign = first < 0 ? T(-1) : T(1);
    u.front().value += sign;
    const T norm = std::sqrt(1 + std::abs(first));
    for (entry& e : u) e.value /= norm;
  }

  template <class At>
  void reflect(const At& at) const {
    for (const auto& u : scalings_) {
      T sum = 0;
      for (const entry& e : u) sum += e.value * at(e.place);
      for (const entry& e : u) at(e.place) -= e.value * sum;
    }
  }

  [[nodiscard]] std::vector<std::size_t> kept_places() const {
    std::vector<std::size_t> kept(scale_.size());
    std::iota(kept.begin(), kept.end(), std::size_t{0});
    for (const auto& u : scalings_) std::erase(kept, u.front().place);
    return kept;
  }

  std::size_t n_;
  std::vector<T> scale_;                      // a parameter is scale_ times its number in units
  std::vector<std::vector<entry>> scalings_;  // reflectors, one a node
};

/// Throws argument_error when Newton's step `move` [p] to a minimum takes a node by more than 2^-5 of
/// its length: the minimum is another point.
template <class FanOut, class T, class Student>
void require_near(const Student& student, T std, const std::vector<T>& move) {
  std::vector<T> at(move.size());
  read_parameters<FanOut>(student, std::span<T>(at));
  const auto W = student.template layer<1>().weights();
  const std::size_t n = W.cols(), C = student.out_width();
  const auto require = [&](std::size_t k, T moves, T length) {
    if (moves <= T(0x1p-5) * length) return;
    throw argument_error(text("classify: node ", k, " is ", moves / length,
                              " of its length from the nearest critical point, expected at most ",
                              0x1p-5));
  };
  for (std::size_t k = 0; k < n; ++k) {
    T moves = 0, length = 0;
    for (std::size_t i = 0; i < W.rows(); ++i) {
      const T input = i < student.in_width() ? std : T(1);
      moves = std::hypot(moves, input * move[i * n + k]);
      length = std::hypot(length, input * at[i * n + k]);
    }
    require(k, moves, length);
    moves = length = 0;
    for (std::size_t c = 0; FanOut::layers > 1 && c < C; ++c) {
      const std::size_t place = W.rows() * n + k * C + c;
      moves = std::hypot(moves, move[place]);
      length = std::hypot(length, at[place]);
    }
    require(k, moves, length);
  }
}

}  // namespace detail

/// Classifies the point at which `student` is. Throws argument_error when the gradient's norm, in
/// the units above, is over `largest_gradient` (it is no critical point), when the minimum that it
/// would be is further from a node than 2^-5 of the node's length, a student node is zero or the
/// teacher's output is, shape_error when student and teacher do not fit.
template <class FanOut = trained_fan_out, class Loss, two_layer_network Student>
classified_point<typename Student::value_type> classify(
    Loss& loss, const Student& student, typename Student::value_type largest_gradient = 1e-8) {
  using T = typename Student::value_type;
  static_assert(std::same_as<T, double>, "classify: eigenvalues are found in double");
  const std::size_t p = parameter_count<FanOut>(student);
  classified_point<T> found{};
  Student mute = student;
  auto fan_out = mute.template layer<2>().weights();
  for (std::size_t k = 0; k < fan_out.rows(); ++k) {
    for (T& x : fan_out.row(k)) x = 0;
  }
  found.power = loss.loss(mute);
  if (!(found.power > 0)) throw argument_error("classify: the teacher's output is zero");
  auto hessian = hessian_of(loss);
  auto H = hessian.template operator()<FanOut>(student);
  gradients<Student> gradient;
  found.loss = loss.gradient(student, gradient);
  std::vector<T> slope(p);
  read_parameters<FanOut>(gradient, std::span<T>(slope));
  const detail::scaling_quotient<FanOut, T> quotient(student, loss.std(), found.power, slope);
  for (std::size_t i = 0; i < p; ++i) {
    const T part = slope[i] / found.power * quotient.scale()[i];
    found.gradient_norm = std::hypot(found.gradient_norm, part);
  }
  if (!(found.gradient_norm <= largest_gradient)) {
    throw argument_error(detail::text("classify: the gradient's norm is ", found.gradient_norm,
                                      ", expected at most ", largest_gradient));
  }

  auto system = symmetric_eigen(quotient.reduce(std::move(H), found.power));
  found.eigenvalues = std::move(system.values);
  found.lowest_direction = quotient.expand([&](std::size_t i) { return system.vectors(i, 0); });
  const T largest = std::max(std::abs(found.eigenvalues.front()), found.eigenvalues.back());
  found.zero_within = 16 * static_cast<T>(p) * std::numeric_limits<T>::epsilon() * largest +
                      8 * found.gradient_norm;
  for (const T& x : found.eigenvalues) {
    ++(x < -found.zero_within  ? found.negative
       : x > found.zero_within ? found.positive
                               : found.zero);
  }
  found.kind = found.negative > 0 ? critical_kind::saddle
               : found.zero > 0   ? critical_kind::degenerate
                                  : critical_kind::minimum;
  if (found.kind == critical_kind::minimum) {
    const auto reduced = quotient.reduce(slope, found.power);
    std::vector<T> step(reduced.size());
    for (std::size_t e = 0; e < step.size(); ++e) {
      T along = 0;
      for (std::size_t i = 0; i < step.size(); ++i) along += reduced[i] * system.vectors(i, e);
      for (std::size_t i = 0; i < step.size(); ++i) {
        step[i] -= along / found.eigenvalues[e] * system.vectors(i, e);
      }
    }
    detail::require_near<FanOut>(student, loss.std(),
                                 quotient.expand([&](std::size_t i) { return step[i]; }));
  }
  return found;
}

}  // namespace tutelage
