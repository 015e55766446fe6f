// The assignment problem: a permutation p of the columns that makes sum_i gain(i, p(i)) largest.
//
// Shortest augmenting paths with dual potentials (Jonker and Volgenant 1987, without their starts):
// rows are assigned one by one; each search is Dijkstra's over the reduced costs
// -gain(i, j) - u_i - v_j >= 0, which stay so. O(n^3), exact to rounding.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include <tutelage/core/finite.hpp>
#include <tutelage/core/matrix.hpp>
#include <vector>

namespace tutelage::inline TUTELAGE_TARGET {

/// Which column each row is assigned, [n], for gains [n, n]. Throws shape_error unless they are
/// square and argument_error for a gain that is not finite.
inline std::vector<std::size_t> assign(matrix_view<const double> gain) {
  const std::size_t n = gain.rows();
  detail::require_shape("assign", "gain", gain, n, n);
  detail::require_finite("assign", "gain", gain);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (const double g : gain.row(i)) largest = std::max(largest, std::abs(g));
  }
  // A reduced cost is at most 4 times as large: |u| <= max |gain| and -2 max |gain| <= v <= 0.
  const double scale = largest > std::numeric_limits<double>::max() / 8 ? 0.125 : 1;
  const std::size_t none = n;
  std::vector<double> u(n, 0), v(n + 1, 0);  // potentials of rows and columns
  std::vector<std::size_t> row_of(n + 1,
                                  none);  // of each column; column n is where a search starts
  std::vector<std::size_t> before(n);     // the column from which the search came to this one
  std::vector<double> distance(n);
  std::vector<bool> reached(n + 1);
  for (std::size_t start = 0; start < n; ++start) {
    row_of[n] = start;
    std::fill(distance.begin(), distance.end(), infinity);
    std::fill(reached.begin(), reached.end(), false);
    std::size_t column = n;
    do {
      reached[column] = true;
      const std::size_t i = row_of[column];
      double least = infinity;
      std::size_t next = none;
      for (std::size_t j = 0; j < n; ++j) {
        if (reached[j]) continue;
        const double reduced = -scale * gain(i, j) - u[i] - v[j];
        if (reduced < distance[j]) {
          distance[j] = reduced;
          before[j] = column;
        }
        if (distance[j] < least) {
          least = distance[j];
          next = j;
        }
      }
      for (std::size_t j = 0; j <= n; ++j) {
        if (reached[j]) {
          u[row_of[j]] += least;
          v[j] -= least;
        } else {
          distance[j] -= least;  // never of column n, which is reached first
        }
      }
      column = next;
    } while (row_of[column] != none);
    // Every row on the way moves one column on.
    for (; column != n; column = before[column]) row_of[column] = row_of[before[column]];
  }
  std::vector<std::size_t> result(n);
  for (std::size_t j = 0; j < n; ++j) result[row_of[j]] = j;
  return result;
}

}  // namespace tutelage
