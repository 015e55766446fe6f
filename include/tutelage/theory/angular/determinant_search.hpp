// Searches for directions that make the least det M_i, against all of them, as large as it can be:
//
//   score = min_i det M_i / sum_i |det M_i|       at most 1/m; above 0 where all det M_i are
//
// which knows no scale of f. Conjecture 5.5 of "Analysis of alignment phenomenon in simple
// teacher-student networks with finite width" says that it is never above 0 for m >= 3 (M_i:
// angular_distance.hpp, cramer.hpp); it is for other functions than arc_cosine<1>
// (angular_conditions.hpp).
//
// All determinants vanish where directions coincide or enough of them are opposite, so the lines of
// the teacher and the students are kept apart: as lines through 0 they are phi_0 = 0 < phi_1 < ...
// < phi_m < pi with gaps
//
//   gap_k = gap pi/(m+1) + (1 - gap) pi exp(z_k) / sum_l exp(z_l)       k = 0, ..., m
//
// and theta_i = phi_i or phi_i + pi. With the m choices fixed, the score is a minimum of smooth
// functions of z in R^(m+1) wherever the determinants do not all vanish; the (1+1)-CMA-ES (Igel, Suttorp and Hansen, GECCO 2006) climbs
// it, which needs no gradients and no line search that would stop at the edges of a minimum.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <tutelage/core/random.hpp>
#include <tutelage/theory/angular/angular_distance.hpp>
#include <tutelage/theory/angular/cramer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

namespace detail {

/// Maximizes a function of R^n, one trial at a time, from a start, which comes first.
class evolution_strategy {
 public:
  evolution_strategy(std::vector<double> start, stream random)
      : random_(random),
        best_(std::move(start)),
        trial_(best_.size()),
        step_(best_.size()),
        path_(best_.size()),
        factor_(make_matrix<double>(best_.size(), best_.size())) {
    for (std::size_t i = 0; i < best_.size(); ++i) factor_(i, i) = 1;
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
  std::uint64_t seed = 1;
  std::uint64_t climb = 0;  // its number: each has a start of its own
};

/// The best directions of one climb, in increasing order.
struct found_directions {
  std::vector<double> theta;   // [m]
  double score = 0;            // min_i det M_i / sum_i |det M_i|
  double min_determinant = 0;  // min_i det M_i
};

namespace detail {

struct search_start {
  std::vector<double> z;       // [m+1]
  std::vector<bool> opposite;  // [m]
};

/// One of four kinds, evenly: lines at random; evenly spaced ones; neighbors that point almost to
/// opposite sides, in pairs; and all on one side, two clusters about one wide gap.
inline search_start draw_start(std::size_t m, stream& random) {
  search_start start{std::vector<double>(m + 1), std::vector<bool>(m)};
  random.fill_normal(std::span(start.z));
  for (std::size_t i = 0; i < m; ++i) start.opposite[i] = random.below(2) == 1;
  const auto kind = random.below(4);
  if (kind == 1) std::fill(start.z.begin(), start.z.end(), 0.0);
  if (kind == 2) {
    for (std::size_t k = 0; k <= m; ++k) start.z[k] += k % 2 == 0 ? 2 : -2;
    for (std::size_t i = 1; i < m; i += 2) start.opposite[i] = !start.opposite[i - 1];
  }
  if (kind == 3) {
    const auto wide = static_cast<std::size_t>(random.below(m + 1));
    start.z[wide] += 4;
    for (std::size_t i = 0; i < m; ++i) start.opposite[i] = i >= wide;
  }
  return start;
}

/// The score of what was computed; -1 where all determinants vanish.
inline double determinant_score(const cramer_determinants<double>& c) {
  double least = std::numeric_limits<double>::infinity(), sum = 0;
  for (const double x : c.replaced()) {
    least = std::min(least, x);
    sum += std::abs(x);
  }
  return sum > 0 ? least / sum : -1;
}

}  // namespace detail

/// One climb of the score, from a start that seed and number name. Throws argument_error when m is 0, when
/// there is nothing to evaluate or the gap lies outside (0, 1].
template <angular_function<double> F>
found_directions maximize_min_determinant(const F& f, std::size_t m,
                                          const determinant_search& settings) {
  if (m == 0 || settings.evaluations == 0 || !(settings.gap > 0 && settings.gap <= 1)) {
    throw argument_error(detail::text("maximize_min_determinant: m is ", m, ", evaluations ",
                                      settings.evaluations, ", gap ", settings.gap,
                                      "; expected at least 1, at least 1, and in (0, 1]"));
  }
  stream random(settings.seed, purpose::student, settings.climb);
  const auto start = detail::draw_start(m, random);
  detail::evolution_strategy strategy(start.z, random);
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
      theta[i] = start.opposite[i] ? phi + pi : phi;
    }
  };
  found_directions best;
  for (std::size_t n = 0; n < settings.evaluations && strategy.sigma() > 1e-12; ++n) {
    place(n == 0 ? std::span<const double>(start.z) : strategy.propose());
    a.compute(f, std::span<const double>(theta));
    determinants.compute(a.M, a.b);
    const double score = detail::determinant_score(determinants);
    const bool better = best.theta.empty() || score > best.score;
    if (better) best = {theta, score, determinants.min_replaced()};
    if (n > 0) strategy.accept(better);
  }
  std::sort(best.theta.begin(), best.theta.end());
  return best;
}

}  // namespace tutelage
