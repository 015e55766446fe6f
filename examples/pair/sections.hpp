// What the analyses say of a run: the report's sections "local", "observers", "critical", "bounds"
// and "pruning".
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace examples {

/// What gradients prove near each teacher's boundary, with no assumption on the data: of so many of
/// the nearest training samples that a student's boundary is within the bound.
struct local_section {
  struct teacher {
    std::size_t samples;                 // in the band
    double width;                        // the band: within so much of the boundary
    double share;                        // of them proved
    std::optional<double> bound;         // proved for half of those proved
    std::optional<double> distance;      // of the nearest student boundary, median of the same
    std::optional<std::size_t> student;  // that covers most
    double student_share;
  };
  std::vector<teacher> teachers;
};

/// Who observes the teachers of a layer, on the training inputs; as a section, of the lowest one.
struct observers_section {
  struct teacher {
    double band;                               // samples within eps of its boundary
    std::optional<std::size_t> best_observer;  // by the share of the band it is active on
    double kappa;                              // that share
    double two_sided;                          // samples the observer sees on the poorer side
  };
  double eps;
  double tau;  // least visibility of a teacher's boundary
  std::vector<teacher> teachers;
};

/// Sizes of the gradients of all training samples, a layer, from the lowest.
struct critical_section {
  struct layer {
    double max, median, percentile_99;  // over samples, of the largest entry
    double batch_max;                   // largest entry of a batch's dW
  };
  std::vector<layer> layers;
};

/// Theorem 3/6 for each teacher of two-layer networks, with the witnesses of Lemma 7; Theorem 5 for
/// those of deeper ones.
struct bounds_section {
  struct teacher {
    std::string outcome;               // holds, estimated, fails
    std::vector<std::string> failing;  // conditions
    std::optional<std::size_t> observer;
    double width;       // eps'
    double boundaries;  // K or Q
    double samples, required_samples;
    double gradient, rounding, allowed_gradient;
    double smallest_eps;            // infinite: none
    double samples_needed;          // infinite: none
    double student_gap;             // least eps at which a student's boundary coincides
    std::optional<double> witness;  // second difference of a gradient, where there is a witness
  };
  double eps, eta, mu;
  std::vector<teacher> teachers;
};

/// Co-linear groups and prunable nodes of the lowest layer.
struct pruning_section {
  double tolerance;            // of co-linear groups
  std::size_t groups;          // of students
  std::size_t aligned_groups;  // with a teacher
  std::size_t merged_width;    // nodes after merging groups
  double merged_change;        // of the outputs, relative to their deviation
  std::size_t unmatched;       // students of no teacher by correlation
  double unmatched_strength;   // largest |v||w~| of these over the median of the others; 0 for none
  std::optional<double> pruned_change;  // of the outputs without them; none when none would be left
  // The largest kink of a group without a teacher, by the weights and as the gradients bound it;
  // none without such groups, in deep networks and for other losses. Infinite: no bound.
  std::optional<double> kink, kink_bound;
};

struct sections {
  std::optional<local_section> local;
  observers_section observers;
  critical_section critical;
  std::optional<bounds_section> bounds;
  pruning_section pruning;
};

}  // namespace examples
