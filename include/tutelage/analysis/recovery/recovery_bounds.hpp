// The specialization theorems as certificates: given a trained pair, does small gradient on the
// (augmented) samples prove that a teacher node of the lowest layer has a student? For two-layer
// networks arXiv:1909.13458, Theorems 3/6 (agnostic_moves) and 4/7 (aware_moves); for deeper ones
// Theorem 5. Constants and formulas: sample_complexity.hpp.
//
// Conditions, for a teacher node j and a student k that observes it:
//
//   observer   k is active on some samples, and alpha_kj is not 0
//   samples    N[I_j(eps') and E_k] >= (gamma+3) Q (d+1)
//   gradient   |g_k(x)| <= |alpha_kj| |w~*_j| (1 - c*) eps' / 5 for the samples in I_j(eps')
//              and E_k and for all their moves (the proof needs no others), rounding included
//   apart      no other teacher's boundary is within eps of j's (Assumption 3a), and none of the
//              boundaries of higher layers that are counted in Q
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
// Q = K = m_1 + n_1 for two layers. For deeper networks the paper counts the boundaries of all
// regions of the inputs. The proof needs those of the regions of the band's samples, S, that k sees
// and of their moves only, and alpha at S only:
//
//   Let B be the m_1 + n_1 boundaries of the lowest layers and all pieces of those regions
//   (upper_boundaries.hpp), Q their number. If none of B but j's is within eps of j's, Lemma 6 gives
//   an x in S that is farther than gamma eps' from all of them, and one of its moves +-e has |e| =
//   gamma eps' and 2 eps' <= |w*_j.e|. On the segment from x-e to x+e no gate of the lowest layers
//   changes but j's, once, at a foot within eps' of x. On either side of the foot the lowest layers'
//   gates are those of the end there, a move; so layer 2's pre-activations are those of its pieces,
//   which do not vanish on the segment, and agree at the foot: layer 2's gates do not change. And
//   so on upwards. So V_k and V*_j are constant, alpha is that of x, and g_k is affine but for j's
//   kink: Lemma 7, as for two layers. []
//
// So nothing about regions that were not visited is assumed. Theorem 5 takes the coincident boundary
// for a student's without a reason: a piece may lie there as well. Hence the second part of `apart`.
// The larger the band, the more pieces, mostly in proportion: Q exceeds what any number of samples
// supports unless the samples of a region are many, in few dimensions or close to one point.
//
// eta and mu are those of the slices D and I_j(eps') (Definition 10). Given as known_condition, a
// verdict may be "holds". With a population_condition, of the distribution that the data were drawn
// from, it is "in expectation"; with eta searched for, from below, "estimated".
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <tutelage/analysis/recovery/certifier.hpp>
#include <tutelage/model/network.hpp>
#include <tutelage/model/network_cast.hpp>
#include <tutelage/model/pair.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// The certificates of all teacher nodes of a pair, for an alignment to within eps. `condition` is a
/// known_condition, population_condition or estimated_condition of the slices; `moves` says how the
/// data are augmented. Throws shape_error when networks and inputs do not fit or there is no input,
/// argument_error for eps, eta or mu that are not positive numbers and for weights, samples or
/// gradients that are not finite.
template <class Moves, class Condition, class Teacher, class Student, class Inputs>
std::vector<teacher_certificate> certify(Moves, const Condition& condition, const Teacher& teacher,
                                         const Student& student, const Inputs& inputs, double eps) {
  using T = typename Student::value_type;
  using U = std::common_type_t<T, double>;
  static_assert(real_scalar<T>, "certify: real networks");
  static_assert(Teacher::depth >= 2, "certify: networks of two layers or more");
  static_assert(
      std::same_as<typename Teacher::template layer_type<Teacher::depth>::gate_type, identity> &&
          std::same_as<typename Student::template layer_type<Student::depth>::gate_type, identity>,
      "certify: the top layers have no gate");
  detail::require_pair<detail::same_depth, detail::same_scalar>("certify", teacher, student);
  const auto& rows = as_rows(inputs);
  if (rows.rows() == 0 || rows.cols() != student.in_width()) {
    throw shape_error(detail::text("certify: inputs are ", shape_text(rows.rows(), rows.cols()),
                                   ", expected ", student.in_width(),
                                   " columns and at least 1 row"));
  }
  const auto finite = [](const auto& l, std::size_t) {
    detail::require_finite_weights("certify", l);
  };
  teacher.for_each_layer(finite);
  student.for_each_layer(finite);
  const auto wide_teacher = network_cast<U>(teacher);
  const auto wide_student = network_cast<U>(student);
  detail::certifier<Moves, Condition, typename Teacher::template rebind<U>,
                    typename Student::template rebind<U>, Inputs>
      of_node(wide_teacher, wide_student, inputs, condition, eps);
  std::vector<teacher_certificate> result;
  for (std::size_t j = 0; j < teacher.widths()[1]; ++j) result.push_back(of_node(j));
  return result;
}

}  // namespace tutelage
