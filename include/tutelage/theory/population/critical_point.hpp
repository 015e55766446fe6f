// What kind of critical point of the population loss a student is at: the spectrum of the Hessian,
// modulo the scalings that change nothing and in units of the problem.
//
// With a trained fan-out J does not change when w_i grows by a factor and v_i shrinks by it. So
// every node is taken where std |w_i| = |v_i|, or at unit length where v_i = 0, and the direction
// (w_i, -v_i) of its scaling is left out: J does not bend along it, nor does the gradient reach
// into it. A node keeps it whose gradient is above 2^10 of its length's cube, for it adds less than
// 2^-10 to what teacher and student differ by: the critical point is where that node is zero, and
// scalings leave zero where it is. With J_0 = J(v = 0) = 1/2 E|y*|^2, what is judged is
//
//   J / J_0  as a function of  std w_i / J_0^(1/4),  v_i / J_0^(1/4),  output bias / J_0^(1/2)
//                     or of  std |v_i| w_i / J_0^(1/2)                           (fixed fan-out)
//
// so neither the lengths of teacher and student nor those of inputs matter. An eigenvalue of its
// Hessian counts as zero within
//
//   16 p epsilon max|lambda| + 8 max(|gradient|, |gradient of a node| / length of the node)
//
// The first is the rounding of the Hessian and of LAPACK, p parameters; the second is how much
// flat directions bend while the gradient is not quite zero. Such are left where nodes share one
// teacher or have no fan-out.
//
// A small gradient does not tell a critical point from what is far from one in a node that is short
// itself, and the Hessian changes as nodes move by a share of their lengths. So Newton's step has to
// be short for every node, but for those next to zero. It is taken along eigenvectors whose
// eigenvalues are above 16 p epsilon max|lambda| + 8 |gradient|: along flat ones it has no end.
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
      std::vector<entry> u;
      T w = 0, v = 0;
      for (std::size_t i = 0; i < W.rows(); ++i) w = std::hypot(w, input(i) * W(i, k));
      for (const T& x : V.row(k)) v = std::hypot(v, x);
      if constexpr (FanOut::layers == 1) {
        for (std::size_t i = 0; i < W.rows(); ++i) {
          const std::size_t at = i * n_ + k;
          scale_[at] = root / (input(i) * (v == 0 ? T(1) : v));
          u.push_back({at, W(i, k) / scale_[at]});
        }
        nodes_.push_back({places_of(u), length_of(u)});
      } else {
        const T grow = v == 0 ? unit / w : std::sqrt(v / w);
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
        const T length = length_of(u);
        T slope = 0;
        for (const entry& e : u) {
          slope = std::hypot(slope, gradient[e.place] / power * scale_[e.place]);
        }
        nodes_.push_back({places_of(u), length});
        if (slope > T(0x1p+10) * length * length * length) {
          nodes_.back().length = std::numeric_limits<T>::infinity();
        } else {
          for (entry& e : u) e.value /= length;
          make_reflector(u);
          scalings_.push_back(std::move(u));
        }
      }
    }
  }

  /// In the order of parameters.hpp.
  [[nodiscard]] std::span<const T> scale() const noexcept { return scale_; }

  /// The gradient of J / J_0.
  std::vector<T> in_units(std::vector<T> gradient, T power) const {
    for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] *= scale_[i] / power;
    return gradient;
  }

  /// The largest share of its length that a node's part of x, in units, has. A node at zero has no
  /// length.
  [[nodiscard]] T largest_share(const std::vector<T>& x) const {
    T largest = 0;
    for (const node& u : nodes_) {
      T part = 0;
      for (const std::size_t at : u.places) part = std::hypot(part, x[at]);
      largest = std::max(largest, part / u.length);
    }
    return largest;
  }

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

  /// A vector in units, across the scalings.
  std::vector<T> reduce(std::vector<T> x) const {
    reflect([&](std::size_t i) -> T& { return x[i]; });
    std::vector<T> small;
    for (const std::size_t at : kept_places()) small.push_back(x[at]);
    return small;
  }

  /// A vector of that space in units, [p].
  template <class Vector>
  std::vector<T> expand(const Vector& y) const {
    std::vector<T> x(scale_.size());
    const auto kept = kept_places();
    for (std::size_t i = 0; i < kept.size(); ++i) x[kept[i]] = y(i);
    reflect([&](std::size_t i) -> T& { return x[i]; });
    return x;
  }

 private:
  struct entry {
    std::size_t place;
    T value;
  };
  struct node {
    std::vector<std::size_t> places;
    T length;
  };

  static std::vector<std::size_t> places_of(const std::vector<entry>& u) {
    std::vector<std::size_t> places;
    for (const entry& e : u) places.push_back(e.place);
    return places;
  }
  static T length_of(const std::vector<entry>& u) {
    T length = 0;
    for (const entry& e : u) length = std::hypot(length, e.value);
    return length;
  }

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
  std::vector<T> scale_;  // a parameter is scale_ times its number in units
  std::vector<node> nodes_;
  std::vector<std::vector<entry>> scalings_;  // reflectors, one a node
};

}  // namespace detail

/// Classifies the point at which `student` is. Throws argument_error when it is no critical point:
/// the gradient's norm, in the units above, is over `largest_gradient`, or Newton's step would move
/// a node by more than `largest_step` of its length; when a student node is zero, or J_0 is not a
/// normal number: the teacher's output is zero, or too small or large to be squared. Throws
/// shape_error when student and teacher do not fit.
template <class FanOut = trained_fan_out, class Loss, two_layer_network Student>
classified_point<typename Student::value_type> classify(
    Loss& loss, const Student& student, typename Student::value_type largest_gradient = 1e-8,
    typename Student::value_type largest_step = 0x1p-10) {
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
  if (!(found.power > 0 && std::isnormal(found.power))) {
    throw argument_error(detail::text("classify: half the teacher's mean squared output is ",
                                      found.power, ", expected a normal number above 0"));
  }
  auto hessian = hessian_of(loss);
  auto H = hessian.template operator()<FanOut>(student);
  gradients<Student> gradient;
  found.loss = loss.gradient(student, gradient);
  std::vector<T> slope(p);
  read_parameters<FanOut>(gradient, std::span<T>(slope));
  const detail::scaling_quotient<FanOut, T> quotient(student, loss.std(), found.power, slope);
  const auto steepest = quotient.in_units(std::move(slope), found.power);
  for (const T& x : steepest) found.gradient_norm = std::hypot(found.gradient_norm, x);
  if (!(found.gradient_norm <= largest_gradient)) {
    throw argument_error(detail::text("classify: the gradient's norm is ", found.gradient_norm,
                                      ", expected at most ", largest_gradient));
  }

  auto system = symmetric_eigen(quotient.reduce(std::move(H), found.power));
  found.eigenvalues = std::move(system.values);
  const T largest = std::max(std::abs(found.eigenvalues.front()), found.eigenvalues.back());
  const T rounding = 16 * static_cast<T>(p) * std::numeric_limits<T>::epsilon() * largest;
  // Newton's step, but for what flat directions would add to it.
  const auto across = quotient.reduce(steepest);
  std::vector<T> along(across.size(), T(0));
  for (std::size_t k = 0; k < along.size(); ++k) {
    if (!(std::abs(found.eigenvalues[k]) > rounding + 8 * found.gradient_norm)) continue;
    T product = 0;
    for (std::size_t i = 0; i < along.size(); ++i) product += across[i] * system.vectors(i, k);
    for (std::size_t i = 0; i < along.size(); ++i) {
      along[i] += product / found.eigenvalues[k] * system.vectors(i, k);
    }
  }
  const T share = quotient.largest_share(quotient.expand([&](std::size_t i) { return along[i]; }));
  if (!(share <= largest_step)) {
    throw argument_error(detail::text("classify: Newton's step moves a node by ", share,
                                      " of its length, expected at most ", largest_step));
  }
  found.lowest_direction = quotient.expand([&](std::size_t i) { return system.vectors(i, 0); });
  for (std::size_t i = 0; i < p; ++i) found.lowest_direction[i] *= quotient.scale()[i];
  const T bend = std::max(found.gradient_norm, quotient.largest_share(steepest));
  found.zero_within = rounding + 8 * bend;
  for (const T& x : found.eigenvalues) {
    ++(x < -found.zero_within  ? found.negative
       : x > found.zero_within ? found.positive
                               : found.zero);
  }
  found.kind = found.negative > 0 ? critical_kind::saddle
               : found.zero > 0   ? critical_kind::degenerate
                                  : critical_kind::minimum;
  return found;
}

}  // namespace tutelage
