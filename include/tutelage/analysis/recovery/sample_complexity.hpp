// The constants of the two-layer specialization theorems (arXiv:1909.13458, Theorems 3 and 4,
// proved as 6 and 7; Theorem 5 with Q in place of K), and how much data and how small a gradient
// they ask for.
//
//   K       nodes of the lowest layer, teacher's and student's; for deeper networks Q, these and
//           the boundaries that higher layers draw in the regions of the band (recovery_bounds.hpp)
//   d       input width;  b_j  regular bias of the teacher node j
//   eta, mu conditions on the slice D and I_j(eps') (Definition 10);  kappa  the share of the slice
//           that the observer k is active on
//
//   gamma = 2 sqrt(d) (agnostic augmentation), 2 (aware);   root = sqrt(d), 1
//   M1' = (gamma+3) (eta/kappa) K
//   M2' = 1 + gamma + M1' (|b_j| + sqrt((3+gamma) (mu/kappa) K / (1+gamma)))
//   c = max(M1', M2') / (K^1.5 root),   eps' = eps / (c K^1.5 root) = eps / max(M1', M2')
//   N[I_j(eps') and E_k] >= (gamma+3) K (d+1)
//   |g_k(x)| <= |alpha_kj| |w~*_j| (1 - c*) eps' / 5     on the augmented samples
//
// The papers leave c open; this is the least c of the proof. They apply Lemma 6, stated with the
// constants of the slice, to the part of the slice that k sees: that part has eta/kappa and
// mu/kappa, which the theorems do not say. With kappa = 1, the constants are the papers'. alpha is
// of regular teacher weights there; others bring their norm. c* is the slope of the teacher's gate:
// the kink is the teacher's.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <tutelage/core/errors.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// Samples are moved along every axis (Theorems 3 and 6).
struct agnostic_moves {
  [[nodiscard]] static double gamma(std::size_t d) { return 2 * root(d); }
  [[nodiscard]] static double root(std::size_t d) { return std::sqrt(static_cast<double>(d)); }
};

/// Samples in a teacher's band are moved along its weights (Theorems 4 and 7).
struct aware_moves {
  [[nodiscard]] static double gamma(std::size_t) { return 2; }
  [[nodiscard]] static double root(std::size_t) { return 1; }
};

/// What the constants depend on.
struct recovery_setting {
  double K = 0;  // a number of nodes, or Q: of boundaries, too large for a whole number perhaps
  std::size_t d = 0;
  double bias = 0;   // b_j, regular
  double eta = 0;    // of the slice
  double mu = 0;     // of the slice
  double kappa = 1;  // in (0, 1]
};

struct recovery_constants {
  double gamma = 0;
  double root = 0;
  double M1 = 0;  // M1'
  double M2 = 0;  // M2'
  double c = 0;
  double samples = 0;  // that the observer has to see in the band

  /// eps / eps'.
  [[nodiscard]] double widening() const { return std::max(M1, M2); }
  /// eps', the band's half width for an alignment to within eps.
  [[nodiscard]] double width(double eps) const { return eps / widening(); }
  /// How far the augmentation moves a sample, 2 eps / (c K^1.5).
  [[nodiscard]] double step(double eps) const { return 2 * root * width(eps); }
  /// The largest gradient of the observer that the theorems allow, `coefficient` being
  /// |alpha_kj| |w~*_j| and `slope` c*, the teacher's.
  [[nodiscard]] double gradient(double eps, double coefficient, double slope) const {
    return coefficient * (1 - slope) * width(eps) / 5;
  }
};

/// Throws argument_error unless K >= 1, d >= 1, eta and mu are positive, kappa is in (0, 1] and
/// all are finite.
template <class Moves>
recovery_constants constants_of(Moves, const recovery_setting& s) {
  const bool right = s.K >= 1 && std::isfinite(s.K) && s.d >= 1 && std::isfinite(s.bias) &&
                     s.eta > 0 && std::isfinite(s.eta) && s.mu > 0 && std::isfinite(s.mu) &&
                     s.kappa > 0 && s.kappa <= 1;
  if (!right) {
    throw argument_error(detail::text("recovery constants: K ", s.K, ", d ", s.d, ", bias ", s.bias,
                                      ", eta ", s.eta, ", mu ", s.mu, ", kappa ", s.kappa,
                                      "; expected K and d from 1 on, a finite bias, positive eta "
                                      "and mu, kappa in (0, 1]"));
  }
  recovery_constants r;
  r.gamma = Moves::gamma(s.d);
  r.root = Moves::root(s.d);
  r.M1 = (r.gamma + 3) * (s.eta / s.kappa) * s.K;
  r.M2 =
      1 + r.gamma +
      r.M1 * (std::abs(s.bias) + std::sqrt((3 + r.gamma) * (s.mu / s.kappa) * s.K / (1 + r.gamma)));
  r.c = r.widening() / (s.K * std::sqrt(s.K) * r.root);
  r.samples = (r.gamma + 3) * s.K * static_cast<double>(s.d + 1);
  return r;
}

/// How many samples, and how small a gradient, recover a teacher node to within eps.
struct recovery_cost {
  recovery_constants constants;
  double width = 0;     // eps'
  double samples = 0;   // N before augmentation: (gamma+3) K (d+1) / (kappa tau eps')
  double gradient = 0;  // over |alpha_kj| |w~*_j| (1 - c*)
};

/// The calculator: tau is the visibility of the teacher's boundary, N[I_j(eps')] / (eps' N)
/// (Assumption 3). With constants that do not depend on K and d, samples are of order K^2.5 d^2 /
/// eps for agnostic moves, K^2.5 d / eps for aware ones. Throws argument_error as constants_of
/// does, and unless eps and tau are positive numbers.
template <class Moves>
recovery_cost sample_complexity(Moves moves, const recovery_setting& setting, double eps,
                                double tau) {
  if (!(eps > 0) || !std::isfinite(eps) || !(tau > 0) || !std::isfinite(tau)) {
    throw argument_error(
        detail::text("sample_complexity: eps ", eps, ", tau ", tau, ", expected positive numbers"));
  }
  recovery_cost cost;
  cost.constants = constants_of(moves, setting);
  cost.width = cost.constants.width(eps);
  cost.samples = cost.constants.samples / (setting.kappa * tau * cost.width);
  cost.gradient = cost.constants.gradient(eps, 1, 0);
  return cost;
}

}  // namespace tutelage
