// The orthonormal target and its students (Li, Ma and Zhang, arXiv:2007.04596):
//
//   f*(x) = sum_(j<m) a*_j relu(x_j)      a*_j = +-1, m <= d
//   f(x)  = sum_i a_i relu(w_i.x)         w_i ~ N(0, I/d), a_i = +-1/sqrt(n)
//
// Students as wide as the target often end in a minimum that is not global; wider ones learn it.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include <tutelage/core/random.hpp>
#include <tutelage/theory/population/population.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

/// W* is the first m unit vectors, entries of V* are signs that the seed draws. Throws shape_error
/// when there are more nodes than inputs.
template <unbiased_network Teacher>
void make_orthonormal_target(Teacher& teacher, std::uint64_t seed) {
  stream random(seed, purpose::teacher);
  using T = typename Teacher::value_type;
  const auto W = teacher.template layer<1>().linear_weights();
  const auto V = teacher.template layer<2>().linear_weights();
  if (W.cols() > W.rows()) {
    throw shape_error(detail::text("make_orthonormal_target: ", W.cols(), " nodes of ", W.rows(),
                                   " inputs, expected at most as many"));
  }
  for (std::size_t j = 0; j < W.cols(); ++j) {
    for (std::size_t i = 0; i < W.rows(); ++i) W(i, j) = i == j ? T(1) : T(0);
    for (T& a : V.row(j)) a = random.below(2) == 0 ? T(1) : T(-1);
  }
}

/// Nodes N(0, I/d), fan-outs of random sign and equal length, 1/sqrt(n) an entry.
struct orthonormal_start {};

template <unbiased_network Student>
void initialize(Student& student, const orthonormal_start& /*start*/, std::uint64_t seed) {
  stream random(seed, purpose::student);
  using T = typename Student::value_type;
  const auto W = student.template layer<1>().linear_weights();
  const auto V = student.template layer<2>().linear_weights();
  const double std = 1 / std::sqrt(static_cast<double>(W.rows()));
  for (std::size_t i = 0; i < W.rows(); ++i) random.fill_normal(W.row(i), 0.0, std);
  const T strength = 1 / std::sqrt(static_cast<T>(V.rows()));
  for (std::size_t k = 0; k < V.rows(); ++k) {
    for (T& a : V.row(k)) a = random.below(2) == 0 ? strength : -strength;
  }
}

}  // namespace tutelage
