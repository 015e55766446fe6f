// A matrix inside a larger block of memory, to see what is read and written around it.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <tutelage/core/matrix.hpp>
#include <vector>

namespace test {

using namespace tutelage;

template <scalar T>
const T not_a_number = T(std::numeric_limits<real_t<T>>::quiet_NaN());

/// Every row is followed by `pad` border numbers; more of them lie before the first row and after
/// the last. A border that is not a number poisons what reads it; any other shows what was written.
template <class T>
class framed {
 public:
  framed(std::size_t rows, std::size_t cols, std::size_t pad, T border)
      : rows_(rows),
        cols_(cols),
        stride_(cols + pad),
        border_(border),
        block_(rows * stride_ + 2 * margin, border) {}

  /// A copy of `m` in a frame.
  framed(const matrix<T>& m, std::size_t pad, T border)
      : framed(m.shape(0), m.shape(1), pad, border) {
    copy(matrix_view(m), view());
  }

  template <std::size_t Rows = dynamic, std::size_t Cols = dynamic>
  [[nodiscard]] matrix_view<T, Rows, Cols> view() {
    return {block_.data() + margin, rows_, cols_, stride_};
  }

  /// Is every border number what it was?
  [[nodiscard]] bool intact() const {
    for (std::size_t i = 0; i < block_.size(); ++i) {
      const bool inside =
          i >= margin && i < margin + rows_ * stride_ && (i - margin) % stride_ < cols_;
      if (!inside && !(block_[i] == border_)) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t margin = 16;

  std::size_t rows_, cols_, stride_;
  T border_;
  std::vector<T> block_;
};

}  // namespace test
