// The specialization theorems as certificates: given a trained pair, does small gradient on the
// (augmented) samples prove that a teacher node of the lowest layer has a student? For two-layer
// networks arXiv:1909.13458, Theorems 3/6 (agnostic_moves) and 4/7 (aware_moves); for deeper ones
// Theorem 5. Constants and formulas: sample_complexity.hpp.
//
// Conditions, for a teacher node j and the student k that observes it best:
//
//   observer   k is active on some samples, and alpha_kj is not 0
//   samples    N[I_j(eps') and E_k] >= (gamma+3) K (d+1)
//   gradient   |g_k(x)| <= |alpha_kj| |w~*_j| (1 - c*) eps' / 5 for the samples in I_j(eps')
//              and E_k and for all their moves (the proof needs no others)
//   apart      no other teacher's boundary is within eps of j's (Assumption 3a)
//
// Conclusion: some student's boundary is within eps of j's: eps-coincident (weight_alignment.hpp).
// The papers say eps-aligned; but Lemma 6 turns nodes around "without loss of generality" by
// [-w~; b], which has another boundary. Turned by [-w~; -b], as it must be, a node that is opposite
// to j agrees in boundary, not in bias.
//
// c* is the slope of the TEACHER's gate, since the kink is teacher j's; students may have any gate.
// Where no other boundary is crossed they are affine, and z_k = 1. A linear teacher has no observer.
//
// Every student that sees the band is tried as k.
//
// eta and mu are those of the slices D and I_j(eps') (Definition 10). Given as known_condition, a
// verdict may be "holds". With a population_condition, of the distribution that the data were drawn
// from, it is "in expectation"; with eta searched for, from below, "estimated".
#pragma once

#include <cstddef>

#include <tutelage/analysis/recovery/certifier.hpp>
#include <tutelage/model/pair.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// The certificates of all teacher nodes of a two-layer pair, for an alignment to within eps.
/// `condition` is a known_condition, population_condition or estimated_condition of the slices; `moves` says how the
/// data are augmented. Throws shape_error when networks and inputs do not fit, argument_error for
/// eps, eta or mu that are not positive numbers and for weights, samples or gradients that are not
/// finite.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
std::vector<teacher_certificate> certify(Moves, const Condition& condition, const Teacher& teacher,
                                         const Student& student, const Inputs& inputs, double eps) {
  static_assert(Teacher::depth == 2 && Student::depth == 2,
                "certify: networks of two layers; deeper ones need their deep_boundaries");
  detail::require_pair("certify", teacher, student);
  const auto K = static_cast<double>(teacher.widths()[1] + student.widths()[1]);
  return certify(Moves{}, condition, teacher, student, inputs, eps,
                 deep_boundaries{K, detail::absolute_alpha(teacher, student)});
}

/// As above for deeper networks (Theorem 5): Q boundaries take the place of K nodes, and alpha that
/// of its least value over the regions. What is proved is that some of the Q boundaries coincides
/// with j's in the band; the theorem takes it for one of the lowest layer, which its proof does not
/// show: a boundary of a higher layer, bent, may lie there too.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
std::vector<teacher_certificate> certify(Moves, const Condition& condition, const Teacher& teacher,
                                         const Student& student, const Inputs& inputs, double eps,
                                         const deep_boundaries& above) {
  detail::require_pair("certify", teacher, student);
  const detail::certifier<Moves, Condition, Teacher, Student, Inputs> of_node(
      teacher, student, inputs, condition, eps, above);
  std::vector<teacher_certificate> result;
  for (std::size_t j = 0; j < teacher.widths()[1]; ++j) result.push_back(of_node(j));
  return result;
}

}  // namespace tutelage
