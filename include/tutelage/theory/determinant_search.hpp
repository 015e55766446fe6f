// Searches for directions that make the least det M_i as large as it can be: counterexamples to
// Conjecture 5.5 of "Analysis of alignment phenomenon in simple teacher-student networks with
// finite width", which says that it is never above 0 for m >= 3 (M_i: angular_distance.hpp,
// cramer.hpp).
//
// All determinants vanish where directions coincide or enough of them are opposite, so the lines of
// the teacher and the students are kept apart: as lines through 0 they are phi_0 = 0 < phi_1 < ...
// < phi_m < pi with gaps
//
//   gap_k = gap pi/(m+1) + (1 - gap) pi exp(z_k) / sum_l exp(z_l)       k = 0, ..., m
//
// and theta_i = phi_i or phi_i + pi. With the m choices fixed, the least det M_i is a minimum of
// smooth functions of z in R^(m+1); the (1+1)-CMA-ES (Igel, Suttorp and Hansen, GECCO 2006) climbs
// it, which needs no gradients and no line search that would stop at the edges of a minimum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include <tutelage/core/random.hpp>
#include <tutelage/theory/angular_distance.hpp>
#include <tutelage/theory/cramer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// Maximizes a function of R^n from a random start, one trial at a time.
class evolution_strategy {
 public:
  evolution_strategy(std::size_t n, stream random)
      : random_(random),
        best_(n),
        trial_(n),
        step_(n),
        path_(n),
        factor_(make_matrix<double>(n, n)) {
    random_.fill_normal(std::span(best_));
    for (std::size_t i = 0; i < n; ++i) factor_(i, i) = 1;
  }

  /// The next point to look at: best + sigma A N(0, I).
  std::span<const double> propose() {
    for (double& x : step_) x = random_.normal();
    for (std::size_t i = best_.size(); i-- > 0;) {
      double sum = 0;
      for (std::size_t j = 0; j <= i; ++j) sum += factor_(i, j) * step_[j];
      step_[i] = sum;
      trial_[i] = best_[i] + sigma_ * sum;
    }
    return trial_;
  }

  /// Was what was proposed better than the best before?
  void accept(bool better) {
    const auto n = static_cast<double>(best_.size());
    constexpr double target = 2.0 / 11, memory = 1.0 / 12;
    rate_ += memory * ((better ? 1.0 : 0.0) - rate_);
    if (better) {
      best_.swap(trial_);
      adapt(2 / (n + 2), 2 / (n * n + 6));
    }
    sigma_ *= std::exp((rate_ - target) / (1 - target) / (1 + n / 2));
  }

  [[nodiscard]] double sigma() const noexcept { return sigma_; }

 private:
  // C = A A^T becomes (1 - weight) C + weight p p^T, where p remembers the last steps.
  void adapt(double forget, double weight) {
    const std::size_t n = best_.size();
    const bool often = rate_ >= 0.44;  // then sigma is too small, and the last step says little
    for (std::size_t i = 0; i < n; ++i) {
      path_[i] *= 1 - forget;
      if (!often) path_[i] += std::sqrt(forget * (2 - forget)) * step_[i];
    }
    const double keep = 1 - weight + (often ? weight * forget * (2 - forget) : 0);
    // Rank-one update of the triangle A (Golub and Van Loan, section 6.5.4).
    auto& v = step_;
    for (std::size_t i = 0; i < n; ++i) v[i] = std::sqrt(weight) * path_[i];
    const double root = std::sqrt(keep);
    for (std::size_t k = 0; k < n; ++k) {
      for (std::size_t i = k; i < n; ++i) factor_(i, k) *= root;
      const double a = factor_(k, k), r = std::hypot(a, v[k]);
      const double c = r / a, s = v[k] / a;
      factor_(k, k) = r;
      for (std::size_t i = k + 1; i < n; ++i) {
        factor_(i, k) = (factor_(i, k) + s * v[i]) / c;
        v[i] = c * v[i] - s * factor_(i, k);
      }
    }
  }

  stream random_;
  std::vector<double> best_, trial_, step_, path_;
  matrix<double> factor_;  // [n, n], lower triangle
  double sigma_ = 0.5;
  double rate_ = 2.0 / 11;  // of successes
};

}  // namespace detail

struct determinant_search {
  std::size_t evaluations = 20'000;
  double gap = 0.1;  // between neighboring lines, at least, in units of pi/(m+1); in (0, 1]
};

/// The best directions of one climb, in increasing order.
struct found_directions {
  std::vector<double> theta;   // [m]
  double min_determinant = 0;  // min_i det M_i
};

/// One climb from a random start that the stream names. Throws argument_error when m is 0, when
/// there is nothing to evaluate or the gap lies outside (0, 1].
template <angular_function<double> F>
found_directions maximize_min_determinant(const F& f, std::size_t m,
                                          const determinant_search& settings, stream random) {
  if (m == 0 || settings.evaluations == 0 || !(settings.gap > 0 && settings.gap <= 1)) {
    throw argument_error(detail::text("maximize_min_determinant: m is ", m, ", evaluations ",
                                      settings.evaluations, ", gap ", settings.gap,
                                      "; expected at least 1, at least 1, and in (0, 1]"));
  }
  std::vector<bool> opposite(m);
  for (std::size_t i = 0; i < m; ++i) opposite[i] = random.below(2) == 1;
  detail::evolution_strategy strategy(m + 1, random);
  angular_matrices<double> a;
  cramer_determinants<double> determinants;
  std::vector<double> theta(m);
  const auto place = [&](std::span<const double> z) {
    constexpr double pi = std::numbers::pi;
    const double top = *std::max_element(z.begin(), z.end());
    double sum = 0;
    for (const double x : z) sum += std::exp(x - top);
    double phi = 0;
    for (std::size_t i = 0; i < m; ++i) {
      phi += settings.gap * pi / static_cast<double>(m + 1) +
             (1 - settings.gap) * pi * (std::exp(z[i] - top) / sum);
      theta[i] = opposite[i] ? phi + pi : phi;
    }
  };
  found_directions best;
  for (std::size_t n = 0; n < settings.evaluations && strategy.sigma() > 1e-12; ++n) {
    place(strategy.propose());
    a.compute(f, std::span<const double>(theta));
    determinants.compute(a.M, a.b);
    const double value = determinants.min_replaced();
    const bool better = best.theta.empty() || value > best.min_determinant;
    if (better) best = {theta, value};
    strategy.accept(better);
  }
  std::sort(best.theta.begin(), best.theta.end());
  return best;
}

}  // namespace tutelage
