// Students that begin near their teachers: the start of arXiv:1905.13405, Section 4.2 and Figure 7.
//
//   W = column_normalize([p_W W* + W_eps, W_r])       W*  [d, m], W  [d, n]
//   V = column_normalize([p_V V* + V_eps; V_r])       V*  [m, C], V  [n, C]
//
// [W_eps, W_r] and [V_eps; V_r] are standard normal with columns divided by their norms. Students
// 0, ..., m-1 are the u-set, the others the r-set. A larger p_W turns the u-set towards the teacher; a
// larger p_V gives its rows of V a larger share of each output.
#pragma once

#include <cstddef>
#include <cstdint>

#include <tutelage/core/matrix.hpp>
#include <tutelage/core/random.hpp>
#include <tutelage/model/normalize_columns.hpp>
#include <tutelage/model/pair.hpp>
#include <tutelage/theory/population/two_layer.hpp>

namespace tutelage::inline TUTELAGE_TARGET {

template <class Teacher>
struct lucky_start {
  const Teacher& teacher;
  double p_W = 1, p_V = 1;
};
template <class Teacher>
lucky_start(const Teacher&, double, double) -> lucky_start<Teacher>;

/// Fills W and V. Throws shape_error unless the student has the teacher's inputs and outputs and at
/// least as many nodes.
template <unbiased_network Student, unbiased_network Teacher>
void initialize(Student& student, const lucky_start<Teacher>& start, std::uint64_t seed) {
  using T = typename Student::value_type;
  detail::require_pair<detail::same_scalar>("lucky_start", start.teacher, student);
  detail::require_hidden_nodes("lucky_start", start.teacher, student);
  const auto W_star = start.teacher.template layer<1>().linear_weights();
  const auto V_star = start.teacher.template layer<2>().linear_weights();
  const matrix_view<T> W(student.template layer<1>().linear_weights());
  const matrix_view<T> V(student.template layer<2>().linear_weights());
  const std::size_t m = W_star.cols();
  stream random(seed, purpose::student);
  for (const auto& A : {W, V}) {
    for (std::size_t i = 0; i < A.rows(); ++i) random.fill_normal(A.row(i));
    normalize_columns(A);
  }
  for (std::size_t j = 0; j < m; ++j) {
    for (std::size_t i = 0; i < W.rows(); ++i) W(i, j) += static_cast<T>(start.p_W) * W_star(i, j);
    for (std::size_t c = 0; c < V.cols(); ++c) V(j, c) += static_cast<T>(start.p_V) * V_star(j, c);
  }
  normalize_columns(W);
  normalize_columns(V);
}

}  // namespace tutelage
