// What a specialization theorem says of one teacher node: its conditions, measured and required,
// its conclusion, and what is seen on the weights. Made by certify() in recovery_bounds.hpp, where
// the conditions are explained.
#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include <tutelage/analysis/recovery/sample_complexity.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

enum class verdict {
  holds,           // all conditions are met
  in_expectation,  // all are met, for the eta and mu of the distribution that the data came from
  estimated,       // all are met, for an eta that is only bounded from below
  fails            // at least one is not met: the theorem says nothing
};

/// The certificate of one teacher node.
struct teacher_certificate {
  std::size_t teacher = 0;
  std::optional<std::size_t> observer;  // none when no student is active on any sample
  double eps = 0;                       // asked for
  double width = 0;                     // eps', 0 without observer
  recovery_constants constants;
  double boundaries = 0;  // K, or Q: what the constants are for, at least those counted

  double samples = 0;           // N[I_j(eps') and E_k]
  double required_samples = 0;  // at least
  double gradient = 0;          // largest |g_k| on these and their moves
  double rounding = 0;          // that may be off by so much
  double allowed_gradient = 0;  // at most, rounding included
  /// The least eps at which another teacher's boundary coincides with j's, and at which one of a
  /// higher layer does, of either network, in the regions of the band.
  double teacher_gap = std::numeric_limits<double>::infinity();
  double upper_gap = std::numeric_limits<double>::infinity();

  /// The least eps for which all conditions are met, with some observer: certify() succeeds at it,
  /// and at no eps that is less by a thousandth but in gaps of a twentieth. Infinite when there is
  /// none up to 1, the largest sine; never below epsilon, where weights no longer tell.
  double smallest_eps = std::numeric_limits<double>::infinity();
  /// N for which the samples' condition would be met, for inputs like these, as dense about j's
  /// boundary, and the boundaries counted here: more inputs may meet more. Infinite for none.
  double samples_needed = std::numeric_limits<double>::infinity();

  /// What is seen on the weights: the student whose boundary is nearest, and the least eps at which
  /// the two coincide.
  std::optional<std::size_t> student;
  double student_gap = std::numeric_limits<double>::infinity();

  verdict outcome = verdict::fails;

  [[nodiscard]] bool observed() const { return observer && allowed_gradient > 0; }
  [[nodiscard]] bool enough_samples() const { return samples >= required_samples; }
  [[nodiscard]] bool small_gradient() const { return gradient + rounding <= allowed_gradient; }
  [[nodiscard]] bool apart() const { return teacher_gap > eps && upper_gap > eps; }
  /// The conclusion, on the weights.
  [[nodiscard]] bool recovered() const { return student_gap <= eps; }

  /// The conditions that are not met: "observer", "samples", "gradient", "apart".
  [[nodiscard]] std::vector<std::string> failing() const {
    std::vector<std::string> result;
    if (!observed()) result.emplace_back("observer");
    if (observed() && !enough_samples()) result.emplace_back("samples");
    if (observed() && !small_gradient()) result.emplace_back("gradient");
    if (!apart()) result.emplace_back("apart");
    return result;
  }
};

}  // namespace tutelage
