// Numbers that are no numbers, refused where data enters, by row and column.
#pragma once

#include <cstddef>

#include <tutelage/core/kernel/simd.hpp>
#include <tutelage/core/matrix.hpp>

namespace tutelage::inline TUTELAGE_TARGET::detail {

/// Are all of `count` numbers finite? x - x is 0 or, where x is none, NaN: one sum tells.
template <scalar T>
bool all_finite(const T* from, std::size_t count) noexcept {
  std::size_t k = 0;
  if constexpr (simd_scalar<T>) {
    simd<T> sum(T(0));
    for (; k + lanes<T> <= count; k += lanes<T>) {
      const auto x = simd<T>::load_unaligned(from + k);
      sum += x - x;
    }
    if (k < count) {
      const auto x = partial<T>(count - k).load(from + k);
      sum += x - x;
    }
    return xsimd::all(sum == simd<T>(T(0)));
  } else {
    while (k < count && is_finite(from[k])) ++k;
    return k == count;
  }
}

/// Throws argument_error, `function: what has nan at row 3, column 7, expected finite numbers`,
/// unless all of a view are finite. Row 0 of the view is called `first`. About as fast as reading.
template <class View>
void require_finite(const char* function, const char* what, const View& view,
                    std::size_t first = 0) {
  for (std::size_t i = 0; i < view.rows(); ++i) {
    const auto row = view.row(i);
    if (all_finite(row.data(), row.size())) continue;
    std::size_t k = 0;
    while (is_finite(row[k])) ++k;
    throw argument_error(text(function, ": ", what, " has ", row[k], " at row ", first + i,
                              ", column ", k, ", expected finite numbers"));
  }
}

}  // namespace tutelage
